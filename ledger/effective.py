"""The hour records that count: those of the feed, up to a number, that no reversal up to it takes back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import aliased

from ledger.tables import FeedRow, HourRecordRow

ORDER = (HourRecordRow.effective_date, HourRecordRow.region_id, HourRecordRow.person_id, HourRecordRow.id)
"""The order in which records are read part by part; it begins as the index over days and regions does."""

Place = tuple[date, str, str, UUID]
"""A record's place in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which records: of which days and regions, and as of when.

    The ledger only grows. So what is asked as of a feed number stays the same, however often and slowly it is read.
    """

    first: date
    last: date
    """Included."""
    regions: Sequence[str] | None
    """None: all of them."""
    upto: int
    """The number of the feed's last record that is known."""


def effective(asked: Asked, *columns: Any) -> sa.Select[Any]:
    """Ask for columns of the records that count."""
    reversal, place = aliased(HourRecordRow), aliased(FeedRow)
    taken_back = (
        sa.select(reversal.id)
        .join(place, place.hour_record_id == reversal.id)
        .where(reversal.reverses == HourRecordRow.id, place.seq <= asked.upto)
    )
    query = (
        sa.select(*columns)
        .select_from(HourRecordRow)
        .join(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
        .where(
            HourRecordRow.effective_date.between(asked.first, asked.last),
            HourRecordRow.kind != "reversal",
            FeedRow.seq <= asked.upto,
            ~taken_back.exists(),
        )
    )
    return query if asked.regions is None else query.where(HourRecordRow.region_id.in_(asked.regions))


def part(db: Db, asked: Asked, *columns: Any, after: Place | None, limit: int) -> Sequence[sa.Row[Any]]:
    """Return columns of up to `limit` of the records that count, behind a place in their order.

    Those of `ORDER` are to be among the columns.
    """
    if after is not None:
        # SQLite would begin at the first day each time: it does not look a place up by more than the day.
        asked = replace(asked, first=after[0])
    query = effective(asked, *columns).order_by(*ORDER).limit(limit)
    return db.execute(query if after is None else query.where(sa.tuple_(*ORDER) > after)).all()


def place_of(row: sa.Row[Any]) -> Place:
    """Say where a record stands in the order."""
    return row.effective_date, row.region_id, row.person_id, row.id


def more_than(db: Db, asked: Asked, most: int) -> bool:
    """Say whether more records than these count, without counting the rest."""
    found = effective(asked, HourRecordRow.id).limit(most + 1).subquery()
    return (db.scalar(sa.select(sa.func.count()).select_from(found)) or 0) > most
