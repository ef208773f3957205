"""A pair's month: the hours of its joint tasks, and the bonus that stands on them."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.bonus import PairMonth
from attendance.month import Credited, DueTask, Month, local_date, month_of
from attendance.pair import Role
from attendance.task_credit import RULE, PartCredit, credits
from attendance.together import arrival_explained, together
from ledger import entries, tasks
from ledger.apart import PUT_OFF, apart
from ledger.entries import Difference, Entry
from ledger.pair_tables import DirtyMonthRow, JointTaskRow, PairRow, ProgramRow
from ledger.tables import HourRecordRow, PersonRow, RegionRow, SessionRow
from ledger.tasks import TaskView

ROLES: tuple[Role, Role] = ("clerk", "reserve_manager")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWork:
    """A pair with everything that one of its months stands on."""

    pair: PairRow
    region: RegionRow
    unit: str
    tasks: Sequence[TaskView]

    @property
    def people(self) -> tuple[str, str]:
        """Return the clerk and the reserve manager."""
        return self.pair.clerk_id, self.pair.manager_id

    @property
    def parts(self) -> set[str]:
        """Return the parts whose hours are joint hours of this pair."""
        return {part.row.id for task in self.tasks for part in task.parts}

    def due(self, zone: str) -> list[DueTask]:
        """Return the tasks as the completion rate counts them."""
        return [
            DueTask(
                pair_id=self.pair.id,
                due_on=local_date(task.standing.task.due, zone),
                completed=task.standing.completed,
            )
            for task in self.tasks
        ]


def settle_months(db: Db, *, now: datetime, limit: int = 100) -> int:
    """Settle up to `limit` pairs' months that are due and return how many."""
    query = sa.select(DirtyMonthRow).where(DirtyMonthRow.due_at <= now).order_by(DirtyMonthRow.due_at).limit(limit)
    # Locked: of two that settle at once, the second takes other months.
    dirty = db.scalars(query.with_for_update(skip_locked=True)).all()
    for row in dirty:
        with apart(db, f"month {row.month} of pair {row.pair_id}") as settled:
            _settle_month(db, row.pair_id, row.month, now)
        if settled.done:
            db.delete(row)
        else:
            row.due_at = now + PUT_OFF
        db.flush()
    return len(dirty)


def month_for(db: Db, person: PersonRow, month: str, *, now: datetime) -> Month | None:
    """Add up a learner's month over all pairs; None for who is in no pair."""
    query = sa.select(PairRow.id).where(sa.or_(PairRow.clerk_id == person.id, PairRow.manager_id == person.id))
    works = [work for id in db.scalars(query.order_by(PairRow.id)) if (work := _work(db, id, now)) is not None]
    return _month(db, person.id, works, month) if works else None


def differences(db: Db, pair_id: str, month: str, *, now: datetime) -> list[Difference]:
    """Say where the records of a pair's month are not what its work comes to; nothing is written."""
    work = _work(db, pair_id, now)
    if work is None:
        return []
    found: list[Difference] = []
    for wanted, answers in (
        (_all_parts(work, now), _answers(work)),
        (_bonuses(db, work, month), _rewards(work, month)),
    ):
        stands, _ = entries.effective(entries.versions_of(db, answers))
        found += entries.differences(wanted, stands)
    return found


def _settle_month(db: Db, pair_id: str, month: str, now: datetime) -> None:
    work = _work(db, pair_id, now)
    if work is None:
        return
    # First the parts, since their hours are joint hours that the bonus is reckoned on.
    _enter(db, _all_parts(work, now), _answers(work), now)
    _enter(db, _bonuses(db, work, month), _rewards(work, month), now)


def _enter(db: Db, wanted: Sequence[Entry], answers: Sequence[UUID], now: datetime) -> None:
    entries.enter(db, wanted, entries.versions_of(db, answers), now=now)


def _all_parts(work: PairWork, now: datetime) -> list[Entry]:
    return [entry for task in work.tasks for entry in _parts(work, task, now)]


def _bonuses(db: Db, work: PairWork, month: str) -> list[Entry]:
    return [entry for who in work.people for entry in _bonus(work, _month(db, who, [work], month))]


def _rewards(work: PairWork, month: str) -> list[UUID]:
    return [_bonus_id(work.pair.id, month, who) for who in work.people]


def _answers(work: PairWork) -> list[UUID]:
    return [entries.settles(part, who) for part in sorted(work.parts) for who in work.people]


def _parts(work: PairWork, task: TaskView, now: datetime) -> Iterable[Entry]:
    """Say what a task's parts give, as far as it is settled."""
    for who, credit in credits(task.standing.task, tasks.submissions_of(task), now=now).items():
        for part in (credit.own, credit.joint):
            if part.settled:
                yield _part(work, task, who, part)


def _part(work: PairWork, task: TaskView, who: str, credit: PartCredit) -> Entry:
    part = credit.part.part
    title, title_zh = f"{task.row.title}: {part.title.en}", f"{task.row.title_zh}：{part.title.zh}"
    return Entry(
        settles=entries.settles(part.id, who),
        kind="credit",
        person_id=who,
        region_id=work.region.id,
        source_id=part.id,
        effective_date=local_date(credit.at, work.region.zone),
        minutes=0,
        credit=credit.hours,
        unit=work.unit,
        rule=RULE,
        explanation=credit.to_json(),
        course=_course(work, title, title_zh, task.row.id),
    )


def _bonus(work: PairWork, month: Month) -> Iterable[Entry]:
    for pair in month.pairs:
        if pair.pair_id == work.pair.id and pair.bonus:
            yield _bonus_entry(work, pair)


def _bonus_entry(work: PairWork, pair: PairMonth) -> Entry:
    return Entry(
        settles=_bonus_id(pair.pair_id, pair.month, pair.learner_id),
        kind="bonus",
        person_id=pair.learner_id,
        region_id=work.region.id,
        source_id=pair.pair_id,
        effective_date=_last_day(pair.month),
        minutes=0,
        credit=pair.bonus,
        unit=pair.unit,
        rule=pair.rule.key,
        explanation=pair.to_json(),
        course=_course(work, f"Joint completion bonus {pair.month}", f"{pair.month} 联合任务完成奖励", pair.pair_id),
    )


def _bonus_id(pair_id: str, month: str, who: str) -> UUID:
    return entries.settles("bonus", pair_id, month, who)


def _course(work: PairWork, title: str, title_zh: str, id: str) -> dict[str, Any]:
    """Say what was done, in the words of an archive; a task has no place and no trainer of its own."""
    return {
        "id": id,
        "title": title,
        "title_zh": title_zh,
        "starts_at": None,
        "ends_at": None,
        "zone": work.region.zone,
        "place": None,
        "trainer_id": None,
    }


def _month(db: Db, who: str, works: Sequence[PairWork], month: str) -> Month:
    first = works[0]
    return month_of(
        who,
        role=ROLES[first.people.index(who)],
        month=month,
        unit=first.unit,
        credits=_credited(db, who, works, month),
        tasks=[task for work in works for task in work.due(work.region.zone)],
    )


def _credited(db: Db, who: str, works: Sequence[PairWork], month: str) -> list[Credited]:
    """Return what stands for a learner in a month, each with the pair with whom it is joint."""
    first = date.fromisoformat(f"{month}-01")
    query = sa.select(*entries.COLUMNS).where(
        HourRecordRow.person_id == who, HourRecordRow.effective_date.between(first, _last_day(month))
    )
    standing, _ = entries.effective(db.execute(query))
    rows = [row for row in standing.values() if row.kind == "credit"]
    of_part = {part: work.pair.id for work in works for part in work.parts}
    joint = of_part | _joint_sessions(db, [row.source_id for row in rows], works)
    return [
        Credited(hours=row.credit, unit=row.unit, effective_date=row.effective_date, pair_id=joint.get(row.source_id))
        for row in rows
    ]


def _joint_sessions(db: Db, source_ids: Sequence[str], works: Sequence[PairWork]) -> dict[str, str]:
    """Return the joint sessions among these that a pair attended together, with that pair."""
    of_program = {work.pair.program_id: work for work in works}
    query = sa.select(SessionRow).where(SessionRow.id.in_(source_ids), SessionRow.program_id.in_(of_program))
    sessions = db.scalars(query).all() if source_ids else ()
    arrivals = _arrivals(db, [session.id for session in sessions], {who for work in works for who in work.people})
    found: dict[str, str] = {}
    for session in sessions:
        work = of_program[str(session.program_id)]
        if together([arrivals.get((session.id, who)) for who in work.people], start=session.starts_at):
            found[session.id] = work.pair.id
    return found


def _arrivals(db: Db, sessions: Sequence[str], people: Collection[str]) -> dict[tuple[str, str], datetime]:
    """Return when these people came to these sessions, as their hours explain it; on review nobody has come yet."""
    query = sa.select(*entries.COLUMNS).where(
        HourRecordRow.source_id.in_(sessions), HourRecordRow.person_id.in_(people)
    )
    standing, _ = entries.effective(db.execute(query) if sessions else ())
    arrived = {
        (row.source_id, row.person_id): arrival_explained(json.loads(row.explanation)) for row in standing.values()
    }
    return {seat: at for seat, at in arrived.items() if at is not None}


def _work(db: Db, pair_id: str, now: datetime) -> PairWork | None:
    query = (
        sa.select(PairRow, RegionRow)
        .join(ProgramRow, ProgramRow.id == PairRow.program_id)
        .join(RegionRow, RegionRow.id == ProgramRow.region_id)
        .where(PairRow.id == pair_id)
    )
    found = db.execute(query).one_or_none()
    if found is None:
        return None
    ids = db.scalars(sa.select(JointTaskRow.id).where(JointTaskRow.pair_id == pair_id)).all()
    pair, region = found
    unit = tasks.unit_of(db, pair.program_id)
    return PairWork(pair=pair, region=region, unit=unit, tasks=tasks.views(db, ids, now=now))


def _last_day(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    first_of_next = date(year + number // 12, number % 12 + 1, 1)
    return date.fromordinal(first_of_next.toordinal() - 1)
