"""HR reads sessions and rosters, plans a session anew, and what that changes is settled again."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.account_tables import AuditRow
from ledger.settlement import settle
from ledger.tables import CheckInRow, DirtyDayRow, RosterRow, SessionRow
from tests.gateway.api_cast import Hr, acts, refused
from tests.gateway.cast import NINE, TODAY, TWELVE, seen, session

ORDER = "sessions/order-101"


def at(clock: str, day: str = "2026-11-20") -> str:
    """Write a moment as Shanghai's clock shows it."""
    return f"{day}T{clock}:00+08:00"


def dirty(hr: Hr) -> set[tuple[str, date]]:
    """Return the days that wait for settlement."""
    with hr.gateway.ledger.read() as db:
        return {(row.person_id, row.day) for row in db.scalars(sa.select(DirtyDayRow))}


def test_a_session_is_told_whole(hr: Hr) -> None:
    assert hr.get(ORDER).get_json() == {
        "id": "order-101",
        "course": "order-entry",
        "region": "east",
        "room": "room-1",
        "trainer": "3001",
        "program": None,
        "series": None,
        "starts_at": "2026-11-20T01:00:00.000Z",
        "ends_at": "2026-11-20T04:00:00.000Z",
        "zone": "Asia/Shanghai",
        "local_date": "2026-11-20",
        "breaks": [{"starts_at": "2026-11-20T02:30:00.000Z", "ends_at": "2026-11-20T02:45:00.000Z"}],
        "methods": [
            "paper", "staff", "static_badge", "session_code", "static_badge+staff", "dynamic_badge", "face",
            "badge+face",
        ],
        "least_assurance": "paper",
        "missing_out": "review",
        "presence_checks": 0,
        "cancelled": False,
        "roster_size": 2,
    }  # fmt: skip


@pytest.fixture
def weeks(hr_on_both: Hr) -> Hr:
    """Plan a series of three sessions in another room, one on each of the next days."""
    with hr_on_both.gateway.ledger.begin() as db:
        for n in (1, 2, 3):
            session(db, f"night-{n}", room="room-2", starts_at=NINE + timedelta(days=n))
            row = db.get_one(SessionRow, f"night-{n}")
            row.series_id, row.local_date = "nights", TODAY + timedelta(days=n)
    return hr_on_both


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["night-1", "night-2", "night-3", "order-101", "west-7"]),
        ({"from": "2026-11-21", "to": "2026-11-22"}, ["night-1", "night-2"]),
        ({"to": "2026-11-20"}, ["order-101", "west-7"]),
        ({"region": "east", "room": "room-1"}, ["order-101"]),
        ({"series": "nights", "from": "2026-11-23"}, ["night-3"]),
        ({"course": "nothing"}, []),
        ({"region": "moon"}, []),
    ],
    ids=lambda value: "&".join(value) if isinstance(value, dict) else "",
)
def test_sessions_are_found(weeks: Hr, query: dict[str, str], expected: list[str]) -> None:
    found = weeks.everything("sessions", "sessions", limit=2, **query)

    assert [one["id"] for one in found] == expected


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"from": "2026-02-30"}, id="no such day"),
        pytest.param({"from": "0001-01-01"}, id="the first year"),
        pytest.param({"to": "9999-12-31"}, id="the last year"),
        pytest.param({"from": "1700000000"}, id="seconds"),
        pytest.param({"form": "2026-11-20"}, id="misspelt"),
        pytest.param({"course": "a\u0000b"}, id="NUL"),
        pytest.param({"course": ["a", "b"]}, id="twice"),
        pytest.param({"limit": "1001"}, id="too many"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(hr: Hr, query: dict[str, Any]) -> None:
    assert refused(hr.get("sessions", **query)) == (422, "parameter-wrong")


# Planned anew


def test_a_session_that_moves_is_settled_on_both_days(hr_on_both: Hr) -> None:
    hr, other = hr_on_both, "2026-11-21"

    moved = hr.patch(
        ORDER,
        starts_at=at("09:00", other),
        ends_at=at("12:00", other),
        breaks=[{"starts_at": at("10:30", other), "ends_at": at("10:45", other)}],
    ).get_json()

    assert (moved["local_date"], moved["starts_at"]) == (other, "2026-11-21T01:00:00.000Z")
    days = {TODAY, TODAY + timedelta(days=1)}
    assert dirty(hr) >= {(who, day) for who in ("ann", "bo") for day in days}
    with hr.gateway.ledger.read() as db:
        details = db.scalars(sa.select(AuditRow.details).where(AuditRow.act == "session changed")).one()
    assert details["before"]["starts_at"] == "2026-11-20T01:00:00+00:00"
    assert details["changed"] == ["breaks", "ends_at", "local_date", "starts_at"]


def test_hours_follow_the_new_plan(hr: Hr) -> None:
    hr.patch(ORDER, breaks=[{"starts_at": at("10:00"), "ends_at": at("11:00")}])

    with hr.gateway.ledger.begin() as db:
        settle(db, now=hr.gateway.clock.now)
    listed = hr.get("sessions/order-101/decisions")
    assert listed.get_json() == {"decisions": []}
    with hr.gateway.ledger.read() as db:
        query = sa.text("SELECT minutes FROM hour_records WHERE person_id = 'ann' AND kind = 'credit' ORDER BY version")
        assert db.execute(query).scalars().all() == [165, 120]


def test_a_date_is_that_of_the_sessions_own_zone(hr: Hr) -> None:
    moved = hr.patch(ORDER, starts_at="2026-11-20T16:30:00Z", ends_at="2026-11-20T18:00:00Z", breaks=[]).get_json()

    assert moved["local_date"] == "2026-11-21"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"room": None}, ("room", None)),
        ({"room": "room-2"}, ("room", "room-2")),
        ({"trainer": None}, ("trainer", None)),
        ({"cancelled": True}, ("cancelled", True)),
        ({"presence_checks": 10}, ("presence_checks", 10)),
        ({"breaks": []}, ("breaks", [])),
    ],
)
def test_one_thing_changes_and_the_rest_stays(hr: Hr, change: dict[str, Any], told: tuple[str, Any]) -> None:
    before = hr.get(ORDER).get_json()

    after = hr.patch(ORDER, **change).get_json()

    assert after == before | dict([told])
    assert hr.get(ORDER).get_json() == after
    assert ("session changed", "order-101") in {(act, thing) for _, act, thing in acts(hr.gateway)}


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"room": "room-1", "trainer": "3001", "cancelled": False},
        {"starts_at": at("09:00"), "breaks": [{"starts_at": at("10:30"), "ends_at": at("10:45")}]},
    ],
    ids=["nothing", "places", "times"],
)
def test_what_is_so_already_is_left_alone(hr: Hr, same: dict[str, Any]) -> None:
    before = acts(hr.gateway)

    answer = hr.patch(ORDER, **same)

    assert answer.status_code == 200
    assert acts(hr.gateway) == before
    assert dirty(hr) == set()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param({"ends_at": at("09:00")}, "value-wrong", id="no length"),
        pytest.param({"starts_at": at("12:30")}, "value-wrong", id="ends first"),
        pytest.param({"ends_at": at("09:01", "2026-11-21")}, "value-wrong", id="more than a day"),
        pytest.param({"starts_at": at("10:40")}, "value-wrong", id="the break begins before"),
        pytest.param({"breaks": [{"starts_at": at("11:00"), "ends_at": at("12:01")}]}, "value-wrong", id="long break"),
        pytest.param({"breaks": [{"starts_at": at("11:00"), "ends_at": at("11:00")}]}, "value-wrong", id="no break"),
        pytest.param(
            {"breaks": [{"starts_at": at("10:00"), "ends_at": at("10:30")}] * 2}, "value-wrong", id="break in break"
        ),
        pytest.param(
            {"breaks": [{"starts_at": at(f"11:{n:02}"), "ends_at": at(f"11:{n + 1:02}")} for n in range(21)]},
            "value-wrong",
            id="many breaks",
        ),
        pytest.param({"room": "room-9"}, "value-wrong", id="room elsewhere"),
        pytest.param({"room": "room-0"}, "value-wrong", id="no room"),
        pytest.param({"trainer": "1001"}, "value-wrong", id="a learner"),
        pytest.param({"trainer": "0"}, "value-wrong", id="nobody"),
        pytest.param({"starts_at": None}, "parameter-wrong", id="null"),
        pytest.param({"starts_at": "2026-11-20T09:00:00"}, "parameter-wrong", id="no offset"),
        pytest.param({"starts_at": 1795000000}, "parameter-wrong", id="seconds"),
        pytest.param({"starts_at": "1795000000"}, "parameter-wrong", id="seconds in text"),
        pytest.param({"starts_at": "2026-02-30T09:00:00Z"}, "parameter-wrong", id="no such day"),
        pytest.param({"starts_at": "9999-12-31T23:59:59Z"}, "parameter-wrong", id="the last year"),
        pytest.param({"cancelled": "yes"}, "parameter-wrong", id="a word"),
        pytest.param({"presence_checks": 11}, "parameter-wrong", id="asking too often"),
        pytest.param({"presence_checks": -1}, "parameter-wrong", id="asking less than never"),
        pytest.param({"presence_checks": True}, "parameter-wrong", id="asking yes"),
        pytest.param({"cancelled": 1}, "parameter-wrong", id="a number"),
        pytest.param({"course": "packing"}, "parameter-wrong", id="what is not planned here"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(hr: Hr, change: dict[str, Any], kind: str) -> None:
    before, noted = hr.get(ORDER).get_json(), acts(hr.gateway)

    answer = hr.patch(ORDER, **change)

    assert refused(answer) == (422, kind)
    assert hr.get(ORDER).get_json() == before
    assert acts(hr.gateway) == noted


# Rosters


def test_who_was_refused_for_want_of_a_place_is_let_in(hr_on_both: Hr) -> None:
    hr, ledger = hr_on_both, hr_on_both.gateway.ledger
    with ledger.begin() as db:
        came = seen(db, "stranger", "in", NINE, verdict="not_on_roster")
        left = seen(db, "stranger", "out", TWELVE, verdict="not_on_roster")
        settle(db, now=TWELVE + timedelta(hours=1))

    made = hr.put(f"{ORDER}/roster/1003")
    again = hr.put(f"{ORDER}/roster/1003")

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.get_json() == {"person": "stranger", "personnel_number": "1003", "role": "clerk"}
    with ledger.read() as db:
        assert {db.get_one(CheckInRow, id).verdict for id in (came, left)} == {"admitted"}
    assert ("stranger", TODAY) in dirty(hr)
    assert [act for act in acts(hr.gateway) if "roster" in act[1]] == [(f"key:{hr.id}", "roster joined", "order-101")]


def test_a_roster_is_read_page_by_page(hr_on_both: Hr) -> None:
    hr_on_both.put(f"{ORDER}/roster/1003")

    roster = hr_on_both.everything(f"{ORDER}/roster", "roster", limit=1)

    assert [seat["personnel_number"] for seat in roster] == ["1001", "1002", "1003"]
    assert "Ann" not in str(roster)
    assert hr_on_both.get(ORDER).get_json()["roster_size"] == 3


def test_who_leaves_the_roster_keeps_what_was_admitted(hr: Hr) -> None:
    first = hr.delete(f"{ORDER}/roster/1001")
    second = hr.delete(f"{ORDER}/roster/1001")

    assert first.status_code == 204
    assert refused(second) == (404, "not-found")
    with hr.gateway.ledger.begin() as db:
        assert db.get(RosterRow, ("order-101", "ann")) is None
        settle(db, now=hr.gateway.clock.now)
        assert db.execute(sa.text("SELECT count(*) FROM hour_records WHERE person_id = 'ann'")).scalar() == 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [("3001", (422, "value-wrong")), ("0", (404, "not-found")), ("10%0001", (422, "parameter-wrong"))],
    ids=["a trainer", "nobody", "NUL"],
)
def test_who_has_no_place_on_a_roster(hr: Hr, number: str, expected: tuple[int, str]) -> None:
    assert refused(hr.put(f"{ORDER}/roster/{number}")) == expected


# Regions of a key


def test_a_key_reaches_only_the_sessions_and_people_of_its_regions(hr: Hr) -> None:
    west, before = Hr(hr.gateway, regions=["west"]), acts(hr.gateway)

    assert [one["id"] for one in west.everything("sessions", "sessions", limit=1)] == ["west-7"]
    for answer in (
        west.get(ORDER),
        west.patch(ORDER, cancelled=True),
        west.get(f"{ORDER}/roster"),
        west.put(f"{ORDER}/roster/2001"),
        west.delete(f"{ORDER}/roster/1001"),
        west.put("sessions/west-7/roster/1001"),
        west.delete("sessions/west-7/roster/1001"),
    ):
        assert refused(answer) == (404, "not-found")
    assert refused(west.patch("sessions/west-7", trainer="3001")) == (422, "value-wrong")
    assert acts(hr.gateway) == before
