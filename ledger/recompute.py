"""Works out every hour again from the facts, and compares with what stands."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import months, settlement
from ledger.basis import Day
from ledger.check_ins import mark_dirty
from ledger.entries import Difference
from ledger.findings import Finding, Place, Slice, What
from ledger.pair_tables import DirtyMonthRow, JointTaskRow, PairRow, PartRow, ProgramRow
from ledger.pairs import mark_months, month_of
from ledger.tables import CheckInRow, DecisionRow, DirtyDayRow, HourRecordRow, RegionRow, SessionRow

CHUNK = 500
"""Days that are worked out together."""


def days(db: Db, after: Place | None = None, *, now: datetime, limit: int = 20, mend: bool = False) -> Slice:
    """Work out the days of some learners again; `mend` asks for the settlement of those that differ."""
    people = db.scalars(_people(str(after or "")).limit(limit)).all()
    found: list[Finding] = []
    for some in _some(_settled_days(db, people, now)):
        differ = settlement.differences(db, some, now=now)
        found += map(_finding, differ)
        if mend and differ:
            mark_dirty(db, ((person, day, now) for person, day in some if person in {one.person_id for one in differ}))
    return Slice(found, len(people), people[-1] if len(people) == limit else None)


def count_people(db: Db) -> int:
    """Count the learners whose days `days` goes through."""
    return db.scalar(sa.select(sa.func.count()).select_from(_people().subquery())) or 0


def _some(days: Sequence[Day]) -> Iterator[Sequence[Day]]:
    return (days[start : start + CHUNK] for start in range(0, len(days), CHUNK))


def _people(after: str = "") -> sa.Select[str]:
    """Choose who has facts, decisions or hours."""
    columns: tuple[Any, ...] = (CheckInRow.person_id, DecisionRow.person_id, HourRecordRow.person_id)
    every = sa.union(*(sa.select(one.label("person")).where(one > after) for one in columns)).subquery()
    return sa.select(every.c.person).order_by(every.c.person)


def _settled_days(db: Db, people: Sequence[str], now: datetime) -> list[Day]:
    """Return the days of these people that nobody is about to settle."""
    sources: tuple[tuple[Any, Any], ...] = (
        (CheckInRow.person_id, CheckInRow.session_id),
        (DecisionRow.person_id, DecisionRow.session_id),
        (HourRecordRow.person_id, HourRecordRow.source_id),
    )
    days: set[Day] = set()
    for person, session in sources:
        query = sa.select(person, SessionRow.local_date).join(SessionRow, SessionRow.id == session)
        days |= {(who, day) for who, day in db.execute(query.where(person.in_(people)).distinct())}
    dirty = sa.select(DirtyDayRow.person_id, DirtyDayRow.day).where(DirtyDayRow.person_id.in_(people))
    waiting = {(who, day) for who, day in db.execute(dirty.where(DirtyDayRow.due_at <= now))}
    return sorted(days - waiting)


def pair_months(db: Db, after: Place | None = None, *, now: datetime, limit: int = 20, mend: bool = False) -> Slice:
    """Work out the months of some pairs again; `mend` as for `days`."""
    query = sa.select(PairRow).where(PairRow.id > str(after or "")).order_by(PairRow.id).limit(limit)
    pairs = db.scalars(query).all()
    found: list[Finding] = []
    for pair in pairs:
        for month in _settled_months(db, pair):
            if differ := months.differences(db, pair.id, month, now=now):
                found += map(_finding, differ)
                if mend:
                    mark_months(db, [(pair.id, month)], due_at=now)
    return Slice(found, len(pairs), pairs[-1].id if len(pairs) == limit else None)


def _settled_months(db: Db, pair: PairRow) -> list[str]:
    """Return the months with something due or with hours of a pair; not those that are about to be settled."""
    zones = sa.select(RegionRow.zone).join(ProgramRow, ProgramRow.region_id == RegionRow.id)
    zone = db.execute(zones.where(ProgramRow.id == pair.program_id)).scalar_one()
    dues = sa.select(PartRow.due).join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
    found = {month_of(due, zone) for due in db.scalars(dues.where(JointTaskRow.pair_id == pair.id))}
    people = (pair.clerk_id, pair.manager_id)
    dates = sa.select(HourRecordRow.effective_date).where(HourRecordRow.person_id.in_(people)).distinct()
    found |= {f"{day:%Y-%m}" for day in db.scalars(dates)}
    return sorted(found - set(db.scalars(sa.select(DirtyMonthRow.month).where(DirtyMonthRow.pair_id == pair.id))))


def _finding(difference: Difference) -> Finding:
    stands, wanted = difference.stands, difference.wanted
    what: What = "not_entered" if stands is None else "differs" if wanted else "not_earned"
    return Finding(what, f"{difference.person_id} {(stands or wanted).source_id}")  # type: ignore[union-attr]  # one is there
