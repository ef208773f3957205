"""Numbers of a stream that are missing: found, told when they have been missing for long, and at last written off."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger import check_ins
from ledger.audit import note
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.tables import CheckInRow, DeadLetterRow, DeviceRow, StreamRow, WriteOffRow

ALERT = timedelta(minutes=15)
"""A kiosk that is there sends what is missing within a minute."""
AT_ONCE = 100
"""Holes of one stream that are listed; the first are filled first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Numbers that the kiosk has given out and that the ledger does not hold."""

    stream: UUID
    device_id: str
    first: int
    last: int
    since: datetime
    """When it was first seen; of the hole after `upto`, when the stream last moved on."""


def holes(db: Db, *, before: datetime | None = None) -> list[Hole]:
    """Return the holes of all streams, or those seen before a moment; those before `now - ALERT` need somebody."""
    query = sa.select(StreamRow).where(StreamRow.missing_since.is_not(None)).order_by(StreamRow.missing_since)
    if before is not None:
        query = query.where(StreamRow.missing_since < before)
    found = [hole for row in db.scalars(query) for hole in _of(db, row)]
    return [hole for hole in found if before is None or hole.since < before]


def _of(db: Db, row: StreamRow) -> Iterator[Hole]:
    since = row.missing_since
    if since is None:
        return
    for first, last, seen_at in db.execute(_between(row)):
        yield _hole(row, first, last, since if first == row.upto + 1 else seen_at)
    highest = _highest(db, row)
    if highest < row.assigned:
        yield _hole(row, highest + 1, row.assigned, since)


def _hole(row: StreamRow, first: int, last: int, since: datetime) -> Hole:
    return Hole(stream=row.id, device_id=row.device_id, first=first, last=last, since=since)


def _highest(db: Db, row: StreamRow) -> int:
    """Return the highest number held."""
    tables = (CheckInRow, DeadLetterRow)
    found = [db.scalar(sa.select(sa.func.max(table.seq)).where(table.stream == row.id)) for table in tables]
    return max(row.upto, *(seq or 0 for seq in found))


def _between(row: StreamRow) -> sa.Select[int, int, datetime]:
    """Ask for the holes below the highest number held; each was seen when the number after it came."""
    held = sa.union_all(
        *(
            sa.select(table.seq, table.received_at).where(table.stream == row.id, table.seq > row.upto)
            for table in (CheckInRow, DeadLetterRow)
        )
    ).subquery()
    before = sa.func.lag(held.c.seq, 1, row.upto).over(order_by=held.c.seq)
    pairs = sa.select(held.c.seq, held.c.received_at, before.label("before")).subquery()
    query = sa.select(pairs.c.before + 1, pairs.c.seq - 1, pairs.c.received_at).where(pairs.c.seq > pairs.c.before + 1)
    return query.order_by(pairs.c.seq).limit(AT_ONCE)


def write_off(db: Db, stream: UUID, upto: int, *, actor: str, reason: str, now: datetime) -> WriteOffRow:
    """Stop waiting for the missing numbers up to this one; raises Unknown, TooLate or Incomplete.

    What arrives later all the same is entered. A kiosk that still holds them would take the next receipt for theirs,
    so either its heartbeat says that it does not, or the device is revoked and hears no receipt any more.
    """
    row = db.get(StreamRow, stream, with_for_update=True)
    if row is None:
        raise Unknown("no_stream", f"there is no stream {stream}")
    if not reason.strip():
        raise Incomplete("reason_missing", "say why these numbers are given up")
    if not row.upto < upto <= max(row.assigned, _highest(db, row)):
        raise TooLate("no_hole", f"nothing up to {upto} is missing: {row.upto} is the last one before the first hole")
    if _may_still_come(db, row, upto):
        raise TooLate("kiosk_holds_it", "the kiosk may still have these and send them; if it is lost, revoke it first")
    given_up = WriteOffRow(
        id=uuid_utils.compat.uuid7().hex, stream=stream, first=row.upto + 1, last=upto, reason=reason,
        written_off_by=actor, written_off_at=now,
    )  # fmt: skip
    db.add(given_up)
    note(db, actor=actor, act="stream.write_off", thing=str(stream), at=now, first=given_up.first, last=upto)
    row.upto = upto
    db.flush()
    check_ins.advance(db, stream, now=now)
    return given_up


def _may_still_come(db: Db, row: StreamRow, upto: int) -> bool:
    device = db.get_one(DeviceRow, row.device_id)
    if device.revoked_at is not None:
        return False
    state = device.state or {}
    if state.get("stream") != str(row.id) or state.get("last_assigned", 0) < upto:
        return True
    waiting = state.get("first_unreceipted")
    return waiting is not None and bool(waiting <= upto)
