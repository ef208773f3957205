"""The order in which HR reads hour records: numbered after the commit, by one writer at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger.audit import note
from ledger.chain import FIRST, link
from ledger.insertion import insert
from ledger.tables import EpochRow, FeedRow, HourRecordRow, UnnumberedRow

LOOKED_THROUGH = 10_000
"""So many places of the feed a page looks at, at most; where other regions have more, the next page goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of the feed."""

    records: Sequence[tuple[int, HourRecordRow]]
    upto: int
    """The number up to which the feed was looked through: what comes later is above it."""
    more: bool


def number(db: Db, *, limit: int = 1000) -> int:
    """Give committed hour records their place in the feed and return how many.

    The lock on the epoch's row lets one transaction number at a time. A record of an open transaction is not seen
    and gets a later number, so a reader never has to come back for a lower one.
    """
    db.execute(sa.select(EpochRow).with_for_update()).all()
    waiting = db.execute(sa.select(UnnumberedRow.__table__).order_by(UnnumberedRow.place).limit(limit)).all()
    if not waiting:
        return 0
    seq, before = head(db)
    rows = list(_places(seq, before, _records(db, [row.hour_record_id for row in waiting])))
    insert(db, FeedRow, rows)
    db.execute(sa.delete(UnnumberedRow).where(UnnumberedRow.place.in_([row.place for row in waiting])))
    return len(waiting)


def _records(db: Db, ids: Sequence[UUID]) -> Iterable[Mapping[str, Any]]:
    query = (
        sa.select(HourRecordRow.__table__)
        .outerjoin(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
        # A program of an older version numbers without asking the queue.
        .where(HourRecordRow.id.in_(ids), FeedRow.seq.is_(None))
    )
    found = {record["id"]: dict(record) for record in db.execute(query).mappings()}
    return [found[id] for id in ids if id in found]


def _places(seq: int, before: str, records: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for record in records:
        seq, before = seq + 1, link(before, record)
        yield {"seq": seq, "hour_record_id": record["id"], "hash": before}


def page(db: Db, *, after: int, limit: int, regions: Sequence[str] | None) -> Page:
    """Return up to `limit` numbered records above a feed number, those of some regions or of all (None).

    No record below the highest number that is seen can still come (see `number`), so a reader whose regions have
    nothing new goes on behind what was looked through, and does not look through it again.
    """
    last, _ = head(db)
    end = min(last, after + LOOKED_THROUGH)
    query = (
        sa.select(FeedRow.seq, HourRecordRow)
        .join(HourRecordRow, HourRecordRow.id == FeedRow.hour_record_id)
        .where(FeedRow.seq > after, FeedRow.seq <= end)
        .order_by(FeedRow.seq)
        .limit(limit + 1)
    )
    if regions is not None:
        query = query.where(HourRecordRow.region_id.in_(regions))
    found = [(seq, row) for seq, row in db.execute(query)]
    upto = end if len(found) <= limit else found[limit - 1][0]
    return Page(records=found[:limit], upto=upto, more=upto < last)


def head(db: Db) -> tuple[int, str]:
    """Return number and hash of the last record of the feed; 0 and a hash of zeros before the first."""
    row = db.execute(sa.select(FeedRow.seq, FeedRow.hash).order_by(FeedRow.seq.desc()).limit(1)).first()
    return (row.seq, row.hash or FIRST) if row else (0, FIRST)


def epoch(db: Db) -> UUID:
    """Return the epoch that this database lives in."""
    return db.scalars(sa.select(EpochRow.id).order_by(EpochRow.began_at.desc()).limit(1)).one()


def begin_epoch(db: Db, *, actor: str, now: datetime) -> UUID:
    """Say that the ledger has gone back to a backup: kiosks send again what it lacks, and old cursors end."""
    id: UUID = uuid_utils.compat.uuid7()
    db.add(EpochRow(id=id, began_at=now))
    note(db, actor=actor, act="epoch begun", thing=str(id), at=now)
    db.flush()
    return id
