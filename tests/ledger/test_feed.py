import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

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


def test_records_are_numbered_once_and_without_gaps() -> None:
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(5)])

    with ledger.begin() as db:
        counts = [feed.number(db), feed.number(db)]
        numbers = db.scalars(sa.select(FeedRow.seq).order_by(FeedRow.seq)).all()

    assert counts == [5, 0]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_page_begins_after_its_number_and_keeps_to_its_regions() -> None:
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        db.add_all([hour(number) for number in range(6)])
    with ledger.begin() as db:
        feed.number(db)
        found = feed.page(db, after=1, limit=2, regions=["north"])

    assert [(seq, row.minutes) for seq, row in found] == [(2, 1), (4, 3)]


def test_a_reader_beside_writers_skips_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'tandem.db'}")
    done = threading.Event()

    def write() -> None:
        for number in range(50):
            with ledger.begin() as db:
                db.add(hour(number))

    def lead() -> None:
        while not done.is_set():
            with ledger.begin() as db:
                feed.number(db)

    writers = [threading.Thread(target=write, daemon=True) for _ in range(4)]
    leader = threading.Thread(target=lead, daemon=True)
    read: list[int] = []
    for thread in (*writers, leader):
        thread.start()
    while any(writer.is_alive() for writer in writers) or unread(ledger, read):
        with ledger.read() as db:
            read += [seq for seq, _ in feed.page(db, after=read[-1] if read else 0, limit=7, regions=None)]
    done.set()
    leader.join()
    ledger.close()

    assert read == list(range(1, 201))
