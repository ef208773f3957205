"""Pairs and their joint tasks: set up, handed in, accepted, rejected, moved.

* NotPossible (ledger.refusals)
  + Unknown       no such person, program, pair, part or submission
  + NotAllowed    the part is somebody else's
  + TooLate       accepted already, decided already, or a newer version has come
  + Incomplete    evidence, words or a reason are missing; a part or an instant makes no sense

Whatever changes a task asks the watch to look at it at once, and its pair's month to be settled again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger.audit import Through, note
from ledger.insertion import upsert
from ledger.pair_tables import (
    DirtyMonthRow,
    DueMoveRow,
    EvidenceRow,
    JointTaskRow,
    PairRow,
    PartRow,
    ProgramRow,
    ProgressRow,
    SubmissionRow,
)
from ledger.refusals import Incomplete, NotAllowed, TooLate, Unknown
from ledger.tables import PersonRow, RegionRow

PartRole = Literal["clerk", "reserve_manager", "joint"]
EVIDENCE = ("order_log", "optimisation_plan", "conversation", "joint_report")
"""What a part may want to see."""
MOST_VERSIONS = 30
"""Of one part: whoever needs more should talk to the trainer."""
MOST_WORDS = 2000
"""Characters of a rejection's words or of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """What one role, or both together, will have to hand in."""

    role: PartRole
    hours: Decimal
    due: datetime
    evidence: Sequence[str] = ()
    start_by: datetime | None = None
    checkpoints: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file that was stored under its hash."""

    kind: str
    media_type: str
    size: int
    sha256: str


# Set up


def add_program(db: Db, id: str, *, region_id: str, title: str, title_zh: str, rule: str) -> ProgramRow:
    """Enter a programme; its tasks' hours are in the unit of its rule."""
    if db.get(RegionRow, region_id) is None:
        raise Unknown("no_region", f"There is no region {region_id!r}.")
    row = ProgramRow(id=id, region_id=region_id, title=title, title_zh=title_zh, rule=rule)
    db.add(row)
    db.flush()
    return row


def add_pair(db: Db, id: str, *, program_id: str, clerk_id: str, manager_id: str) -> PairRow:
    """Let a clerk and a reserve manager learn together."""
    if db.get(ProgramRow, program_id) is None:
        raise Unknown("no_program", f"There is no program {program_id!r}.")
    for person_id, role in ((clerk_id, "clerk"), (manager_id, "reserve_manager")):
        person = db.get(PersonRow, person_id)
        if person is None:
            raise Unknown("no_person", f"There is no person {person_id!r}.")
        if person.role != role:
            raise Incomplete("wrong_role", f"Person {person_id!r} is no {role}, so the two are no pair.")
    row = PairRow(id=id, program_id=program_id, clerk_id=clerk_id, manager_id=manager_id)
    db.add(row)
    db.flush()
    return row


def add_task(
    db: Db, id: str, *, pair_id: str, title: str, title_zh: str, parts: Sequence[PartPlan], now: datetime
) -> JointTaskRow:
    """Give a pair a joint task: a part for each role and a joint one."""
    if db.get(PairRow, pair_id) is None:
        raise Unknown("no_pair", f"There is no pair {pair_id!r}.")
    if sorted(part.role for part in parts) != ["clerk", "joint", "reserve_manager"]:
        raise Incomplete(
            "wrong_parts", "A joint task has one part for the clerk, one for the reserve manager, one joint."
        )
    if wrong := {kind for part in parts for kind in part.evidence} - set(EVIDENCE):
        raise Incomplete("wrong_evidence", f"No such kind of evidence: {', '.join(sorted(wrong))}.")
    row = JointTaskRow(id=id, pair_id=pair_id, title=title, title_zh=title_zh, next_at=now)
    db.add(row)
    db.flush()
    rows = [_part(id, part) for part in parts]
    db.add_all(rows)
    db.flush()
    _look_again(db, row, now)
    return row


def report_progress(db: Db, person_id: str, program_id: str, percent: Decimal, *, at: datetime, now: datetime) -> None:
    """Enter how far a learner is in the courses of a programme; a second report of one moment replaces the first."""
    if not 0 <= percent <= 100:
        raise Incomplete("wrong_percent", f"{percent} is no percentage.")
    row = {"person_id": person_id, "program_id": program_id, "at": at, "percent": percent}
    keys = ["person_id", "program_id", "at"]
    upsert(db, ProgressRow, [row], keys=keys, update=lambda excluded: {"percent": excluded.percent})
    theirs = sa.select(PairRow.id).where(
        PairRow.program_id == program_id, sa.or_(PairRow.clerk_id == person_id, PairRow.manager_id == person_id)
    )
    db.execute(sa.update(JointTaskRow).where(JointTaskRow.pair_id.in_(theirs)).values(next_at=now))


# Hand in and decide


def hand_in(db: Db, part_id: str, person_id: str, evidence: Sequence[Evidence], *, now: datetime) -> SubmissionRow:
    """Enter the next version of a part with all the evidence that it wants; the same files twice are one version."""
    part, task, pair = _locked(db, part_id)
    check_may_hand_in(part, pair, person_id)
    newest = _newest(db, part_id)
    if newest and newest.state == "accepted":
        raise TooLate("accepted_already", "This part has been accepted; nothing more needs to be handed in.")
    _check_evidence(part, evidence)
    if newest and newest.state == "handed_in" and _files(db, newest.id) == sorted(_named(file) for file in evidence):
        return newest
    if newest and newest.version >= MOST_VERSIONS:
        raise TooLate("too_many_versions", f"There are {MOST_VERSIONS} versions already; talk to the trainer.")
    row = SubmissionRow(
        id=_new_id(),
        part_id=part_id,
        version=newest.version + 1 if newest else 1,
        person_id=person_id,
        handed_in_at=now,
        state="handed_in",
    )
    db.add(row)
    db.flush()
    db.add_all(_evidence(row.id, file) for file in evidence)
    note(db, actor=f"person:{person_id}", act="part handed in", thing=row.id, at=now, part=part_id, version=row.version)
    _look_again(db, task, now)
    return row


def check_may_hand_in(part: PartRow, pair: PairRow, person_id: str) -> None:
    """Raise NotAllowed unless it is the part of this learner's role, or the joint part of their pair."""
    learners = {"clerk": (pair.clerk_id,), "reserve_manager": (pair.manager_id,)}
    if person_id not in (pair.clerk_id, pair.manager_id):
        raise NotAllowed("another_pair", "This part belongs to another pair.")
    if person_id not in learners.get(part.role, (pair.clerk_id, pair.manager_id)):
        raise NotAllowed("partners_part", "This part is your partner's; only they can hand it in.")


def accept(db: Db, submission_id: str, *, by: str, through: Through = "account", now: datetime) -> SubmissionRow:
    """Take a submission as done; `by` is the id of a staff account or API key."""
    return _decide(db, submission_id, "accepted", None, by=by, through=through, now=now)


def reject(
    db: Db, submission_id: str, words: str, *, by: str, through: Through = "account", now: datetime
) -> SubmissionRow:
    """Give a submission back, with what has to be done better."""
    if not words.strip():
        raise Incomplete("no_words", "Say what has to be done better: the words go to the learner.")
    return _decide(db, submission_id, "rejected", _short(words), by=by, through=through, now=now)


def move_due(
    db: Db, part_id: str, due: datetime, *, by: str, through: Through = "account", reason: str, now: datetime
) -> PartRow:
    """Let a part be due at another time, for a reason; both times stand in the audit."""
    if not reason.strip():
        raise Incomplete("no_reason", "Give a reason: moving a due changes who gets hours.")
    part, task, _ = _locked(db, part_id)
    newest = _newest(db, part_id)
    if newest and newest.state == "accepted":
        raise TooLate("accepted_already", "This part has been accepted; its due cannot move any more.")
    if part.start_by and due <= part.start_by:
        raise Incomplete("due_before_start", "The new due is not after the time by which the part has to be started.")
    before, part.due = part.due, due
    times = {"before": before.isoformat(), "due": due.isoformat()}
    note(db, actor=f"{through}:{by}", act="due moved", thing=part_id, at=now, **times)
    db.add(
        DueMoveRow(
            id=_new_id(), part_id=part_id, before=before, due=due, reason=_short(reason), moved_by=by, moved_at=now
        )
    )
    _look_again(db, task, now, before)
    return part


def mark_months(db: Db, months: Iterable[tuple[str, str]], *, due_at: datetime) -> None:
    """Ask for the settlement of pairs' months (pair, YYYY-MM); the earliest moment wins."""
    rows = [{"pair_id": pair, "month": month, "due_at": due_at} for pair, month in sorted(set(months))]
    upsert(db, DirtyMonthRow, rows, keys=["pair_id", "month"], update=_earlier)


def pairs_of(db: Db, people: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs that these people are in: person and pair."""
    query = sa.select(PairRow).where(sa.or_(PairRow.clerk_id.in_(people), PairRow.manager_id.in_(people)))
    return [(who, row.id) for row in db.scalars(query) for who in (row.clerk_id, row.manager_id) if who in people]


def month_of(at: datetime, zone: str) -> str:
    """Say in which month (YYYY-MM) an instant lies there."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m}"


def _decide(
    db: Db, submission_id: str, state: str, words: str | None, *, by: str, through: Through, now: datetime
) -> SubmissionRow:
    found = db.get(SubmissionRow, submission_id)
    if found is None:
        raise Unknown("no_submission", f"There is no submission {submission_id!r}.")
    part, task, _ = _locked(db, found.part_id)
    # Another trainer may have decided between the first look and the lock.
    db.refresh(found)
    if found.state != "handed_in":
        raise TooLate("decided_already", f"This version has been {found.state} already.")
    if (newest := _newest(db, part.id)) and newest.id != found.id:
        raise TooLate("newer_version", "A newer version of this part has been handed in; decide about that one.")
    found.state, found.words, found.decided_by, found.decided_at = state, words, by, now
    note(db, actor=f"{through}:{by}", act=f"part {state}", thing=found.id, at=now, part=part.id, version=found.version)
    _look_again(db, task, now)
    return found


def _locked(db: Db, part_id: str) -> tuple[PartRow, JointTaskRow, PairRow]:
    """Hold a part, so that versions and decisions of one part come one after the other."""
    part = db.get(PartRow, part_id, with_for_update=True)
    if part is None:
        raise Unknown("no_part", f"There is no part {part_id!r}.")
    task = db.get_one(JointTaskRow, part.task_id)
    return part, task, db.get_one(PairRow, task.pair_id)


def _newest(db: Db, part_id: str) -> SubmissionRow | None:
    query = sa.select(SubmissionRow).where(SubmissionRow.part_id == part_id)
    return db.scalar(query.order_by(SubmissionRow.version.desc()).limit(1))


def _files(db: Db, submission_id: str) -> list[tuple[str, str]]:
    rows = db.scalars(sa.select(EvidenceRow).where(EvidenceRow.submission_id == submission_id))
    return sorted(_named(row) for row in rows)


def _named(file: Evidence | EvidenceRow) -> tuple[str, str]:
    return file.kind, file.sha256


def _check_evidence(part: PartRow, evidence: Sequence[Evidence]) -> None:
    given = {file.kind for file in evidence}
    if missing := set(part.evidence) - given:
        raise Incomplete("evidence_missing", f"Evidence is missing: {', '.join(sorted(missing))}.")
    if strange := given - set(part.evidence):
        raise Incomplete("evidence_unwanted", f"This part wants no such evidence: {', '.join(sorted(strange))}.")


def _look_again(db: Db, task: JointTaskRow, now: datetime, *dues: datetime) -> None:
    """Mark the months of all the parts: what becomes of one decides on the hours of the joint one, too."""
    query = sa.select(RegionRow.zone).join(ProgramRow, ProgramRow.region_id == RegionRow.id)
    zone = db.scalars(query.join(PairRow, PairRow.program_id == ProgramRow.id).where(PairRow.id == task.pair_id)).one()
    task.next_at = now
    db.flush()
    dues += tuple(db.scalars(sa.select(PartRow.due).where(PartRow.task_id == task.id)))
    mark_months(db, [(task.pair_id, month_of(due, zone)) for due in dues], due_at=now)


def _part(task_id: str, plan: PartPlan) -> PartRow:
    if plan.hours < 0 or (plan.start_by and plan.start_by >= plan.due):
        raise Incomplete("wrong_part", f"The {plan.role} part has negative hours or is due before it starts.")
    return PartRow(
        id=_new_id(),
        task_id=task_id,
        role=plan.role,
        hours=plan.hours,
        evidence=list(plan.evidence),
        start_by=plan.start_by,
        checkpoints=[moment.isoformat() for moment in plan.checkpoints],
        due=plan.due,
    )


def _evidence(submission_id: str, file: Evidence) -> EvidenceRow:
    return EvidenceRow(
        id=_new_id(),
        submission_id=submission_id,
        kind=file.kind,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
    )


def _short(text: str) -> str:
    return text.strip()[:MOST_WORDS]


def _new_id() -> str:
    return uuid_utils.compat.uuid7().hex


def _earlier(excluded: Any) -> dict[str, Any]:
    # Whichever of two writers comes second must not postpone what the first asked for.
    return {"due_at": sa.case((excluded.due_at < DirtyMonthRow.due_at, excluded.due_at), else_=DirtyMonthRow.due_at)}
