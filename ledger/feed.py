"""The order in which HR reads hour records: numbered after the commit, by one writer at a time."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import EpochRow, FeedRow, HourRecordRow


def number(db: Db, *, limit: int = 5000) -> int:
    """Give committed hour records their place in the feed and return how many.

    The lock on the epoch's row lets one transaction number at a time. A record of an open transaction is not seen
    and gets a later number, so a reader never has to come back for a lower one.
    """
    db.execute(sa.select(EpochRow).with_for_update()).all()
    unnumbered = (
        sa.select(HourRecordRow.id)
        .outerjoin(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
        .where(FeedRow.seq.is_(None))
        .order_by(HourRecordRow.entered_at, HourRecordRow.settles, HourRecordRow.version)
        .limit(limit)
    )
    ids = db.scalars(unnumbered).all()
    last = db.scalar(sa.select(sa.func.max(FeedRow.seq))) or 0
    if ids:
        rows = [{"seq": last + place, "hour_record_id": id} for place, id in enumerate(ids, 1)]
        db.execute(sa.insert(FeedRow), rows)
    return len(ids)


def page(db: Db, *, after: int, limit: int, regions: Sequence[str] | None) -> list[tuple[int, HourRecordRow]]:
    """Return up to `limit` numbered records above a feed number, those of some regions or of all (None)."""
    query = (
        sa.select(FeedRow.seq, HourRecordRow)
        .join(HourRecordRow, HourRecordRow.id == FeedRow.hour_record_id)
        .where(FeedRow.seq > after)
        .order_by(FeedRow.seq)
        .limit(limit)
    )
    if regions is not None:
        query = query.where(HourRecordRow.region_id.in_(regions))
    return [(seq, row) for seq, row in db.execute(query)]


def epoch(db: Db) -> UUID:
    """Return the epoch that this database lives in."""
    return db.scalars(sa.select(EpochRow.id).order_by(EpochRow.began_at.desc()).limit(1)).one()
