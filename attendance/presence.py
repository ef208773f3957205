"""Presence: from the check-ins of one learner's day to whole minutes in each session.

The order is fixed: dedupe, pair, grace, clip, breaks, overlaps, floor. What a trainer has corrected or decided comes
before all of it; presence checks look at what is left after the breaks.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from attendance.decision import Decision, explained, standing, worth_nothing
from attendance.instant import SECOND
from attendance.presence_check import NOT_ASKED, Asked, PresenceAnswer, PresenceCheck, asked_of
from attendance.reasons import ReviewReason
from attendance.session import MINUTE, Session
from attendance.span import Span, common, length, merged, without
from attendance.step import Step
from attendance.visit import Fact, deduped, graced, in_order, paired

__all__ = ["Fact", "Presence", "presence_of_day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    session_id: str
    facts: tuple[Fact, ...]  # all that were given for the session, in their order
    steps: tuple[Step, ...]
    intervals: tuple[Span, ...] = ()
    seconds: int = 0
    minutes: int = 0
    review: tuple[ReviewReason, ...] = ()  # when there is any, nothing counts until it is decided
    decisions: tuple[Decision, ...] = ()
    voided: frozenset[str] = frozenset()  # of the facts, those that a correction has taken back
    asked: Asked = NOT_ASKED


def presence_of_day(
    sessions: Iterable[Session],
    facts: Iterable[Fact],
    *,
    decisions: Iterable[Decision] = (),
    voided: frozenset[str] = frozenset(),
    checks: Iterable[PresenceCheck] = (),
    answers: Iterable[PresenceAnswer] = (),
) -> dict[str, Presence]:
    """Work out one learner's presence in every session that has facts, in order of start, then id.

    An overlap goes to the earlier session, so sessions that may overlap belong into one call.
    Decided times count like facts, and times that nobody can vouch for then count no more.
    """
    ordered = sorted(sessions, key=lambda session: (session.starts_at, session.id))
    facts_of = _by_session(ordered, facts)
    decisions_of = _decided(facts_of, decisions)
    asked_in = _asked(facts_of, checks, answers) if checks else {}
    presences: dict[str, Presence] = {}
    taken: list[Span] = []
    for session in ordered:
        own, decided = facts_of[session.id], decisions_of.get(session.id, ())
        if own or decided:
            presence = _corrected(session, own, decided, voided, taken, asked_in.get(session.id, NOT_ASKED))
            presences[session.id] = presence
            # Later sessions start later, so what ended before this start can no longer matter.
            taken = merged([*(span for span in taken if span.ends_at > session.starts_at), *presence.intervals])
    return presences


def _by_session(sessions: Iterable[Session], facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    by_session: dict[str, list[Fact]] = {session.id: [] for session in sessions}
    for fact in facts:
        if fact.session_id not in by_session:
            raise ValueError(f"check-in {fact.check_in_id} belongs to session {fact.session_id}, which was not given")
        by_session[fact.session_id].append(fact)
    return by_session


def _decided(sessions: Container[str], decisions: Iterable[Decision]) -> dict[str, tuple[Decision, ...]]:
    by_session: dict[str, tuple[Decision, ...]] = {}
    for decision in sorted(decisions, key=lambda decision: decision.id):
        if decision.session_id not in sessions:
            raise ValueError(f"decision {decision.id} is about session {decision.session_id}, which was not given")
        by_session[decision.session_id] = (*by_session.get(decision.session_id, ()), decision)
    return by_session


def _asked(
    sessions: Container[str], checks: Iterable[PresenceCheck], answers: Iterable[PresenceAnswer]
) -> dict[str, Asked]:
    by_session = asked_of(checks, answers)
    for id, asked in by_session.items():
        if id not in sessions:
            raise ValueError(f"presence check {asked.checks[0].id} is about session {id}, which was not given")
    return by_session


def _corrected(
    session: Session,
    unordered: list[Fact],
    decisions: tuple[Decision, ...],
    voided: frozenset[str],
    taken: Sequence[Span],
    asked: Asked,
) -> Presence:
    facts = tuple(sorted(unordered, key=in_order))
    void = voided and voided.intersection(fact.check_in_id for fact in facts)
    if not decisions and not void and asked is NOT_ASKED:
        return _presence(session, facts, taken)
    if worth_nothing(decisions):
        presence = Presence(session_id=session.id, facts=facts, steps=())
    else:
        presence = _presence(session, standing(facts, decisions, void), taken, asked, decisions)
    steps = (*explained(decisions, void), *presence.steps)
    return replace(presence, facts=facts, steps=steps, decisions=decisions, voided=void, asked=asked)


def _presence(
    session: Session,
    facts: tuple[Fact, ...],
    taken: Sequence[Span],
    asked: Asked = NOT_ASKED,
    decisions: tuple[Decision, ...] = (),
) -> Presence:
    if session.cancelled:
        return Presence(session_id=session.id, facts=facts, steps=(Step("cancelled"),))
    if uncertain := sum(fact.uncertain for fact in facts):
        # Times that nobody can vouch for cannot be paired with others, so the whole session waits.
        step = Step("time_uncertain", (("facts", uncertain),))
        return Presence(session_id=session.id, facts=facts, steps=(step,), review=("time_uncertain",))
    kept = deduped(facts)
    visits, review, pair = paired(kept, session)
    steps: tuple[Step, ...] = (Step("dedupe", (("facts", len(facts)), ("kept", len(kept)))), pair)
    if review:
        return Presence(session_id=session.id, facts=facts, steps=steps, review=review)
    clipped, grace = graced(visits, session)
    net = common(clipped, session.net_spans)
    steps = (*steps, grace, _time("clip", length(clipped)), _time("breaks", length(net)))
    if asked.checks:
        missed, step = asked.judged(net, facts, decisions)
        steps = (*steps, step)
        if missed:
            return Presence(session_id=session.id, facts=facts, steps=steps, review=("missed_presence_check",))
    return _counted(session, facts, without(net, taken), steps)


def _counted(session: Session, facts: tuple[Fact, ...], own: list[Span], steps: tuple[Step, ...]) -> Presence:
    time = length(own)
    return Presence(
        session_id=session.id,
        facts=facts,
        steps=(*steps, _time("overlaps", time), Step("floor", (("minutes", time // MINUTE),))),
        intervals=tuple(own),
        seconds=time // SECOND,
        minutes=time // MINUTE,
    )


def _time(name: str, time: timedelta) -> Step:
    return Step(name, (("seconds", time // SECOND),))
