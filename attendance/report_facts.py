"""What reports are made from: who was to come, who came, what was handed in, and how far and how good somebody is.

Ids are opaque and dates are local to the region: whoever collects the facts knows its zone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from attendance.credit import CreditRule
from attendance.decision import standing, worth_nothing
from attendance.instant import utc
from attendance.presence import Presence
from attendance.report_period import Period
from attendance.session import Session
from attendance.together import arrival

LearnerCourse = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with what reports ask beyond it."""

    session: Session
    region_id: str
    rule: CreditRule
    program_id: str | None = None  # of a joint session


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """What stands of one learner in one session; whoever did not come needs none."""

    learner_id: str
    session_id: str
    signed_in: bool  # an admitted `in`, or a decided one, stands
    arrived_at: datetime | None = None  # as `together.arrival` says
    minutes: int = 0  # time present
    credited: bool = False  # hours of the session stand
    on_review: bool = False  # nothing counts until somebody has decided


def attendance_of(learner_id: str, presence: Presence, *, credited: bool) -> Attendance:
    """Say what stands of a presence: an `in` that was voided, or of a session decided to be nothing, does not."""
    facts = standing(presence.facts, presence.decisions, presence.voided)
    came = any(fact.direction == "in" for fact in facts)
    return Attendance(
        learner_id=learner_id,
        session_id=presence.session_id,
        signed_in=came and not worth_nothing(presence.decisions),
        arrived_at=arrival(presence),
        minutes=presence.minutes,
        credited=credited,
        on_review=bool(presence.review),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A learner's points in the test of a course."""

    learner_id: str
    course_id: str
    at: datetime
    on: date
    points: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """One version of what a learner has handed in for a part of a joint task."""

    learner_id: str
    part_id: str
    on: date
    evidence: frozenset[str] = frozenset()  # kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseProgress:
    """How far a learner is in the courses of a programme, as a learning system reports it."""

    learner_id: str
    program_id: str
    at: datetime
    on: date
    percent: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))


def held(sittings: Iterable[Sitting], *, now: datetime, period: Period | None = None) -> list[Sitting]:
    """Leave out what is cancelled, not over yet or outside of the period; the earliest comes first."""
    now = utc(now)
    over = [sitting for sitting in sittings if not sitting.session.cancelled and sitting.session.ends_at <= now]
    kept = [sitting for sitting in over if period is None or sitting.session.local_date in period]
    return sorted(kept, key=lambda sitting: (sitting.session.starts_at, sitting.session.id))


def signed_in(attendances: Iterable[Attendance]) -> dict[str, set[str]]:
    """Say for each session who has signed in to it."""
    return _learners(attendance for attendance in attendances if attendance.signed_in)


def credited(attendances: Iterable[Attendance]) -> dict[str, set[str]]:
    """Say for each session who has hours of it."""
    return _learners(attendance for attendance in attendances if attendance.credited)


def last_credited(sittings: Iterable[Sitting], hours: Mapping[str, set[str]]) -> dict[LearnerCourse, datetime]:
    """Say for each learner and course when the last session began of which there are hours (as from `credited`)."""
    last: dict[LearnerCourse, datetime] = {}
    for session in sorted((sitting.session for sitting in sittings), key=lambda session: session.starts_at):
        for who in hours.get(session.id, ()):
            last[who, session.course_id] = session.starts_at
    return last


def made_up(session: Session, learner_id: str, last: Mapping[LearnerCourse, datetime]) -> bool:
    """Say whether there are hours of a later session of the same course (`last` as from `last_credited`)."""
    return last.get((learner_id, session.course_id), session.starts_at) > session.starts_at


def _learners(attendances: Iterable[Attendance]) -> dict[str, set[str]]:
    learners: dict[str, set[str]] = {}
    for attendance in attendances:
        learners.setdefault(attendance.session_id, set()).add(attendance.learner_id)
    return learners
