"""A round of sync: what an archive answers, and what becomes of each delivery."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger import deliveries
from ledger.database import Ledger
from ledger.delivery_tables import ArchiveRow, DeliveryRow
from ledger.tables import HourRecordRow
from sync.archive import Answer, ArchiveError, Delivery, Misconfigured, Unanswered, Unavailable
from sync.backoff import Breaker
from sync.local import LocalArchive
from sync.reconcile import reconcile
from sync.run import LEASE, NOT_NAMED, Sync, deliver
from sync.telling import NO_WORDS, tell
from tests.sync.cast import (
    EVENING,
    Script,
    StandIn,
    accept_all,
    company,
    corrected,
    decline,
    enter,
    forget,
    hour,
    morning,
    reversal,
    run_dry,
    states,
)

AFTER = EVENING + timedelta(hours=1)


def reasons(ledger: Ledger) -> set[str | None]:
    with ledger.read() as db:
        return set(db.scalars(sa.select(DeliveryRow.reason)))


@pytest.mark.parametrize(
    ("step", "left", "reason"),
    [
        pytest.param(accept_all, {"accepted": 10}, None, id="all accepted"),
        pytest.param(decline(3), {"accepted": 9, "refused": 1}, "cost centre is closed", id="one of ten declined"),
        pytest.param(decline(*range(10)), {"refused": 10}, "cost centre is closed", id="all declined"),
        pytest.param(forget(0, 9), {"accepted": 8, "queued": 2}, NOT_NAMED, id="two not named"),
        pytest.param(Unavailable("HTTP 500"), {"queued": 10}, "HTTP 500", id="500"),
        pytest.param(Unanswered("no answer"), {"queued": 10}, "no answer", id="timed out after sending"),
        pytest.param(Misconfigured("HTTP 403"), {"queued": 10}, "HTTP 403", id="key withdrawn"),
    ],
)
def test_what_an_answer_does(step: Script | ArchiveError, left: dict[str, int], reason: str | None) -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[step])
    morning(ledger, 10)

    with suppress(ArchiveError):
        deliver(ledger, archive, worker="w", now=EVENING, luck=0.5)

    assert states(ledger) == left
    assert reasons(ledger) - {None} == ({reason} if reason else set())


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(Unavailable("HTTP 503"), id="unavailable"),
        pytest.param(Unanswered("no answer"), id="unanswered"),
        pytest.param(forget(1, 2), id="partly answered"),
    ],
)
def test_what_was_not_answered_is_sent_again_with_the_same_ids_and_only_that(step: Script | ArchiveError) -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[step])
    ids = morning(ledger, 4)
    with suppress(ArchiveError):
        deliver(ledger, archive, worker="w", now=EVENING, luck=0.5)

    run_dry(ledger, archive, now=AFTER)

    again = archive.batches[1]
    assert again == (ids if isinstance(step, ArchiveError) else [ids[1], ids[2]])
    assert states(ledger) == {"accepted": 4}


def test_nothing_is_sent_before_its_time_has_come() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[Unavailable("HTTP 500")])
    morning(ledger, 1)
    with pytest.raises(Unavailable):
        deliver(ledger, archive, worker="w", now=EVENING, luck=0.5)

    at_once = deliver(ledger, archive, worker="w", now=EVENING + timedelta(seconds=1), luck=0.5)
    in_time = deliver(ledger, archive, worker="w", now=EVENING + timedelta(seconds=2), luck=0.5)

    assert (at_once, in_time) == (0, 1)


def test_what_the_archive_asked_for_is_waited_for() -> None:
    until = EVENING + timedelta(minutes=7)
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[Unavailable("HTTP 429", not_before=until)])
    morning(ledger, 1)
    with pytest.raises(Unavailable):
        deliver(ledger, archive, worker="w", now=EVENING, luck=0.5)

    assert deliver(ledger, archive, worker="w", now=until - timedelta(seconds=1), luck=0.5) == 0
    assert deliver(ledger, archive, worker="w", now=until, luck=0.5) == 1


def test_a_refused_record_is_sent_again_only_when_a_person_says_so() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[decline(0)])
    morning(ledger, 1)
    run_dry(ledger, archive)
    assert run_dry(ledger, archive, now=AFTER + timedelta(days=30)) == 0

    with ledger.begin() as db:
        deliveries.replay(db, "hr", now=AFTER)

    assert run_dry(ledger, archive, now=AFTER) == 1
    assert archive.batches[0] == archive.batches[1]


def test_a_record_without_words_is_refused_and_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn()
    with ledger.begin() as db:
        enter(db, hour(1), hour(2, explanation={"kind": "of tomorrow"}), hour(3))

    run_dry(ledger, archive)

    assert states(ledger) == {"accepted": 2, "refused": 1}
    assert reasons(ledger) == {None, NO_WORDS}
    assert "cannot be told" in caplog.text


def test_a_correction_arrives_after_what_it_corrects() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn()
    corrected(ledger, 12)

    run_dry(ledger, archive)

    for source in {one.source for one in archive.received}:
        versions = [one.version for one in archive.received if one.source == source]
        assert versions == sorted(versions)
    assert states(ledger) == {"accepted": 12 + 4 + 2}


def test_a_delivery_says_what_an_archive_needs() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn()
    with ledger.begin() as db:
        enter(db, hour(1), reversal(1))

    run_dry(ledger, archive)

    credit, taken_back = (one.to_json() for one in archive.received)
    assert {**credit, "sentence": credit["sentence"]["zh"]} == {
        "id": str(hour(1).id),
        "settles": str(hour(1).settles),
        "version": 1,
        "kind": "credit",
        "reverses": None,
        "person": "ann",
        "personnel_number": "1001",
        "region": "north",
        "source": "order-1",
        "effective_date": "2026-03-02",
        "booked_in": None,
        "minutes": 180,
        "credit": "4.0",
        "unit": "学时",
        "rule": "cn-45@1",
        "course": {
            "id": "orders",
            "title": "Order handling",
            "title_zh": "订单处理",
            "starts_at": "2026-03-02T09:00:00.000Z",
            "ends_at": "2026-03-02T12:00:00.000Z",
            "zone": "UTC",
            "place": "Room 1",
            "trainer_id": "tao",
            "trainer_number": "9001",
        },
        "joint_task": None,
        "sentence": "应到 180 分钟，实到 180 分钟（100.0 %）；每 45 分钟为一个单位，计 4.0 学时。",
        "entered_at": "2026-03-02T18:00:01.000Z",
    }
    assert (taken_back["kind"], taken_back["reverses"]) == ("reversal", credit["id"])


# Workers that die


@pytest.mark.enable_socket
def test_what_a_dead_worker_held_is_sent_by_another_and_arrives_once(database: str) -> None:
    ledger = company(database, "local")
    held = LocalArchive(ledger, lambda: EVENING)
    corrected(ledger, 60)
    with ledger.begin() as db:
        taken = deliveries.claim(db, "local", worker="dead", now=EVENING, limit=20, lease=LEASE)
    # It got as far as the archive, and not back.
    half = [one.record for one in taken][:10]
    held.push(told(ledger, half))

    done = run_dry(ledger, held, worker="alive")
    assert states(ledger, "local")["leased"] == 20
    done += run_dry(ledger, held, worker="alive", now=EVENING + LEASE + timedelta(seconds=1))

    assert done == 60 + 20 + 10
    assert states(ledger, "local") == {"accepted": 90}
    assert len(list(held.content())) == 90
    assert reconcile(ledger, held).is_good
    ledger.close()


def test_two_workers_at_once_send_every_record_once(tmp_path: Path) -> None:
    ledger, archive = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "hr"), StandIn(batch_limit=3)
    ids = morning(ledger, 90)

    threads = [threading.Thread(target=run_dry, args=(ledger, archive), kwargs={"worker": name}) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()

    assert sorted(one.id for one in archive.received) == sorted(ids)


def test_an_answer_after_the_lease_is_over_changes_nothing_of_whoever_holds_it_now(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ledger = company("sqlite://", "hr")
    morning(ledger, 2)
    quick = StandIn()

    def slowly(batch: Sequence[Delivery]) -> Sequence[Answer]:
        run_dry(ledger, quick, worker="quick", now=EVENING + LEASE + timedelta(seconds=1))
        return decline(0, 1)(batch)

    deliver(ledger, StandIn(script=[slowly]), worker="slow", now=EVENING, luck=0.5)

    assert states(ledger) == {"accepted": 2}
    assert "taken over" in caplog.text


# The thread


def test_the_thread_makes_its_archives_known_and_catches_up() -> None:
    ledger, archive = company("sqlite://", "left"), StandIn()
    morning(ledger, 25)

    with_sync(ledger, archive, until=lambda: states(ledger).get("accepted") == 25)

    with ledger.read() as db:
        found = {row.name: (row.kind, row.active) for row in db.scalars(sa.select(ArchiveRow))}
    assert found == {"hr": ("stand-in", True), "left": ("stand-in", False)}


def test_the_thread_goes_on_after_failures_of_every_kind(caplog: pytest.LogCaptureFixture) -> None:
    def broken(batch: Sequence[Delivery]) -> Sequence[Answer]:
        raise RuntimeError("a fault of ours")

    script: list[Script | ArchiveError] = [Unavailable("HTTP 500"), broken, Unanswered("no answer"), forget(0)]
    ledger, archive = company("sqlite://", "hr"), StandIn(script=script)
    morning(ledger, 5)
    clock = Leaping()

    with_sync(ledger, archive, clock=clock, until=lambda: states(ledger) == {"accepted": 5})

    assert "a round failed" in caplog.text


def test_a_target_that_keeps_failing_is_left_alone_and_then_asked_with_one_record() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn(script=[Unavailable("HTTP 500")] * 3)
    morning(ledger, 8)
    clock = Leaping(step=timedelta(seconds=1))

    with_sync(ledger, archive, clock=clock, breaker=Breaker(after=3), until=lambda: states(ledger) == {"accepted": 8})

    assert [len(batch) for batch in archive.batches] == [8, 8, 8, 1, 7]


def test_a_lease_of_a_process_that_is_gone_is_not_waited_for_on_sqlite() -> None:
    ledger, archive = company("sqlite://", "hr"), StandIn()
    morning(ledger, 3)
    with ledger.begin() as db:
        deliveries.claim(db, "hr", worker="dead", now=EVENING, limit=3, lease=LEASE)

    with_sync(ledger, archive, until=lambda: states(ledger) == {"accepted": 3})


class Leaping:
    """A clock that leaps forward at each look."""

    def __init__(self, step: timedelta = timedelta(seconds=30)) -> None:
        self._now, self._step, self._lock = EVENING, step, threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self._now += self._step
            return self._now


def with_sync(
    ledger: Ledger,
    archive: StandIn,
    *,
    until: Callable[[], bool],
    clock: Callable[[], datetime] = lambda: EVENING,
    breaker: Breaker = Breaker(),  # noqa: B008
) -> None:
    sync = Sync(ledger, [archive], clock, every=0.005, luck=lambda: 0.5, breaker=breaker)
    sync.start()
    try:
        for _ in range(1000):
            if until():
                return
            time.sleep(0.01)
        pytest.fail(f"it stays at {states(ledger)}")
    finally:
        sync.stop()


def told(ledger: Ledger, rows: Sequence[HourRecordRow]) -> list[Delivery]:
    with ledger.read() as db:
        return [one for one in tell(db, rows) if isinstance(one, Delivery)]
