"""What learners' days stand on: facts, decisions, sessions with their rules, and what was entered for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import CreditRule
from attendance.presence import Fact
from attendance.presence_check import PresenceAnswer, PresenceCheck
from attendance.rule_choice import NoRule, RuleChoice
from attendance.session import Session
from ledger import rules
from ledger.check_ins import as_rule
from ledger.entries import COLUMNS, Entered
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DecisionRow,
    HourRecordRow,
    PresenceAnswerRow,
    PresenceCheckRow,
    RegionRow,
    RoomRow,
    SessionRow,
)

Day = tuple[str, date]

ACROSS = timedelta(days=2)
"""Sessions at the same time may lie on local dates so far apart: one begins at night, or far to the west."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with what an hour record repeats of it."""

    session: Session
    rule: CreditRule | None
    """None: nobody has said which rule holds."""
    region_id: str
    course: dict[str, Any]
    checks: tuple[PresenceCheck, ...] = ()


@dataclass(slots=True)
class Stand:
    """What one learner's day stands on."""

    facts: list[Fact] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What some days stand on."""

    stands: Mapping[Day, Stand]
    """Those of the days beside them too."""
    sittings: Mapping[str, Sitting]
    answers: Mapping[str, list[PresenceAnswer]]
    """To presence checks, by learner."""
    entered: Mapping[Day, list[Entered]]


def basis_of(db: Db, days: Sequence[Day]) -> Basis:
    """Collect what these days stand on, in a few queries for all of them."""
    stands = _stands(db, with_neighbours(days))
    touched = {fact.session_id for stand in stands.values() for fact in stand.facts}
    touched |= {row.session_id for stand in stands.values() for row in stand.decisions}
    checks = _checks(db, touched)
    return Basis(
        stands=stands,
        sittings=_sittings(db, touched, checks),
        answers=_answers(db, {person for person, _ in days}, checks),
        entered=_entered(db, days),
    )


def _stands(db: Db, days: Collection[Day]) -> dict[Day, Stand]:
    stands: dict[Day, Stand] = {}
    for day, fact in _facts(db, days):
        stands.setdefault(day, Stand()).facts.append(fact)
    for day, row in _decisions(db, days):
        stands.setdefault(day, Stand()).decisions.append(row)
    return stands


def with_neighbours(days: Iterable[Day]) -> set[Day]:
    """Return these days with those beside them."""
    return {(person, day) for person, own in days for day in beside(own)}


@lru_cache(maxsize=4000)
def beside(day: date) -> tuple[date, ...]:
    """Return the dates of sessions that may lie at the same time as one of this date; this date is among them."""
    return tuple(day + timedelta(days=step) for step in range(-ACROSS.days, ACROSS.days + 1))


def of_days(days: Collection[Day], person: Any, day: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Choose the rows of these days, and a few more: of these people, on any of these dates."""
    return person.in_({who for who, _ in days}), day.in_({date for _, date in days})


def _facts(db: Db, days: Collection[Day]) -> Iterable[tuple[Day, Fact]]:
    columns = (CheckInRow.id, CheckInRow.session_id, CheckInRow.direction, CheckInRow.at, CheckInRow.stream)
    # As text: one of them is looked for, in very many rows.
    flags = sa.cast(CheckInRow.flags, sa.Text)
    query = (
        sa.select(CheckInRow.person_id, SessionRow.local_date, *columns, CheckInRow.seq, flags)
        .join(SessionRow, SessionRow.id == CheckInRow.session_id)
        .where(*of_days(days, CheckInRow.person_id, SessionRow.local_date), CheckInRow.verdict == "admitted")
    )
    for person, day, id, session, direction, at, stream, seq, said in db.execute(query):
        fact = Fact(
            check_in_id=str(id),
            session_id=str(session),
            direction=direction,  # type: ignore[arg-type]  # an admitted check-in has one
            at=at,
            stream=str(stream or ""),
            seq=seq or 0,
            uncertain="time_uncertain" in said,
        )
        yield (str(person), day), fact


def _decisions(db: Db, days: Collection[Day]) -> Iterable[tuple[Day, DecisionRow]]:
    query = (
        sa.select(DecisionRow, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == DecisionRow.session_id)
        .where(*of_days(days, DecisionRow.person_id, SessionRow.local_date))
        .order_by(DecisionRow.decided_at, DecisionRow.id)
    )
    for row, day in db.execute(query):
        yield (row.person_id, day), row


def _checks(db: Db, sessions: Collection[str]) -> dict[str, tuple[PresenceCheck, ...]]:
    query = sa.select(PresenceCheckRow).where(PresenceCheckRow.session_id.in_(sessions))
    found: dict[str, tuple[PresenceCheck, ...]] = {}
    for row in db.scalars(query.order_by(PresenceCheckRow.asked_at, PresenceCheckRow.id)) if sessions else ():
        check = PresenceCheck(
            id=row.id, session_id=row.session_id, asked_at=row.asked_at, answer_until=row.answer_until
        )
        found[row.session_id] = (*found.get(row.session_id, ()), check)
    return found


def _answers(
    db: Db, people: Collection[str], checks: Mapping[str, tuple[PresenceCheck, ...]]
) -> dict[str, list[PresenceAnswer]]:
    ids = [check.id for of_one in checks.values() for check in of_one]
    query = sa.select(PresenceAnswerRow).where(
        PresenceAnswerRow.check_id.in_(ids), PresenceAnswerRow.person_id.in_(people)
    )
    found: dict[str, list[PresenceAnswer]] = {}
    for row in db.scalars(query) if ids else ():
        answer = PresenceAnswer(check_id=row.check_id, learner_id=row.person_id, at=row.at)
        found.setdefault(row.person_id, []).append(answer)
    return found


def _sittings(db: Db, ids: Collection[str], checks: Mapping[str, tuple[PresenceCheck, ...]]) -> dict[str, Sitting]:
    query = (
        sa.select(SessionRow, CourseRow, RegionRow, RoomRow)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .join(RegionRow, RegionRow.id == SessionRow.region_id)
        .outerjoin(RoomRow, RoomRow.id == SessionRow.room_id)
        .where(SessionRow.id.in_(ids))
    )
    choice = rules.choice(db)
    return {
        row.id: _sitting(row, course, region, room, _chosen(choice, row), checks.get(row.id, ()))
        for row, course, region, room in db.execute(query)
    }


def _chosen(choice: RuleChoice, row: SessionRow) -> CreditRule | None:
    try:
        return choice.on(row.local_date, region_id=row.region_id, course_id=row.course_id)
    except NoRule:
        return None


def _sitting(
    row: SessionRow,
    course: CourseRow,
    region: RegionRow,
    room: RoomRow | None,
    rule: CreditRule | None,
    checks: tuple[PresenceCheck, ...],
) -> Sitting:
    return Sitting(
        session=as_rule(row, frozenset()),
        rule=rule,
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
        checks=checks,
    )


def _entered(db: Db, days: Sequence[Day]) -> dict[Day, list[Entered]]:
    """Return what was entered for the sessions of these days; hours of joint tasks are settled by the month.

    A session that was moved takes its records along: they belong to the day on which it is now.
    """
    query = (
        sa.select(*COLUMNS, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == HourRecordRow.source_id)
        .where(*of_days(days, HourRecordRow.person_id, SessionRow.local_date))
    )
    entered: dict[Day, list[Entered]] = {}
    rows: Iterable[Any] = db.execute(query)
    for row in rows:
        entered.setdefault((row.person_id, row.local_date), []).append(row)
    return entered
