"""Settlement: what a learner's day comes to, the same for every order in which it became known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from attendance.credit import NOTHING, CreditRule, credit
from attendance.decision import Decision, standing
from attendance.explanation import Explanation
from attendance.instant import SECOND, utc, whole_second
from attendance.presence import Fact, Presence, presence_of_day
from attendance.presence_check import PresenceAnswer, PresenceCheck
from attendance.reasons import ReviewReason
from attendance.session import Session
from attendance.visit import in_order


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
    decisions: Iterable[Decision] = (),
    voided: frozenset[str] = frozenset(),
    day: date | None = None,
    checks: Iterable[PresenceCheck] = (),
    answers: Iterable[PresenceAnswer] = (),
) -> Settled:
    """Settle the sessions that have facts or decisions; `rules` holds one for each session id.

    With `day`, sessions of other local dates are its neighbours: they take the time that overlaps, and nothing else
    becomes of them here; they need no rule. With `now`, sessions that can still get more stay open: a missing `out`
    is not missing yet.
    A decision answers a reason to review, and a reason that is left keeps the session there; `nothing` outranks all.
    Check-ins whose ids are `voided` count no more and stay in the explanation.
    """
    by_id = {session.id: session for session in sessions}
    presences = presence_of_day(
        by_id.values(),
        facts,
        decisions=[decision for decision in decisions if decision.learner_id == learner_id],
        voided=voided,
        checks=checks,
        answers=[answer for answer in answers if answer.learner_id == learner_id],
    )
    if day is not None:
        presences = {id: presence for id, presence in presences.items() if by_id[id].local_date == day}
    still_open = tuple(id for id in presences if now and _open(by_id[id], presences[id], now))
    records: list[HourRecord] = []
    reviews: list[Review] = []
    credited: dict[tuple[str, date], Decimal] = {}
    for id, presence in presences.items():
        if id in still_open:
            continue
        if presence.review:
            reviews += _reviews(learner_id, by_id[id], presence, rules[id])
            continue
        capped = (rules[id].name, by_id[id].local_date)
        record = _record(learner_id, by_id[id], presence, rules[id], already_today=credited.get(capped, NOTHING))
        credited[capped] = credited.get(capped, NOTHING) + record.credit
        records.append(record)
    return Settled(records=tuple(records), reviews=tuple(reviews), open=still_open)


def open_until(
    session: Session, facts: Iterable[Fact], now: datetime, *, checks: Iterable[PresenceCheck] = ()
) -> datetime | None:
    """Say from when on a session can be settled that cannot be yet; None when it can.

    Whoever is out at the end has gone; whoever is still in may check out until the window has closed, and whoever is
    asked may answer until the last presence check has run out.
    `facts` and `checks` may hold those of other sessions; `decision.standing` gives the facts that count.
    """
    now = whole_second(utc(now))
    answered = max((check.answer_until + SECOND for check in checks if check.session_id == session.id), default=now)
    if now < session.ends_at:
        return max(session.ends_at, answered)
    last = max((fact for fact in facts if fact.session_id == session.id), key=in_order, default=None)
    still_in = last is not None and last.direction == "in"
    until = max(session.closes_at + SECOND, answered) if still_in and now <= session.closes_at else answered
    return until if until > now else None


def _open(session: Session, presence: Presence, now: datetime) -> bool:
    facts = standing(presence.facts, presence.decisions, presence.voided)
    return bool(open_until(session, facts, now, checks=presence.asked.checks))


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
