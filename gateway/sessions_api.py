"""Sessions and their rosters: HR reads them, plans one anew, and puts learners on its roster or takes them off."""

from datetime import date
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from gateway.api import Instant, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Day, Id, When
from gateway.import_fields import MOST_CHECKS
from gateway.reach import actor, chosen, found, named
from gateway.things import CHANGE, PLAN, READ, IdPath, ListQuery, NextAfter, OfRegion, blueprint, cut, gone, kept
from ledger import plan, replanning
from ledger.database import Ledger
from ledger.directory import by_number
from ledger.people import numbers
from ledger.plan import Wanted
from ledger.tables import PersonRow, RosterRow, SessionRow


class SessionsQuery(OfRegion):
    """Which sessions."""

    first: Day | None = Field(None, alias="from", description="Only on this local date or later.")
    last: Day | None = Field(None, alias="to", description="Only on this local date or earlier.")
    course: Id | None = None
    room: Id | None = None
    series: Id | None = Field(None, description="The sittings that were planned as one recurring session.")


class SeatPath(IdPath):
    """Whose place in which session."""

    number: Id


class Pause(BaseModel):
    """A break, which is not counted as presence."""

    starts_at: Instant
    ends_at: Instant


class PlannedSession(BaseModel):
    """One sitting of a course."""

    id: str
    course: str
    region: str
    room: str | None = Field(description="null: online.")
    trainer: str | None = Field(description="A personnel number.")
    program: str | None = Field(description="Partners of this programme who come together have joint hours of it.")
    series: str | None
    starts_at: Instant
    ends_at: Instant
    zone: str
    local_date: date = Field(description="The date of the start in `zone`.")
    breaks: list[Pause]
    methods: list[str]
    least_assurance: str
    missing_out: str
    presence_checks: int
    cancelled: bool
    roster_size: int


class PlannedSessions(BaseModel):
    """Some sessions, in order of their ids."""

    sessions: list[PlannedSession]
    next_after: NextAfter


class BreakBody(Body):
    """A break."""

    starts_at: When
    ends_at: When


def _not_sent() -> Any:
    # Never read: `model_fields_set` says what was sent. As a factory, it is no default in the document either.
    return None


class ReplanBody(Body):
    """What is to be otherwise; what is left out stays."""

    starts_at: When = Field(default_factory=_not_sent)
    ends_at: When = Field(default_factory=_not_sent)
    room: Id | None = Field(default_factory=_not_sent, description="null: online.")
    trainer: Id | None = Field(default_factory=_not_sent, description="A personnel number; null: nobody yet.")
    breaks: list[BreakBody] = Field(default_factory=_not_sent, description="All of them.")
    presence_checks: int = Field(default_factory=_not_sent, ge=0, le=MOST_CHECKS)
    cancelled: bool = Field(default_factory=_not_sent)


class Seat(BaseModel):
    """A learner on a roster."""

    person: str
    personnel_number: str
    role: str


class Roster(BaseModel):
    """Some of the learners on a roster, in order of their numbers."""

    roster: list[Seat]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "sessions_api.sessions": "plan:read",
    "sessions_api.session": "plan:read",
    "sessions_api.replan": "plan:write",
    "sessions_api.roster": "plan:read",
    "sessions_api.enrol": "plan:write",
    "sessions_api.withdraw": "plan:write",
}


def sessions_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of sessions and rosters."""
    api = blueprint("sessions_api", PLAN, ledger, clock, SCOPES)

    @api.get("/sessions", responses={200: PlannedSessions}, summary="List sessions")
    def sessions(query: SessionsQuery) -> Response:
        """Give sessions, of all regions of the key or of one."""
        wanted = Wanted(
            first=query.first, last=query.last, course_id=query.course, room_id=query.room, series_id=query.series
        )
        with ledger.read() as db:
            rows = plan.sessions_page(db, chosen(query.region), wanted, after=query.after, limit=query.limit + 1)
            page, next_after = cut(rows, query.limit, lambda row: row.id)
            return said(PlannedSessions(sessions=_sessions(db, page), next_after=next_after))

    @api.get("/sessions/<id>", responses={200: PlannedSession, **READ}, summary="Read a session")
    def session(path: IdPath) -> Response:
        """Give one session."""
        with ledger.read() as db:
            return said(*_sessions(db, [_found(db, path.id)]))

    @api.patch("/sessions/<id>", responses={200: PlannedSession, **CHANGE}, summary="Plan a session anew")
    def replan(path: IdPath, body: ReplanBody) -> Response:
        """Change when, where and by whom; who came as planned before has come, and hours are settled again."""
        with ledger.begin() as db:
            row = _found(db, path.id, locked=True)
            replanning.replan(db, row, _changes(db, body), actor=actor(), now=clock())
            return said(*_sessions(db, [row]))

    @api.get("/sessions/<id>/roster", responses={200: Roster, **READ}, summary="Read a roster")
    def roster(path: IdPath, query: ListQuery) -> Response:
        """Give the learners of a session."""
        with ledger.read() as db:
            rows = plan.roster_page(db, _found(db, path.id).id, after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.number)
        return said(Roster(roster=[_seat(row) for row in page], next_after=next_after))

    @api.put("/sessions/<id>/roster/<number>", responses={200: Seat, 201: Seat, **CHANGE}, summary="Put on the roster")
    def enrol(path: SeatPath) -> Response:
        """Put a learner on a session's roster; a check-in that was refused for want of it counts then."""
        with ledger.begin() as db:
            row = _found(db, path.id, locked=True)
            person = found(by_number(db, path.number), "person", _home)
            new = replanning.enrol(db, row, person, actor=actor(), now=clock())
        return kept(_seat(person), new=new)

    @api.delete("/sessions/<id>/roster/<number>", responses={204: None, **READ}, summary="Take off the roster")
    def withdraw(path: SeatPath) -> Response:
        """Take a learner off a session's roster; hours for check-ins that were admitted stay."""
        with ledger.begin() as db:
            row = _found(db, path.id, locked=True)
            person = by_number(db, path.number)
            seat = db.get(RosterRow, (row.id, person.id)) if person else None
            person = found(person if seat else None, "person on this roster")
            replanning.withdraw(db, row, person, actor=actor(), now=clock())
        return gone()

    return api


def _found(db: Db, id: str, *, locked: bool = False) -> SessionRow:
    return found(db.get(SessionRow, id, with_for_update=locked or None), "session", _region)


def _region(row: SessionRow) -> str:
    return row.region_id


def _home(row: PersonRow) -> str:
    return row.region_id


def _changes(db: Db, body: ReplanBody) -> dict[str, Any]:
    """Return the columns to set; what was not sent stays."""
    sent = {name: getattr(body, name) for name in body.model_fields_set}
    if "room" in sent:
        sent["room_id"] = sent.pop("room")
    if "trainer" in sent:
        number = sent.pop("trainer")
        sent["trainer_id"] = named(by_number(db, number), f"trainer {number!r}", _home).id if number else None
    if "breaks" in sent:
        sent["breaks"] = [(pause.starts_at, pause.ends_at) for pause in sent["breaks"]]
    return sent


def _sessions(db: Db, rows: Any) -> list[PlannedSession]:
    sizes = plan.roster_sizes(db, [row.id for row in rows])
    trainers = numbers(db, {row.trainer_id for row in rows if row.trainer_id})
    return [_session(row, sizes.get(row.id, 0), trainers.get(row.trainer_id)) for row in rows]


def _session(row: SessionRow, size: int, trainer: str | None) -> PlannedSession:
    return PlannedSession(
        id=row.id,
        course=row.course_id,
        region=row.region_id,
        room=row.room_id,
        trainer=trainer,
        program=row.program_id,
        series=row.series_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        zone=row.zone,
        local_date=row.local_date,
        breaks=[Pause(starts_at=since, ends_at=until) for since, until in replanning.breaks_of(row)],
        methods=row.methods,
        least_assurance=row.least_assurance,
        missing_out=row.missing_out,
        presence_checks=row.presence_checks,
        cancelled=row.cancelled,
        roster_size=size,
    )


def _seat(row: PersonRow) -> Seat:
    return Seat(person=row.id, personnel_number=row.number, role=row.role)
