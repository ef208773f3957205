"""Draws the moments at which the learners of a session are asked whether they are still there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from attendance.instant import SECOND
from attendance.session import Session

EDGE = timedelta(minutes=5)  # from start, end and breaks, when people come and go
APART = timedelta(minutes=10)
TRIES = 20


def draw_checks(session: Session, count: int, random: Random) -> tuple[datetime, ...]:
    """Draw so many moments inside the session's net time, from the first to the last.

    They keep EDGE and APART where the session has room for it; in a short one the edges are given up last.
    There are fewer only when there are fewer seconds.
    """
    if count < 0:
        raise ValueError(f"{count} presence checks cannot be drawn; none is 0")
    spans = _inside(session, EDGE // SECOND) or _inside(session, 0)
    apart = APART // SECOND
    while apart > 1 and len(_latest(spans, count, apart)) < count:
        apart //= 2
    return tuple(session.starts_at + second * SECOND for second in _drawn(spans, count, apart, random))


def _inside(session: Session, edge: int) -> list[range]:
    """Give the seconds since the start that lie far enough inside; the second of an end is not inside any more."""
    found = []
    for span in session.net_spans:
        first = -((session.starts_at - span.starts_at) // SECOND)
        last = (span.ends_at - session.starts_at) // SECOND
        found.append(range(first + edge, last - max(edge, 1) + 1))
    return [seconds for seconds in found if seconds]


def _drawn(spans: Sequence[range], count: int, apart: int, random: Random) -> list[int]:
    """Draw until all are far enough apart; where that is rare, push them apart instead."""
    latest = _latest(spans, count, apart)
    drawn: list[int] = []
    for _ in range(TRIES):
        drawn = sorted(_second(spans, random.randrange(sum(map(len, spans)))) for _ in latest)
        if all(later - sooner >= apart for sooner, later in pairwise(drawn)):
            return drawn
    return _pushed(drawn, spans, latest, apart)


def _pushed(drawn: Sequence[int], spans: Sequence[range], latest: Sequence[int], apart: int) -> list[int]:
    pushed: list[int] = []
    for second, last in zip(drawn, latest, strict=True):
        wanted = max(second, pushed[-1] + apart) if pushed else second
        free = (max(wanted, seconds.start) for seconds in spans if wanted < seconds.stop)
        pushed.append(min(next(free, last), last))
    return pushed


def _second(spans: Sequence[range], number: int) -> int:
    for seconds in spans:
        if number < len(seconds):
            return seconds[number]
        number -= len(seconds)
    raise IndexError(number)


def _latest(spans: Sequence[range], count: int, apart: int) -> list[int]:
    """Say how late each moment can be, so that those after it find room; fewer than `count` when they do not."""
    found: list[int] = []
    for seconds in reversed(spans):
        second = min(seconds[-1], found[-1] - apart) if found else seconds[-1]
        while second >= seconds.start and len(found) < count:
            found.append(second)
            second -= apart
    return found[::-1]
