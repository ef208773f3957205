"""Delivers the ledger's outbox: claim a batch, push it, note what the archive said."""

import logging
import random
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ledger import deliveries
from ledger.database import Ledger
from ledger.deliveries import Claim
from sync.archive import Accepted, Answer, ArchiveError, Declined, Delivery, LearnerArchive, Misconfigured
from sync.backoff import Backoff, Breaker
from sync.telling import tell

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""Longer than any push takes; after it another worker repeats what a dead one had claimed."""
BACKFILL = timedelta(hours=1)
NOT_NAMED = "the archive's answer did not name this record"
MOST_REASON = 500
"""Characters."""

Clock = Callable[[], datetime]


def deliver(
    ledger: Ledger,
    archive: LearnerArchive,
    *,
    worker: str,
    now: datetime,
    luck: float,
    most: int | None = None,
    backoff: Backoff = Backoff(),  # noqa: B008  it is frozen
) -> int:
    """Do one round and return how many records were answered; raises ArchiveError after putting the batch back.

    Between the push and the note of its answers this may die: the lease runs out, and the same records are pushed
    again. So they carry the same ids each time, and the archive is asked to take a record once.
    """
    limit = min(most or archive.batch_limit, archive.batch_limit)
    with ledger.begin() as db:
        claims = deliveries.claim(db, archive.name, worker=worker, now=now, limit=limit, lease=LEASE)
        told = tell(db, [claim.record for claim in claims])
    if not claims:
        return 0
    batch = [one for one in told if isinstance(one, Delivery)]
    answers: list[Answer] = [one for one in told if isinstance(one, Declined)]
    failure: ArchiveError | None = None
    try:
        answers += archive.push(batch) if batch else ()
    except ArchiveError as error:
        failure = error
    due_at = backoff.next_attempt(max(claim.attempts for claim in claims), now=now, luck=luck)
    if failure and failure.not_before:
        due_at = max(due_at, failure.not_before)
    finished = _finish(ledger, claims, answers, worker, now, due_at, str(failure) if failure else NOT_NAMED)
    if failure:
        raise failure
    return finished


def _finish(
    ledger: Ledger,
    claims: Sequence[Claim],
    answers: Sequence[Answer],
    worker: str,
    now: datetime,
    due_at: datetime,
    reason: str,
) -> int:
    """Note the answers in one transaction; what nobody named goes back into the queue with the reason."""
    ids = {claim.record.id: claim.id for claim in claims}
    declined = {ids[one.id]: one.reason for one in answers if isinstance(one, Declined) and one.id in ids}
    taken = {ids[one.id] for one in answers if isinstance(one, Accepted) and one.id in ids} - declined.keys()
    rest = set(ids.values()) - taken - declined.keys()
    with ledger.begin() as db:
        held = deliveries.accepted(db, taken, worker, now)
        held += sum(deliveries.refused(db, id, worker, why[:MOST_REASON], now) for id, why in declined.items())
        held += deliveries.later(db, rest, worker, due_at, reason[:MOST_REASON])
    if held < len(ids):
        # The lease ran out before the answer came. Whoever holds them now pushes them again, which changes nothing.
        log.warning("%d deliveries were taken over by another worker", len(ids) - held)
    return len(taken) + len(declined)


class Sync:
    """A thread for each archive; any number of these may run on one PostgreSQL."""

    def __init__(
        self,
        ledger: Ledger,
        archives: Sequence[LearnerArchive],
        clock: Clock,
        *,
        every: float = 1.0,
        luck: Callable[[], float] = random.random,
        breaker: Breaker = Breaker(),  # noqa: B008  it is frozen
    ) -> None:
        self._ledger, self._archives, self._clock = ledger, archives, clock
        self._every, self._luck, self._breaker = every, luck, breaker
        self._stopping = threading.Event()
        self.worker = f"sync-{secrets.token_hex(8)}"
        self._threads = [
            threading.Thread(target=self._work, args=(archive,), name=f"sync-{archive.name}") for archive in archives
        ]

    def start(self) -> None:
        """Make the archives known, queue what they have missed, and begin."""
        names = [archive.name for archive in self._archives]
        with self._ledger.begin() as db:
            for archive in self._archives:
                deliveries.ensure(db, archive.name, kind=archive.kind)
                if self._ledger.url.get_backend_name() == "sqlite":
                    # One process may have the file, and that is this one: whoever held a lease is dead.
                    deliveries.release(db, archive.name)
            for name in deliveries.retire(db, but=names):
                log.warning("archive %s is not in the settings any more; nothing is queued for it from now on", name)
        for name in names:
            self._backfill(name)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the rounds in hand and leave."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident:
                thread.join(30)

    def _work(self, archive: LearnerArchive) -> None:
        breaker, backfilled = self._breaker, self._clock()
        while not self._stopping.is_set():
            now = self._clock()
            if now - backfilled >= BACKFILL:
                self._backfill(archive.name)
                backfilled = now
            answered = 0
            if breaker.lets_through(now) and self._is_due(archive.name, now):
                breaker, answered = self._round(archive, breaker, now)
            if not answered:
                self._stopping.wait(self._every)

    def _round(self, archive: LearnerArchive, breaker: Breaker, now: datetime) -> tuple[Breaker, int]:
        """Deliver one batch; return the breaker as it is then, and how many records were answered."""
        most = 1 if breaker.is_probing else None
        luck = self._luck()
        try:
            answered = deliver(self._ledger, archive, worker=self.worker, now=now, luck=luck, most=most)
        except Misconfigured as error:
            log.error("archive %s: %s", archive.name, error)
            return breaker.stopped(now=now), 0
        except ArchiveError as error:
            log.warning("archive %s: %s", archive.name, error)
            return breaker.failed(now=now, luck=luck, not_before=error.not_before), 0
        except Exception:
            log.exception("archive %s: a round failed; what it held is sent again when the lease is over", archive.name)
            return breaker.failed(now=now, luck=luck), 0
        return (breaker.passed() if answered else breaker), answered

    def _is_due(self, name: str, now: datetime) -> bool:
        """Look without taking the writer's turn: most of the time there is nothing to do."""
        try:
            with self._ledger.read() as db:
                return deliveries.due(db, name, now=now)
        except Exception:
            log.exception("the outbox cannot be read; the next look tries again")
            return False

    def _backfill(self, name: str) -> None:
        try:
            with self._ledger.begin() as db:
                if count := deliveries.backfill(db, name, now=self._clock()):
                    log.info("archive %s: %d records from before are queued", name, count)
        except Exception:
            log.exception("archive %s: looking for missed records failed; the next look tries again", name)
