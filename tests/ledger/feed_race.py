"""Writers with open transactions, leaders that number, readers that page: all at once on one ledger."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger import feed
from ledger.database import Ledger
from ledger.tables import HourRecordRow
from tests.cast import NINE

WRITERS, LEADERS = 8, 2
REGIONS = ("north", "south")


class Reader(Protocol):
    """Somebody who comes back for what is new, and must neither skip nor repeat a record."""

    regions: Sequence[str] | None
    read: list[UUID]

    def page(self, db: Db) -> bool:
        """Read on from where the last page ended; say whether there may be more at once."""


@dataclass(slots=True)
class ByNumber:
    """Reads the feed as HR does."""

    limit: int
    regions: Sequence[str] | None = None
    read: list[UUID] = field(default_factory=list)
    after: int = 0

    def page(self, db: Db) -> bool:
        found = feed.page(db, after=self.after, limit=self.limit, regions=self.regions)
        self.after = found.upto
        self.read += [row.id for _, row in found.records]
        return found.more


@dataclass(slots=True)
class ByInsertion:
    """Does what needs no leader: goes on after the highest id, since ids rise as records are entered."""

    limit: int
    regions: Sequence[str] | None = None
    read: list[UUID] = field(default_factory=list)

    def page(self, db: Db) -> bool:
        query = sa.select(HourRecordRow.id).order_by(HourRecordRow.id).limit(self.limit)
        found = db.scalars(query.where(HourRecordRow.id > self.read[-1]) if self.read else query).all()
        self.read += found
        return len(found) == self.limit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader got, against what there was."""

    entered: int
    skipped: int
    repeated: int


def readers() -> list[Reader]:
    """Four readers: small pages, large ones, and one of a single region."""
    return [ByNumber(7), ByNumber(100), ByNumber(1000), ByNumber(50, regions=["north"])]


def race(ledger: Ledger, reading: Sequence[Reader], *, records: int, batch: int, longest: float) -> list[Outcome]:
    """Enter records in transactions that stay open for up to `longest` seconds; return each reader's outcome."""
    finished = threading.Event()
    entered: dict[str, list[UUID]] = {region: [] for region in REGIONS}
    share = -(-records // WRITERS)
    with _running([_reader(ledger, reader, finished) for reader in reading]):
        try:
            with _running([_leader(ledger, finished)] * LEADERS):
                try:
                    with _running([_writer(ledger, seed, share, batch, longest, entered) for seed in range(WRITERS)]):
                        pass
                    _number_all(ledger)
                finally:
                    finished.set()
        finally:
            finished.set()
    return [_outcome(reader, entered) for reader in reading]


def _writer(
    ledger: Ledger, seed: int, share: int, batch: int, longest: float, entered: dict[str, list[UUID]]
) -> Callable[[], None]:
    """Write in two goes, with a wait in between, so that what was entered first is committed last."""
    chance = random.Random(seed)

    def write() -> None:
        left = share
        while left:
            size = min(left, chance.randint(1, 2 * batch - 1))
            rows = [_row(number) for number in range(size)]
            with ledger.begin() as db:
                first = chance.randint(1, size)
                db.execute(sa.insert(HourRecordRow), _identified(rows[:first]))
                _stay_open(chance.uniform(0, longest))
                if rows[first:]:
                    db.execute(sa.insert(HourRecordRow), _identified(rows[first:]))
            for row in rows:
                entered[row["region_id"]].append(row["id"])
            left -= size

    return write


def _leader(ledger: Ledger, finished: threading.Event) -> Callable[[], None]:
    def lead() -> None:
        while not finished.wait(0.02):
            with ledger.begin() as db:
                feed.number(db, limit=200)

    return lead


def _reader(ledger: Ledger, reader: Reader, finished: threading.Event) -> Callable[[], None]:
    def read() -> None:
        while True:
            # Asked before the page is read: what was numbered until then is on it.
            last = finished.is_set()
            with ledger.read() as db:
                more = reader.page(db)
            if last and not more:
                return
            if not more:
                finished.wait(0.01)

    return read


def _number_all(ledger: Ledger) -> None:
    numbered = 1
    while numbered:
        with ledger.begin() as db:
            numbered = feed.number(db)


def _outcome(reader: Reader, entered: dict[str, list[UUID]]) -> Outcome:
    own = [id for region in reader.regions or REGIONS for id in entered[region]]
    counts = Counter(reader.read)
    repeated = sum(counts.values()) - len(counts)
    return Outcome(entered=len(own), skipped=len(set(own) - counts.keys()), repeated=repeated)


@contextmanager
def _running(works: Sequence[Callable[[], None]]) -> Iterator[None]:
    """Run each on a thread of its own, wait for all, and let none of them fail unseen."""
    failures: list[Exception] = []

    def watched(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=watched, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
    if failures:
        raise ExceptionGroup("threads failed", failures)


def _stay_open(seconds: float) -> None:
    threading.Event().wait(seconds)


def _identified(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Give ids in the order of entering."""
    for row in rows:
        row["id"] = uuid_utils.compat.uuid7()
    return rows


def _row(number: int) -> dict[str, Any]:
    return {
        "settles": uuid4(), "version": 1, "kind": "credit", "person_id": "ann", "region_id": REGIONS[number % 2],
        "source_id": "order-101", "effective_date": NINE.date(), "minutes": 180, "credit": Decimal(4),
        "unit": "学时", "rule": "cn-45@1", "explanation": {}, "course": {}, "entered_at": NINE,
    }  # fmt: skip
