"""What an operator does with dead letters, answered as JSON can say it; raises NotDone or NotPossible."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session as Db

from gateway.ingest import Arrival, Conflict, ingest
from gateway.intake import Batch, Message, Refusal, enter, open_message, streams_of
from gateway.problem import NotDone
from ledger import check_ins, dead_letters
from ledger.tables import DeadLetterRow, DeviceRow
from protocol.records import KioskRecord
from protocol.signing import Malformed

Answer = dict[str, Any]


def listed(db: Db, device: str | None = None) -> Sequence[Answer]:
    """List them, the newest first, without their bytes."""
    return [_told(row) for row in dead_letters.waiting(db, device=device)]


def shown(db: Db, id: str) -> Answer:
    """Show one with its bytes: as text where every character can be printed, otherwise in hexadecimal digits."""
    row = dead_letters.get(db, id)
    return _told(row) | {"topic": row.topic or None} | _readable(row.data)


def replay(db: Db, id: str, *, actor: str, now: datetime) -> Answer:
    """Let one in after all, through the door that every check-in takes; it stays here if it is refused again."""
    row = dead_letters.get(db, id)
    if not row.data:
        raise NotDone("its bytes were not kept, because its device had sent too many like it; the kiosk has them")
    try:
        entered = _replay_message(db, row) if row.topic else _replay_line(db, row)
    except Refusal as refusal:
        raise NotDone(f"it is refused again: {refusal}") from None
    dead_letters.take_out(db, row, actor=actor, now=now)
    return {"id": id, "records": entered}


def discard(db: Db, id: str, *, actor: str, now: datetime) -> Answer:
    """Throw one away; the audit keeps where it came from and why it was here."""
    return {"id": dead_letters.discard(db, id, actor=actor, now=now).id}


def _replay_message(db: Db, row: DeadLetterRow) -> int:
    message = Message(0, 0, 0, row.topic, row.data)
    batch = Batch(known=streams_of(db, [message.device_id]))
    device = db.get(DeviceRow, message.device_id, with_for_update={"key_share": True})
    open_message(db, message, device, batch, row.received_at)
    enter(db, batch, row.received_at)
    for stream, owed in sorted(batch.streams.items()):
        check_ins.advance(db, stream, owed.came, now=row.received_at)
    return len(batch.arrivals)


def _replay_line(db: Db, row: DeadLetterRow) -> int:
    """Enter one record; its envelope's signature was found good when it came."""
    try:
        record = KioskRecord.read(row.data)
    except Malformed:
        raise Refusal("malformed") from None
    if row.stream not in (None, record.stream):
        raise Refusal("not_its_stream")
    [outcome] = ingest(
        db, [Arrival(record=record, line=row.data, device_id=row.device_id)], received_at=row.received_at
    )
    if isinstance(outcome, Conflict):
        raise Refusal(outcome.reason)
    return 1


def _told(row: DeadLetterRow) -> Answer:
    at = row.received_at.isoformat().replace("+00:00", "Z")
    return {"id": row.id, "received_at": at, **dead_letters.told(row)}


def _readable(data: bytes) -> Answer:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}
    # A line's end is no danger to a terminal; other control characters are.
    return {"text": text} if text.replace("\n", "").isprintable() else {"hex": data.hex()}
