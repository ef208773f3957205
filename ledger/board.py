"""Questions of the day's page: one region's sessions with everything that happened around them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import aliased

from ledger.tables import CheckInRow, CourseRow, HourRecordRow, ReviewRow, RoomRow, SessionRow

Seat = tuple[str, str]
"""A session and a person."""


def sessions_on(db: Db, region_id: str, day: date) -> Sequence[tuple[SessionRow, CourseRow]]:
    """Return a region's sessions of one local day, in order of their start."""
    query = (
        sa.select(SessionRow, CourseRow)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .where(SessionRow.region_id == region_id, SessionRow.local_date == day)
        .order_by(SessionRow.starts_at, SessionRow.id)
    )
    return [(session, course) for session, course in db.execute(query)]


def check_ins_of(db: Db, sessions: Collection[str]) -> Sequence[CheckInRow]:
    """Return every check-in of these sessions, refused ones too, in the order in which they happened."""
    query = sa.select(CheckInRow).where(CheckInRow.session_id.in_(sessions))
    return db.scalars(query.order_by(*_ORDER)).all() if sessions else []


def turned_away(
    db: Db, region_id: str, sessions: Collection[str], *, since: datetime, until: datetime
) -> Sequence[CheckInRow]:
    """Return who was refused at a region's doors without one of these sessions being meant; newest first."""
    query = (
        sa.select(CheckInRow)
        .join(RoomRow, RoomRow.id == CheckInRow.room_id)
        .where(RoomRow.region_id == region_id, CheckInRow.verdict != "admitted")
        .where(CheckInRow.at >= since, CheckInRow.at < until)
        .where(sa.or_(CheckInRow.session_id.is_(None), CheckInRow.session_id.not_in(sessions)))
        .order_by(CheckInRow.at.desc(), CheckInRow.id)
    )
    return db.scalars(query).all()


def credited(db: Db, sessions: Collection[str]) -> dict[Seat, HourRecordRow]:
    """Return the hour records of these sessions that stand, that is, that no reversal has taken back."""
    reversal = aliased(HourRecordRow)
    query = sa.select(HourRecordRow).where(
        HourRecordRow.source_id.in_(sessions),
        HourRecordRow.kind == "credit",
        ~sa.exists().where(reversal.reverses == HourRecordRow.id),
    )
    return {(row.source_id, row.person_id): row for row in db.scalars(query)} if sessions else {}


def under_review(db: Db, sessions: Collection[str]) -> dict[Seat, ReviewRow]:
    """Return what somebody has to decide in these sessions."""
    query = sa.select(ReviewRow).where(ReviewRow.session_id.in_(sessions))
    return {(row.session_id, row.person_id): row for row in db.scalars(query)} if sessions else {}


_ORDER = (CheckInRow.at, CheckInRow.stream, CheckInRow.seq, CheckInRow.id)
