"""A pair's month: the hours of its joint tasks, and the bonus that stands on them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from ledger import apart, entries, queue, tasks
from ledger.entries import Difference, Entered, Entry
from ledger.pair_tables import DirtyMonthRow, JointTaskRow, PairRow, ProgramRow
from ledger.pairs import mark_months
from ledger.tables import HourRecordRow, PersonRow, RegionRow, SessionRow
from ledger.tasks import TaskView

PairsMonth = tuple[str, str]
"""A pair's id and a month (YYYY-MM)."""
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A learner's month, added up over some of the learner's pairs."""

    who: str
    month: str
    works: Sequence[PairWork]


def settle_months(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Settle up to `limit` pairs' months that are due and return how many; a month that fails is put off."""
    months: list[PairsMonth] = queue.take(db, DirtyMonthRow, now=now, limit=limit)
    failed = apart.work(
        db, months, lambda some: _settle(db, some, now), named=lambda month: f"month {month[1]} of pair {month[0]}"
    )
    mark_months(db, failed, due_at=now + apart.PUT_OFF)
    return len(months)


def month_for(db: Db, person: PersonRow, month: str, *, now: datetime) -> Month | None:
    """Add up a learner's month over all pairs; None for who is in no pair."""
    query = sa.select(PairRow.id).where(sa.or_(PairRow.clerk_id == person.id, PairRow.manager_id == person.id))
    works = _works(db, db.scalars(query.order_by(PairRow.id)).all(), now)
    return _added_up(db, [Asked(person.id, month, list(works.values()))])[0] if works else None


def differences(db: Db, pair_id: str, month: str, *, now: datetime) -> list[Difference]:
    """Say where the records of a pair's month are not what its work comes to; nothing is written."""
    found: list[Difference] = []
    for work in _works(db, [pair_id], now).values():
        for wanted, answers in (
            (_all_parts(work, now), _answers(work)),
            (_bonuses(db, [(work, month)]), _rewards(work, month)),
        ):
            stands, _ = entries.effective(entries.versions_of(db, answers))
            found += entries.differences(wanted, stands)
    return found


def _settle(db: Db, months: Sequence[PairsMonth], now: datetime) -> None:
    works = _works(db, {pair for pair, _ in months}, now)
    # First the parts, since their hours are joint hours that the bonus is reckoned on.
    _enter(
        db,
        [entry for work in works.values() for entry in _all_parts(work, now)],
        [answer for work in works.values() for answer in _answers(work)],
        now,
    )
    due = [(works[pair], month) for pair, month in months if pair in works]
    _enter(db, _bonuses(db, due), [reward for work, month in due for reward in _rewards(work, month)], now)


def _enter(db: Db, wanted: Sequence[Entry], answers: Sequence[UUID], now: datetime) -> None:
    entries.enter(db, wanted, entries.versions_of(db, answers), now=now)


def _all_parts(work: PairWork, now: datetime) -> list[Entry]:
    return [entry for task in work.tasks for entry in _parts(work, task, now)]


def _bonuses(db: Db, due: Sequence[tuple[PairWork, str]]) -> list[Entry]:
    asked = [Asked(who, month, [work]) for work, month in due for who in work.people]
    return [
        entry for one, month in zip(asked, _added_up(db, asked), strict=True) for entry in _bonus(one.works[0], month)
    ]


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


def _added_up(db: Db, asked: Sequence[Asked]) -> list[Month]:
    """Add up months, each by what stands for its learner and by the tasks of its pairs."""
    rows = _standing(db, asked)
    works = {work.pair.id: work for one in asked for work in one.works}.values()
    sessions = _sessions(db, [row.source_id for of_month in rows.values() for row in of_month], works)
    arrivals = _arrivals(db, [row.id for row in sessions], {who for work in works for who in work.people})
    return [_month(one, rows.get((one.who, one.month), []), sessions, arrivals) for one in asked]


def _month(
    asked: Asked, rows: Sequence[Entered], sessions: Sequence[SessionRow], arrivals: Mapping[tuple[str, str], datetime]
) -> Month:
    first = asked.works[0]
    joint = {part: work.pair.id for work in asked.works for part in work.parts}
    joint |= _joint_sessions({row.source_id for row in rows}, asked.works, sessions, arrivals)
    return month_of(
        asked.who,
        role=ROLES[first.people.index(asked.who)],
        month=asked.month,
        unit=first.unit,
        credits=[_credited(row, joint.get(row.source_id)) for row in rows],
        tasks=[task for work in asked.works for task in work.due(work.region.zone)],
    )


def _credited(row: Entered, pair_id: str | None) -> Credited:
    return Credited(hours=row.credit, unit=row.unit, effective_date=row.effective_date, pair_id=pair_id)


def _standing(db: Db, asked: Sequence[Asked]) -> dict[tuple[str, str], list[Entered]]:
    """Return the credits that stand, by learner and month."""
    found: dict[tuple[str, str], list[Entered]] = {}
    for month, who in _by_month(asked).items():
        query = sa.select(*entries.COLUMNS).where(
            HourRecordRow.person_id.in_(who),
            HourRecordRow.effective_date.between(date.fromisoformat(f"{month}-01"), _last_day(month)),
        )
        standing, _ = entries.effective(db.execute(query))
        for row in standing.values():
            if row.kind == "credit":
                found.setdefault((row.person_id, month), []).append(row)
    return found


def _by_month(asked: Iterable[Asked]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in asked:
        found.setdefault(one.month, set()).add(one.who)
    return found


def _sessions(db: Db, source_ids: Collection[str], works: Iterable[PairWork]) -> Sequence[SessionRow]:
    """Return the joint sessions of the pairs' programmes among these."""
    programs = {work.pair.program_id for work in works}
    query = sa.select(SessionRow).where(SessionRow.id.in_(source_ids), SessionRow.program_id.in_(programs))
    return db.scalars(query).all() if source_ids else []


def _joint_sessions(
    ids: Collection[str],
    works: Sequence[PairWork],
    sessions: Sequence[SessionRow],
    arrivals: Mapping[tuple[str, str], datetime],
) -> dict[str, str]:
    """Return the sessions among these that a pair attended together, with that pair."""
    of_program = {work.pair.program_id: work for work in works}
    found: dict[str, str] = {}
    for session in sessions:
        work = of_program.get(str(session.program_id))
        if work is None or session.id not in ids:
            continue
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


def _works(db: Db, pair_ids: Collection[str], now: datetime) -> dict[str, PairWork]:
    """Return pairs with their work, in the order of their ids."""
    query = (
        sa.select(PairRow, RegionRow, ProgramRow.rule)
        .join(ProgramRow, ProgramRow.id == PairRow.program_id)
        .join(RegionRow, RegionRow.id == ProgramRow.region_id)
        .where(PairRow.id.in_(pair_ids))
        .order_by(PairRow.id)
    )
    of_pair: dict[str, list[TaskView]] = {}
    chosen = sa.select(JointTaskRow.id).where(JointTaskRow.pair_id.in_(pair_ids)).order_by(JointTaskRow.id)
    for view in tasks.views(db, db.scalars(chosen).all(), now=now):
        of_pair.setdefault(view.pair.id, []).append(view)
    return {
        pair.id: PairWork(pair=pair, region=region, unit=tasks.unit_of(rule), tasks=of_pair.get(pair.id, []))
        for pair, region, rule in db.execute(query)
    }


def _last_day(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    first_of_next = date(year + number // 12, number % 12 + 1, 1)
    return date.fromordinal(first_of_next.toordinal() - 1)
