"""What a trainer decides about a learner's attendance: a check-in was missing or wrong, or nothing counts.

* NotPossible (ledger.refusals)
  + Unknown       no such session or person, or the person is not in the session
  + Incomplete    no reason; no instant, or one outside the session's window; a check-in of somebody else
  + TooLate       the check-in was taken out already

Facts are never changed: a decision is a row beside them, and settlement reads both.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from attendance.decision import Decision
from ledger.audit import Through, note
from ledger.check_ins import as_rule, mark_dirty
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.tables import CheckInRow, DecisionRow, PersonRow, ReviewRow, RosterRow, SessionRow

Kind = Literal["add_in", "add_out", "present", "void", "nothing"]
MOST_REASON = 1000
"""Characters of a reason."""

Seat = tuple[str, str]
"""A session and a person."""


def decide(
    db: Db,
    session_id: str,
    person_id: str,
    kind: str,
    at: datetime | None,
    check_in_id: UUID | None,
    reason: str,
    *,
    by: str,
    through: Through = "account",
    now: datetime,
) -> DecisionRow:
    """Enter a decision and ask for the settlement of the learner's day; `by` is the id of a staff account or API key.

    `void` takes out a check-in, or an earlier decision by its id.
    """
    session = _seat(db, session_id, person_id)
    if kind not in get_args(Kind):
        raise Incomplete("no_decision", "Choose what is to be done.")
    if not reason.strip():
        raise Incomplete("no_reason", "Give a reason: the decision changes hours.")
    if kind in ("add_in", "add_out"):
        _check_instant(session, at, now)
    if kind == "void":
        _check_void(db, session_id, person_id, check_in_id)
    row = DecisionRow(
        id=uuid_utils.compat.uuid7().hex,
        session_id=session_id,
        person_id=person_id,
        kind=kind,
        at=at if kind in ("add_in", "add_out") else None,
        check_in_id=check_in_id if kind == "void" else None,
        reason=reason.strip()[:MOST_REASON],
        decided_by=by,
        decided_at=now,
    )
    db.add(row)
    details = {"session": session_id, "person": person_id, "kind": kind}
    note(db, actor=f"{through}:{by}", act="attendance decided", thing=row.id, at=now, **details)
    db.flush()
    mark_dirty(db, [(person_id, session.local_date, now)])
    return row


def decisions_of(db: Db, seats: Collection[Seat]) -> dict[Seat, list[DecisionRow]]:
    """Return what was decided about these learners' sessions, oldest first."""
    found: dict[Seat, list[DecisionRow]] = {}
    if not seats:
        return found
    query = sa.select(DecisionRow).where(
        DecisionRow.person_id.in_({person for _, person in seats}),
        DecisionRow.session_id.in_({session for session, _ in seats}),
    )
    for row in db.scalars(query.order_by(DecisionRow.decided_at, DecisionRow.id)):
        if (row.session_id, row.person_id) in seats:
            found.setdefault((row.session_id, row.person_id), []).append(row)
    return found


def standing(decisions: Sequence[DecisionRow]) -> list[DecisionRow]:
    """Return the decisions about one learner's session that no later one has taken back."""
    taken_back: set[UUID] = set()
    kept: list[DecisionRow] = []
    for row in reversed(decisions):
        if UUID(row.id) in taken_back:
            continue
        if row.kind == "void" and row.check_in_id:
            taken_back.add(row.check_in_id)
        kept.append(row)
    return kept[::-1]


def as_rules(decisions: Sequence[DecisionRow]) -> tuple[list[Decision], frozenset[str]]:
    """Translate one learner's decisions into what the rules take: the ones that stand, and the check-ins taken out."""
    kept = standing(decisions)
    own = {UUID(row.id) for row in decisions}
    voided = {str(row.check_in_id) for row in kept if row.kind == "void" and row.check_in_id not in own}
    return [_as_rule(row) for row in kept if row.kind != "void"], frozenset(voided)


def reviews(db: Db, regions: Collection[str] | None = None, *, limit: int = 200) -> Sequence[ReviewRow]:
    """Return what somebody has to decide, in some regions or all (None); oldest first."""
    query = sa.select(ReviewRow).order_by(ReviewRow.opened_at, ReviewRow.session_id, ReviewRow.person_id).limit(limit)
    return db.scalars(query.where(_in_regions(regions))).all()


def count_reviews(db: Db, regions: Collection[str] | None = None) -> int:
    """Count what somebody has to decide, in some regions or all (None)."""
    return db.scalar(sa.select(sa.func.count()).select_from(ReviewRow).where(_in_regions(regions))) or 0


def check_ins_at(db: Db, seats: Collection[Seat]) -> dict[Seat, list[CheckInRow]]:
    """Return the check-ins of these learners in these sessions, refused ones too, in the order they happened."""
    found: dict[Seat, list[CheckInRow]] = {}
    if not seats:
        return found
    query = sa.select(CheckInRow).where(
        CheckInRow.person_id.in_({person for _, person in seats}),
        CheckInRow.session_id.in_({session for session, _ in seats}),
    )
    for row in db.scalars(query.order_by(CheckInRow.at, CheckInRow.stream, CheckInRow.seq, CheckInRow.id)):
        seat = str(row.session_id), str(row.person_id)
        if seat in seats:
            found.setdefault(seat, []).append(row)
    return found


def _in_regions(regions: Collection[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if regions is None else ReviewRow.region_id.in_(regions)


def _as_rule(row: DecisionRow) -> Decision:
    return Decision(
        id=row.id,
        session_id=row.session_id,
        learner_id=row.person_id,
        kind=row.kind,  # type: ignore[arg-type]  # `void` is no decision of the rules
        at=row.at,
    )


def _seat(db: Db, session_id: str, person_id: str) -> SessionRow:
    session = db.get(SessionRow, session_id)
    if session is None:
        raise Unknown("no_session", f"There is no session {session_id!r}.")
    if db.get(PersonRow, person_id) is None:
        raise Unknown("no_person", f"There is no person {person_id!r}.")
    if db.get(RosterRow, (session_id, person_id)) is None and not check_ins_at(db, [(session_id, person_id)]):
        raise Unknown("not_in_session", f"Person {person_id!r} is not on the roster of {session_id!r}.")
    return session


def _check_instant(session: SessionRow, at: datetime | None, now: datetime) -> None:
    if at is None:
        raise Incomplete("no_instant", "Say at what time.")
    rule = as_rule(session, frozenset())
    if not rule.opens_at <= at <= rule.closes_at:
        window = f"{rule.opens_at.isoformat()} to {rule.closes_at.isoformat()}"
        raise Incomplete("outside_window", f"The time lies outside the session's window, {window}.")
    if at > now:
        raise Incomplete("in_future", "The time lies in the future; a decision is about what has happened.")


def _check_void(db: Db, session_id: str, person_id: str, check_in_id: UUID | None) -> None:
    if check_in_id is None:
        raise Incomplete("no_check_in", "Say which check-in.")
    found = db.get(CheckInRow, check_in_id) or db.get(DecisionRow, check_in_id.hex)
    if found is None or (found.session_id, found.person_id) != (session_id, person_id):
        raise Incomplete("wrong_check_in", "This check-in is not one of this person in this session.")
    earlier = decisions_of(db, [(session_id, person_id)]).get((session_id, person_id), [])
    if check_in_id in {row.check_in_id for row in standing(earlier)}:
        raise TooLate("void_already", "This check-in does not count already.")
    if isinstance(found, DecisionRow) and found not in standing(earlier):
        raise TooLate("void_already", "This decision has been taken back already.")
