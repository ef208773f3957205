"""From facts to hour records: a learner's local day is settled as one, and only differences are entered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS, CreditRule
from attendance.decision import standing
from attendance.presence import Fact
from attendance.session import Session
from attendance.settlement import HourRecord, Review, Settled, open_until, settle_day
from ledger import entries
from ledger.apart import PUT_OFF, apart
from ledger.check_ins import as_rule, mark_dirty
from ledger.decisions import as_rules
from ledger.entries import Entry
from ledger.pairs import mark_months, pairs_of
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DecisionRow,
    DirtyDayRow,
    HourRecordRow,
    RegionRow,
    ReviewRow,
    RoomRow,
    SessionRow,
)

Day = tuple[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with what an hour record repeats of it."""

    session: Session
    rule: CreditRule
    region_id: str
    course: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What some days stand on."""

    facts: Mapping[Day, list[Fact]]
    decisions: Mapping[Day, list[DecisionRow]]
    sittings: Mapping[str, Sitting]
    entered: Mapping[Day, list[HourRecordRow]]


def settle(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Settle up to `limit` dirty days that are due and return how many."""
    return _settle(db, _due(db, now, limit), now)


def settle_apart(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Settle days as `settle` does, but one by one: a day that fails is put off, and keeps nobody else waiting."""
    dirty = _due(db, now, limit)
    for row in dirty:
        with apart(db, f"day {row.day} of {row.person_id}") as settled:
            _settle(db, [row], now)
        if not settled.done:
            row.due_at = now + PUT_OFF
    return len(dirty)


def _due(db: Db, now: datetime, limit: int) -> Sequence[DirtyDayRow]:
    # Locked: of two that settle at once, the second takes other days.
    query = sa.select(DirtyDayRow).where(DirtyDayRow.due_at <= now).order_by(DirtyDayRow.due_at).limit(limit)
    return db.scalars(query.with_for_update(skip_locked=True)).all()


def _settle(db: Db, dirty: Sequence[DirtyDayRow], now: datetime) -> int:
    days: list[Day] = [(row.person_id, row.day) for row in dirty]
    if not days:
        return 0
    known = _known(db, days)
    for row, day in zip(dirty, days, strict=True):
        later = _settle_day(db, day, known, now)
        db.delete(row)
        db.flush()
        mark_dirty(db, [(*day, moment) for moment in later])
    _mark_months(db, days, now)
    return len(days)


def _settle_day(db: Db, day: Day, known: Known, now: datetime) -> list[datetime]:
    """Enter what changed in one day; return the moments at which it has to be looked at again."""
    facts, decided = known.facts.get(day, []), known.decisions.get(day, [])
    decisions, voided = as_rules(decided)
    counting = standing(facts, decisions, voided)
    ids = {fact.session_id for fact in facts} | {decision.session_id for decision in decisions}
    open_ = {id: open_until(known.sittings[id].session, counting, now) for id in ids}
    ripe = [known.sittings[id] for id, until in open_.items() if until is None]
    settled = settle_day(
        day[0],
        [sitting.session for sitting in ripe],
        facts=[fact for fact in facts if open_[fact.session_id] is None],
        rules={sitting.session.id: sitting.rule for sitting in ripe},
        decisions=[decision for decision in decisions if open_[decision.session_id] is None],
        voided=voided,
    )
    wanted = [_entry(record, known.sittings[record.source_id]) for record in settled.records]
    entries.enter(db, wanted, known.entered.get(day, []), now=now)
    _review(db, day, settled, known.sittings, now)
    return [until for until in open_.values() if until is not None]


def _entry(record: HourRecord, sitting: Sitting) -> Entry:
    return Entry(
        settles=entries.settles(record.source_id, record.learner_id),
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
    )


def _review(db: Db, day: Day, settled: Settled, sittings: Mapping[str, Sitting], now: datetime) -> None:
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


def _known(db: Db, days: Sequence[Day]) -> Known:
    """Collect what these days stand on, in a few queries for all of them."""
    facts, decisions = _facts(db, days), _decisions(db, days)
    sessions = {fact.session_id for of_day in facts.values() for fact in of_day}
    sessions |= {row.session_id for of_day in decisions.values() for row in of_day}
    return Known(facts=facts, decisions=decisions, sittings=_sittings(db, sessions), entered=_entered(db, days))


def _facts(db: Db, days: Sequence[Day]) -> dict[Day, list[Fact]]:
    query = (
        sa.select(CheckInRow, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == CheckInRow.session_id)
        .where(*_of(days, CheckInRow.person_id, SessionRow.local_date), CheckInRow.verdict == "admitted")
    )
    facts: dict[Day, list[Fact]] = {}
    for row, day in db.execute(query):
        facts.setdefault((str(row.person_id), day), []).append(_fact(row))
    return facts


def _decisions(db: Db, days: Sequence[Day]) -> dict[Day, list[DecisionRow]]:
    query = (
        sa.select(DecisionRow, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == DecisionRow.session_id)
        .where(*_of(days, DecisionRow.person_id, SessionRow.local_date))
        .order_by(DecisionRow.decided_at, DecisionRow.id)
    )
    decisions: dict[Day, list[DecisionRow]] = {}
    for row, day in db.execute(query):
        decisions.setdefault((row.person_id, day), []).append(row)
    return decisions


def _of(days: Sequence[Day], person: Any, day: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Choose the rows of these days, and a few more: of these people, on any of these dates."""
    return person.in_({who for who, _ in days}), day.in_({date for _, date in days})


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
    """Return what was entered for sessions; hours of joint tasks are settled by the month."""
    query = (
        sa.select(HourRecordRow)
        .join(SessionRow, SessionRow.id == HourRecordRow.source_id)
        .where(*_of(days, HourRecordRow.person_id, HourRecordRow.effective_date))
    )
    entered: dict[Day, list[HourRecordRow]] = {}
    for row in db.scalars(query):
        entered.setdefault((row.person_id, row.effective_date), []).append(row)
    return entered


def _mark_months(db: Db, days: Sequence[Day], now: datetime) -> None:
    """Ask for the months of the learners' pairs: their bonus stands on these hours."""
    months: dict[str, set[str]] = {}
    for person, day in days:
        months.setdefault(person, set()).add(f"{day:%Y-%m}")
    mark_months(db, [(pair, m) for person, pair in pairs_of(db, months) for m in months[person]], due_at=now)
