"""Holds what an archive has against the effective records of the ledger."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from ledger.database import Ledger
from ledger.deliveries import UNANSWERED
from ledger.delivery_tables import DeliveryRow
from ledger.tables import HourRecordRow
from sync.archive import Declined, Delivery, ReadableArchive
from sync.telling import tell

CHUNK = 1000
ERASABLE = ("personnel_number", "trainer_number")
"""Stand with the people, change with them and go with them: not a part of what is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is not the same, by the ids of hour records."""

    missing: tuple[str, ...]
    """Effective here, and not in the archive."""
    extra: tuple[str, ...]
    """Effective in the archive, and not here."""
    different: Mapping[str, tuple[str, ...]]
    """Effective in both, with the names of the fields that differ."""
    waiting: tuple[str, ...]
    """Missing or extra because something about them is still queued or on its way."""
    compared: int

    @property
    def is_good(self) -> bool:
        """Say whether the archive has just what the ledger says."""
        return not (self.missing or self.extra or self.different or self.waiting)


def reconcile(ledger: Ledger, archive: ReadableArchive) -> Findings:
    """Compare one archive with the ledger; raises ArchiveError when it cannot be read."""
    # Read before the ledger is: what arrives in between is then seen as missing and waiting, never as extra.
    theirs = effective(archive.content())
    ours, moving = _ours(ledger, archive.name)
    apart = ours.keys() ^ theirs.keys()
    waiting = {id for id in apart if str((ours.get(id) or theirs[id]).get("settles")) in moving}
    differing = {id: _fields(ours[id], theirs[id]) for id in ours.keys() & theirs.keys()}
    return Findings(
        missing=tuple(sorted(ours.keys() - theirs.keys() - waiting)),
        extra=tuple(sorted(theirs.keys() - ours.keys() - waiting)),
        different={id: fields for id, fields in sorted(differing.items()) if fields},
        waiting=tuple(sorted(waiting)),
        compared=len(differing),
    )


def effective(content: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the records that no reversal has taken back, by their ids."""
    records = list(content)
    gone = {record.get("reverses") for record in records}
    return {
        str(record.get("id")): record
        for record in records
        if record.get("kind") != "reversal" and record.get("id") not in gone
    }


def _ours(ledger: Ledger, target: str) -> tuple[dict[str, Mapping[str, Any]], set[str]]:
    """Return the effective records as an archive is told them, and which answers still have something to be sent."""
    reversal = aliased(HourRecordRow)
    stands = HourRecordRow.kind != "reversal", ~sa.exists().where(reversal.reverses == HourRecordRow.id)
    moving = (
        sa.select(HourRecordRow.settles)
        .join(DeliveryRow, DeliveryRow.hour_record_id == HourRecordRow.id)
        .where(DeliveryRow.target == target, DeliveryRow.state.in_(UNANSWERED))
    )
    found: dict[str, Mapping[str, Any]] = {}
    with ledger.read() as db:
        for rows in db.scalars(sa.select(HourRecordRow).where(*stands)).partitions(CHUNK):
            found |= {str(row.id): _plain(row, one) for row, one in zip(rows, tell(db, rows), strict=True)}
        return found, {str(id) for id in db.scalars(moving)}


def _plain(row: HourRecordRow, told: Delivery | Declined) -> dict[str, Any]:
    # What cannot be told has never been sent, so it is missing over there.
    return told.to_json() if isinstance(told, Delivery) else {"settles": str(row.settles)}


def _fields(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what differs; what an archive does not keep at all is not compared."""
    named = [name for name in ours if name not in ERASABLE and name in theirs]
    return tuple(sorted(name for name in named if not _same(name, ours[name], theirs[name])))


def _same(name: str, ours: Any, theirs: Any) -> bool:
    if name == "course" and isinstance(theirs, Mapping):
        return all(theirs.get(key, value) == value for key, value in ours.items() if key not in ERASABLE)
    return bool(ours == theirs)
