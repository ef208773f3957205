"""Make-up training: for each learner and course what has to be made up, and the sessions that would do.

That is each shortfall of attendance, and the test when its latest score lies below the course's pass mark: a later
score at or above it cures a bad one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from attendance.instant import utc
from attendance.pair import Learner
from attendance.reasons import Text
from attendance.report_columns import COURSE, LEARNER, ROLE
from attendance.report_facts import Attendance, LearnerCourse, Score, Sitting
from attendance.report_offers import offer, offers, told
from attendance.report_role import Group, roles_of
from attendance.report_shortfall import Shortfall, shortfalls
from attendance.report_table import Column, Line, Report
from attendance.session import Session

TITLE = Text("Make-up training", "补课名单")
COLUMNS = (
    LEARNER,
    ROLE,
    COURSE,
    Column("missed", Text("Missed", "缺席场次")),
    Column("too_short", Text("Attended for too short", "出勤不足场次")),
    Column("points", Text("Points", "得分")),
    Column("pass_mark", Text("Pass mark", "及格线")),
    Column("booked", Text("On the roster of", "已列入场次")),
    Column("make_up", Text("Could make up in", "可补课场次")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeUp(Line):
    learner_id: str
    role: Group
    course_id: str
    shortfalls: tuple[Shortfall, ...]
    points: Decimal | None  # of the latest test, when they are too few
    pass_mark: Decimal | None
    booked_for: Session | None  # the next one of the course, when the learner is on its roster already
    offered: tuple[Session, ...]

    @property
    def missed(self) -> str:
        return "; ".join(str(one) for one in self.shortfalls if one.missed)

    @property
    def too_short(self) -> str:
        return "; ".join(str(one) for one in self.shortfalls if not one.missed)

    @property
    def booked(self) -> str | None:
        return told(self.booked_for) if self.booked_for else None

    @property
    def make_up(self) -> str:
        return "; ".join(told(session) for session in self.offered)

    @property
    def nested(self) -> dict[str, Any]:
        return {
            "missed": [one.to_json() for one in self.shortfalls if one.missed],
            "too_short": [one.to_json() for one in self.shortfalls if not one.missed],
            "booked": offer(self.booked_for) if self.booked_for else None,
            "make_up": [offer(session) for session in self.offered],
        }


def make_up(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    learners: Iterable[Learner],
    regions: Mapping[str, str],
    scores: Iterable[Score],
    pass_marks: Mapping[str, Decimal],
    now: datetime,
) -> Report[MakeUp]:
    """Name who needs make-up training; `sittings` hold what is to come, too; `regions` are by learner."""
    planned, roles = tuple(sittings), roles_of(learners)
    short, failed = shortfalls(planned, tuple(attendances), now=now), _failed(scores, pass_marks)
    needs = sorted(short.keys() | failed)
    coming = offers(planned, {who for who, _ in needs}, regions=regions, now=now)
    lines = tuple(
        MakeUp(
            learner_id=who,
            role=roles.get(who, "other"),
            course_id=course,
            shortfalls=tuple(short.get((who, course), ())),
            points=failed.get((who, course)),
            pass_mark=pass_marks[course] if (who, course) in failed else None,
            booked_for=coming.booked.get((who, course)),
            offered=coming.of(who, course),
        )
        for who, course in needs
    )
    return Report(key="make_up", title=TITLE, about=(("now", utc(now)),), columns=COLUMNS, lines=lines)


def _failed(scores: Iterable[Score], pass_marks: Mapping[str, Decimal]) -> dict[LearnerCourse, Decimal]:
    """Find the latest points that are too few; a course without a pass mark cannot be failed."""
    in_order = sorted(scores, key=lambda score: score.at)
    latest = {(score.learner_id, score.course_id): score.points for score in in_order}
    return {key: points for key, points in latest.items() if key[1] in pass_marks and points < pass_marks[key[1]]}
