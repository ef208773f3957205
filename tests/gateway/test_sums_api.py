"""HR checks its own hours: totals of a month and sums of days, for the regions of its key."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.problem import TYPE
from ledger import chain, feed
from ledger.tables import PersonRow, RosterRow
from tests.gateway.cast import Gateway
from tests.hour_records import DAY, enter, record, reversal

ZERO = {"credited": "0", "bonus": "0", "minutes": 0}


@pytest.fixture
def hours(gateway: Gateway) -> Gateway:
    """Enter two records of Ann's, one of which was corrected in an open month, and one of Dora's in the west."""
    october = record(1, effective_date=DAY - timedelta(days=30), credit=Decimal("3.0"), minutes=145)
    corrected = {"effective_date": october.effective_date, "settles": october.settles, "booked_in": "2026-11"}
    enter(
        gateway.ledger, october, reversal(2, october, booked_in="2026-11"), record(3, version=3, **corrected),
        record(4), record(5, person_id="dora", region_id="west", unit="hour", credit=Decimal("2.75")),
    )  # fmt: skip
    return gateway


def asked(gateway: Gateway, path: str, **wishes: Any) -> Any:
    answer = gateway.get(f"/api/v1/{path}", gateway.key(**wishes))
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def problem(gateway: Gateway, path: str, **wishes: Any) -> tuple[int, str, str]:
    answer = gateway.get(f"/api/v1/{path}", gateway.key(**wishes))
    told = answer.get_json()
    return answer.status_code, told["type"].removeprefix(TYPE), told["detail"]


def test_a_month_is_totalled_for_each_person_and_unit(hours: Gateway) -> None:
    told = asked(hours, "totals?month=2026-11")

    ann, dora = told["totals"]
    assert ann == {
        "person": "ann", "personnel_number": "1001", "unit": "学时", "records": 1,
        "credited": "3.5", "bonus": "0", "minutes": 165, "booked_later": ZERO,
        "from_closed_months": {"credited": "0.5", "bonus": "0", "minutes": 20},
        "booked": {"credited": "4", "bonus": "0", "minutes": 185},
    }  # fmt: skip
    assert (dora["person"], dora["unit"], dora["credited"]) == ("dora", "hour", "2.75")
    assert (told["month"], told["next_after"], told["feed"]["last"]) == ("2026-11", None, 5)


def test_totals_come_page_by_page_and_for_the_regions_of_the_key(hours: Gateway) -> None:
    first = asked(hours, "totals?month=2026-11&limit=1")
    second = asked(hours, f"totals?month=2026-11&limit=1&after={first['next_after']}")
    west = asked(hours, "totals?month=2026-11", regions=["west"])

    assert [total["person"] for page in (first, second, west) for total in page["totals"]] == ["ann", "dora", "dora"]
    assert (first["next_after"], second["next_after"]) == ("ann", None)


def test_a_day_is_summed_for_each_region(hours: Gateway) -> None:
    told = asked(hours, "sums?day=2026-11-20")

    east, west = told["sums"]
    assert {name: east[name] for name in ("day", "region", "count", "minutes", "credit")} == {
        "day": "2026-11-20", "region": "east", "count": 1, "minutes": 165, "credit": {"学时": "3.5"},
    }  # fmt: skip
    assert (west["region"], west["credit"]) == ("west", {"hour": "2.75"})
    assert len({east["sha256"], west["sha256"]}) == 2


def test_sums_carry_what_tells_later_whether_history_was_changed(hours: Gateway) -> None:
    key = hours.key()
    with hours.ledger.begin() as db:
        chain.chain(db)

    told = hours.get("/api/v1/sums?day=2026-11-20", key).get_json()

    with hours.ledger.read() as db:
        last, hash = feed.head(db)
        assert told["feed"] == {"epoch": str(feed.epoch(db)), "last": last, "hash": hash}
        assert (told["audit"]["seq"], told["audit"]["hash"]) == chain.head(db)


@pytest.mark.parametrize(
    "days, found",
    [
        ("day=2026-11-20", ["2026-11-20"]),
        ("month=2026-11", ["2026-11-20"]),
        ("month=2026-10", ["2026-10-21"]),
        ("from=2026-10-21&to=2026-11-20", ["2026-10-21", "2026-11-20"]),
        ("day=2026-11-19", []),
    ],
)
def test_days_are_said_in_three_ways(hours: Gateway, days: str, found: list[str]) -> None:
    told = asked(hours, f"sums?{days}", regions=["east"])

    assert [sum["day"] for sum in told["sums"]] == found


@pytest.mark.parametrize(
    "days, why",
    [
        pytest.param("", "Say which days: `day`, `month`, or `from` and `to`.", id="not at all"),
        pytest.param("from=2026-11-20", "Say which days: `day`, `month`, or `from` and `to`.", id="half"),
        pytest.param("day=2026-11-20&month=2026-11", "Say which days: `day`, `month`, or `from` and `to`.", id="twice"),
        pytest.param("from=2026-11-20&to=2026-11-19", "`to` is a day before `from`.", id="backwards"),
        pytest.param("from=2026-10-20&to=2026-11-20", "Ask for 31 days at most; these are 32.", id="too many"),
    ],
)
def test_days_that_are_not_clear_are_asked_for_again(hours: Gateway, days: str, why: str) -> None:
    assert problem(hours, f"sums?{days}") == (422, "value-wrong", why)


@pytest.mark.parametrize(
    "query", ["sums?day=2026-02-30", "sums?day=20261120", "sums?dya=1", "totals?month=2026-13", "totals"]
)
def test_a_wrong_parameter_is_named(hours: Gateway, query: str) -> None:
    status, kind, _ = problem(hours, query)

    assert (status, kind) == (422, "parameter-wrong")


@pytest.mark.parametrize("path", ["totals?month=2026-11", "sums?day=2026-11-20"])
def test_another_scope_does_not_open_them(hours: Gateway, path: str) -> None:
    status, kind, _ = problem(hours, path, scopes=["reviews:read"])

    assert (status, kind) == (403, "scope-missing")


def test_who_has_been_erased_keeps_hours_but_no_number(hours: Gateway) -> None:
    with hours.ledger.begin() as db:
        db.execute(sa.delete(RosterRow).where(RosterRow.person_id == "dora"))
        db.execute(sa.delete(PersonRow).where(PersonRow.id == "dora"))

    told = asked(hours, "totals?month=2026-11")

    assert [total["personnel_number"] for total in told["totals"]] == ["1001", None]
