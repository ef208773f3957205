"""A shortfall is a session that has to be made up: it was missed, or attended for too short.

Missed is without a sign-in, and too short is below the least presence of the session's rule. Hours of a later session
of the same course make up for both. A session is looked at once its check-in window has closed, and one that is on
review only when somebody has decided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from attendance.instant import utc
from attendance.report_facts import Attendance, LearnerCourse, Sitting, credited, held, last_credited, made_up
from attendance.report_percent import percent
from attendance.session import Session
from attendance.step import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    session: Session
    missed: bool
    minutes: int = 0  # time present
    least_percent: Decimal

    def __str__(self) -> str:
        present = percent(self.minutes, self.session.net_minutes, target=self.least_percent)
        return self.session.id if self.missed else f"{self.session.id} {present} %"

    def to_json(self) -> dict[str, Any]:
        return {
            "session_id": self.session.id,
            "local_date": plain(self.session.local_date),
            "minutes": self.minutes,
            "net_minutes": self.session.net_minutes,
            "least_percent": plain(self.least_percent),
        }


def shortfalls(
    sittings: Sequence[Sitting], attendances: Sequence[Attendance], *, now: datetime
) -> dict[LearnerCourse, list[Shortfall]]:
    """Find those that are not made up for, each learner's and course's from the earliest to the latest."""
    last = last_credited(sittings, credited(attendances))
    stands: dict[str, dict[str, Attendance]] = {}
    for attendance in attendances:
        stands.setdefault(attendance.session_id, {})[attendance.learner_id] = attendance
    found: dict[LearnerCourse, list[Shortfall]] = {}
    for sitting in held(sittings, now=now):
        session = sitting.session
        for who, shortfall in _of(sitting, stands.get(session.id, {})) if session.closes_at < utc(now) else ():
            if not made_up(session, who, last):
                found.setdefault((who, session.course_id), []).append(shortfall)
    return found


def _of(sitting: Sitting, stands: Mapping[str, Attendance]) -> Iterator[tuple[str, Shortfall]]:
    session, least = sitting.session, sitting.rule.min_presence_percent
    for who in session.roster:
        came = stands.get(who)
        if came is None or not (came.signed_in or came.on_review):
            yield who, Shortfall(session=session, missed=True, least_percent=least)
        elif not came.on_review and not _enough(came.minutes, session.net_minutes, least):
            yield who, Shortfall(session=session, missed=False, minutes=came.minutes, least_percent=least)


def _enough(minutes: int, net_minutes: int, least: Decimal) -> bool:
    # As for credit: whoever was not there at all has not reached zero percent either.
    return minutes > 0 and minutes * 100 >= least * net_minutes
