"""What HR decides: about attendance and submissions, when a part is due, and that a month is closed."""

from datetime import datetime
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from gateway.api import Instant, RecordId, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Id, Month, Reason, When, Words
from gateway.pairs_api import Submission, Task, handed_in, told
from gateway.reach import actor, chosen, client, found
from gateway.things import CHANGE, CORRECTIONS, READ, IdPath, NextAfter, OfRegion, blueprint, cut, kept, place, placed
from ledger import closing, decided, decisions, pairs, programs, tasks
from ledger.database import Ledger
from ledger.decisions import Kind
from ledger.directory import by_number
from ledger.pair_tables import ClosedMonthRow, PartRow, SubmissionRow
from ledger.people import numbers
from ledger.refusals import Incomplete, Unknown
from ledger.tables import DecisionRow, RegionRow, SessionRow


class DecisionBody(Body):
    """What is decided about a learner's session."""

    number: Id = Field(description="A personnel number.")
    kind: Kind = Field(
        description="`add_in`, `add_out`: a check-in or check-out at `at` is taken to have happened; "
        "`present`: somebody vouches for a learner who missed presence checks, and no time is moved; "
        "`void`: `check_in`, or an earlier decision, does not count; `nothing`: nothing is credited."
    )
    at: When | None = Field(None, description="Within the session's window and not in the future.")
    check_in: RecordId | None = Field(None, description="A check-in, or an earlier decision, that does not count.")
    reason: Reason


class AttendanceDecision(BaseModel):
    """What somebody has decided about a learner's session."""

    id: UUID
    session: str
    person: str
    personnel_number: str | None = Field(description="null once the person has been erased.")
    kind: Kind
    at: Instant | None
    check_in: UUID | None
    reason: str
    decided_by: str = Field(description="The account or API key.")
    decided_at: Instant
    stands: bool = Field(description="No later decision has taken it back.")


class AttendanceDecisions(BaseModel):
    """Everything that was decided about a session, oldest first."""

    decisions: list[AttendanceDecision]


class WordsBody(Body):
    """What has to be done better; the words go to the learner."""

    words: Words


class DueBody(Body):
    """When a part is due now, and why."""

    due: When
    reason: Words


class MonthPath(BaseModel):
    """Which month of which region."""

    region: Id
    month: Month


class ClosedMonth(BaseModel):
    """A month that has been reported: what changes later is booked in the open one."""

    region: str
    month: str
    closed_at: Instant
    closed_by: str = Field(description="The account or API key.")


class ClosedMonths(BaseModel):
    """Some closed months, by region and month."""

    closed_months: list[ClosedMonth]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "corrections_api.decide": "corrections:write",
    "corrections_api.decisions_of": "reviews:read",
    "corrections_api.accept": "corrections:write",
    "corrections_api.reject": "corrections:write",
    "corrections_api.move_due": "corrections:write",
    "corrections_api.close_month": "corrections:write",
    "corrections_api.closed_months": "hours:read",
}


def corrections_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of decisions."""
    api = blueprint("corrections_api", CORRECTIONS, ledger, clock, SCOPES)

    # Attendance

    @api.post(
        "/sessions/<id>/decisions",
        responses={200: AttendanceDecision, 201: AttendanceDecision, **CHANGE},
        summary="Decide about attendance",
    )
    def decide(path: IdPath, body: DecisionBody) -> Response:
        """Enter a decision; hours are settled again, and if they change, the feed brings a reversal and a new record.

        The decision that stands already, sent again, is answered with 200 and enters nothing: hours follow from what
        stands, however often it was sent.
        """
        _check_kind(body)
        with ledger.begin() as db:
            session = _session(db, path.id, locked=True)
            person = by_number(db, body.number)
            if person is None:
                raise _nobody()
            row, new = _decide(db, session.id, person.id, body, now=clock())
        return kept(_decision(row, person.number, stands=True), new=new)

    @api.get(
        "/sessions/<id>/decisions", responses={200: AttendanceDecisions, **READ}, summary="List decisions of a session"
    )
    def decisions_of(path: IdPath) -> Response:
        """Give what was decided about the learners of a session, also what was taken back."""
        with ledger.read() as db:
            rows = decided.about(db, _session(db, path.id).id)
            known = numbers(db, {row.person_id for row in rows})
        stand = decided.standing_ids(rows)
        listed = [_decision(row, known.get(row.person_id), stands=row.id in stand) for row in rows]
        return said(AttendanceDecisions(decisions=listed))

    # Joint tasks

    @api.post("/submissions/<id>/accept", responses={200: Submission, **CHANGE}, summary="Accept a submission")
    def accept(path: IdPath) -> Response:
        """Take what was handed in as done."""
        with ledger.begin() as db:
            found(programs.submission(db, path.id, client().regions), "submission")
            row = pairs.accept(db, path.id, by=client().id, through="key", now=clock())
            return said(_handed_in(db, row))

    @api.post("/submissions/<id>/reject", responses={200: Submission, **CHANGE}, summary="Give a submission back")
    def reject(path: IdPath, body: WordsBody) -> Response:
        """Give what was handed in back, with what has to be done better; the clock then runs for 24 hours again."""
        with ledger.begin() as db:
            found(programs.submission(db, path.id, client().regions), "submission")
            row = pairs.reject(db, path.id, body.words, by=client().id, through="key", now=clock())
            return said(_handed_in(db, row))

    @api.post("/parts/<id>/due", responses={200: Task, **CHANGE}, summary="Move when a part is due")
    def move_due(path: IdPath, body: DueBody) -> Response:
        """Let a part be due at another time; everything is then worked out as if it had always been so."""
        now = clock()
        with ledger.begin() as db:
            part = found(programs.part(db, path.id, client().regions), "part")
            if part.due != body.due:
                pairs.move_due(db, part.id, body.due, by=client().id, through="key", reason=body.reason, now=now)
            [view] = tasks.views(db, [part.task_id], now=now)
        return said(told(view))

    # Months

    @api.get("/closed-months", responses={200: ClosedMonths}, summary="List closed months")
    def closed_months(query: OfRegion) -> Response:
        """Give the months that are closed."""
        region, month = placed(query.after, 2)
        with ledger.read() as db:
            rows = closing.closed_page(db, chosen(query.region), after=(region, month), limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: place(row.region_id, row.month))
        return said(ClosedMonths(closed_months=[_closed(row) for row in page], next_after=next_after))

    @api.put(
        "/closed-months/<region>/<month>",
        responses={200: ClosedMonth, 201: ClosedMonth, **CHANGE},
        summary="Close a month",
    )
    def close_month(path: MonthPath) -> Response:
        """Close a month that is over; nobody can open it again. A later correction says `booked_in` another one."""
        with ledger.begin() as db:
            region = found(db.get(RegionRow, path.region), "region", lambda row: row.id)
            row, new = closing.close(db, region, path.month, by=client().id, actor=actor(), now=clock())
        return kept(_closed(row), new=new)

    return api


def _check_kind(body: DecisionBody) -> None:
    """Refuse what a kind of decision does not look at: whoever sends it means something else."""
    if body.at and body.kind not in ("add_in", "add_out"):
        raise Incomplete("at_unwanted", f"`at` belongs to add_in and add_out, not to {body.kind}.")
    if body.check_in and body.kind != "void":
        raise Incomplete("check_in_unwanted", f"`check_in` belongs to void, not to {body.kind}.")


def _decide(db: Db, session_id: str, person_id: str, body: DecisionBody, *, now: datetime) -> tuple[DecisionRow, bool]:
    at, check_in, reason = body.at, body.check_in, body.reason.strip()
    there = decided.standing_alike(
        db, session_id, person_id, kind=body.kind, at=at, check_in_id=check_in, reason=reason
    )
    if there:
        return there, False
    by = client().id
    try:
        row = decisions.decide(
            db, session_id, person_id, body.kind, at, check_in, reason, by=by, through="key", now=now
        )
    except Unknown:
        # Whether somebody of another region has this number is not told.
        raise _nobody() from None
    return row, True


def _nobody() -> Unknown:
    return Unknown("not_in_session", "Nobody with this number is in this session.")


def _session(db: Db, id: str, *, locked: bool = False) -> SessionRow:
    return found(db.get(SessionRow, id, with_for_update=locked or None), "session", lambda row: row.region_id)


def _decision(row: DecisionRow, number: str | None, *, stands: bool) -> AttendanceDecision:
    return AttendanceDecision(
        id=UUID(row.id),
        session=row.session_id,
        person=row.person_id,
        personnel_number=number,
        kind=row.kind,  # type: ignore[arg-type]  # the ledger writes no other
        at=row.at,
        check_in=row.check_in_id,
        reason=row.reason,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        stands=stands,
    )


def _handed_in(db: Db, row: SubmissionRow) -> Submission:
    [written] = handed_in(db, [(row, db.get_one(PartRow, row.part_id))])
    return written


def _closed(row: ClosedMonthRow) -> ClosedMonth:
    return ClosedMonth(region=row.region_id, month=row.month, closed_at=row.closed_at, closed_by=row.closed_by)
