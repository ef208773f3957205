"""A visit is the time between coming and going, as the check-ins of one session tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance.direction import Direction
from attendance.instant import utc, whole_second
from attendance.reasons import ReviewReason
from attendance.session import Session
from attendance.span import Span
from attendance.step import Step

SAME_SCAN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An admitted check-in, at its corrected time."""

    check_in_id: str
    session_id: str
    direction: Direction
    at: datetime
    stream: str = ""  # a phone has none
    seq: int = 0
    uncertain: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))


def in_order(fact: Fact) -> tuple[datetime, str, int, str]:
    """Sort facts alike in whichever order they became known."""
    return fact.at, fact.stream, fact.seq, fact.check_in_id


def deduped(facts: Sequence[Fact]) -> list[Fact]:
    """Keep the first of each direction, and the next only when it is more than SAME_SCAN after that first.

    The other direction in between makes it a new fact: who goes out for twenty seconds and comes in again is in.
    """
    kept: list[Fact] = []
    for fact in facts:
        if not kept or fact.direction != kept[-1].direction or fact.at - kept[-1].at > SAME_SCAN:
            kept.append(fact)
    return kept


def paired(facts: Sequence[Fact], session: Session) -> tuple[list[Span], tuple[ReviewReason, ...], Step]:
    """Turn facts into visits, and say what has to be reviewed; whatever repeats what is known changes nothing."""
    visits: list[Span] = []
    review: list[ReviewReason] = []
    since: datetime | None = None
    for fact in facts:
        if fact.direction == "in":
            since = since or whole_second(fact.at)
        elif since:
            visits.append(Span(since, whole_second(fact.at)))
            since = None
        elif not visits and not review:
            review.append("out_without_in")
    if since and session.missing_out == "review":
        review.append("missing_out")
    elif since:
        visits.append(Span(since, max(since, session.ends_at)))
    policy = session.missing_out if since else None
    return visits, tuple(review), Step("pair", (("visits", len(visits)), ("missing_out", policy)))


def graced(visits: Sequence[Span], session: Session) -> tuple[list[Span], Step]:
    """Let the first arrival count from the start and the last leaving to the end when they are close enough.

    A visit that was over before the start, or began after the end, is no arrival at the session and no leaving of it:
    coming early and stepping out again must not cost the grace. Without those visits nothing reaches outside any more.
    """
    near = [visit for visit in visits if visit.ends_at > session.starts_at and visit.starts_at < session.ends_at]
    if not near:
        return [], Step("grace")
    arrived, left = near[0].starts_at, near[-1].ends_at
    if arrived <= session.starts_at + session.grace:
        near[0] = Span(session.starts_at, near[0].ends_at)
    if left >= session.ends_at - session.grace:
        near[-1] = Span(near[-1].starts_at, session.ends_at)
    counted = (("counted_from", near[0].starts_at), ("counted_to", near[-1].ends_at))
    return near, Step("grace", (("arrived", arrived), ("left", left), *counted))
