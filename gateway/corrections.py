"""Decisions about attendance: what waits for one, and the form with which a trainer makes it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from attendance.session import Session
from gateway import visitor
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from gateway.tasks import Wrong, chosen_region, frame_of_staff, local_instant, page
from ledger import decisions
from ledger.board import credited, under_review
from ledger.check_ins import as_rule
from ledger.database import Ledger
from ledger.decisions import Seat, check_ins_at, decisions_of, reviews, standing
from ledger.people import people_by_id
from ledger.presence import Put, put_so_far
from ledger.refusals import Incomplete, NotPossible, Unknown
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DecisionRow,
    HourRecordRow,
    PersonRow,
    ReviewRow,
    RoomRow,
    RosterRow,
    SessionRow,
)

FIELDS = ("kind", "at_add_in", "at_add_out", "check_in", "reason")
SUGGESTED = {"missing_out": "add_out", "out_without_in": "add_in"}
"""What most likely answers a reason to review; the trainer still has to say it, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A learner's session with all that a decision needs."""

    session: Session
    course: CourseRow
    place: str | None
    person: PersonRow
    review: ReviewRow | None
    check_ins: tuple[CheckInRow, ...]
    decisions: tuple[DecisionRow, ...]
    hours: HourRecordRow | None
    checks: tuple[Put, ...]
    """Presence checks up to now, of all learners."""

    @property
    def zone(self) -> ZoneInfo:
        """Return whose clock the times are read by."""
        return ZoneInfo(self.session.zone)

    @property
    def stand(self) -> set[str]:
        """Return the ids of the decisions that no later one has taken back."""
        return {row.id for row in standing(self.decisions)}

    @property
    def voided(self) -> set[UUID]:
        """Return what does not count any more."""
        return {row.check_in_id for row in standing(self.decisions) if row.check_in_id}

    @property
    def voidable(self) -> list[CheckInRow | DecisionRow]:
        """Return what can be taken out: check-ins that count, and decisions that stand."""
        counts = [row for row in self.check_ins if row.verdict == "admitted" and row.id not in self.voided]
        return [*counts, *(row for row in self.decisions if row.id in self.stand)]

    @property
    def suggested(self) -> str:
        """Return the kind of decision that most likely answers the review."""
        return next(
            (SUGGESTED[reason] for reason in (self.review.reasons if self.review else []) if reason in SUGGESTED), ""
        )

    def what(self, id: UUID | None) -> CheckInRow | DecisionRow | None:
        """Find a check-in or decision by its id."""
        listed: list[CheckInRow | DecisionRow] = [*self.check_ins, *self.decisions]
        return next((row for row in listed if id and UUID(str(row.id)) == id), None)


def correction_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of decisions."""
    site = Blueprint("corrections", __name__)
    visitor.receive(site, settings)

    @site.get("/review")
    def review() -> AnyResponse:
        with ledger.read() as db:
            listed = visitor.regions(db)
            region = chosen_region(listed)
            waiting = [(row.session_id, row.person_id) for row in reviews(db, visitor.within(region))]
            values = {"cases": cases(db, waiting, now=clock()), **frame_of_staff(db)}
        return page("tasks/review.html", regions=listed, region=region, now=clock(), **values)

    @site.get("/session/<id>/learner/<person>")
    def learner(id: str, person: str) -> AnyResponse:
        return _learner(id, person)

    @site.post("/session/<id>/learner/<person>")
    def decide(id: str, person: str) -> AnyResponse:
        account = visitor.account()
        kind, reason = request.form.get("kind", ""), request.form.get("reason", "")
        try:
            with ledger.begin() as db:
                session = _session(db, id)
                at, check_in = _at(session, kind), _uuid(request.form.get("check_in", ""))
                decisions.decide(db, id, person, kind, at, check_in, reason, by=account.id, now=clock())
        except Unknown:
            raise
        except NotPossible as error:
            written = {name: request.form.get(name, "") for name in FIELDS}
            status = visitor.status_of(error)
            return _learner(id, person, Wrong(form=person, code=error.code, status=status, written=written))
        if request.form.get("then") == "review":
            return redirect(url_for("corrections.review", done="decided", region=request.args.get("region")), 303)
        return redirect(url_for("corrections.learner", id=id, person=person, done="decided"), 303)

    def _learner(id: str, person: str, wrong: Wrong | None = None) -> Response:
        with ledger.read() as db:
            _session(db, id)
            found = cases(db, [(id, person)], now=clock())
            if not found or (not found[0].check_ins and db.get(RosterRow, (id, person)) is None):
                raise NotFound
            values = {"case": found[0], **frame_of_staff(db)}
        return page("tasks/learner.html", wrong=wrong, now=clock(), **values)

    return site


def cases(db: Db, seats: Collection[Seat], *, now: datetime) -> list[Case]:
    """Collect learners' sessions with all that a decision needs, in the order of the seats."""
    sessions = {session for session, _ in seats}
    query = (
        sa.select(SessionRow, CourseRow, RoomRow.name)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .outerjoin(RoomRow, RoomRow.id == SessionRow.room_id)
        .where(SessionRow.id.in_(sessions))
    )
    known = {row.id: (as_rule(row, frozenset()), course, place) for row, course, place in db.execute(query)}
    people = people_by_id(db, {person for _, person in seats})
    check_ins, decided = check_ins_at(db, seats), decisions_of(db, seats)
    hours, review = credited(db, sessions), under_review(db, sessions)
    checks = put_so_far(db, list(sessions), now=now)
    return [
        Case(
            session=known[seat[0]][0],
            course=known[seat[0]][1],
            place=known[seat[0]][2],
            person=people[seat[1]],
            review=review.get(seat),
            check_ins=tuple(check_ins.get(seat, ())),
            decisions=tuple(decided.get(seat, ())),
            hours=hours.get(seat),
            checks=tuple(checks.get(seat[0], ())),
        )
        for seat in seats
        if seat[0] in known and seat[1] in people
    ]


def _session(db: Db, id: str) -> SessionRow:
    session = db.get(SessionRow, id)
    if session is None or not visitor.sees(session.region_id):
        raise NotFound
    return session


def _at(session: SessionRow, kind: str) -> datetime | None:
    if kind not in ("add_in", "add_out"):
        return None
    return local_instant(request.form.get(f"at_{kind}", ""), ZoneInfo(session.zone))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Incomplete("wrong_check_in", "This is not the id of a check-in.") from None
