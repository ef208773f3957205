"""Offers: the sessions that could make up for what a learner has missed.

Offered are sessions of the course that are still to come and not cancelled, online or in the learner's region, that do
not have the learner on their roster already and overlap with no session that does; the earliest come first.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from attendance.instant import utc
from attendance.report_facts import LearnerCourse, Sitting
from attendance.session import Session
from attendance.span import Span, merged
from attendance.step import plain

MOST = 3

Place = tuple[str, str | None]  # a course and a region; None: online


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What is to come, indexed so that a learner is held only against sessions that are likely to suit."""

    regions: Mapping[str, str]  # of the learners
    coming: Mapping[Place, list[Session]]  # from the earliest to the latest
    busy: Mapping[str, list[Span]]
    booked: Mapping[LearnerCourse, Session]  # the earliest of those that have the learner on their roster

    def of(self, learner_id: str, course_id: str) -> tuple[Session, ...]:
        """Offer the earliest three."""
        busy = self.busy.get(learner_id, [])
        places = ((course_id, region) for region in {None, self.regions.get(learner_id)})
        coming = merge(*(self.coming.get(place, ()) for place in places), key=_start)
        suits = (one for one in coming if learner_id not in one.roster and not _clashes(one, busy))
        return tuple(islice(suits, MOST))


def offers(
    sittings: Iterable[Sitting], learner_ids: Collection[str], *, regions: Mapping[str, str], now: datetime
) -> Offers:
    """Prepare offers for these learners; who has no known region is offered what is online."""
    now, wanted = utc(now), frozenset(learner_ids)
    ahead = [one for one in sittings if not one.session.cancelled and one.session.ends_at > now]
    coming = sorted((one for one in ahead if one.session.starts_at > now), key=lambda one: _start(one.session))
    busy: dict[str, list[Span]] = {}
    for one in ahead:
        span = Span(one.session.starts_at, one.session.ends_at)
        for who in one.session.roster & wanted:
            busy.setdefault(who, []).append(span)
    return Offers(
        regions=regions,
        coming=_by_place(coming),
        busy={who: merged(spans) for who, spans in busy.items()},
        booked=dict(_booked(reversed(coming), wanted)),
    )


def told(session: Session) -> str:
    """Say in a cell which session it is and when it starts, by the clock where it is held."""
    return f"{session.id} {session.starts_at.astimezone(ZoneInfo(session.zone)):%Y-%m-%d %H:%M}"


def offer(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.id,
        "room_id": session.room_id,
        "starts_at": plain(session.starts_at),
        "ends_at": plain(session.ends_at),
        "local_date": plain(session.local_date),
    }


def _by_place(coming: Iterable[Sitting]) -> dict[Place, list[Session]]:
    found: dict[Place, list[Session]] = {}
    for one in coming:
        region = None if one.session.room_id is None else one.region_id
        found.setdefault((one.session.course_id, region), []).append(one.session)
    return found


def _booked(coming: Iterable[Sitting], wanted: frozenset[str]) -> Iterator[tuple[LearnerCourse, Session]]:
    for one in coming:
        for who in one.session.roster & wanted:
            yield (who, one.session.course_id), one.session


def _clashes(session: Session, busy: list[Span]) -> bool:
    """Look at the first busy time that ends after the start; those are apart, so no other one can overlap before it."""
    at = bisect_right(busy, session.starts_at, key=lambda span: span.ends_at)
    return at < len(busy) and busy[at].starts_at < session.ends_at


def _start(session: Session) -> tuple[datetime, str]:
    return session.starts_at, session.id
