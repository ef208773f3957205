"""Questions about joint tasks, as pages ask them: a page's tasks with everything around them in a few queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import aliased

from attendance.credit import PRESETS
from attendance.pair import Learner, Pair, Program
from attendance.reasons import Text
from attendance.standing import PartStanding, TaskStanding, standing
from attendance.task import JointTask, Part, Submission
from ledger.pair_tables import EvidenceRow, JointTaskRow, PairRow, PartRow, ProgramRow, SubmissionRow
from ledger.people import numbers
from ledger.tables import RegionRow

ROLES = ("clerk", "reserve_manager", "joint")
TITLES = {
    "clerk": Text("order entry", "订单录入"),
    "reserve_manager": Text("optimisation", "优化方案"),
    "joint": Text("joint report", "联合报告"),
}
"""What the parts are called, as in the middle of a sentence."""
OVER = timedelta(days=30)
"""A task that is over due for longer is no running task any more."""


@dataclass(frozen=True, slots=True)
class Version:
    """What was handed in at one time."""

    row: SubmissionRow
    evidence: tuple[EvidenceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part with its versions, newest first, and where it stands by the rules."""

    row: PartRow
    owner: str | None
    """Whose it is; None: of both."""
    versions: tuple[Version, ...]
    standing: PartStanding

    @property
    def newest(self) -> Version | None:
        """Return the version that counts or waits."""
        return self.versions[0] if self.versions else None

    @property
    def waiting(self) -> Version | None:
        """Return the version that waits for a decision."""
        return self.newest if self.newest and self.newest.row.state == "handed_in" else None

    @property
    def accepted(self) -> bool:
        """Say whether nothing more is to be handed in."""
        return self.newest is not None and self.newest.row.state == "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A joint task with its parts in the order of ROLES."""

    row: JointTaskRow
    pair: PairRow
    program: ProgramRow
    zone: ZoneInfo
    unit: str
    parts: tuple[PartView, PartView, PartView]
    standing: TaskStanding

    @property
    def joint(self) -> PartView:
        """Return the part that both hand in together."""
        return self.parts[2]

    @property
    def ready(self) -> bool:
        """Say whether both partners have handed in what the joint part needs."""
        return all(part.standing.state in ("handed_in", "done") for part in self.parts[:2])

    @property
    def people(self) -> tuple[str, str]:
        """Return the clerk and the reserve manager."""
        return self.pair.clerk_id, self.pair.manager_id

    def of(self, person_id: str) -> PartView:
        """Return a partner's own part."""
        return self.parts[self.people.index(person_id)]

    def partner_of(self, person_id: str) -> str:
        """Return the other of the two."""
        return self.people[1 - self.people.index(person_id)]


def tasks_of(db: Db, person_id: str, *, now: datetime, limit: int = 100) -> list[TaskView]:
    """Return a learner's joint tasks, those that are due next first, then the finished ones, newest first."""
    query = (
        sa.select(JointTaskRow.id)
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .join(PartRow, (PartRow.task_id == JointTaskRow.id) & (PartRow.role == "joint"))
        .where(sa.or_(PairRow.clerk_id == person_id, PairRow.manager_id == person_id))
        .order_by(PartRow.due.desc(), JointTaskRow.id)
        .limit(limit)
    )
    found = views(db, list(db.scalars(query)), now=now)
    running = [view for view in found if not view.joint.accepted]
    return running[::-1] + [view for view in found if view.joint.accepted]


def waiting(
    db: Db, regions: Collection[str] | None, *, now: datetime, limit: int = 100
) -> list[tuple[TaskView, PartView]]:
    """Return the parts whose newest version waits for a decision, in some regions or all (None); oldest first."""
    newer = aliased(SubmissionRow)
    query = (
        sa.select(PartRow.task_id, PartRow.id)
        .join(SubmissionRow, SubmissionRow.part_id == PartRow.id)
        .where(SubmissionRow.state == "handed_in")
        .where(~sa.exists().where(newer.part_id == PartRow.id, newer.version > SubmissionRow.version))
        .order_by(SubmissionRow.handed_in_at, SubmissionRow.id)
        .limit(limit)
    )
    listed = [(task, part) for task, part in db.execute(query.where(_in_regions(regions)))]
    found = {view.row.id: view for view in views(db, {task for task, _ in listed}, now=now)}
    parts = {part.row.id: part for view in found.values() for part in view.parts}
    return [(found[task], parts[part]) for task, part in listed]


def count_waiting(db: Db, regions: Collection[str] | None = None) -> int:
    """Count the parts that wait for a decision, in some regions or all (None)."""
    newer = aliased(SubmissionRow)
    query = (
        sa.select(sa.func.count())
        .select_from(SubmissionRow)
        .join(PartRow, PartRow.id == SubmissionRow.part_id)
        .where(SubmissionRow.state == "handed_in")
        .where(~sa.exists().where(newer.part_id == PartRow.id, newer.version > SubmissionRow.version))
    )
    return db.scalar(query.where(_in_regions(regions))) or 0


def running(db: Db, regions: Collection[str] | None, *, now: datetime, limit: int = 50) -> list[TaskView]:
    """Return the tasks with a part that has not been accepted, in some regions or all (None); those due next first."""
    accepted = sa.exists().where(SubmissionRow.part_id == PartRow.id, SubmissionRow.state == "accepted")
    query = (
        sa.select(PartRow.task_id)
        .where(~accepted, PartRow.due >= now - OVER)
        .group_by(PartRow.task_id)
        .order_by(sa.func.min(PartRow.due), PartRow.task_id)
        .limit(limit)
    )
    ids = list(db.scalars(query.where(_in_regions(regions))))
    found = {view.row.id: view for view in views(db, ids, now=now)}
    return [found[id] for id in ids]


def views(db: Db, ids: Collection[str], *, now: datetime) -> list[TaskView]:
    """Return tasks with everything around them; in the order of the ids, if they have one."""
    if not ids:
        return []
    query = (
        sa.select(JointTaskRow, PairRow, ProgramRow, RegionRow.zone)
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .join(ProgramRow, ProgramRow.id == PairRow.program_id)
        .join(RegionRow, RegionRow.id == ProgramRow.region_id)
        .where(JointTaskRow.id.in_(ids))
    )
    tasks = {task.id: (task, pair, program, zone) for task, pair, program, zone in db.execute(query)}
    parts, versions = _parts(db, ids), _versions(db, ids)
    return [_view(*tasks[id], parts[id], versions, now=now) for id in ids if id in tasks]


def evidence_with_pair(db: Db, evidence_id: str) -> tuple[EvidenceRow, SubmissionRow, PairRow] | None:
    """Return a file's row with the submission and the pair that it belongs to."""
    query = (
        sa.select(EvidenceRow, SubmissionRow, PairRow)
        .join(SubmissionRow, SubmissionRow.id == EvidenceRow.submission_id)
        .join(PartRow, PartRow.id == SubmissionRow.part_id)
        .join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .where(EvidenceRow.id == evidence_id)
    )
    found = db.execute(query).one_or_none()
    return (found[0], found[1], found[2]) if found else None


def region_of_part(db: Db, part_id: str) -> RegionRow | None:
    """Return the region of a part's programme, by whose clock it is due."""
    return db.scalar(_regions_of_parts().where(PartRow.id == part_id))


def region_of_submission(db: Db, submission_id: str) -> RegionRow | None:
    """Return the region of the programme that something was handed in for."""
    query = _regions_of_parts().join(SubmissionRow, SubmissionRow.part_id == PartRow.id)
    return db.scalar(query.where(SubmissionRow.id == submission_id))


def tasks_in(regions: Collection[str]) -> sa.Select[str]:
    """Select the ids of these regions' joint tasks."""
    query = sa.select(JointTaskRow.id).join(PairRow, PairRow.id == JointTaskRow.pair_id)
    query = query.join(ProgramRow, ProgramRow.id == PairRow.program_id)
    return query.where(ProgramRow.region_id.in_(regions))


def number_of(db: Db, submission: SubmissionRow) -> str:
    """Return the personnel number of who handed in a submission."""
    return numbers(db, [submission.person_id]).get(submission.person_id, "")


def part_with_pair(db: Db, part_id: str) -> tuple[PartRow, PairRow] | None:
    """Return a part's row with the pair that it belongs to."""
    query = (
        sa.select(PartRow, PairRow)
        .join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .where(PartRow.id == part_id)
    )
    found = db.execute(query).one_or_none()
    return (found[0], found[1]) if found else None


# From rows to the values of the rules


def submissions_of(view: TaskView) -> list[Submission]:
    """Return everything that was handed in for a task, as the rules see it."""
    return [
        as_submission(version.row, (file.kind for file in version.evidence))
        for part in view.parts
        for version in part.versions
    ]


def unit_of(rule: str) -> str:
    """Return the unit of the hours that a programme's rule gives."""
    return PRESETS[rule].unit


def as_rule(task: JointTaskRow, pair: PairRow, program: ProgramRow, parts: Iterable[PartRow]) -> JointTask:
    """Translate a task's rows into the value that the rules work on."""
    by_role = {part.role: _part(part) for part in parts}
    return JointTask(
        id=task.id,
        title=Text(task.title, task.title_zh),
        pair=Pair(
            id=pair.id,
            program=Program(id=program.id, rule=PRESETS[program.rule]),
            learners=(Learner(pair.clerk_id, "clerk"), Learner(pair.manager_id, "reserve_manager")),
        ),
        parts=(by_role["clerk"], by_role["reserve_manager"], by_role["joint"]),
    )


def as_submission(row: SubmissionRow, kinds: Iterable[str]) -> Submission:
    """Translate a submission's row; a rejection's words are sent when it is decided."""
    return Submission(
        part_id=row.part_id,
        version=row.version,
        handed_in_at=row.handed_in_at,
        evidence=frozenset(kinds),
        state=row.state,  # type: ignore[arg-type]  # the ledger writes no other
        decided_at=row.decided_at,
        words_sent_at=row.decided_at if row.state == "rejected" else None,
    )


def _part(row: PartRow) -> Part:
    return Part(
        id=row.id,
        role=row.role,  # type: ignore[arg-type]  # the ledger writes no other
        title=TITLES[row.role],
        hours=row.hours,
        due=row.due,
        wants=frozenset(row.evidence),
        start_by=row.start_by,
        checkpoints=tuple(datetime.fromisoformat(moment) for moment in row.checkpoints),
    )


def _view(
    task: JointTaskRow,
    pair: PairRow,
    program: ProgramRow,
    zone: str,
    parts: Sequence[PartRow],
    versions: defaultdict[str, list[Version]],
    *,
    now: datetime,
) -> TaskView:
    rule = as_rule(task, pair, program, parts)
    given = [version for part in parts for version in versions[part.id]]
    stands = standing(rule, [as_submission(one.row, (file.kind for file in one.evidence)) for one in given], now=now)
    states = {part.part.id: part for part in stands.parts}
    owners = {"clerk": pair.clerk_id, "reserve_manager": pair.manager_id}
    clerk, manager, joint = (
        PartView(row=row, owner=owners.get(row.role), versions=tuple(versions[row.id]), standing=states[row.id])
        for row in sorted(parts, key=lambda row: ROLES.index(row.role))
    )
    return TaskView(
        row=task,
        pair=pair,
        program=program,
        zone=ZoneInfo(zone),
        unit=rule.pair.program.unit,
        parts=(clerk, manager, joint),
        standing=stands,
    )


def _parts(db: Db, tasks: Collection[str]) -> defaultdict[str, list[PartRow]]:
    found: defaultdict[str, list[PartRow]] = defaultdict(list)
    for row in db.scalars(sa.select(PartRow).where(PartRow.task_id.in_(tasks))):
        found[row.task_id].append(row)
    return found


def _versions(db: Db, tasks: Collection[str]) -> defaultdict[str, list[Version]]:
    of_tasks = sa.select(PartRow.id).where(PartRow.task_id.in_(tasks))
    files: defaultdict[str, list[EvidenceRow]] = defaultdict(list)
    query = sa.select(EvidenceRow).join(SubmissionRow, SubmissionRow.id == EvidenceRow.submission_id)
    for file in db.scalars(query.where(SubmissionRow.part_id.in_(of_tasks)).order_by(EvidenceRow.id)):
        files[file.submission_id].append(file)
    found: defaultdict[str, list[Version]] = defaultdict(list)
    handed_in = sa.select(SubmissionRow).where(SubmissionRow.part_id.in_(of_tasks))
    for row in db.scalars(handed_in.order_by(SubmissionRow.version.desc())):
        found[row.part_id].append(Version(row, tuple(files[row.id])))
    return found


def _regions_of_parts() -> sa.Select[RegionRow]:
    query = sa.select(RegionRow).join(ProgramRow, ProgramRow.region_id == RegionRow.id)
    query = query.join(PairRow, PairRow.program_id == ProgramRow.id)
    query = query.join(JointTaskRow, JointTaskRow.pair_id == PairRow.id)
    return query.join(PartRow, PartRow.task_id == JointTaskRow.id)


def _in_regions(regions: Collection[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if regions is None else PartRow.task_id.in_(tasks_in(regions))
