"""Questions about single hour records and about what is under review."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import FeedRow, HourRecordRow, ReviewRow


def record(db: Db, id: UUID, regions: Sequence[str] | None) -> HourRecordRow | None:
    """Return a record that stands in the feed, if it is of one of these regions (None: of any)."""
    query = sa.select(HourRecordRow).join(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
    if regions is not None:
        query = query.where(HourRecordRow.region_id.in_(regions))
    return db.scalar(query.where(HourRecordRow.id == id))


def reviews(db: Db, regions: Sequence[str] | None) -> Sequence[ReviewRow]:
    """Return what is under review in these regions (None: everywhere), oldest first."""
    query = sa.select(ReviewRow).order_by(ReviewRow.opened_at, ReviewRow.session_id, ReviewRow.person_id)
    if regions is not None:
        query = query.where(ReviewRow.region_id.in_(regions))
    return db.scalars(query).all()
