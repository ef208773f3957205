import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

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


def unread(ledger: Ledger, read: list[int]) -> bool:
    with ledger.read() as db:
        return len(read) < (db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) or 0)


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

    assert [(seq, row.minutes) for seq, row in found] == [(2, 1), (4, 3)]


def test_a_reader_beside_writers_and_two_leaders_skips_nothing_and_repeats_nothing(ledger: Ledger) -> None:
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
    read: list[int] = []
    for thread in (*writers, *leaders):
        thread.start()
    while not failures and (any(writer.is_alive() for writer in writers) or unread(ledger, read)):
        with ledger.read() as db:
            read += [seq for seq, _ in feed.page(db, after=read[-1] if read else 0, limit=7, regions=None)]
    done.set()
    for leader in leaders:
        leader.join()

    assert (failures, read) == ([], list(range(1, 201)))
