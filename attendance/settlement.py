"""Settlement: what a learner's day comes to, the same for every order in which it became known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from attendance.credit import NOTHING, CreditRule, credit
from attendance.explanation import Explanation
from attendance.instant import utc
from attendance.presence import Fact, Presence, presence_of_day
from attendance.reasons import ReviewReason
from attendance.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRecord:
    source_id: str  # the session that it settles
    learner_id: str
    minutes: int  # time present
    credit: Decimal
    unit: str
    rule: str  # name and version, so that anyone can compute it again
    effective_date: date  # local to the session
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A session that nobody gets hours for until a person has decided."""

    session_id: str
    learner_id: str
    reason: ReviewReason
    explanation: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    records: tuple[HourRecord, ...] = ()
    reviews: tuple[Review, ...] = ()
    open: tuple[str, ...] = ()  # sessions with facts that can still get more, so they are not settled yet


def settle_day(
    learner_id: str,
    sessions: Iterable[Session],
    *,
    facts: Iterable[Fact],
    rules: Mapping[str, CreditRule],
    now: datetime | None = None,
) -> Settled:
    """Settle the sessions that have facts; `rules` holds one for each session id.

    With `now`, sessions that have not closed by then stay open: a missing `out` is not missing yet.
    """
    by_id = {session.id: session for session in sessions}
    presences = presence_of_day(by_id.values(), facts)
    still_open = tuple(id for id in presences if now and utc(now) <= by_id[id].closes_at)
    records: list[HourRecord] = []
    reviews: list[Review] = []
    credited: dict[tuple[str, date], Decimal] = {}
    for id, presence in presences.items():
        if id in still_open:
            continue
        if presence.review:
            reviews += _reviews(learner_id, by_id[id], presence, rules[id])
            continue
        day = (rules[id].name, by_id[id].local_date)
        record = _record(learner_id, by_id[id], presence, rules[id], already_today=credited.get(day, NOTHING))
        credited[day] = credited.get(day, NOTHING) + record.credit
        records.append(record)
    return Settled(records=tuple(records), reviews=tuple(reviews), open=still_open)


def _record(
    learner_id: str, session: Session, presence: Presence, rule: CreditRule, *, already_today: Decimal
) -> HourRecord:
    earned = credit(presence.minutes, session.net_minutes, rule=rule, already_today=already_today)
    return HourRecord(
        source_id=session.id,
        learner_id=learner_id,
        minutes=presence.minutes,
        credit=earned.amount,
        unit=rule.unit,
        rule=rule.key,
        effective_date=session.local_date,
        explanation=Explanation(
            session=session, rule=rule, presence=presence, credit=earned.amount, credit_steps=earned.steps
        ),
    )


def _reviews(learner_id: str, session: Session, presence: Presence, rule: CreditRule) -> list[Review]:
    explanation = Explanation(session=session, rule=rule, presence=presence, credit=None)
    return [
        Review(session_id=session.id, learner_id=learner_id, reason=reason, explanation=explanation)
        for reason in presence.review
    ]
