"""Collects from the ledger what reports are made from: sessions and who came, pairs and their tasks, what was reported.

* NotPossible (ledger.refusals)
  + Incomplete    more sessions than one report takes
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS
from attendance.month import Credited
from attendance.pair import Learner, Pair, Program
from attendance.presence import presence_of_day
from attendance.report_facts import Attendance, CourseProgress, HandIn, Score, Sitting, attendance_of
from attendance.report_period import Period
from attendance.rule_choice import NoRule, RuleChoice
from ledger import effective, entries, feed, rules, tasks
from ledger.basis import Basis, basis_of
from ledger.check_ins import as_rule
from ledger.decisions import as_rules
from ledger.pair_tables import EvidenceRow, JointTaskRow, PairRow, PartRow, ProgramRow, ProgressRow, SubmissionRow
from ledger.people import regions as all_regions
from ledger.plan import Regions, within
from ledger.refusals import Incomplete
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DecisionRow,
    HourRecordRow,
    PersonRow,
    RosterRow,
    ScoreRow,
    SessionRow,
)
from ledger.tasks import TaskView

MOST_SESSIONS = 5000
"""Of one report: more would keep whoever asks waiting for minutes."""
CHUNK = 500
BEFORE = timedelta(days=90)
"""How far before a period somebody's last report of progress may lie."""
AROUND = timedelta(days=1)
"""A local date lies within so much of the same date in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is to be about."""

    period: Period
    regions: Regions
    course_id: str | None = None
    unit: str | None = None
    now: datetime

    def instants(self, *, before: timedelta = timedelta(0)) -> tuple[datetime, datetime]:
        """Return instants between which the period lies, whatever the zone."""
        first = datetime.combine(self.period.first, time(), UTC) - AROUND - before
        return first, datetime.combine(self.period.last, time(), UTC) + 2 * AROUND


# Sessions, and who came


def sittings(db: Db, asked: Asked, *, with_later: bool = False) -> list[Sitting]:
    """Return the sessions of the period, with those after it if they matter; without those that no rule holds for."""
    query = sa.select(SessionRow).where(
        SessionRow.local_date >= asked.period.first, within(SessionRow.region_id, asked.regions)
    )
    query = query if with_later else query.where(SessionRow.local_date <= asked.period.last)
    query = query if asked.course_id is None else query.where(SessionRow.course_id == asked.course_id)
    rows = db.scalars(query.order_by(SessionRow.starts_at, SessionRow.id).limit(MOST_SESSIONS + 1)).all()
    if len(rows) > MOST_SESSIONS:
        raise Incomplete("too_much", f"A report takes {MOST_SESSIONS} sessions: ask for fewer days, or for one region.")
    choice, rosters = rules.choice(db), _rosters(db, [row.id for row in rows])
    return [one for row in rows if (one := _sitting(row, rosters.get(row.id, frozenset()), choice)) is not None]


def attendances(db: Db, planned: Sequence[Sitting]) -> list[Attendance]:
    """Work out who came to these sessions, as settlement does."""
    wanted = {sitting.session.id: sitting.session.local_date for sitting in planned}
    people = {who for sitting in planned for who in sitting.session.roster} | _came(db, wanted)
    found: list[Attendance] = []
    for some in _some(people):
        found += _of(basis_of(db, [(who, day) for who in some for day in set(wanted.values())]), some, wanted)
    return found


def _sitting(row: SessionRow, roster: frozenset[str], choice: RuleChoice) -> Sitting | None:
    try:
        rule = choice.on(row.local_date, region_id=row.region_id, course_id=row.course_id)
    except NoRule:
        return None
    return Sitting(session=as_rule(row, roster), region_id=row.region_id, rule=rule, program_id=row.program_id)


def _rosters(db: Db, sessions: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for some in _some(sessions):
        query = sa.select(RosterRow.session_id, RosterRow.person_id).where(RosterRow.session_id.in_(some))
        for session, person in db.execute(query):
            found.setdefault(session, set()).add(person)
    return {session: frozenset(people) for session, people in found.items()}


def _came(db: Db, sessions: Collection[str]) -> set[str]:
    """Return who has a fact or a decision in these sessions, on their rosters or not."""
    found = set[str]()
    for some in _some(sessions):
        for row, extra in ((CheckInRow, [CheckInRow.verdict == "admitted"]), (DecisionRow, [])):
            query = sa.select(row.person_id).where(row.session_id.in_(some), *extra).distinct()
            found.update(str(person) for person in db.scalars(query))
    return found


def _of(basis: Basis, people: Iterable[str], wanted: Mapping[str, date]) -> Iterator[Attendance]:
    hours = _with_hours(basis)
    stands = sorted(basis.stands.items(), key=lambda stand: stand[0])
    by_person = {who: [stand for _, stand in theirs] for who, theirs in groupby(stands, key=lambda stand: stand[0][0])}
    for who in sorted(people):
        theirs = by_person.get(who, [])
        facts = [fact for stand in theirs for fact in stand.facts]
        decisions, voided = as_rules([row for stand in theirs for row in stand.decisions])
        touched = {fact.session_id for fact in facts} | {decision.session_id for decision in decisions}
        presences = presence_of_day(
            [basis.sittings[id].session for id in touched],
            facts,
            decisions=decisions,
            voided=voided,
            checks=[check for id in touched for check in basis.sittings[id].checks],
            answers=basis.answers.get(who, ()),
        )
        for id in wanted.keys() & presences.keys():
            yield attendance_of(who, presences[id], credited=(who, id) in hours)


def _with_hours(basis: Basis) -> set[tuple[str, str]]:
    """Return each person with each session that they have hours of; zero hours are none."""
    stands, _ = entries.effective(row for rows in basis.entered.values() for row in rows)
    return {(row.person_id, row.source_id) for row in stands.values() if row.credit > 0}


# People and pairs


def homes(db: Db, asked: Asked, planned: Iterable[Sitting] = ()) -> dict[str, tuple[Learner, str]]:
    """Return the learners of the regions, and those on these rosters, each with the region where they are at home."""
    query = sa.select(PersonRow.id, PersonRow.role, PersonRow.region_id).where(PersonRow.role.in_(tasks.ROLES))
    found = list(db.execute(query.where(within(PersonRow.region_id, asked.regions))))
    guests = {who for sitting in planned for who in sitting.session.roster} - {row.id for row in found}
    for some in _some(guests):
        found += db.execute(query.where(PersonRow.id.in_(some)))
    return {row.id: (Learner(row.id, row.role), row.region_id) for row in found}


def pairs(db: Db, asked: Asked) -> list[Pair]:
    """Return the pairs of the regions' programmes."""
    query = sa.select(PairRow, ProgramRow).join(ProgramRow, ProgramRow.id == PairRow.program_id)
    found = db.execute(query.where(within(ProgramRow.region_id, asked.regions)).order_by(PairRow.id))
    return [_pair(row, program) for row, program in found]


def _pair(row: PairRow, program: ProgramRow) -> Pair:
    return Pair(
        id=row.id,
        program=Program(id=program.id, rule=PRESETS[program.rule]),
        learners=(Learner(row.clerk_id, "clerk"), Learner(row.manager_id, "reserve_manager")),
    )


def running_tasks(db: Db, asked: Asked) -> Iterator[TaskView]:
    """Return the joint tasks that are due in the period or later."""
    query = (
        sa.select(JointTaskRow.id)
        .join(PartRow, (PartRow.task_id == JointTaskRow.id) & (PartRow.role == "joint"))
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .join(ProgramRow, ProgramRow.id == PairRow.program_id)
        .where(PartRow.due >= asked.instants()[0], within(ProgramRow.region_id, asked.regions))
    )
    for some in _some(set(db.scalars(query))):
        yield from tasks.views(db, some, now=asked.now)


# What came of it


def credits(db: Db, asked: Asked) -> dict[str, list[Credited]]:
    """Return the hours that stand in the period, by learner; without bonus."""
    upto, _ = feed.head(db)
    days = effective.Asked(
        first=asked.period.first,
        last=asked.period.last,
        regions=None if asked.regions is None else tuple(asked.regions),
        upto=upto,
    )
    columns = (HourRecordRow.person_id, HourRecordRow.credit, HourRecordRow.unit, HourRecordRow.effective_date)
    found: dict[str, list[Credited]] = {}
    for row in db.execute(effective.effective(days, *columns).where(HourRecordRow.kind == "credit")):
        credit = Credited(hours=row.credit, unit=row.unit, effective_date=row.effective_date)
        found.setdefault(row.person_id, []).append(credit)
    return found


def hand_ins(db: Db, asked: Asked) -> list[HandIn]:
    """Return every version that was handed in around the period."""
    query = (
        sa.select(SubmissionRow, ProgramRow.region_id)
        .join(PartRow, PartRow.id == SubmissionRow.part_id)
        .join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
        .join(PairRow, PairRow.id == JointTaskRow.pair_id)
        .join(ProgramRow, ProgramRow.id == PairRow.program_id)
        .where(SubmissionRow.handed_in_at.between(*asked.instants()), within(ProgramRow.region_id, asked.regions))
    )
    rows, clocks = db.execute(query).all(), _zones(db)
    kinds = _kinds(db, [row.id for row, _ in rows])
    return [
        HandIn(
            learner_id=row.person_id,
            part_id=row.part_id,
            on=_on(row.handed_in_at, clocks[region]),
            evidence=frozenset(kinds.get(row.id, ())),
        )
        for row, region in rows
    ]


def scores(db: Db, asked: Asked, *, ever: bool = False) -> list[Score]:
    """Return the points in tests around the period, or up to its end."""
    since, until = asked.instants()
    query = sa.select(ScoreRow, PersonRow.region_id).join(PersonRow, PersonRow.id == ScoreRow.person_id)
    query = query.where(ScoreRow.kind == "test", ScoreRow.at <= until, within(PersonRow.region_id, asked.regions))
    query = query if ever else query.where(ScoreRow.at >= since)
    query = query if asked.course_id is None else query.where(ScoreRow.course_id == asked.course_id)
    clocks = _zones(db)
    return [
        Score(
            learner_id=row.person_id,
            course_id=row.course_id,
            at=row.at,
            on=_on(row.at, clocks[region]),
            points=row.points,
        )
        for row, region in db.execute(query)
    ]


def progress(db: Db, asked: Asked) -> list[CourseProgress]:
    """Return what learning systems reported in the period and for a while before it."""
    query = sa.select(ProgressRow, PersonRow.region_id).join(PersonRow, PersonRow.id == ProgressRow.person_id)
    around = ProgressRow.at.between(*asked.instants(before=BEFORE))
    clocks = _zones(db)
    return [
        CourseProgress(
            learner_id=row.person_id,
            program_id=row.program_id,
            at=row.at,
            on=_on(row.at, clocks[region]),
            percent=row.percent,
        )
        for row, region in db.execute(query.where(around, within(PersonRow.region_id, asked.regions)))
    ]


def pass_marks(db: Db) -> dict[str, Decimal]:
    """Return the pass marks of the courses that have one."""
    query = sa.select(CourseRow.id, CourseRow.pass_mark).where(CourseRow.pass_mark.is_not(None))
    return {id: mark for id, mark in db.execute(query) if mark is not None}


def _kinds(db: Db, submissions: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for some in _some(submissions):
        query = sa.select(EvidenceRow.submission_id, EvidenceRow.kind).where(EvidenceRow.submission_id.in_(some))
        for submission, kind in db.execute(query):
            found.setdefault(submission, []).append(kind)
    return found


def _zones(db: Db) -> dict[str, ZoneInfo]:
    return {row.id: ZoneInfo(row.zone) for row in all_regions(db)}


def _on(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def _some(things: Collection[Any]) -> Iterator[list[Any]]:
    ordered = sorted(things)
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
