"""What could not be processed: kept with its bytes and reason, so that somebody can look and replay."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import DeadLetterRow

PER_DEVICE = 1000
"""Past this a broken or hostile sender only raises the count."""


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
    """Keep what cannot be processed; False when this sender has filled its share."""
    count = sa.select(sa.func.count()).where(DeadLetterRow.device_id == device_id)
    if (db.scalar(count) or 0) >= PER_DEVICE:
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
            data=data,
        )
    )
    return True


def rejected(db: Db, stream: UUID) -> Mapping[int, str]:
    """Return the numbers of a stream that lie here, with their reasons."""
    query = sa.select(DeadLetterRow.seq, DeadLetterRow.reason).where(
        DeadLetterRow.stream == stream, DeadLetterRow.seq.is_not(None)
    )
    return {seq: reason for seq, reason in db.execute(query) if seq is not None}
