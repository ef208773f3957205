"""The day's page goes by what counts: first arrivals, and what a trainer has decided."""

from gateway import day
from gateway.ingest import ingest
from gateway.watch import tick
from ledger.decisions import decide
from tests.cast import EVENING, NOON, at, company, seen


def test_who_comes_back_from_a_walk_is_not_late() -> None:
    ledger = company()
    with ledger.begin() as db:
        walk = [seen("ann", seq=1), seen("ann", "10:00", seq=2, direction="out"), seen("ann", "10:20", seq=3)]
        ingest(db, walk, received_at=at("10:20"))

    with ledger.read() as db:
        sitting = day.sitting(db, "order-101", now=at("10:30"))

    assert sitting
    [ann] = [seat for seat in sitting.seats if seat.person == "ann"]
    assert (ann.status, ann.late) == ("in", False)


def test_who_has_left_by_a_trainers_decision_is_not_in_the_room() -> None:
    ledger = company()
    with ledger.begin() as db:
        ingest(db, [seen("ann", seq=1)], received_at=EVENING)
    tick(ledger, now=EVENING)

    with ledger.begin() as db:
        decide(db, "order-101", "ann", "add_out", NOON, None, "Seen until the end", by="tao", now=EVENING)
    tick(ledger, now=EVENING)

    with ledger.read() as db:
        sitting = day.sitting(db, "order-101", now=EVENING)
    assert sitting
    [ann] = [seat for seat in sitting.seats if seat.person == "ann"]
    assert (ann.status, ann.review) == ("left", None)
