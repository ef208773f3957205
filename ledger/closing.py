"""Closing a region's month: what changes later is booked in the month that is open then.

* NotPossible (ledger.refusals)
  + Incomplete    the month is not over yet
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.audit import note
from ledger.insertion import insert_or_nothing
from ledger.pair_tables import ClosedMonthRow
from ledger.pairs import month_of
from ledger.plan import Regions, within
from ledger.refusals import Incomplete
from ledger.tables import RegionRow


def close(db: Db, region: RegionRow, month: str, *, by: str, actor: str, now: datetime) -> tuple[ClosedMonthRow, bool]:
    """Close a month (YYYY-MM) of a region; says whether it was open. `by` is the id of an account or API key."""
    if month >= month_of(now, region.zone):
        raise Incomplete("not_over", f"{month} is not over yet in region {region.id!r}; close it afterwards.")
    row = {"region_id": region.id, "month": month, "closed_at": now, "closed_by": by}
    new = bool(insert_or_nothing(db, ClosedMonthRow, [row], ClosedMonthRow.month))
    if new:
        note(db, actor=actor, act="month closed", thing=region.id, at=now, month=month)
    return db.get_one(ClosedMonthRow, (region.id, month)), new


def closed_page(db: Db, regions: Regions, *, after: tuple[str, str], limit: int) -> Sequence[ClosedMonthRow]:
    """Return some closed months behind a region's month."""
    key = sa.tuple_(ClosedMonthRow.region_id, ClosedMonthRow.month)
    query = sa.select(ClosedMonthRow).where(key > after, within(ClosedMonthRow.region_id, regions))
    return db.scalars(query.order_by(ClosedMonthRow.region_id, ClosedMonthRow.month).limit(limit)).all()
