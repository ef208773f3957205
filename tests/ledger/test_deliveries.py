"""The outbox: queued with the record, claimed by one, answered once, in the order of an answer's versions."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ledger import deliveries
from ledger.database import Ledger
from ledger.deliveries import Claim
from ledger.delivery_tables import ArchiveRow, DeliveryRow
from tests.sync.cast import EVENING, company, enter, hour, morning, reversal

# A test that asks for `database` runs on SQLite and on PostgreSQL.
pytestmark = pytest.mark.enable_socket

LEASE = timedelta(minutes=2)


def claim(ledger: Ledger, worker: str = "a", *, limit: int = 10, later: timedelta = timedelta()) -> list[Claim]:
    with ledger.begin() as db:
        return deliveries.claim(db, "hr", worker=worker, now=EVENING + later, limit=limit, lease=LEASE)


def ids(claims: list[Claim]) -> list[int]:
    return [one.id for one in claims]


def rows(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as db:
        found = db.execute(sa.select(DeliveryRow.target, DeliveryRow.state).order_by(DeliveryRow.id))
        return [(target, state) for target, state in found]


def test_a_record_is_queued_once_for_every_active_archive(database: str) -> None:
    ledger = company(database, "hr", "local", "old")
    with ledger.begin() as db:
        db.get_one(ArchiveRow, "old").active = False

    with ledger.begin() as db:
        [id] = enter(db, hour(1))
        again = deliveries.put(db, [id], now=EVENING)

    assert again == 0
    assert rows(ledger) == [("hr", "queued"), ("local", "queued")]
    ledger.close()


def test_what_is_rolled_back_is_not_queued(database: str) -> None:
    ledger = company(database, "hr")

    def enter_and_fail() -> None:
        with ledger.begin() as db:
            enter(db, hour(1))
            raise KeyError

    with pytest.raises(KeyError):
        enter_and_fail()
    assert rows(ledger) == []
    ledger.close()


def test_a_claim_is_one_workers_until_its_lease_is_over(database: str) -> None:
    ledger = company(database, "hr")
    morning(ledger, 3)

    first, second = claim(ledger, "a", limit=2), claim(ledger, "b")
    at_its_end, after = claim(ledger, "b", later=LEASE), claim(ledger, "c", later=LEASE + timedelta(seconds=1))

    assert (len(first), len(second), at_its_end) == (2, 1, [])
    assert ids(after) == ids(first) + ids(second)
    assert {one.attempts for one in after} == {2}
    ledger.close()


def test_a_claim_brings_the_record_with_it(database: str) -> None:
    ledger = company(database, "hr")
    [id] = morning(ledger, 1)

    [found] = claim(ledger)

    assert (found.record.id, found.record.minutes, found.attempts) == (id, 180, 1)
    ledger.close()


def test_nobody_claims_what_is_not_due_yet_or_for_another_target(database: str) -> None:
    ledger = company(database, "local")
    morning(ledger, 1)

    assert claim(ledger) == []
    with ledger.begin() as db:
        assert deliveries.claim(db, "local", worker="a", now=EVENING - timedelta(seconds=1), limit=9, lease=LEASE) == []
        assert deliveries.due(db, "local", now=EVENING)
    ledger.close()


def test_versions_of_one_answer_go_out_one_after_the_other(database: str) -> None:
    ledger = company(database, "hr")
    with ledger.begin() as db:
        enter(db, hour(1), hour(2), reversal(1), hour(1, version=3))

    seen = []
    while found := claim(ledger):
        seen.append([(one.record.source_id, one.record.version) for one in found])
        with ledger.begin() as db:
            deliveries.accepted(db, ids(found), "a", EVENING)

    assert seen == [[("order-1", 1), ("order-2", 1)], [("order-1", 2)], [("order-1", 3)]]
    ledger.close()


def test_a_reversal_waits_while_its_credit_is_put_off(database: str) -> None:
    ledger = company(database, "hr")
    with ledger.begin() as db:
        enter(db, hour(1), reversal(1))
    [credit] = claim(ledger)

    with ledger.begin() as db:
        deliveries.later(db, [credit.id], "a", EVENING + timedelta(minutes=5), "HTTP 500")

    assert claim(ledger) == []
    assert ids(claim(ledger, later=timedelta(minutes=5))) == [credit.id]
    ledger.close()


def test_a_reversal_is_sent_when_its_credit_was_refused_and_does_not_wait_for_a_person(database: str) -> None:
    ledger = company(database, "hr")
    with ledger.begin() as db:
        enter(db, hour(1), reversal(1))
    [credit] = claim(ledger)

    with ledger.begin() as db:
        deliveries.refused(db, credit.id, "a", "cost centre is closed", EVENING)

    assert [one.record.kind for one in claim(ledger)] == ["reversal"]
    ledger.close()


def test_who_has_lost_the_lease_cannot_finish(database: str) -> None:
    ledger = company(database, "hr")
    morning(ledger, 2)
    slow = claim(ledger, "slow")
    claim(ledger, "quick", limit=1, later=LEASE + timedelta(seconds=1))

    with ledger.begin() as db:
        counts = [
            deliveries.accepted(db, ids(slow), "slow", EVENING),
            deliveries.refused(db, slow[0].id, "slow", "no", EVENING),
            deliveries.later(db, [slow[0].id], "slow", EVENING, "no"),
            deliveries.accepted(db, [slow[0].id], "quick", EVENING),
            deliveries.accepted(db, [slow[0].id], "quick", EVENING),
        ]

    assert counts == [1, 0, 0, 1, 0]
    ledger.close()


def test_what_was_refused_is_queued_again_by_a_replay_and_nothing_else(database: str) -> None:
    ledger = company(database, "hr")
    morning(ledger, 3)
    one, two, _ = claim(ledger)
    with ledger.begin() as db:
        deliveries.refused(db, one.id, "a", "no", EVENING)
        deliveries.refused(db, two.id, "a", "no", EVENING)

    with ledger.begin() as db:
        counts = [
            deliveries.replay(db, "hr", now=EVENING, hour_record_ids=[one.record.id]),
            deliveries.replay(db, "hr", now=EVENING),
            deliveries.replay(db, "hr", now=EVENING),
        ]

    assert counts == [1, 1, 0]
    assert [(again.id, again.attempts) for again in claim(ledger, "b")] == [(one.id, 1), (two.id, 1)]
    ledger.close()


def test_the_standing_counts_each_state_with_its_oldest(database: str) -> None:
    ledger = company(database, "hr")
    morning(ledger, 4)
    one, two = claim(ledger, limit=2)
    with ledger.begin() as db:
        deliveries.accepted(db, [one.id], "a", EVENING)
        deliveries.refused(db, two.id, "a", "cost centre is closed", EVENING)

        found = deliveries.standing(db)

    assert [(line.target, line.state, line.count, line.reason) for line in found] == [
        ("hr", "accepted", 1, None),
        ("hr", "queued", 2, None),
        ("hr", "refused", 1, "cost centre is closed"),
    ]
    assert [line.oldest - EVENING for line in found] == [timedelta(seconds=second) for second in (0, 2, 1)]
    ledger.close()


def test_each_record_can_be_asked_how_far_it_has_come(database: str) -> None:
    ledger = company(database, "hr")
    with ledger.begin() as db:
        enter(db, hour(1), reversal(1), hour(2), hour(3), hour(4))
    for_one = claim(ledger)
    with ledger.begin() as db:
        deliveries.accepted(db, [for_one[0].id], "a", EVENING)
        deliveries.refused(db, for_one[1].id, "a", "no", EVENING)
        deliveries.later(db, [for_one[2].id], "a", EVENING + LEASE, "HTTP 500")
    taken_back = claim(ledger)
    with ledger.begin() as db:
        before = deliveries.told(db, [hour(1).id])
        deliveries.accepted(db, ids(taken_back), "a", EVENING)

        told = deliveries.told(db, [row.id for row in (hour(1), reversal(1), hour(2), hour(3), hour(4))])

    assert before[hour(1).id]["hr"].state == "accepted"
    found = {id: (of["hr"].state, of["hr"].reason) for id, of in told.items()}
    assert found == {
        hour(1).id: ("reversed", None),
        reversal(1).id: ("accepted", None),
        hour(2).id: ("refused", "no"),
        hour(3).id: ("queued", "HTTP 500"),
        hour(4).id: ("sent", None),
    }
    ledger.close()


def test_an_archive_that_is_added_later_gets_everything_in_the_order_of_entry(database: str) -> None:
    ledger = company(database)
    with ledger.begin() as db:
        enter(db, hour(2), hour(1), reversal(1))
    assert rows(ledger) == []

    with ledger.begin() as db:
        new = [deliveries.ensure(db, "hr", kind="rest"), deliveries.ensure(db, "hr", kind="rest")]
        counts = [deliveries.backfill(db, "hr", now=EVENING), deliveries.backfill(db, "hr", now=EVENING)]

    assert (new, counts) == ([True, False], [3, 0])
    assert [one.record.source_id for one in claim(ledger)] == ["order-1", "order-2"]
    ledger.close()


def test_an_archive_that_is_no_longer_named_gets_nothing_more_until_it_is_back(database: str) -> None:
    ledger = company(database, "hr", "local")

    with ledger.begin() as db:
        gone = [deliveries.retire(db, but=["local"]), deliveries.retire(db, but=["local"])]
    morning(ledger, 2)
    with ledger.begin() as db:
        deliveries.ensure(db, "hr", kind="rest")
        caught_up = deliveries.backfill(db, "hr", now=EVENING)

    assert (gone, caught_up) == ([["hr"], []], 2)
    ledger.close()


def test_many_workers_at_once_get_every_row_once(postgres: object) -> None:
    ledger = company(postgres(), "hr")  # type: ignore[operator]
    morning(ledger, 200)
    found: list[int] = []

    def work(name: str) -> None:
        while claims := claim(ledger, name, limit=7):
            with ledger.begin() as db:
                found.extend(ids(claims))
                deliveries.accepted(db, ids(claims), name, EVENING)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(set(found))
    assert rows(ledger) == [("hr", "accepted")] * 200
    ledger.close()
