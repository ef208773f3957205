from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from attendance.credit import PRESETS, CreditRule
from gateway.ingest import ingest
from ledger import entries, rules
from ledger.check_ins import mark_dirty
from ledger.database import Ledger
from ledger.decisions import decide
from ledger.planning import moved, moving
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.settlement import settle
from ledger.tables import CheckInRow, HourRecordRow, ReviewRow, RosterRow, SessionRow
from tests.cast import EVENING, NINE, add_session, at, company, seen

LATER = EVENING + timedelta(days=30)
MORNING = [("ann", "09:00", "in"), ("ann", "12:00", "out")]


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with the cast in it, on each engine."""
    ledger = company(database)
    yield ledger
    ledger.close()


def come(ledger: Ledger, *visits: tuple[str, str, str], first: int = 1, **fields: Any) -> None:
    with ledger.begin() as db:
        arrivals = [
            seen(who, when, seq=seq, direction=direction, **fields)
            for seq, (who, when, direction) in enumerate(visits, first)
        ]
        ingest(db, arrivals, received_at=EVENING)


def plan(ledger: Ledger, id: str = "order-101", **change: Any) -> None:
    with ledger.begin() as db:
        before = moving(db, [id], now=EVENING)
        row = db.get_one(SessionRow, id)
        for name, value in change.items():
            setattr(row, name, value)
        moved(db, before, now=EVENING)


def tomorrow() -> dict[str, Any]:
    day = timedelta(days=1)
    return {"starts_at": NINE + day, "ends_at": at("12:00") + day, "local_date": NINE.date() + day}


def hours(ledger: Ledger) -> list[tuple[str, str, date, int, Decimal]]:
    """Settle what is due, and give what stands: who, for which session, on which date, minutes, credit."""
    with ledger.begin() as db:
        while settle(db, now=LATER):
            pass
        stands, _ = entries.effective(db.execute(sa.select(HourRecordRow.__table__)))
    rows = ((row.person_id, row.source_id, row.effective_date, row.minutes, row.credit) for row in stands.values())
    return sorted(rows)


def test_a_session_that_moves_to_another_day_takes_its_hours_along(ledger: Ledger) -> None:
    come(ledger, *MORNING)
    assert hours(ledger) == [("ann", "order-101", NINE.date(), 180, Decimal("4.0"))]

    plan(ledger, **tomorrow())

    assert hours(ledger) == [("ann", "order-101", NINE.date() + timedelta(days=1), 0, Decimal("0.0"))]
    with ledger.begin() as db:
        assert db.scalars(sa.select(HourRecordRow.kind).order_by(HourRecordRow.version)).all() == [
            "credit",
            "reversal",
            "credit",
        ]


def test_a_start_that_is_corrected_later_counts_for_those_who_came(ledger: Ledger) -> None:
    come(ledger, ("ann", "09:00", "in"), ("ann", "11:00", "out"))

    plan(ledger, ends_at=at("11:00"))

    assert hours(ledger) == [("ann", "order-101", NINE.date(), 120, Decimal("2.5"))]


@pytest.mark.parametrize("change_first", [True, False], ids=["change first", "check-ins first"])
@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": at("10:00"), "ends_at": at("13:00")},
        {"room_id": None},
        tomorrow(),
        {"cancelled": True},
    ],
    ids=["an hour later", "online", "another day", "cancelled"],
)
def test_it_does_not_matter_whether_a_check_in_or_a_change_becomes_known_first(
    ledger: Ledger, change: dict[str, Any], change_first: bool
) -> None:
    if change_first:
        plan(ledger, **change)
        come(ledger, *MORNING)
    else:
        come(ledger, *MORNING)
        plan(ledger, **change)

    minutes, credit = (120, "0.0") if change.get("starts_at") == at("10:00") else (180, "4.0")
    if "local_date" in change:
        minutes, credit = 0, "0.0"
    day = change.get("local_date", NINE.date())
    expected = [] if "cancelled" in change else [("ann", "order-101", day, minutes, Decimal(credit))]
    assert hours(ledger) == expected


def test_a_cancelled_session_gives_no_hours_and_takes_back_those_it_gave(ledger: Ledger) -> None:
    come(ledger, *MORNING)
    hours(ledger)

    plan(ledger, cancelled=True)
    assert hours(ledger) == []

    plan(ledger, cancelled=False)
    assert hours(ledger) == [("ann", "order-101", NINE.date(), 180, Decimal("4.0"))]


def test_who_is_put_on_the_roster_afterwards_has_come(ledger: Ledger) -> None:
    come(ledger, ("zoe", "09:00", "in"), ("zoe", "12:00", "out"))
    assert hours(ledger) == []

    with ledger.begin() as db:
        before = moving(db, ["order-101"], now=EVENING)
        db.add(RosterRow(session_id="order-101", person_id="zoe"))
        moved(db, before, now=EVENING)

    assert hours(ledger) == [("zoe", "order-101", NINE.date(), 180, Decimal("4.0"))]


def test_a_change_does_not_admit_who_was_refused_for_something_else(ledger: Ledger) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("ann", "09:00", badge="00000000000040008000000000000bad")], received_at=EVENING)
        ingest(db, [seen("zoe", "09:00", seq=2, method="face")], received_at=EVENING)

    with ledger.begin() as db:
        before = moving(db, ["order-101"], now=EVENING)
        db.add(RosterRow(session_id="order-101", person_id="zoe"))
        moved(db, before, now=EVENING)

    with ledger.begin() as db:
        verdicts = db.scalars(sa.select(CheckInRow.verdict).order_by(CheckInRow.seq)).all()
    assert verdicts == ["unknown_badge", "no_consent"]


def test_an_uncertain_time_stays_uncertain_when_the_check_in_is_admitted_later(ledger: Ledger) -> None:
    come(ledger, ("zoe", "09:00", "in"), ("zoe", "12:00", "out"), clock="unknown")

    with ledger.begin() as db:
        before = moving(db, ["order-101"], now=EVENING)
        db.add(RosterRow(session_id="order-101", person_id="zoe"))
        moved(db, before, now=EVENING)

    assert hours(ledger) == []
    with ledger.begin() as db:
        assert db.scalars(sa.select(ReviewRow.reasons)).all() == [["time_uncertain"]]


def test_a_plan_by_which_nobody_can_have_come_is_forgotten(ledger: Ledger) -> None:
    with ledger.begin() as db:
        moving(db, ["order-101"], now=NINE - timedelta(days=1))
        assert db.get_one(SessionRow, "order-101").earlier == []
        for _ in range(2):
            moving(db, ["order-101"], now=NINE)

        assert len(db.get_one(SessionRow, "order-101").earlier) == 1


# Sessions at the same time on different local dates


NIGHT: dict[str, Any] = {"starts": "22:00", "hours": 4}
"""From 22:00 in London; in Shanghai the next day has begun."""
SHIFTED: dict[str, Any] = {"starts": "23:00", "hours": 2, "zone": "Asia/Shanghai"}


def night(ledger: Ledger) -> list[tuple[str, str, str]]:
    with ledger.begin() as db:
        add_session(db, "night", **NIGHT)
        add_session(db, "east", **SHIFTED)
        db.get_one(SessionRow, "east").local_date = NINE.date() + timedelta(days=1)
    return [("night", "22:00", "in"), ("east", "23:00", "in"), ("east", "01:00", "out"), ("night", "02:00", "out")]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_time_in_two_sessions_of_two_dates_counts_once_whatever_comes_first(order: tuple[int, ...]) -> None:
    ledger = company()
    visits = night(ledger)
    for number in order:
        session, when, direction = visits[number]
        moment = at(when) + timedelta(days=1 if when < "12:00" else 0)
        with ledger.begin() as db:
            record = seen("ann", "09:00", seq=number + 1, direction=direction, session=session, at=moment)
            ingest(db, [record], received_at=LATER)
            settle(db, now=LATER)

    found = [(source, minutes) for _, source, _, minutes, _ in hours(ledger)]

    assert found == [("east", 0), ("night", 240)]
    ledger.close()


def test_a_session_gets_its_time_back_when_the_one_beside_it_is_cancelled(ledger: Ledger) -> None:
    visits = night(ledger)
    with ledger.begin() as db:
        for number, (session, when, direction) in enumerate(visits):
            moment = at(when) + timedelta(days=1 if when < "12:00" else 0)
            record = seen("ann", "09:00", seq=number + 1, direction=direction, session=session, at=moment)
            ingest(db, [record], received_at=LATER)
    hours(ledger)

    plan(ledger, "night", cancelled=True)

    assert [(source, minutes) for _, source, _, minutes, _ in hours(ledger)] == [("east", 120)]


# Rules


STRICT = CreditRule(name="cn-45", version=2, unit="学时", unit_minutes=45, step=Decimal(1), effective_from=NINE.date())


def test_a_new_version_of_a_rule_holds_from_its_day_on(ledger: Ledger) -> None:
    come(ledger, ("ann", "09:20", "in"), ("ann", "12:00", "out"))
    assert hours(ledger)[0][4] == Decimal("3.5")

    with ledger.begin() as db:
        assert rules.add_version(db, STRICT, actor="test", now=EVENING)

    assert hours(ledger)[0][4] == Decimal(3)


def test_a_version_of_a_later_day_changes_nothing_before(ledger: Ledger) -> None:
    come(ledger, *MORNING)
    hours(ledger)

    with ledger.begin() as db:
        later = CreditRule(
            name="cn-45", version=2, unit="学时", unit_minutes=45, step=Decimal(1),
            effective_from=NINE.date() + timedelta(days=1),
        )  # fmt: skip
        rules.add_version(db, later, actor="test", now=EVENING)

    assert hours(ledger)[0][4] == Decimal("4.0")
    with ledger.begin() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) == 1


@pytest.mark.parametrize(
    "region, course", [("north", None), (None, "orders"), ("north", "orders")], ids=["region", "course", "both"]
)
def test_another_rule_may_be_used_from_a_day_on(ledger: Ledger, region: str | None, course: str | None) -> None:
    come(ledger, *MORNING)
    hours(ledger)

    with ledger.begin() as db:
        rules.use(
            db, "hour-60", effective_from=NINE.date(), region_id=region, course_id=course, actor="test", now=EVENING
        )

    assert hours(ledger)[0][4] == Decimal("3.00")


def test_the_same_rule_entered_twice_is_one(ledger: Ledger) -> None:
    with ledger.begin() as db:
        first = rules.add_version(db, STRICT, actor="test", now=EVENING)
        again = rules.add_version(db, STRICT, actor="test", now=EVENING)
        preset = rules.add_version(db, PRESETS["cn-45"], actor="test", now=EVENING)

    assert (first, again, preset) == (True, False, False)


def test_a_version_never_changes(ledger: Ledger) -> None:
    other = CreditRule(name="cn-45", version=1, unit="学时", unit_minutes=45, step=Decimal(1))

    with ledger.begin() as db, pytest.raises(TooLate, match="a change is a new version"):
        rules.add_version(db, other, actor="test", now=EVENING)


@pytest.mark.parametrize(
    "wrong, error",
    [
        ({"rule": "none"}, Unknown),
        ({"region_id": "nowhere"}, Unknown),
        ({"course_id": "nothing"}, Unknown),
        ({"region_id": None}, Incomplete),
        ({"effective_from": date(1999, 1, 1)}, Incomplete),
    ],
    ids=["no rule", "no region", "no course", "no place", "before all"],
)
def test_a_rule_cannot_be_used_so(ledger: Ledger, wrong: dict[str, object], error: type[Exception]) -> None:
    given = {"rule": "hour-60", "effective_from": NINE.date(), "region_id": "north", "course_id": None} | wrong
    name = given.pop("rule")

    with ledger.begin() as db, pytest.raises(error):
        rules.use(db, name, **given, actor="test", now=EVENING)  # type: ignore[arg-type]


def test_a_decision_moves_with_its_session(ledger: Ledger) -> None:
    come(ledger, ("ann", "09:00", "in"))
    hours(ledger)
    with ledger.begin() as db:
        decide(db, "order-101", "ann", "add_out", at("12:00"), None, "she stayed", by="boss", now=EVENING)
        mark_dirty(db, [])
    assert hours(ledger) == [("ann", "order-101", NINE.date(), 180, Decimal("4.0"))]

    plan(ledger, starts_at=at("09:30"))

    assert hours(ledger) == [("ann", "order-101", NINE.date(), 150, Decimal("3.0"))]
