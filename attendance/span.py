"""A span is a stretch of time; here is what can be done with several of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from attendance.instant import utc


@dataclass(frozen=True, slots=True)
class Span:
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        # Most are cut from others; nothing is written that stands there already.
        if self.starts_at.tzinfo is not UTC or self.ends_at.tzinfo is not UTC:
            object.__setattr__(self, "starts_at", utc(self.starts_at))
            object.__setattr__(self, "ends_at", utc(self.ends_at))
        if self.ends_at < self.starts_at:
            raise ValueError(f"a span cannot end at {self.ends_at}, before it starts at {self.starts_at}")


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch, so that no moment is in two of them."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.starts_at):
        if joined and span.starts_at <= joined[-1].ends_at:
            joined[-1] = Span(joined[-1].starts_at, max(joined[-1].ends_at, span.ends_at))
        else:
            joined.append(span)
    return joined


def common(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Find the time that lies in both; each side is sorted and has no overlaps of its own."""
    shared, i, j = [], 0, 0
    while i < len(spans) and j < len(others):
        span, other = spans[i], others[j]
        starts_at = max(span.starts_at, other.starts_at)
        ends_at = min(span.ends_at, other.ends_at)
        if starts_at < ends_at:
            shared.append(Span(starts_at, ends_at))
        if span.ends_at < other.ends_at:
            i += 1
        else:
            j += 1
    return shared


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Find the time of the spans that lies in none of the others; both sides as in `common`."""
    if not spans or not others:
        return list(spans)
    return common(spans, _gaps(others, spans[0].starts_at, spans[-1].ends_at))


def _gaps(spans: Sequence[Span], starts_at: datetime, ends_at: datetime) -> list[Span]:
    gaps = []
    for span in spans:
        if starts_at < span.starts_at:
            gaps.append(Span(starts_at, span.starts_at))
        starts_at = max(starts_at, span.ends_at)
    if starts_at < ends_at:
        gaps.append(Span(starts_at, ends_at))
    return gaps


def length(spans: Iterable[Span]) -> timedelta:
    return sum((span.ends_at - span.starts_at for span in spans), timedelta())
