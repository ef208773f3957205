"""Questions about the plan: regions, rooms, courses and sessions, page by page in the order of their ids."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import CourseRow, PersonRow, RegionRow, RoomRow, RosterRow, SessionRow

Regions = Collection[str] | None
"""None: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which sessions somebody wants to see; None: any."""

    first: date | None = None
    last: date | None = None
    course_id: str | None = None
    room_id: str | None = None
    series_id: str | None = None


def within(column: sa.orm.InstrumentedAttribute[str], regions: Regions) -> sa.ColumnElement[bool]:
    """Choose what lies in some regions."""
    return sa.true() if regions is None else column.in_(regions)


def regions_page(db: Db, regions: Regions, *, after: str, limit: int) -> Sequence[RegionRow]:
    """Return some regions behind an id."""
    query = sa.select(RegionRow).where(RegionRow.id > after, within(RegionRow.id, regions))
    return db.scalars(query.order_by(RegionRow.id).limit(limit)).all()


def rooms_page(db: Db, regions: Regions, *, after: str, limit: int) -> Sequence[RoomRow]:
    """Return some rooms behind an id."""
    query = sa.select(RoomRow).where(RoomRow.id > after, within(RoomRow.region_id, regions))
    return db.scalars(query.order_by(RoomRow.id).limit(limit)).all()


def courses_page(db: Db, *, after: str, limit: int) -> Sequence[CourseRow]:
    """Return some courses behind an id; they are the whole company's."""
    return db.scalars(sa.select(CourseRow).where(CourseRow.id > after).order_by(CourseRow.id).limit(limit)).all()


def sessions_page(db: Db, regions: Regions, wanted: Wanted, *, after: str, limit: int) -> Sequence[SessionRow]:
    """Return some sessions behind an id; `first` and `last` are local dates and both included."""
    query = sa.select(SessionRow).where(SessionRow.id > after, within(SessionRow.region_id, regions))
    if wanted.first:
        query = query.where(SessionRow.local_date >= wanted.first)
    if wanted.last:
        query = query.where(SessionRow.local_date <= wanted.last)
    for column, wish in (
        (SessionRow.course_id, wanted.course_id),
        (SessionRow.room_id, wanted.room_id),
        (SessionRow.series_id, wanted.series_id),
    ):
        query = query.where(column == wish) if wish is not None else query
    return db.scalars(query.order_by(SessionRow.id).limit(limit)).all()


def roster_sizes(db: Db, sessions: Collection[str]) -> Mapping[str, int]:
    """Count the learners of each of these sessions that has any."""
    query = sa.select(RosterRow.session_id, sa.func.count()).where(RosterRow.session_id.in_(sessions))
    return dict(db.execute(query.group_by(RosterRow.session_id)).all()) if sessions else {}


def roster_page(db: Db, session_id: str, *, after: str, limit: int) -> Sequence[PersonRow]:
    """Return some of the people on a session's roster, behind a personnel number."""
    query = sa.select(PersonRow).join(RosterRow, RosterRow.person_id == PersonRow.id)
    query = query.where(RosterRow.session_id == session_id, PersonRow.number > after)
    return db.scalars(query.order_by(PersonRow.number).limit(limit)).all()
