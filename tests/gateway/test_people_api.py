"""HR reads people, keeps their consents, and issues and revokes badges."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from gateway.people_api import masked
from ledger.account_tables import AuditRow
from ledger.check_ins import consenting
from ledger.tables import BadgeRow, PersonRow
from protocol import badge
from protocol.badge import Badge
from tests.gateway.api_cast import Hr, acts, refused
from tests.gateway.cast import NINE

FACE = {"purpose": "face", "version": "2026-01", "given_at": "2026-11-01T09:00:00+08:00"}


def test_a_person_is_told_without_pin_and_with_a_masked_phone(hr: Hr) -> None:
    assert hr.get("people/1001").get_json() == {
        "number": "1001",
        "person": "ann",
        "name": "Ann Li",
        "role": "clerk",
        "region": "east",
        "language": "en",
        "phone": "•••••••••••000",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["1001", "1002", "1003", "2001", "2002", "3001"]),
        ({"role": "trainer"}, ["3001"]),
        ({"region": "west", "role": "clerk"}, ["2001"]),
        ({"region": "moon"}, []),
    ],
    ids=["all", "role", "both", "nowhere"],
)
def test_people_are_found(hr: Hr, query: dict[str, str], expected: list[str]) -> None:
    found = hr.everything("people", "people", limit=2, **query)

    assert [person["number"] for person in found] == expected


def test_people_are_found_on_postgresql_too(hr_on_both: Hr) -> None:
    assert len(hr_on_both.everything("people", "people", limit=1)) == 6


@pytest.mark.parametrize(
    ("phone", "shown"),
    [(None, None), ("", None), ("110", "•••"), ("123456", "••••••"), ("1234567", "••••567")],
    ids=["none", "empty", "short", "not long", "long"],
)
def test_a_short_number_is_not_shown_at_all(phone: str | None, shown: str | None) -> None:
    assert masked(phone) == shown


# Consents


def test_a_consent_is_given_once_and_withdrawn_once(hr_on_both: Hr) -> None:
    hr, ledger = hr_on_both, hr_on_both.gateway.ledger

    given, again = hr.post("people/1002/consents", **FACE), hr.post("people/1002/consents", **FACE)
    id = given.get_json()["id"]
    with ledger.read() as db:
        stood = consenting(db, ["bo"], "face")
    withdrawn, twice = (hr.post(f"people/1002/consents/{id}/withdraw") for _ in range(2))

    assert (given.status_code, again.status_code) == (201, 200)
    assert given.get_json() == again.get_json()
    assert stood == {"bo"}
    assert withdrawn.get_json() == twice.get_json() == given.get_json() | {"withdrawn_at": "2026-11-20T06:00:00.000Z"}
    assert hr.get("people/1002/consents").get_json() == {"consents": [withdrawn.get_json()]}
    with ledger.read() as db:
        assert consenting(db, ["bo"], "face") == set()
        noted = [row for row in db.query(AuditRow) if row.thing == id]
    assert sorted(row.act for row in noted) == ["consent given", "consent withdrawn"]
    assert "Bo" not in str([row.details for row in noted])


def test_a_consent_can_be_given_again_after_it_was_withdrawn(hr: Hr) -> None:
    first = hr.post("people/1002/consents", **FACE).get_json()["id"]
    hr.post(f"people/1002/consents/{first}/withdraw")

    later = hr.post("people/1002/consents", **FACE | {"given_at": "2026-11-19T09:00:00+08:00"})

    assert later.status_code == 201
    assert len(hr.get("people/1002/consents").get_json()["consents"]) == 2


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"given_at": "2026-11-20T14:00:01+08:00"}, "value-wrong"),
        ({"given_at": None}, "parameter-wrong"),
        ({"version": ""}, "parameter-wrong"),
        ({"purpose": "fa\u0000ce"}, "parameter-wrong"),
    ],
    ids=["in the future", "no time", "no version", "NUL"],
)
def test_a_consent_that_makes_no_sense_is_refused(hr: Hr, change: dict[str, Any], kind: str) -> None:
    assert refused(hr.post("people/1002/consents", **FACE | change)) == (422, kind)
    assert hr.get("people/1002/consents").get_json() == {"consents": []}


def test_somebody_elses_consent_cannot_be_withdrawn_under_another_number(hr: Hr) -> None:
    assert refused(hr.post("people/1002/consents/yes-ann/withdraw")) == (404, "not-found")


# Badges


def test_a_badge_is_issued_with_its_code_once(hr_on_both: Hr) -> None:
    hr = hr_on_both
    [old] = hr.get("people/1001/badges").get_json()["badges"]

    issued = hr.post("people/1001/badges", expires_at="2027-01-01T00:00:00Z")

    new = issued.get_json()
    assert issued.status_code == 201
    keys = {id: key.verify_key for id, key in hr.gateway.keys.badges.items()}
    read = badge.verify(new["text"], keys)
    assert isinstance(read, Badge)
    assert str(read.id) == new["id"]
    assert "<svg" in new["svg"]
    listed = hr.get("people/1001/badges")
    assert listed.get_json()["badges"] == [old, {name: new[name] for name in old}]
    assert new["text"] not in listed.text
    assert ("badge issued", new["id"]) in {act[1:] for act in acts(hr.gateway)}


def test_a_staff_badge_is_for_trainers(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        db.get_one(PersonRow, "bo").role = "trainer"

    clerk, trainer = hr.post("people/1001/badges", staff=True), hr.post("people/1002/badges", staff=True)

    assert refused(clerk)[0] == 422
    assert (trainer.status_code, trainer.get_json()["staff"]) == (201, True)
    read = badge.verify(trainer.get_json()["text"], hr.gateway.keys.badge_keys)
    assert isinstance(read, Badge)
    assert read.kind == "staff"
    assert ("staff badge issued", trainer.get_json()["id"]) in {act[1:] for act in acts(hr.gateway)}


def test_a_badge_is_revoked_once(hr_on_both: Hr) -> None:
    hr = hr_on_both
    [old] = hr.get("people/1001/badges").get_json()["badges"]

    first = hr.post(f"badges/{old['id']}/revoke").get_json()
    hr.gateway.clock.now += timedelta(hours=1)
    second = hr.post(f"badges/{old['id']}/revoke").get_json()

    assert first == second == old | {"revoked_at": "2026-11-20T06:00:00.000Z"}
    assert [act[1] for act in acts(hr.gateway) if act[2] == old["id"]] == ["badge issued", "badge revoked"]


def test_a_badge_is_not_issued_for_a_time_that_is_over(hr: Hr) -> None:
    answer = hr.post("people/1001/badges", expires_at=NINE.isoformat())

    assert refused(answer) == (422, "value-wrong")


@pytest.mark.parametrize("id", [str(uuid4()), uuid4().hex, "1"], ids=["unknown", "no hyphens", "no id"])
def test_what_is_no_badge_is_not_revoked(hr: Hr, id: str) -> None:
    status, _ = refused(hr.post(f"badges/{id}/revoke"))

    assert status in (404, 422)


# Regions of a key


def test_people_of_other_regions_are_as_if_they_were_not_there(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])
    with hr.gateway.ledger.read() as db:
        of_ann = db.query(BadgeRow).filter_by(person_id="ann").one().id
    before = acts(hr.gateway)

    assert [person["number"] for person in west.everything("people", "people", limit=1)] == ["2001", "2002"]
    asks: tuple[Callable[[str], TestResponse], ...] = (
        lambda number: west.get(f"people/{number}"),
        lambda number: west.get(f"people/{number}/consents"),
        lambda number: west.post(f"people/{number}/consents", **FACE),
        lambda number: west.post(f"people/{number}/consents/yes-ann/withdraw"),
        lambda number: west.get(f"people/{number}/badges"),
        lambda number: west.post(f"people/{number}/badges", expires_at=None),
    )
    for ask in asks:
        foreign, missing = ask("1001"), ask("0")
        assert refused(foreign) == (404, "not-found")
        assert foreign.get_json() == missing.get_json()
    assert west.post(f"badges/{of_ann}/revoke").get_json() == west.post(f"badges/{uuid4()}/revoke").get_json()
    assert acts(hr.gateway) == before
