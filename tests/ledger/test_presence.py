from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
import sqlalchemy as sa

from gateway.ingest import ingest
from gateway.watch import tick
from ledger.database import Ledger
from ledger.decisions import decide
from ledger.presence import Put, answer, asked, asked_of, draw, put_so_far
from ledger.refusals import TooLate, Unknown
from ledger.tables import HourRecordRow, PresenceCheckRow, ReviewRow, SessionRow
from tests.cast import EVENING, NINE, company, seen


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger whose session asks twice whether its learners are still there, on each engine."""
    ledger = company(database)
    with ledger.begin() as db:
        db.get_one(SessionRow, "order-101").presence_checks = 2
        draw(db, now=NINE, random=Random(7))
    yield ledger
    ledger.close()


def checks(ledger: Ledger) -> list[PresenceCheckRow]:
    with ledger.read() as db:
        return list(db.scalars(sa.select(PresenceCheckRow).order_by(PresenceCheckRow.asked_at)))


def come(ledger: Ledger) -> None:
    with ledger.begin() as db:
        both = [seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out")]
        ingest(db, both, received_at=EVENING)


def answer_all(ledger: Ledger, but: int = 0) -> None:
    for check in checks(ledger)[but:]:
        with ledger.begin() as db:
            answer(db, check.id, "ann", now=check.asked_at + timedelta(minutes=1))


def test_a_session_is_drawn_once(ledger: Ledger) -> None:
    with ledger.begin() as db:
        again = draw(db, now=NINE + timedelta(minutes=1))

    assert again == 0
    assert len(checks(ledger)) == 2
    assert all(NINE <= check.asked_at < check.answer_until <= NINE + timedelta(hours=3) for check in checks(ledger))


@pytest.mark.parametrize("change", [{"presence_checks": 0}, {"cancelled": True}], ids=["none wanted", "cancelled"])
def test_nobody_is_asked_in_a_session_that_does_not_ask(database: str, change: dict[str, object]) -> None:
    ledger = company(database)
    with ledger.begin() as db:
        row = db.get_one(SessionRow, "order-101")
        row.presence_checks = 2
        for name, value in change.items():
            setattr(row, name, value)
        draw(db, now=NINE)

    assert checks(ledger) == []
    ledger.close()


def test_a_session_is_not_drawn_before_it_begins(database: str) -> None:
    ledger = company(database)
    with ledger.begin() as db:
        db.get_one(SessionRow, "order-101").presence_checks = 2
        draw(db, now=NINE - timedelta(seconds=1))

    assert checks(ledger) == []
    ledger.close()


def test_a_check_is_asked_from_its_moment_until_it_has_run_out(ledger: Ledger) -> None:
    first = checks(ledger)[0]
    second = timedelta(seconds=1)

    with ledger.read() as db:
        at = [first.asked_at - second, first.asked_at, first.answer_until, first.answer_until + second]
        waiting = [len(asked(db, ["order-101"], now=moment)) for moment in at]
        for_ann = [len(asked_of(db, "ann", now=moment)) for moment in at]
        for_zoe = [len(asked_of(db, "zoe", now=moment)) for moment in at]

    assert (waiting, for_ann, for_zoe) == ([0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0])


def test_an_answered_check_is_not_asked_again(ledger: Ledger) -> None:
    first = checks(ledger)[0]
    for _ in range(2):
        with ledger.begin() as db:
            answer(db, first.id, "ann", now=first.asked_at)

    with ledger.read() as db:
        assert asked_of(db, "ann", now=first.asked_at) == []
        assert len(asked_of(db, "bo", now=first.asked_at)) == 1


@pytest.mark.parametrize(
    "late, error", [(timedelta(seconds=-1), TooLate), (timedelta(minutes=4), TooLate)], ids=["too early", "too late"]
)
def test_an_answer_has_its_time(ledger: Ledger, late: timedelta, error: type[Exception]) -> None:
    first = checks(ledger)[0]

    with ledger.begin() as db, pytest.raises(error):
        answer(db, first.id, "ann", now=first.asked_at + late)


@pytest.mark.parametrize("check, who", [("nothing", "ann"), (None, "zoe")], ids=["no check", "a stranger"])
def test_a_check_is_answered_by_its_learners_only(ledger: Ledger, check: str | None, who: str) -> None:
    first = checks(ledger)[0]

    with ledger.begin() as db, pytest.raises(Unknown):
        answer(db, check or first.id, who, now=first.asked_at)


@pytest.mark.parametrize(
    "change",
    [{"cancelled": True}, {"starts_at": NINE + timedelta(hours=3), "ends_at": NINE + timedelta(hours=6)}],
    ids=["cancelled", "moved"],
)
def test_a_session_asks_nothing_outside_of_its_plan(ledger: Ledger, change: dict[str, object]) -> None:
    first = checks(ledger)[0]
    with ledger.begin() as db:
        row = db.get_one(SessionRow, "order-101")
        for name, value in change.items():
            setattr(row, name, value)

    with ledger.read() as db:
        waiting = asked(db, ["order-101"], now=first.asked_at), asked_of(db, "ann", now=first.asked_at)
        so_far = put_so_far(db, ["order-101"], now=EVENING)

    assert (waiting, so_far) == (([], []), {})


def test_what_was_asked_so_far_is_told_with_its_answers(ledger: Ledger) -> None:
    first, second = checks(ledger)
    answer_all(ledger, but=1)

    with ledger.read() as db:
        told = [put_so_far(db, ["order-101", "other"], now=at) for at in (NINE, first.asked_at, EVENING)]

    only = Put(first.asked_at)
    assert told == [
        {},
        {"order-101": (only,)},
        {"order-101": (only, Put(second.asked_at, {"ann": second.asked_at + timedelta(minutes=1)}))},
    ]


def settled(ledger: Ledger) -> tuple[list[Decimal], list[list[str]]]:
    tick(ledger, now=EVENING)
    with ledger.read() as db:
        return list(db.scalars(sa.select(HourRecordRow.credit))), list(db.scalars(sa.select(ReviewRow.reasons)))


def test_who_answered_every_check_has_the_hours(ledger: Ledger) -> None:
    answer_all(ledger)
    come(ledger)

    assert settled(ledger) == ([Decimal("4.0")], [])


def test_an_answer_that_is_entered_after_the_settlement_counts(ledger: Ledger) -> None:
    """It was given in time, and had to wait for its turn."""
    answer_all(ledger, but=1)
    come(ledger)
    assert settled(ledger) == ([], [["missed_presence_check"]])

    answer_all(ledger)

    assert settled(ledger) == ([Decimal("4.0")], [])


def test_who_missed_a_check_is_on_review_until_somebody_vouches(ledger: Ledger) -> None:
    answer_all(ledger, but=1)
    come(ledger)
    assert settled(ledger) == ([], [["missed_presence_check"]])

    with ledger.begin() as db:
        decide(db, "order-101", "ann", "present", None, None, "I saw her", by="boss", now=EVENING)

    assert settled(ledger) == ([Decimal("4.0")], [])
