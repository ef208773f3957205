from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from ledger import check_ins
from ledger.database import Ledger
from ledger.insertion import among, insert_or_nothing
from ledger.tables import BadgeRow, CheckInRow, DirtyDayRow, StreamRow
from tests.cast import DEVICE, NINE, STREAM, company

LINE = bytes(range(256)) + b"\\x00'\""


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with the cast in it, on each engine."""
    ledger = company(database)
    yield ledger
    ledger.close()


def row(seq: int, *, stream: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "id": uuid4(), "stream": stream, "seq": seq, "device_id": None, "person_id": "ann", "session_id": None,
        "room_id": None, "badge": None, "direction": "in", "method": "static_badge", "at": NINE, "received_at": NINE,
        "verdict": "admitted", "flags": ["late"], "digest": b"\x00\xff", "line": LINE,
    } | changes  # fmt: skip


def enter(ledger: Ledger, *rows: dict[str, Any]) -> set[UUID]:
    with ledger.begin() as db:
        return insert_or_nothing(db, CheckInRow, rows, CheckInRow.id)


@pytest.mark.parametrize("count", [1, 2, 500])
def test_rows_that_are_all_new_come_back_byte_for_byte(ledger: Ledger, count: int) -> None:
    stream = uuid4()
    rows = [row(seq, stream=stream, at=NINE + timedelta(microseconds=seq)) for seq in range(1, count + 1)]

    new = enter(ledger, *rows)

    assert new == {one["id"] for one in rows}
    with ledger.read() as db:
        held = db.execute(sa.select(CheckInRow.__table__).order_by(CheckInRow.seq)).mappings().all()
    assert [{name: one[name] for name in rows[0]} for one in held] == rows


def test_of_rows_some_of_which_are_held_only_the_new_are_named(ledger: Ledger) -> None:
    stream = uuid4()
    old = [row(seq, stream=stream) for seq in (1, 2)]
    enter(ledger, *old)
    third, same_number, fourth = row(3, stream=stream), row(3, stream=stream), row(4, stream=stream)

    new = enter(ledger, old[0], third, same_number, row(2, stream=stream), fourth, fourth)

    assert new == {third["id"], fourth["id"]}
    with ledger.read() as db:
        assert set(db.scalars(sa.select(CheckInRow.id))) == {one["id"] for one in (*old, third, fourth)}


def test_when_no_row_is_new_none_is_named(ledger: Ledger) -> None:
    rows = [row(seq, stream=UUID(int=1)) for seq in (1, 2, 3)]
    enter(ledger, *rows)

    assert enter(ledger, *rows) == set()


def test_rows_that_were_not_all_new_leave_the_rest_of_the_unit_of_work_as_it_was(ledger: Ledger) -> None:
    rows = [row(seq, stream=UUID(int=1)) for seq in (1, 2)]

    with ledger.begin() as db:
        db.add(BadgeRow(id=UUID(int=7), person_id="ann", key_id=1, issued_at=NINE))
        insert_or_nothing(db, CheckInRow, [rows[0], rows[0]], CheckInRow.id)
        insert_or_nothing(db, CheckInRow, rows, CheckInRow.id)

    with ledger.read() as db:
        assert db.get(BadgeRow, UUID(int=7)) is not None
        assert set(db.scalars(sa.select(CheckInRow.id))) == {one["id"] for one in rows}


def test_many_rows_with_a_naive_instant_are_refused(ledger: Ledger) -> None:
    naive = [row(seq, stream=uuid4(), at=NINE.replace(tzinfo=None)) for seq in (1, 2)]

    with pytest.raises(ValueError, match="naive"):
        enter(ledger, *naive)


def test_of_two_moments_for_a_learners_day_the_earlier_stays_also_when_many_are_marked(ledger: Ledger) -> None:
    days = [("ann", NINE.date(), NINE), ("bo", NINE.date(), NINE)]
    later = [(who, day, due + timedelta(hours=who == "ann") - timedelta(hours=who == "bo")) for who, day, due in days]

    for asked in (days, later):
        with ledger.begin() as db:
            check_ins.mark_dirty(db, asked)

    with ledger.read() as db:
        due = dict(db.execute(sa.select(DirtyDayRow.person_id, DirtyDayRow.due_at)).all())
    assert due == {"ann": NINE, "bo": NINE - timedelta(hours=1)}


def test_streams_that_move_on_together_come_to_what_each_comes_to_alone(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.add(StreamRow(id=UUID(int=1), device_id=DEVICE))
        db.flush()
        streams = [UUID(int=1), STREAM]
        came = {stream: {1, 2, 4} for stream in reversed(streams)}
        check_ins.enter(db, [row(seq, stream=stream) for stream in streams for seq in (1, 2, 4)])

        moved = check_ins.advance_all(db, came, now=NINE)

    assert [one.id for one in moved] == streams
    assert {(one.upto, one.missing_since) for one in moved} == {(2, NINE)}


@pytest.mark.parametrize("wanted", [[], [UUID(int=1)], [UUID(int=1), UUID(int=3), UUID(int=9)]], ids=len)
def test_rows_are_chosen_by_any_number_of_values(ledger: Ledger, wanted: list[UUID]) -> None:
    with ledger.begin() as db:
        db.add_all(BadgeRow(id=UUID(int=n), person_id="ann", key_id=1, issued_at=NINE) for n in (1, 2, 3))

        chosen = set(db.scalars(sa.select(BadgeRow.id).where(among(db, BadgeRow.id, wanted))))

    assert chosen == set(wanted) - {UUID(int=9)}
