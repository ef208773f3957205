"""From facts to hour records: a learner's local day is settled as one, and only differences are entered."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import CreditRule
from attendance.decision import standing
from attendance.rule_choice import NoRule
from attendance.session import Session
from attendance.settlement import HourRecord, Review, Settled, open_until, settle_day
from ledger import apart, entries, queue
from ledger.basis import Basis, Day, Sitting, Stand, basis_of, beside, of_days
from ledger.check_ins import mark_dirty
from ledger.decisions import as_rules
from ledger.entries import Difference, Entry
from ledger.pairs import mark_months, pairs_of
from ledger.tables import DirtyDayRow, ReviewRow, SessionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a day comes to."""

    wanted: list[Entry]
    reviews: dict[str, list[Review]]
    """By session."""
    again: set[datetime]
    """When it has to be looked at again."""
    later: set[date]
    """Other days of the same learner that lose time to this one."""


def settle(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Settle up to `limit` dirty days that are due and return how many; a day that fails is put off."""
    days: list[Day] = queue.take(db, DirtyDayRow, now=now, limit=limit)
    failed = apart.work(db, days, lambda some: _settle(db, some, now), named=lambda day: f"day {day[1]} of {day[0]}")
    mark_dirty(db, ((*day, now + apart.PUT_OFF) for day in failed))
    return len(days)


def differences(db: Db, days: Sequence[Day], *, now: datetime) -> list[Difference]:
    """Say where the records of these days are not what the facts come to; nothing is written."""
    basis = basis_of(db, days)
    found: list[Difference] = []
    for day in days:
        stands, _ = entries.effective(basis.entered.get(day, ()))
        found += entries.differences(_work(day, basis, now).wanted, stands)
    return found


def _settle(db: Db, days: Sequence[Day], now: datetime) -> None:
    """Enter what changed in these days."""
    basis = basis_of(db, days)
    worked = {day: _work(day, basis, now) for day in days}
    wanted = [entry for work in worked.values() for entry in work.wanted]
    changed = entries.enter(db, wanted, [row for day in days for row in basis.entered.get(day, ())], now=now)
    _review(db, {day: work.reviews for day, work in worked.items()}, basis.sittings, now)
    mark_dirty(db, ((*day, due) for day, work in worked.items() for due in work.again))
    # Only where hours have changed: two days may each lose time to the other, and would wake each other for ever.
    awake = {difference.person_id for difference in changed}
    mark_dirty(db, ((who, day, now) for (who, _), work in worked.items() if who in awake for day in work.later))
    _mark_months(db, days, now)


def _work(day: Day, basis: Basis, now: datetime) -> Worked:
    """Work out one day: the sessions of its date, and those of other dates that lie at the same time."""
    near = [basis.stands[key] for on in beside(day[1]) if (key := (day[0], on)) in basis.stands]
    decisions, voided = as_rules([row for stand in near for row in stand.decisions])
    own, held = _held(basis, near, day[1])
    facts = [fact for stand in near for fact in stand.facts if fact.session_id in held]
    counting = standing(facts, decisions, voided)
    open_ = {id: open_until(held[id].session, counting, now, checks=held[id].checks) for id in held}
    ripe = {id for id, until in open_.items() if until is None}
    settled = settle_day(
        day[0],
        [held[id].session for id in ripe],
        facts=[fact for fact in facts if fact.session_id in ripe],
        rules={id: _rule(own[id], day) for id in ripe & own.keys()},
        decisions=[decision for decision in decisions if decision.session_id in ripe],
        voided=voided,
        day=day[1],
        checks=[check for id in ripe for check in held[id].checks],
        answers=basis.answers.get(day[0], ()),
    )
    return Worked(
        wanted=[_entry(record, held[record.source_id]) for record in settled.records],
        reviews=_by_session(settled),
        again={until for id in own if (until := open_[id]) is not None},
        later=_later(held.values(), own.values(), day[1]),
    )


def _held(basis: Basis, near: Sequence[Stand], day: date) -> tuple[dict[str, Sitting], dict[str, Sitting]]:
    """Return the sessions of a date, and these with those of other dates at the same time; none that was cancelled."""
    touched = {fact.session_id for stand in near for fact in stand.facts}
    touched |= {row.session_id for stand in near for row in stand.decisions}
    sittings = {id: basis.sittings[id] for id in touched if not basis.sittings[id].session.cancelled}
    own = {id: sitting for id, sitting in sittings.items() if sitting.session.local_date == day}
    others = {id: sitting for id, sitting in sittings.items() if id not in own and _beside(sitting, own.values())}
    return own, own | others


def _beside(sitting: Sitting, others: Iterable[Sitting]) -> bool:
    one = sitting.session
    return any(one.starts_at < other.session.ends_at and other.session.starts_at < one.ends_at for other in others)


def _later(held: Iterable[Sitting], own: Collection[Sitting], day: date) -> set[date]:
    """Return the other dates with sessions that lose time to sessions of this day, because they begin later."""
    found: set[date] = set()
    for sitting in held:
        if sitting.session.local_date != day:
            before = [other for other in own if _order(other.session) < _order(sitting.session)]
            found |= {sitting.session.local_date} if _beside(sitting, before) else set()
    return found


def _order(session: Session) -> tuple[datetime, str]:
    return session.starts_at, session.id


def _rule(sitting: Sitting, day: Day) -> CreditRule:
    if sitting.rule is None:
        raise NoRule(f"No credit rule holds for session {sitting.session.id} on {day[1]}.")
    return sitting.rule


def _by_session(settled: Settled) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = {}
    for review in settled.reviews:
        found.setdefault(review.session_id, []).append(review)
    return found


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


def _review(
    db: Db, wanted: Mapping[Day, Mapping[str, list[Review]]], sittings: Mapping[str, Sitting], now: datetime
) -> None:
    """Make the review list of these days what settlement says."""
    query = (
        sa.select(ReviewRow, SessionRow.local_date)
        .join(SessionRow, SessionRow.id == ReviewRow.session_id)
        .where(*of_days(wanted, ReviewRow.person_id, SessionRow.local_date))
    )
    listed = {(row.person_id, row.session_id): row for row, day in db.execute(query) if (row.person_id, day) in wanted}
    kept = {(day[0], id): reviews for day, of_day in wanted.items() for id, reviews in of_day.items()}
    for seat in listed.keys() - kept.keys():
        db.delete(listed[seat])
    for (person, id), reviews in kept.items():
        row = listed.get((person, id)) or ReviewRow(session_id=id, person_id=person, opened_at=now)
        row.region_id = sittings[id].region_id
        row.reasons = [review.reason for review in reviews]
        row.explanation = reviews[0].explanation.to_json()
        db.add(row)
    db.flush()


def _mark_months(db: Db, days: Sequence[Day], now: datetime) -> None:
    """Ask for the months of the learners' pairs: their bonus stands on these hours."""
    months: dict[str, set[str]] = {}
    for person, day in days:
        months.setdefault(person, set()).add(f"{day:%Y-%m}")
    mark_months(db, [(pair, m) for person, pair in pairs_of(db, months) for m in months[person]], due_at=now)
