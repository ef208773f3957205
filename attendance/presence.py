"""Presence: from the check-ins of one learner's day to whole minutes in each session.

The order is fixed: dedupe, pair, grace, clip, breaks, overlaps, floor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from attendance.reasons import ReviewReason
from attendance.session import MINUTE, Session
from attendance.span import Span, common, length, merged, without
from attendance.step import Step
from attendance.visit import Fact, deduped, graced, paired

__all__ = ["Fact", "Presence", "presence_of_day"]

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    session_id: str
    facts: tuple[Fact, ...]  # all that were given for the session, in their order
    steps: tuple[Step, ...]
    intervals: tuple[Span, ...] = ()
    seconds: int = 0
    minutes: int = 0
    review: tuple[ReviewReason, ...] = ()  # when there is any, nothing counts until it is decided


def presence_of_day(sessions: Iterable[Session], facts: Iterable[Fact]) -> dict[str, Presence]:
    """Work out one learner's presence in every session that has facts, in order of start, then id.

    An overlap goes to the earlier session, so sessions that may overlap belong into one call.
    """
    ordered = sorted(sessions, key=lambda session: (session.starts_at, session.id))
    facts_of = _by_session(ordered, facts)
    presences: dict[str, Presence] = {}
    taken: list[Span] = []
    for session in ordered:
        if own := facts_of[session.id]:
            presences[session.id] = presence = _presence(session, own, taken)
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


def _presence(session: Session, unordered: list[Fact], taken: Sequence[Span]) -> Presence:
    facts = tuple(sorted(unordered, key=lambda fact: (fact.at, fact.stream, fact.seq, fact.check_in_id)))
    if session.cancelled:
        return Presence(session_id=session.id, facts=facts, steps=(Step("cancelled"),))
    if uncertain := sum(fact.uncertain for fact in facts):
        # Times that nobody can vouch for cannot be paired with others, so the whole session waits.
        step = Step("time_uncertain", (("facts", uncertain),))
        return Presence(session_id=session.id, facts=facts, steps=(step,), review=("time_uncertain",))
    kept = deduped(facts)
    visits, review, pair = paired(kept, session)
    steps = (Step("dedupe", (("facts", len(facts)), ("kept", len(kept)))), pair)
    if review:
        return Presence(session_id=session.id, facts=facts, steps=steps, review=review)
    return _counted(session, facts, visits, taken, steps)


def _counted(
    session: Session, facts: tuple[Fact, ...], visits: list[Span], taken: Sequence[Span], steps: tuple[Step, ...]
) -> Presence:
    clipped, grace = graced(visits, session)
    net = common(clipped, session.net_spans)
    own = without(net, taken)
    time = length(own)
    return Presence(
        session_id=session.id,
        facts=facts,
        steps=(
            *steps,
            grace,
            Step("clip", (("seconds", length(clipped) // SECOND),)),
            Step("breaks", (("seconds", length(net) // SECOND),)),
            Step("overlaps", (("seconds", time // SECOND),)),
            Step("floor", (("minutes", time // MINUTE),)),
        ),
        intervals=tuple(own),
        seconds=time // SECOND,
        minutes=time // MINUTE,
    )
