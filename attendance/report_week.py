"""Weekly progress: what each learner did in each ISO week, local to the region.

Attendance is sessions signed in to, of those that were held with the learner on their roster. A week has a line for a
learner who had something in it: a place on such a roster, hours, a joint task that was due, or a test; of the first and
the last week only the days of the period count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attendance.credit import NOTHING
from attendance.instant import utc
from attendance.month import Credited, DueTask
from attendance.pair import Learner, Pair
from attendance.reasons import Text
from attendance.report_columns import ATTENDANCE, ATTENDED, HOURS, LEARNER, ROLE, SESSIONS, UNIT
from attendance.report_facts import Attendance, Score, Sitting, held, signed_in
from attendance.report_percent import percent
from attendance.report_period import Period, week_name
from attendance.report_role import Group, roles_of
from attendance.report_table import About, Column, Line, Report
from attendance.step import plain

Week = tuple[str, str]  # a learner's

TITLE = Text("Weekly progress", "每周进度")
COLUMNS = (
    LEARNER,
    ROLE,
    Column("week", Text("Week", "周")),
    SESSIONS,
    ATTENDED,
    ATTENDANCE,
    HOURS,
    UNIT,
    Column("tasks_due", Text("Joint tasks due", "到期联合任务")),
    Column("tasks_completed", Text("Completed", "已完成")),
    Column("points", Text("Test points", "考试得分")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyProgress(Line):
    learner_id: str
    role: Group
    week: str
    sessions: int
    attended: int
    hours: Decimal
    unit: str
    tasks_due: int
    tasks_completed: int
    scores: tuple[Score, ...]

    @property
    def attendance(self) -> Decimal | None:
        return percent(self.attended, self.sessions)

    @property
    def points(self) -> str:
        return "; ".join(f"{score.course_id} {score.points}" for score in self.scores)

    @property
    def nested(self) -> dict[str, Any]:
        return {"points": [{"course_id": score.course_id, "points": plain(score.points)} for score in self.scores]}


def weekly_progress(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    learners: Iterable[Learner],
    pairs: Iterable[Pair],
    credits: Mapping[str, Iterable[Credited]],
    tasks: Iterable[DueTask],
    scores: Iterable[Score],
    period: Period,
    unit: str,
    now: datetime,
) -> Report[WeeklyProgress]:
    """Add up each learner's weeks; `credits` are by learner, other units and tasks of other pairs are left out."""
    roles, came = roles_of(learners), signed_in(attendances)
    over = [sitting.session for sitting in held(sittings, now=now, period=period)]
    sessions = Counter(week for session in over for week in _weeks(session.roster, session.local_date))
    attended = Counter(
        week for session in over for week in _weeks(session.roster & came.get(session.id, set()), session.local_date)
    )
    hours, tests = _hours(credits, period, unit), _tests(scores, period)
    due, completed = _tasks(pairs, tasks, period)
    lines = tuple(
        WeeklyProgress(
            learner_id=who,
            role=roles.get(who, "other"),
            week=week,
            sessions=sessions[who, week],
            attended=attended[who, week],
            hours=hours.get((who, week), NOTHING),
            unit=unit,
            tasks_due=due[who, week],
            tasks_completed=completed[who, week],
            scores=tuple(sorted(tests.get((who, week), ()), key=lambda score: (score.at, score.course_id))),
        )
        for who, week in sorted({*sessions, *hours, *due, *tests})
    )
    about: About = (*period.about, ("now", utc(now)), ("unit", unit))
    return Report(key="weekly_progress", title=TITLE, about=about, columns=COLUMNS, lines=lines)


def _weeks(learners: Iterable[str], day: date) -> Iterator[Week]:
    week = week_name(day)
    return ((who, week) for who in learners)


def _hours(credits: Mapping[str, Iterable[Credited]], period: Period, unit: str) -> dict[Week, Decimal]:
    hours: dict[Week, Decimal] = {}
    for who, credited in credits.items():
        for credit in credited:
            if credit.unit == unit and credit.effective_date in period:
                key = who, week_name(credit.effective_date)
                hours[key] = hours.get(key, NOTHING) + credit.hours
    return hours


def _tests(scores: Iterable[Score], period: Period) -> dict[Week, list[Score]]:
    tests: dict[Week, list[Score]] = {}
    for score in scores:
        if score.on in period:
            tests.setdefault((score.learner_id, week_name(score.on)), []).append(score)
    return tests


def _tasks(pairs: Iterable[Pair], tasks: Iterable[DueTask], period: Period) -> tuple[Counter[Week], Counter[Week]]:
    due, completed = Counter[Week](), Counter[Week]()
    partners = {pair.id: [learner.id for learner in pair.learners] for pair in pairs}
    for task in tasks:
        if task.due_on in period:
            weeks = list(_weeks(partners.get(task.pair_id, ()), task.due_on))
            due.update(weeks)
            completed.update(weeks if task.completed else ())
    return due, completed
