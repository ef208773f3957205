"""Questions of the phones' pages: a browser's tickets, what a learner did in a session, and with whom they learn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.pair_tables import PairRow
from ledger.tables import CheckInRow, CourseRow, PersonRow, RoomRow, SessionRow, TicketRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with what a page says of it."""

    row: SessionRow
    course: CourseRow
    room: RoomRow | None


def sitting(db: Db, session_id: str) -> Sitting | None:
    """Return a session with its course and room."""
    query = (
        sa.select(SessionRow, CourseRow, RoomRow)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .outerjoin(RoomRow, RoomRow.id == SessionRow.room_id)
    )
    found = db.execute(query.where(SessionRow.id == session_id)).first()
    return Sitting(row=found[0], course=found[1], room=found[2]) if found else None


def sessions_between(db: Db, since: datetime, until: datetime) -> Sequence[str]:
    """Return the sessions of every region that end at `since` or later and start until `until`."""
    query = sa.select(SessionRow.id).where(SessionRow.ends_at >= since, SessionRow.starts_at <= until)
    return db.scalars(query.order_by(SessionRow.id)).all()


def own_check_ins(db: Db, session_id: str, people: Collection[str]) -> dict[str, list[CheckInRow]]:
    """Return the admitted check-ins of these people in a session, in the order in which they happened."""
    query = sa.select(CheckInRow).where(
        CheckInRow.session_id == session_id, CheckInRow.person_id.in_(people), CheckInRow.verdict == "admitted"
    )
    found: dict[str, list[CheckInRow]] = {person: [] for person in people}
    for row in db.scalars(query.order_by(CheckInRow.at, CheckInRow.stream, CheckInRow.seq, CheckInRow.id)):
        found[str(row.person_id)].append(row)
    return found


def partners(db: Db, person_id: str) -> Sequence[PersonRow]:
    """Return with whom somebody learns in pairs, in order of their names."""
    other = sa.case((PairRow.clerk_id == person_id, PairRow.manager_id), else_=PairRow.clerk_id)
    pairs = sa.select(other).where(sa.or_(PairRow.clerk_id == person_id, PairRow.manager_id == person_id))
    return db.scalars(sa.select(PersonRow).where(PersonRow.id.in_(pairs)).order_by(PersonRow.name, PersonRow.id)).all()


def fresh_ticket(db: Db, session_id: str, browser_hash: str, *, since: datetime) -> TicketRow | None:
    """Return the unused ticket that this browser has got for a session since then."""
    query = sa.select(TicketRow).where(
        TicketRow.browser_hash == browser_hash,
        TicketRow.session_id == session_id,
        TicketRow.made_at >= since,
        TicketRow.used_at.is_(None),
    )
    return db.scalar(query.order_by(TicketRow.made_at).limit(1))


def use_ticket(db: Db, ticket_id: UUID, person_id: str, now: datetime) -> bool:
    """Use a ticket up for a learner; False if it has been used.

    The condition is part of the update: of two taps on the button at once, one checks in.
    """
    statement = (
        sa.update(TicketRow)
        .where(TicketRow.id == ticket_id, TicketRow.used_at.is_(None))
        .values(used_at=now, person_id=person_id)
        .returning(TicketRow.id)
    )
    return db.scalar(statement) is not None


def others_from_here(db: Db, ticket: TicketRow, person_id: str, *, by_address: bool) -> bool:
    """Say whether this browser, or this address, has checked somebody else in to the same session."""
    here = TicketRow.browser_hash == ticket.browser_hash
    if by_address:
        here = sa.or_(here, TicketRow.address_hash == ticket.address_hash)
    query = sa.select(TicketRow.id).where(
        here,
        TicketRow.session_id == ticket.session_id,
        TicketRow.used_at.is_not(None),
        TicketRow.person_id != person_id,
    )
    return db.scalar(query.limit(1)) is not None


def forget_tickets(db: Db, before: UUID) -> None:
    """Drop the tickets whose ids sort before this one; the ids begin with the time, so no other index is needed."""
    db.execute(sa.delete(TicketRow).where(TicketRow.id < before))
