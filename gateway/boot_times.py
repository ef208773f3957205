"""The time of a record whose clock was not synced, worked out from when its kiosk's boot began."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session as Db

from ledger import boots
from protocol.messages import BootTime
from protocol.records import CheckInRecord

AHEAD = timedelta(minutes=5)
"""A record from further in the future than this has a clock that nobody can credit."""

Boots = Mapping[tuple[UUID | None, UUID | None], BootTime]
"""By stream and boot."""


def stated(db: Db, records: Iterable[CheckInRecord]) -> Boots:
    """Return when the boots of these records began; asks only if a record's clock was not synced."""
    streams = {record.stream for record in records if record.clock != "synced" and record.stream}
    known = boots.began(db, streams) if streams else {}
    return {place: BootTime(boot=place[1], began_at=began_at) for place, began_at in known.items()}


def corrected(record: CheckInRecord, times: Boots, received_at: datetime) -> CheckInRecord | None:
    """Return the record with the time that follows from its boot; None if nothing is known of that.

    What the screen refused stays refused: nobody was let in, and nobody was asked whether they come or go.
    """
    at = _time_of(record, times)
    if at is None:
        return None
    if at > received_at + AHEAD:
        # What came before it was made contradicts its boot: neither time can be credited.
        return record.model_copy(update={"clock": "unknown"})
    return record.model_copy(update={"at": at, "clock": "synced"})


def placed_blindly(record: CheckInRecord) -> bool:
    """Say whether a kiosk without a time chose session and direction.

    Where it found no session, the direction is the door's own, and no clock was needed for it.
    """
    return record.clock == "unknown" and record.amber and record.session is not None


def _time_of(record: CheckInRecord, times: Boots) -> datetime | None:
    boot = None if record.clock == "synced" else times.get((record.stream, record.boot))
    at = boot.time_of(record) if boot else None
    # Nothing was recorded before its boot began.
    return at if boot and at and at >= boot.began_at else None
