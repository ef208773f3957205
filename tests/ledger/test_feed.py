import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import feed
from ledger.database import Ledger
from ledger.tables import FeedRow, HourRecordRow
from tests.cast import NINE


def hour(number: int) -> HourRecordRow:
    region = "north" if number % 2 else "south"
    return HourRecordRow(
        id=uuid4(), settles=uuid4(), version=1, kind="credit", person_id="ann", region_id=region,
        source_id="order-101", effective_date=NINE.date(), minutes=number, credit=Decimal(number), unit="学时",
        rule="cn-45@1", explanation={}, course={}, entered_at=NINE + timedelta(seconds=number),
    )  # fmt: skip


def unread(ledger: Ledger, reader: "Reader") -> bool:
    with ledger.read() as db:
        return len(reader.read) < (db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) or 0)


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Iterator[Ledger]:
    """Open an empty ledger on each engine; SQLite's in a file, so that readers have connections of their own."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'tandem.db'}" if database == "sqlite://" else database)
    yield ledger
    ledger.close()


def test_records_are_numbered_once_and_without_gaps(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(5)])

    with ledger.begin() as db:
        counts = [feed.number(db), feed.number(db)]
        numbers = db.scalars(sa.select(FeedRow.seq).order_by(FeedRow.seq)).all()

    assert counts == [5, 0]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_page_begins_after_its_number_and_keeps_to_its_regions(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(6)])
    with ledger.begin() as db:
        feed.number(db)
        found = feed.page(db, after=1, limit=2, regions=["north"])

    assert [(seq, row.minutes) for seq, row in found.records] == [(2, 1), (4, 3)]
    assert (found.upto, found.more) == (4, True)


def test_a_page_goes_on_behind_what_is_of_other_regions(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(0, 10, 2)])
    with ledger.begin() as db:
        feed.number(db)
        nothing = feed.page(db, after=0, limit=2, regions=["north"])

    assert nothing == feed.Page(records=[], upto=5, more=False)


def test_a_page_looks_through_a_part_of_the_feed_only(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOKED_THROUGH", 3)
    with ledger.begin() as db:
        db.add_all([hour(number) for number in (0, 2, 4, 6, 7)])
    with ledger.begin() as db:
        feed.number(db)
        first = feed.page(db, after=0, limit=5, regions=["north"])
        second = feed.page(db, after=first.upto, limit=5, regions=["north"])

    assert first == feed.Page(records=[], upto=3, more=True)
    assert [row.minutes for _, row in second.records] == [7]
    assert (second.upto, second.more) == (5, False)


def read(db: Db) -> int:
    return int(
        db.scalar(sa.text("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables")) or 0
    )


def looked_at(ledger: Ledger, poll: Callable[[Db], feed.Page]) -> int:
    """Count what the database does for a page: SQLite its steps, PostgreSQL the rows that it reads."""
    with ledger.begin() as db:
        if ledger.url.get_backend_name() == "postgresql":
            before = read(db)
            poll(db)
            return read(db) - before
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        connection: Any = db.connection().connection.driver_connection
        connection.set_progress_handler(step, 1)
        poll(db)
        connection.set_progress_handler(None, 1)
        return steps


def test_a_reader_of_a_region_without_news_looks_through_nothing_again(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(0, 2000, 2)])
    with ledger.begin() as db:
        feed.number(db)
        db.execute(sa.text("ANALYZE"))

        nothing = feed.page(db, after=0, limit=100, regions=["north"])

    everything = looked_at(ledger, lambda db: feed.page(db, after=0, limit=1000, regions=None))
    again = looked_at(ledger, lambda db: feed.page(db, after=nothing.upto, limit=100, regions=["north"]))

    assert everything >= 1000
    assert again <= everything / 20


@dataclass
class Reader:
    """Somebody who reads on from where the last page ended."""

    ledger: Ledger
    regions: list[str] | None
    read: list[int] = field(default_factory=list)
    upto: int = 0

    def poll(self) -> None:
        """Read a page."""
        with self.ledger.read() as db:
            page = feed.page(db, after=self.upto, limit=7, regions=self.regions)
        self.read += [seq for seq, _ in page.records]
        self.upto = page.upto


def test_readers_beside_writers_and_two_leaders_skip_nothing_and_repeat_nothing(ledger: Ledger) -> None:
    done, failures = threading.Event(), []

    def write() -> None:
        for number in range(25):
            with ledger.begin() as db:
                db.add(hour(number))
                db.flush()
                time.sleep(0.001 * (number % 4))

    def lead() -> None:
        while not done.wait(0.002):
            with ledger.begin() as db:
                feed.number(db)

    def watched(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:
                failures.append(error)

        return threading.Thread(target=run, daemon=True)

    writers, leaders = [watched(write) for _ in range(8)], [watched(lead) for _ in range(2)]
    everything, north = Reader(ledger, None), Reader(ledger, ["north"])
    for thread in (*writers, *leaders):
        thread.start()
    while not failures and (any(writer.is_alive() for writer in writers) or unread(ledger, everything)):
        everything.poll()
        north.poll()
    done.set()
    for leader in leaders:
        leader.join()

    while north.upto < 200:
        north.poll()

    with ledger.read() as db:
        of_north = feed.page(db, after=0, limit=200, regions=["north"]).records
    assert (failures, everything.read) == ([], list(range(1, 201)))
    assert north.read == [seq for seq, _ in of_north]
    assert len(north.read) == 8 * 12
