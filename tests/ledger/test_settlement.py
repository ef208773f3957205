import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from gateway.ingest import Arrival, ingest
from ledger import feed
from ledger.database import Ledger
from ledger.settlement import settle
from ledger.tables import DirtyDayRow, HourRecordRow, ReviewRow
from tests.cast import EVENING, NOON, add_session, at, company, seen


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with the cast in it, on each engine."""
    ledger = company(database)
    yield ledger
    ledger.close()


def enter(ledger: Ledger, *arrivals: Arrival, now: datetime = EVENING) -> None:
    with ledger.begin() as db:
        ingest(db, arrivals, received_at=now)
    with ledger.begin() as db:
        settle(db, now=now)


def hours(ledger: Ledger) -> list[tuple[str, str, int, Decimal]]:
    with ledger.begin() as db:
        feed.number(db)
        return [
            (row.person_id, row.kind, row.minutes, row.credit)
            for _, row in feed.page(db, after=0, limit=100, regions=None).records
        ]


def test_a_full_morning_is_credited_by_the_regions_rule(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out"))

    assert hours(ledger) == [("ann", "credit", 180, Decimal("4.0"))]


def test_a_late_record_reverses_the_old_hours_and_enters_the_new(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:20", seq=1), seen("ann", "12:00", seq=2, direction="out"))

    enter(ledger, seen("ann", "09:00", seq=3))

    assert hours(ledger) == [
        ("ann", "credit", 160, Decimal("3.5")),
        ("ann", "reversal", 160, Decimal("3.5")),
        ("ann", "credit", 180, Decimal("4.0")),
    ]


def test_settling_again_enters_nothing_when_nothing_changed(ledger: Ledger) -> None:
    both = seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out")
    enter(ledger, *both)

    enter(ledger, *both)
    with ledger.begin() as db:
        db.add(DirtyDayRow(person_id="ann", day=NOON.date(), due_at=NOON))
    enter(ledger)

    assert len(hours(ledger)) == 1


def test_every_order_of_arrival_gives_the_same_effective_hours() -> None:
    story = [
        seen("ann", "09:00", seq=1), seen("bo", "09:10", seq=2), seen("ann", "10:20", seq=3, direction="out"),
        seen("ann", "10:50", seq=4), seen("bo", "12:00", seq=5, direction="out"),
        seen("ann", "12:00", seq=6, direction="out"),
    ]  # fmt: skip
    seen_results = set()

    for seed in range(20):
        ledger = company()
        shuffled = random.Random(seed).sample(story, len(story))
        for arrival in shuffled:
            enter(ledger, arrival)
        with ledger.begin() as db:
            rows = db.scalars(sa.select(HourRecordRow)).all()
        gone = {row.reverses for row in rows}
        effective = [row for row in rows if row.kind == "credit" and row.id not in gone]
        seen_results.add(tuple(sorted((str(row.settles), row.minutes, str(row.credit)) for row in effective)))

    assert len(seen_results) == 1


def test_nobody_is_settled_before_the_session_ends(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1), seen("ann", "10:00", seq=2, direction="out"), now=at("10:00"))

    assert hours(ledger) == []
    with ledger.begin() as db:
        assert db.scalars(sa.select(DirtyDayRow.due_at)).all() == [NOON]


def test_who_is_still_in_at_the_end_may_leave_until_the_window_closes(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1), now=NOON)
    assert hours(ledger) == []

    enter(ledger, seen("ann", "12:20", seq=2, direction="out"), now=at("12:20"))

    assert hours(ledger) == [("ann", "credit", 180, Decimal("4.0"))]


def test_a_forgotten_check_out_is_on_review_and_credits_nothing(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1))

    with ledger.read() as db:
        [review] = db.scalars(sa.select(ReviewRow)).all()
    assert (review.person_id, review.reasons, hours(ledger)) == ("ann", ["missing_out"], [])


def test_the_missing_check_out_that_arrives_late_takes_the_session_off_review(ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1))

    enter(ledger, seen("ann", "12:00", seq=2, direction="out"))

    with ledger.read() as db:
        assert db.scalars(sa.select(ReviewRow)).all() == []
    assert hours(ledger) == [("ann", "credit", 180, Decimal("4.0"))]


def test_two_sessions_of_one_day_are_settled_together(ledger: Ledger) -> None:
    with ledger.begin() as db:
        add_session(db, "order-102", starts="11:00", hours=2)

    enter(
        ledger,
        seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out"),
        seen("ann", "11:00", seq=3, session="order-102"),
        seen("ann", "13:00", seq=4, direction="out", session="order-102"),
    )  # fmt: skip

    # The hour in both belongs to the earlier session; of the later one 60 of 120 minutes are left, below 80 %.
    assert sorted(hours(ledger)) == [("ann", "credit", 60, Decimal("0.0")), ("ann", "credit", 180, Decimal("4.0"))]


@pytest.mark.parametrize("statement", ["UPDATE hour_records SET minutes = 1", "DELETE FROM hour_records"])
def test_the_database_refuses_to_change_an_hour(statement: str, ledger: Ledger) -> None:
    enter(ledger, seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out"))

    with pytest.raises(DatabaseError, match="append-only"), ledger.begin() as db:
        db.execute(sa.text(statement))


def test_a_chunk_settles_no_more_days_than_asked(ledger: Ledger) -> None:
    with ledger.begin() as db:
        for days in range(5):
            db.add(DirtyDayRow(person_id="ann", day=(NOON + timedelta(days=days)).date(), due_at=NOON))

    with ledger.begin() as db:
        settled = [settle(db, now=EVENING, limit=3), settle(db, now=EVENING, limit=3), settle(db, now=EVENING)]

    assert settled == [3, 2, 0]
