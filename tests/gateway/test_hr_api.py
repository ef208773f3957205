"""HR pulls: by a key with scopes and regions, by a cursor that is its own, and every record with its reasons."""

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gateway import admin, cursor
from gateway.problem import TYPE, NotDone
from ledger import feed
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import EpochRow, PersonRow, RosterRow
from tests.gateway.cast import NINE, TWELVE, Gateway, Hands, attend, evening, seen, session

FEED = "/api/v1/hour-records"


def kind(answer: Any) -> str:
    """Return the type of a problem document."""
    assert answer.content_type == "application/problem+json"
    return str(answer.get_json()["type"]).removeprefix(TYPE)


@pytest.fixture
def day(gateway: Gateway) -> Gateway:
    """Let Ann and Bo attend the whole session, Dora hers, and settle."""
    with gateway.ledger.begin() as db:
        for person, session in (("ann", "order-101"), ("bo", "order-101"), ("dora", "west-7")):
            attend(db, person, session=session)
        evening(db)
    return gateway


def test_a_record_says_what_an_archive_needs(day: Gateway) -> None:
    page = day.get(FEED, day.key()).get_json()

    record = next(record for record in page["records"] if record["person"] == "ann")
    assert {name: record[name] for name in ("kind", "personnel_number", "region", "source", "minutes")} == {
        "kind": "credit", "personnel_number": "1001", "region": "east", "source": "order-101", "minutes": 165,
    }  # fmt: skip
    assert (record["credit"], record["unit"], record["rule"]) == ("3.5", "学时", "cn-45@1")
    assert record["effective_date"] == "2026-11-20"
    assert record["course"]["starts_at"] == "2026-11-20T01:00:00.000Z"
    assert (record["course"]["title_zh"], record["course"]["place"]) == ("订单录入", "Room 1")
    assert "Ann" not in str(page)


def test_pages_follow_each_other_without_a_gap(day: Gateway) -> None:
    key = day.key()
    whole = day.get(FEED, key).get_json()["records"]

    pages, more, cursor = [], True, ""
    while more:
        page = day.get(f"{FEED}?limit=1{cursor}", key).get_json()
        pages += page["records"]
        more, cursor = page["has_more"], f"&cursor={page['next_cursor']}"

    assert pages == whole
    assert len(whole) == 3


def test_a_client_comes_back_with_its_last_cursor(day: Gateway) -> None:
    key = day.key()
    end = day.get(FEED, key).get_json()["next_cursor"]
    nothing = day.get(f"{FEED}?cursor={end}", key).get_json()
    one = TWELVE + timedelta(hours=1)
    with day.ledger.begin() as db:
        session(db, "order-102", people=("ann",), starts_at=one)
        seen(db, "ann", "in", one, session="order-102")
        seen(db, "ann", "out", one + timedelta(hours=3), session="order-102")
        evening(db, one + timedelta(hours=4))

    news = day.get(f"{FEED}?cursor={nothing['next_cursor']}", key).get_json()["records"]

    assert (nothing["records"], nothing["has_more"]) == ([], False)
    assert [(record["kind"], record["source"]) for record in news] == [("credit", "order-102")]


def test_a_correction_is_a_reversal_and_a_new_record(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", NINE + timedelta(minutes=20))
        seen(db, "ann", "out", TWELVE)
        evening(db)
    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
        evening(db, TWELVE + timedelta(hours=2))

    records = gateway.get(FEED, gateway.key()).get_json()["records"]

    first, reversal, second = records
    assert [(record["kind"], record["minutes"]) for record in records] == [
        ("credit", 145),
        ("reversal", 145),
        ("credit", 165),
    ]
    assert reversal["reverses"] == first["id"]
    assert {record["settles"] for record in records} == {first["settles"]}
    assert [record["version"] for record in records] == [1, 2, 3]
    assert second["reverses"] is None


def test_a_key_for_a_region_reads_its_records_once_and_looks_through_the_rest_once(
    day: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 1)
    west = day.key(regions=["west"])

    pages = [day.get(FEED, west).get_json()]
    while pages[-1]["has_more"]:
        pages.append(day.get(f"{FEED}?cursor={pages[-1]['next_cursor']}", west).get_json())

    with day.ledger.read() as db:
        told: dict[str, Any] = {
            "client": west["Authorization"].split("_")[1],
            "epoch": feed.epoch(db),
            "key": day.keys.cursor,
        }
    assert [record["person"] for page in pages for record in page["records"]] == ["dora"]
    assert [cursor.read(page["next_cursor"], **told) for page in pages] == [1, 2, 3]


def test_an_empty_feed_has_a_cursor_too(gateway: Gateway) -> None:
    page = gateway.get(FEED, gateway.key()).get_json()

    assert page["records"] == []
    assert page["next_cursor"]


def test_one_record_comes_with_its_reasons(day: Gateway) -> None:
    key = day.key()
    record = next(record for record in day.get(FEED, key).get_json()["records"] if record["person"] == "ann")

    explained = day.get(f"{FEED}/{record['id']}", key).get_json()

    assert {name: explained[name] for name in record} == record
    assert explained["sentence"]["en"].startswith("Present 165 of 165 minutes")
    assert explained["sentence"]["zh"].startswith("应到 165 分钟")
    assert len(explained["check_ins"]) == 2
    assert explained["explanation"]["outcome"]["credit"] == "3.5"


def test_an_erased_person_has_no_number(day: Gateway) -> None:
    with day.ledger.begin() as db:
        db.execute(sa.delete(RosterRow).where(RosterRow.person_id == "dora"))
        db.execute(sa.delete(PersonRow).where(PersonRow.id == "dora"))

    records = day.get(FEED, day.key()).get_json()["records"]

    numbers = {record["person"]: record["personnel_number"] for record in records}
    assert numbers == {"ann": "1001", "bo": "1002", "dora": None}


def test_what_is_under_review_says_why(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        only = seen(db, "ann", "in", NINE)
        evening(db)

    [review] = gateway.get("/api/v1/reviews", gateway.key(scopes=["reviews:read"])).get_json()["reviews"]

    assert (review["session"], review["person"], review["personnel_number"]) == ("order-101", "ann", "1001")
    assert review["reasons"] == ["missing_out"]
    assert review["text"]["en"].startswith("There is a check-in but no check-out")
    assert review["check_ins"] == [str(only)]


# Keys


def test_without_a_key_nothing_is_told(day: Gateway) -> None:
    answer = day.get(FEED)

    assert (answer.status_code, kind(answer)) == (401, "key-missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer", id="no key"),
        pytest.param("Bearer tdm_" + "0" * 32 + "_" + "x" * 43, id="unknown key"),
        pytest.param("Basic aHI6c2VjcmV0", id="a password"),
        pytest.param("Bearer \u00e4\u00f6\u00fc", id="not ASCII"),
    ],
)
def test_a_wrong_key_is_refused(day: Gateway, header: str) -> None:
    answer = day.get(FEED, {"Authorization": header})

    assert (answer.status_code, kind(answer)) == (401, "key-wrong")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_right_key_with_another_secret_is_refused(day: Gateway) -> None:
    shown = day.key()["Authorization"]
    last = "A" if shown[-1] != "A" else "B"

    answer = day.get(FEED, {"Authorization": shown[:-1] + last})

    assert (answer.status_code, kind(answer)) == (401, "key-wrong")


def test_a_key_ends_with_its_last_second(day: Gateway) -> None:
    key = day.key(days=1)
    day.clock.now = NINE + timedelta(days=1)

    last = day.get(FEED, key)
    day.clock.now += timedelta(seconds=1)
    after = day.get(FEED, key)

    assert (last.status_code, after.status_code) == (200, 401)


def test_a_revoked_key_is_refused(day: Gateway) -> None:
    key = day.key()
    with day.ledger.begin() as db:
        [listed] = admin.key_list(db)
        admin.key_revoke(db, listed["id"], actor="test", now=NINE)

    assert day.get(FEED, key).status_code == 401


def test_a_key_opens_only_what_its_scopes_say(day: Gateway) -> None:
    answer = day.get("/api/v1/reviews", day.key(scopes=["hours:read"]))

    assert (answer.status_code, kind(answer)) == (403, "scope-missing")
    assert 'scope="reviews:read"' in answer.headers["WWW-Authenticate"]


def test_a_key_sees_only_its_regions(day: Gateway) -> None:
    everywhere, west = day.key(), day.key(regions=["west"])
    records = day.get(FEED, everywhere).get_json()["records"]
    of_ann = next(record["id"] for record in records if record["person"] == "ann")

    seen_by_west = day.get(FEED, west).get_json()
    asked = day.get(f"{FEED}/{of_ann}", west)

    assert [record["person"] for record in seen_by_west["records"]] == ["dora"]
    assert (asked.status_code, kind(asked)) == (404, "record-unknown")


def test_a_key_is_stored_hashed_and_its_making_audited(gateway: Gateway) -> None:
    secret = gateway.key()["Authorization"].rpartition("_")[2]

    with gateway.ledger.read() as db:
        assert secret not in str(admin.key_list(db))
        assert [row.act for row in db.query(AuditRow)] == ["key created"]


@pytest.mark.parametrize("wish", [{"scopes": ["all"]}, {"regions": ["moon"]}], ids=["scope", "region"])
def test_a_key_for_what_does_not_exist_is_not_made(gateway: Gateway, wish: dict[str, Any]) -> None:
    with gateway.ledger.begin() as db, pytest.raises(NotDone, match="there is no"):
        admin.key_create(db, "hr", actor="test", now=NINE, **wish)


# Cursors


def test_another_clients_cursor_is_refused(day: Gateway) -> None:
    theirs = day.get(FEED, day.key()).get_json()["next_cursor"]

    answer = day.get(f"{FEED}?cursor={theirs}", day.key("other"))

    assert (answer.status_code, kind(answer)) == (403, "cursor-foreign")
    assert "this API key" in answer.get_json()["detail"]


def test_a_cursor_from_before_a_restore_is_refused(day: Gateway) -> None:
    key = day.key()
    stale = day.get(FEED, key).get_json()["next_cursor"]
    with day.ledger.begin() as db:
        db.add(EpochRow(id=uuid4(), began_at=NINE + timedelta(days=3650)))

    answer = day.get(f"{FEED}?cursor={stale}", key)

    assert (answer.status_code, kind(answer)) == (410, "cursor-stale")
    assert "without a cursor" in answer.get_json()["detail"]


@pytest.mark.parametrize("place", [0, 30, 50, 95])
def test_an_altered_cursor_is_refused(day: Gateway, place: int) -> None:
    key = day.key()
    good = day.get(FEED, key).get_json()["next_cursor"]
    altered = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]

    answer = day.get(f"{FEED}?cursor={altered}", key)

    assert (answer.status_code, kind(answer)) == (400, "cursor-altered")


@pytest.mark.parametrize("text", ["1", "A" * 96, "=" * 96, "\u4e2d\u6587", "null"])
def test_what_was_never_a_cursor_is_refused(day: Gateway, text: str) -> None:
    answer = day.get(f"{FEED}?cursor={text}", day.key())

    assert (answer.status_code, kind(answer)) == (400, "cursor-altered")


def test_a_cursor_does_not_show_the_secret_that_guards_it(day: Gateway) -> None:
    with day.ledger.read() as db:
        epoch = feed.epoch(db)
    text = cursor.write(7, client="0" * 32, epoch=epoch, key=day.keys.cursor)

    assert day.keys.cursor not in base64.urlsafe_b64decode(text)
    assert cursor.read(text, client="0" * 32, epoch=epoch, key=day.keys.cursor) == 7


# Parameters


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.0", "+5", "1_0", "ten", ""])
def test_a_wrong_limit_is_named(day: Gateway, limit: str) -> None:
    answer = day.browser().get(FEED, query_string={"limit": limit}, headers=day.key())

    assert (answer.status_code, kind(answer)) == (422, "parameter-wrong")
    assert answer.get_json()["errors"][0]["parameter"] == "limit"


def test_a_misspelt_parameter_is_not_ignored(day: Gateway) -> None:
    answer = day.get(f"{FEED}?curser=x", day.key())

    assert (answer.status_code, kind(answer)) == (422, "parameter-wrong")


def test_who_has_no_key_is_not_told_what_is_wrong_with_the_rest(day: Gateway) -> None:
    assert day.get(f"{FEED}?limit=0").status_code == 401


def test_an_unknown_record_is_not_found(day: Gateway) -> None:
    answer = day.get(f"{FEED}/{uuid4()}", day.key())

    assert (answer.status_code, kind(answer)) == (404, "record-unknown")


def test_a_wrong_method_is_told_the_right_one(day: Gateway) -> None:
    answer = day.browser().delete(FEED, headers=day.key())

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_a_fault_of_ours_is_told_without_its_details(ledger: Ledger) -> None:
    broken = Gateway(ledger, clock=Stopped())
    broken.app.testing = False

    answer = broken.get(FEED, {"Authorization": "Bearer x"})

    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "spring" not in answer.text


class Stopped(Hands):
    """A clock that cannot say the time."""

    def __call__(self) -> datetime:
        """Fail."""
        raise RuntimeError("the spring is broken")


NO_SUCH_RECORD = f"{FEED}/00000000-0000-4000-8000-00000000dead"


@pytest.mark.parametrize("path", [FEED, "/api/v1/reviews", NO_SUCH_RECORD, f"{FEED}?limit=0"])
def test_no_answer_is_kept_on_the_way(day: Gateway, path: str) -> None:
    answer = day.get(path, day.key(scopes=["hours:read", "reviews:read"]))

    assert answer.headers["Cache-Control"] == "no-store"
