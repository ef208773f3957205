"""What could not be processed: kept with its bytes and reason, so that somebody can look, replay or discard it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.audit import note
from ledger.insertion import among
from ledger.refusals import Unknown
from ledger.tables import DeadLetterRow

PER_DEVICE = 1000
"""Past this a broken or hostile sender's bytes are not kept; the numbers are, so that they are no holes."""


def bury(
    db: Db,
    data: bytes,
    *,
    id: str,
    topic: str,
    reason: str,
    received_at: datetime,
    device_id: str | None,
    place: tuple[UUID, int] | None = None,
) -> bool:
    """Keep what cannot be processed; False when it is here already, or when this sender has filled its share."""
    if place and _is_kept(db, place, data):
        return False
    is_full = _count(db, device_id) >= PER_DEVICE
    if is_full and (place is None or _is_kept(db, place)):
        return False
    stream, seq = place or (None, None)
    db.add(
        DeadLetterRow(
            id=id,
            received_at=received_at,
            device_id=device_id,
            topic=topic,
            reason=reason,
            stream=stream,
            seq=seq,
            data=b"" if is_full else data,
        )
    )
    return True


def _count(db: Db, device_id: str | None) -> int:
    kept = sa.select(DeadLetterRow.id).where(DeadLetterRow.device_id == device_id, DeadLetterRow.discarded_at.is_(None))
    return db.scalar(sa.select(sa.func.count()).select_from(kept.limit(PER_DEVICE).subquery())) or 0


def _is_kept(db: Db, place: tuple[UUID, int], data: bytes | None = None) -> bool:
    # A kiosk that has not heard of it sends the same line every half minute.
    query = sa.select(DeadLetterRow.id).where(DeadLetterRow.stream == place[0], DeadLetterRow.seq == place[1])
    if data is not None:
        query = query.where(DeadLetterRow.data == data)
    return db.scalar(query.limit(1)) is not None


def reasons(db: Db, stream: UUID, seqs: Collection[int]) -> dict[int, str]:
    """Return those of these numbers that lie here, with their reasons."""
    return _reasons(db, stream, DeadLetterRow.seq.in_(seqs)) if seqs else {}


def newest(db: Db, stream: UUID, limit: int) -> dict[int, str]:
    """Return the highest numbers of a stream that lie here, with their reasons."""
    numbers = sa.select(DeadLetterRow.seq).where(DeadLetterRow.stream == stream, DeadLetterRow.seq.is_not(None))
    chosen = numbers.order_by(DeadLetterRow.seq.desc()).limit(limit).subquery()
    return _reasons(db, stream, DeadLetterRow.seq.in_(sa.select(chosen.c.seq)))


def with_letters(db: Db, streams: Collection[UUID]) -> set[UUID]:
    """Return those of these streams of which numbers lie here."""
    query = sa.select(DeadLetterRow.stream).where(among(db, DeadLetterRow.stream, streams)).distinct()
    return {stream for stream in db.scalars(query) if stream} if streams else set()


def _reasons(db: Db, stream: UUID, chosen: sa.ColumnElement[bool]) -> dict[int, str]:
    query = sa.select(DeadLetterRow.seq, DeadLetterRow.reason).where(DeadLetterRow.stream == stream, chosen)
    return {seq: reason for seq, reason in db.execute(query) if seq is not None}


def waiting(db: Db, *, device: str | None = None, limit: int = 1000) -> Sequence[DeadLetterRow]:
    """Return what nobody has discarded, the newest first."""
    query = sa.select(DeadLetterRow).where(DeadLetterRow.discarded_at.is_(None))
    if device is not None:
        query = query.where(DeadLetterRow.device_id == device)
    return db.scalars(query.order_by(DeadLetterRow.received_at.desc(), DeadLetterRow.id.desc()).limit(limit)).all()


def counts(db: Db, devices: Collection[str]) -> dict[str, int]:
    """Return how many of these devices' dead letters nobody has discarded; who has none is left out."""
    query = sa.select(DeadLetterRow.device_id, sa.func.count()).where(
        DeadLetterRow.device_id.in_(devices), DeadLetterRow.discarded_at.is_(None)
    )
    found = db.execute(query.group_by(DeadLetterRow.device_id)) if devices else ()
    return {device: count for device, count in found if device}


def get(db: Db, id: str) -> DeadLetterRow:
    """Return one, locked until the commit; raises Unknown."""
    row = db.get(DeadLetterRow, id, with_for_update=True)
    if row is None or row.discarded_at is not None:
        raise Unknown("no_dead_letter", f"there is no dead letter {id!r}; `tandem gateway dead-letter list` lists them")
    return row


def discard(db: Db, id: str, *, actor: str, now: datetime) -> DeadLetterRow:
    """Throw the bytes of one away; its number, if it has one, stays taken. Raises Unknown."""
    row = get(db, id)
    note(db, actor=actor, act="dead_letter.discard", thing=id, at=now, **told(row))
    row.data, row.discarded_at = b"", now
    if row.seq is None:
        db.delete(row)
    return row


def take_out(db: Db, row: DeadLetterRow, *, actor: str, now: datetime) -> None:
    """Take one out that has been entered after all."""
    note(db, actor=actor, act="dead_letter.replay", thing=row.id, at=now, **told(row))
    db.delete(row)


def told(row: DeadLetterRow) -> Mapping[str, object]:
    """Say of one what is no secret: where it came from and why it is here."""
    return {
        "device": row.device_id,
        "reason": row.reason,
        "stream": str(row.stream) if row.stream else None,
        "seq": row.seq,
        "bytes": len(row.data),
    }
