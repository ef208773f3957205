"""Facts as they arrive: entered once, and the learner's day marked for settlement."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.admission import Credential
from attendance.session import Session, Span
from ledger.database import UtcDateTime
from ledger.insertion import among, insert_from, insert_or_nothing, upsert
from ledger.tables import (
    BadgeRow,
    CheckInRow,
    ConsentRow,
    DeadLetterRow,
    DecisionRow,
    DirtyDayRow,
    HourRecordRow,
    RosterRow,
    SessionRow,
    StreamRow,
)

FACE = "face"
"""The purpose of a consent, and a word in every method that needs it."""
NEAR = timedelta(hours=1)
"""More than a session opens before its start or closes after its end."""
PAGE = 1000
"""Numbers of a stream that are looked at in one go."""


def enter(db: Db, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert check-ins and return the ids of those that are new; of several that claim one number, the first."""
    # In order: two writers with the same records in another order would each wait for a row of the other.
    ordered = sorted(rows, key=lambda row: ((row["stream"] or row["id"]).int, row["seq"] or 0))
    return insert_or_nothing(db, CheckInRow, ordered, CheckInRow.id)


@dataclass(frozen=True, slots=True)
class Held:
    """A check-in that stands in the ledger already."""

    verdict: str
    digest: bytes


def held(db: Db, ids: Collection[UUID]) -> dict[UUID, Held]:
    """Return what the ledger has under these ids."""
    query = sa.select(CheckInRow.id, CheckInRow.verdict, CheckInRow.digest).where(among(db, CheckInRow.id, ids))
    return {id: Held(verdict, digest) for id, verdict, digest in db.execute(query)} if ids else {}


def mark_dirty(db: Db, days: Iterable[tuple[str, date, datetime]]) -> None:
    """Ask for the settlement of learners' days (person, day, not before); the earliest moment wins."""
    earliest: dict[tuple[str, date], datetime] = {}
    for person, day, due_at in days:
        earliest[person, day] = min(due_at, earliest.get((person, day), due_at))
    rows = [{"person_id": person, "day": day, "due_at": due} for (person, day), due in sorted(earliest.items())]
    upsert(db, DirtyDayRow, rows, keys=["person_id", "day"], update=_earlier)


def mark_days(db: Db, places: Sequence[sa.ColumnElement[bool]], *, due_at: datetime) -> None:
    """Ask for the settlement of every learner's day with a fact, decision or hours in the sessions so chosen."""
    sources: tuple[tuple[Any, Any], ...] = (
        (CheckInRow.person_id, CheckInRow.session_id),
        (DecisionRow.person_id, DecisionRow.session_id),
        (HourRecordRow.person_id, HourRecordRow.source_id),
    )
    for person, session in sources:
        days = sa.select(person, SessionRow.local_date, sa.literal(due_at, UtcDateTime)).distinct()
        chosen = days.join(SessionRow, SessionRow.id == session).where(person.is_not(None), *places)
        insert_from(db, DirtyDayRow, chosen, keys=["person_id", "day"], update=_earlier)


@dataclass(frozen=True, slots=True)
class Issued:
    """A badge as the ledger has it."""

    person_id: str
    revoked_at: datetime | None
    expires_at: datetime | None
    staff: bool = False


def badges_by_id(db: Db, ids: Collection[UUID]) -> dict[UUID, Issued]:
    """Return the badges that were issued under these ids."""
    query = sa.select(BadgeRow.id, BadgeRow.person_id, BadgeRow.revoked_at, BadgeRow.expires_at, BadgeRow.staff)
    rows = db.execute(query.where(among(db, BadgeRow.id, ids))) if ids else ()
    return {id: Issued(person, revoked_at, expires_at, staff) for id, person, revoked_at, expires_at, staff in rows}


@lru_cache(4096)  # a record's is asked for four times, and reading one was an eighth of taking a backlog in
def badge_id(text: str | None) -> UUID | None:
    """Read a badge's id; None for what is none."""
    try:
        return UUID(hex=text) if text else None
    except ValueError:
        return None


def credential(badge: str | None, badges: Mapping[UUID, Issued], person: str | None, at: datetime) -> Credential:
    """Say whether a badge was good at this moment, in the hand of this person; no badge at all is nothing bad."""
    if badge is None:
        return "good"
    id = badge_id(badge)
    row = badges.get(id) if id else None
    if row is None or row.staff or person not in (None, row.person_id):
        return "unknown"
    return standing(row, at)


def standing(row: Issued, at: datetime) -> Credential:
    """Say whether a badge was good at this moment, whoever held it."""
    if row.revoked_at is not None and row.revoked_at <= at:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at < at else "good"


def consenting(db: Db, people: Collection[str], purpose: str) -> set[str]:
    """Return those of these people whose consent to a purpose stands."""
    query = sa.select(ConsentRow.person_id).where(
        ConsentRow.person_id.in_(people), ConsentRow.purpose == purpose, ConsentRow.withdrawn_at.is_(None)
    )
    return set(db.scalars(query)) if people else set()


def sessions_by_id(db: Db, ids: Collection[str], people: Collection[str] | None = None) -> dict[str, Session]:
    """Return sessions as the rules see them; the rosters hold only `people`, if they are given."""
    return {id: plans[0] for id, plans in plans_by_id(db, ids, people).items()}


def plans_by_id(db: Db, ids: Collection[str], people: Collection[str] | None = None) -> dict[str, tuple[Session, ...]]:
    """Return sessions with the plans that held before, the last one first; their rosters are today's."""
    if not ids:
        return {}
    rows = db.scalars(sa.select(SessionRow).where(among(db, SessionRow.id, ids))).all()
    query = sa.select(RosterRow.session_id, RosterRow.person_id).where(among(db, RosterRow.session_id, ids))
    if people is not None:
        query = query.where(among(db, RosterRow.person_id, people))
    rosters: dict[str, set[str]] = {}
    for session_id, person_id in db.execute(query):
        rosters.setdefault(session_id, set()).add(person_id)
    return {row.id: _plans(row, frozenset(rosters.get(row.id, ()))) for row in rows}


def _plans(row: SessionRow, roster: frozenset[str]) -> tuple[Session, ...]:
    session = as_rule(row, roster)
    return session, *(_as_planned(session, *plan) for plan in reversed(row.earlier))


def _as_planned(session: Session, start: str, end: str, room_id: str | None) -> Session:
    starts_at, ends_at = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return replace(session, starts_at=starts_at, ends_at=ends_at, room_id=room_id, breaks=())


def sessions_near(db: Db, places: Collection[tuple[str, datetime]]) -> set[str]:
    """Return the sessions of these rooms that might be open at these moments."""
    if not places:
        return set()
    moments = [moment for _, moment in places]
    query = sa.select(SessionRow.id).where(
        SessionRow.room_id.in_({room for room, _ in places}),
        SessionRow.starts_at <= max(moments) + NEAR,
        SessionRow.ends_at >= min(moments) - NEAR,
    )
    return set(db.scalars(query))


def as_rule(row: SessionRow, roster: frozenset[str]) -> Session:
    """Translate a session's row into the value that the rules work on."""
    return Session(
        id=row.id,
        course_id=row.course_id,
        room_id=row.room_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        zone=row.zone,
        breaks=tuple(Span(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row.breaks),
        roster=roster,
        methods=frozenset(row.methods),  # type: ignore[arg-type]  # the door checked them
        least_assurance=row.least_assurance,  # type: ignore[arg-type]
        cancelled=row.cancelled,
        missing_out=row.missing_out,  # type: ignore[arg-type]
    )


def advance(db: Db, stream: UUID, came: Collection[int] = (), *, now: datetime) -> StreamRow:
    """Move a stream's `upto` over the numbers that are held now, and see whether one is missing.

    `came` are those that are held since this transaction began, as records or as dead letters. The row is locked until
    the commit, so receipts of one stream rise one by one.
    """
    [row] = advance_all(db, {stream: came}, now=now)
    return row


def advance_all(db: Db, came: Mapping[UUID, Collection[int]], *, now: datetime) -> list[StreamRow]:
    """Move many streams on, as `advance` moves one; they are locked in order, and so returned."""
    # Of two receptions with the same streams, each would else wait for a row that the other has locked.
    query = sa.select(StreamRow).where(among(db, StreamRow.id, came)).order_by(StreamRow.id).with_for_update()
    rows = db.scalars(query, execution_options={"populate_existing": True}).all()
    for row in rows:
        _move_on(db, row, came[row.id], now)
    return list(rows)


def _move_on(db: Db, row: StreamRow, came: Collection[int], now: datetime) -> None:
    before, new = row.upto, sorted(seq for seq in came if seq > row.upto)
    # Nothing is missing and the next numbers came: as a rule it is so, and then nothing has to be looked up.
    goes_on = row.missing_since is None and all(seq == before + place for place, seq in enumerate(new, 1))
    row.upto = before + len(new) if goes_on else _contiguous(db, row)
    if row.upto >= row.assigned and (goes_on or not above(db, row, 1)):
        row.missing_since = None
    elif row.missing_since is None or row.upto > before:
        row.missing_since = now


def above(db: Db, row: StreamRow, limit: int = 200) -> list[int]:
    """Return the first numbers held above `upto`, those of dead letters among them."""
    return _held_after(db, row.id, row.upto, limit)


def _contiguous(db: Db, row: StreamRow) -> int:
    """Say how far the numbers go without a hole; read by the page, so that what lies above a hole costs nothing."""
    upto = row.upto
    while True:
        page = _held_after(db, row.id, upto, PAGE)
        unbroken = sum(seq == upto + place for place, seq in enumerate(page, 1))
        upto += unbroken
        if unbroken < PAGE:
            return upto


def _held_after(db: Db, stream: UUID, seq: int, limit: int) -> list[int]:
    # Each side is limited by itself: there may be a hundred thousand.
    sides = [
        sa.select(table.seq).where(table.stream == stream, table.seq > seq).order_by(table.seq).limit(limit).subquery()
        for table in (CheckInRow, DeadLetterRow)
    ]
    both = sa.union(*(sa.select(side.c.seq) for side in sides)).subquery()
    return [held for held in db.scalars(sa.select(both.c.seq).order_by(both.c.seq).limit(limit)) if held is not None]


def _earlier(excluded: Any) -> dict[str, Any]:
    # Whichever of two writers comes second must not postpone what the first asked for.
    sooner = sa.case((excluded.due_at < DirtyDayRow.due_at, excluded.due_at), else_=DirtyDayRow.due_at)
    return {"due_at": sooner}
