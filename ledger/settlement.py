"""From facts to hour records: a learner's local day is settled as one, and only differences are entered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS, CreditRule
from attendance.presence import Fact
from attendance.session import Session
from attendance.settlement import HourRecord, Review, Settled, settle_day
from ledger.check_ins import as_rule, mark_dirty
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DirtyDayRow,
    HourRecordRow,
    RegionRow,
    ReviewRow,
    RoomRow,
    SessionRow,
)

NAMESPACE = UUID("6a5d0d8e-7b0c-5f6e-9d0f-3c1f2b7a4e11")
"""Ids of hour records are derived in it; changing it would change every id."""

Day = tuple[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with what an hour record repeats of it."""

    session: Session
    rule: CreditRule
    region_id: str
    course: dict[str, Any]


def settle(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Settle up to `limit` dirty days that are due and return how many."""
    query = sa.select(DirtyDayRow).where(DirtyDayRow.due_at <= now).order_by(DirtyDayRow.due_at).limit(limit)
    dirty = db.scalars(query.with_for_update(skip_locked=True)).all()
    days: list[Day] = [(row.person_id, row.day) for row in dirty]
    if not days:
        return 0
    facts = _facts(db, days)
    sittings = _sittings(db, {fact.session_id for of_day in facts.values() for fact in of_day})
    entered = _entered(db, days)
    for row, day in zip(dirty, days, strict=True):
        later = _settle_day(db, day, facts.get(day, []), sittings, entered.get(day, []), now)
        db.delete(row)
        db.flush()
        mark_dirty(db, [(*day, moment) for moment in later])
    return len(days)


def _settle_day(
    db: Db, day: Day, facts: Sequence[Fact], sittings: dict[str, Sitting], entered: list[HourRecordRow], now: datetime
) -> list[datetime]:
    """Enter what changed in one day; return the moments at which it has to be looked at again."""
    open_until = {id: _open_until(sittings[id].session, facts, now) for id in {fact.session_id for fact in facts}}
    ripe = [sittings[id] for id, until in open_until.items() if until is None]
    settled = settle_day(
        day[0],
        [sitting.session for sitting in ripe],
        facts=[fact for fact in facts if open_until[fact.session_id] is None],
        rules={sitting.session.id: sitting.rule for sitting in ripe},
    )
    _enter(db, settled.records, sittings, entered, now)
    _review(db, day, settled, sittings, now)
    return [until for until in open_until.values() if until is not None]


def _open_until(session: Session, facts: Sequence[Fact], now: datetime) -> datetime | None:
    """Say when a session that cannot be settled yet can be: at its end, or at the window's end for who is still in."""
    if now < session.ends_at:
        return session.ends_at
    last = max((fact for fact in facts if fact.session_id == session.id), key=lambda fact: (fact.at, fact.seq))
    return session.closes_at if last.direction == "in" and now <= session.closes_at else None


def _enter(
    db: Db, records: Iterable[HourRecord], sittings: dict[str, Sitting], entered: list[HourRecordRow], now: datetime
) -> None:
    """Write reversals of what no longer holds and new entries for what does."""
    effective, versions = _effective(entered)
    wanted = {_settles(record): record for record in records}
    for settles, row in effective.items():
        if settles not in wanted or not _same(row, wanted[settles]):
            versions[settles] += 1
            db.add(_reversal(row, versions[settles], now))
    for settles, record in wanted.items():
        if settles not in effective or not _same(effective[settles], record):
            versions[settles] = versions.get(settles, 0) + 1
            db.add(_row(record, settles, versions[settles], sittings[record.source_id], now))
    db.flush()


def _effective(entered: Iterable[HourRecordRow]) -> tuple[dict[UUID, HourRecordRow], dict[UUID, int]]:
    """Return the records that stand, and the highest version of each, by what they settle."""
    effective: dict[UUID, HourRecordRow] = {}
    versions: dict[UUID, int] = {}
    for row in sorted(entered, key=lambda row: row.version):
        versions[row.settles] = row.version
        if row.kind == "reversal":
            effective.pop(row.settles, None)
        else:
            effective[row.settles] = row
    return effective, versions


def _settles(record: HourRecord) -> UUID:
    return uuid5(NAMESPACE, f"{record.source_id}\n{record.learner_id}")


def _same(row: HourRecordRow, record: HourRecord) -> bool:
    return (
        row.minutes == record.minutes
        and row.credit == record.credit
        and (row.unit, row.rule) == (record.unit, record.rule)
        and row.effective_date == record.effective_date
        and row.explanation == record.explanation.to_json()
    )


def _row(record: HourRecord, settles: UUID, version: int, sitting: Sitting, now: datetime) -> HourRecordRow:
    return HourRecordRow(
        id=uuid5(settles, str(version)),
        settles=settles,
        version=version,
        kind="credit",
        person_id=record.learner_id,
        region_id=sitting.region_id,
        source_id=record.source_id,
        effective_date=record.effective_date,
        minutes=record.minutes,
        credit=record.credit,
        unit=record.unit,
        rule=record.rule,
        explanation=record.explanation.to_json(),
        course=sitting.course,
        entered_at=now,
    )


REPEATED = (
    "settles", "person_id", "region_id", "source_id", "effective_date", "minutes", "credit", "unit", "rule",
    "explanation", "course",
)  # fmt: skip


def _reversal(row: HourRecordRow, version: int, now: datetime) -> HourRecordRow:
    return HourRecordRow(
        id=uuid5(row.settles, str(version)),
        version=version,
        kind="reversal",
        reverses=row.id,
        entered_at=now,
        **{name: getattr(row, name) for name in REPEATED},
    )


def _review(db: Db, day: Day, settled: Settled, sittings: dict[str, Sitting], now: datetime) -> None:
    """Make the review list of this day what settlement says."""
    of_day = sa.select(SessionRow.id).where(SessionRow.local_date == day[1])
    query = sa.select(ReviewRow).where(ReviewRow.person_id == day[0], ReviewRow.session_id.in_(of_day))
    listed = {row.session_id: row for row in db.scalars(query)}
    wanted: dict[str, list[Review]] = {}
    for review in settled.reviews:
        wanted.setdefault(review.session_id, []).append(review)
    for id in listed.keys() - wanted.keys():
        db.delete(listed[id])
    for id, reviews in wanted.items():
        row = listed.get(id) or ReviewRow(session_id=id, person_id=day[0], opened_at=now)
        row.region_id = sittings[id].region_id
        row.reasons = [review.reason for review in reviews]
        row.explanation = reviews[0].explanation.to_json()
        db.add(row)
    db.flush()


def _facts(db: Db, days: Sequence[Day]) -> dict[Day, list[Fact]]:
    query = (
        sa.select(CheckInRow, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == CheckInRow.session_id)
        .where(
            CheckInRow.person_id.in_({person for person, _ in days}),
            SessionRow.local_date.in_({day for _, day in days}),
            CheckInRow.verdict == "admitted",
        )
    )
    facts: dict[Day, list[Fact]] = {}
    for row, day in db.execute(query):
        facts.setdefault((str(row.person_id), day), []).append(_fact(row))
    return facts


def _fact(row: CheckInRow) -> Fact:
    return Fact(
        check_in_id=str(row.id),
        session_id=str(row.session_id),
        direction=row.direction,  # type: ignore[arg-type]  # an admitted check-in has one
        at=row.at,
        stream=str(row.stream or ""),
        seq=row.seq or 0,
        uncertain="time_uncertain" in row.flags,
    )


def _sittings(db: Db, ids: Iterable[str]) -> dict[str, Sitting]:
    query = (
        sa.select(SessionRow, CourseRow, RegionRow, RoomRow)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .join(RegionRow, RegionRow.id == SessionRow.region_id)
        .outerjoin(RoomRow, RoomRow.id == SessionRow.room_id)
        .where(SessionRow.id.in_(set(ids)))
    )
    return {row.id: _sitting(row, course, region, room) for row, course, region, room in db.execute(query)}


def _sitting(row: SessionRow, course: CourseRow, region: RegionRow, room: RoomRow | None) -> Sitting:
    return Sitting(
        session=as_rule(row, frozenset()),
        rule=PRESETS[course.rule or region.rule],
        region_id=region.id,
        course={
            "id": course.id,
            "title": course.title,
            "title_zh": course.title_zh,
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "zone": row.zone,
            "place": room.name if room else None,
            "trainer_id": row.trainer_id,
        },
    )


def _entered(db: Db, days: Sequence[Day]) -> dict[Day, list[HourRecordRow]]:
    query = sa.select(HourRecordRow).where(
        HourRecordRow.person_id.in_({person for person, _ in days}),
        HourRecordRow.effective_date.in_({day for _, day in days}),
    )
    entered: dict[Day, list[HourRecordRow]] = {}
    for row in db.scalars(query):
        entered.setdefault((row.person_id, row.effective_date), []).append(row)
    return entered
