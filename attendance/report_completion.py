"""Completion: per course or programme and role, how many learners have hours of all their sessions.

The required sessions of a learner are those on whose roster they stand, without cancelled ones; who has completed has
hours of each of them. Whoever has missed some, and after each of these has earned hours of the same course, is counted
beside as made up, since nobody has to go again, but not as completed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attendance.pair import Learner, Role
from attendance.reasons import Text
from attendance.report_columns import ROLE
from attendance.report_facts import Attendance, LearnerCourse, Sitting, credited, last_credited, made_up
from attendance.report_percent import percent
from attendance.report_role import Group, by_role, groups, roles_of
from attendance.report_table import Cell, Column, Line, Report
from attendance.session import Session

Kind = Literal["course", "program"]
KIND_WORDS: dict[Cell, Text] = {"course": Text("Course", "课程"), "program": Text("Programme", "培训项目")}

TITLE = Text("Completion", "完成情况")
COLUMNS = (
    Column("kind", Text("Kind", "类别"), KIND_WORDS),
    Column("of", Text("Course or programme", "课程或项目")),
    ROLE,
    Column("learners", Text("Learners", "学员人数")),
    Column("completed", Text("Completed", "已完成")),
    Column("percent", Text("Completion %", "完成率 %")),
    Column("made_up", Text("Made up", "已补课")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed(Line):
    kind: Kind
    of: str  # the id of the course or programme
    role: Group
    learners: int
    completed: int
    made_up: int

    @property
    def percent(self) -> Decimal | None:
        return percent(self.completed, self.learners)


def completion(
    sittings: Iterable[Sitting], attendances: Iterable[Attendance], *, learners: Iterable[Learner], by: Kind = "course"
) -> Report[Completed]:
    """Give each course, or each programme, a line for each role."""
    planned = [sitting for sitting in sittings if not sitting.session.cancelled]
    roles, hours = roles_of(learners), credited(attendances)
    last = last_credited(planned, hours)
    lines = tuple(
        line
        for of, sessions in sorted(_by(planned, by).items())
        for line in _lines(by, of, _learners(sessions, hours, last), roles)
    )
    return Report(key="completion", title=TITLE, columns=COLUMNS, lines=lines)


def _by(planned: Iterable[Sitting], kind: Kind) -> dict[str, list[Session]]:
    sessions: dict[str, list[Session]] = {}
    for sitting in planned:
        if of := sitting.session.course_id if kind == "course" else sitting.program_id:
            sessions.setdefault(of, []).append(sitting.session)
    return sessions


def _learners(
    sessions: Iterable[Session], hours: Mapping[str, set[str]], last: Mapping[LearnerCourse, datetime]
) -> tuple[set[str], ...]:
    """Find all the learners, those who have completed, and those who have made up for what they missed."""
    all_, missed, not_made_up = set[str](), set[str](), set[str]()
    for session in sessions:
        without = session.roster - hours.get(session.id, set())
        all_ |= session.roster
        missed |= without
        not_made_up.update(who for who in without if not made_up(session, who, last))
    return all_, all_ - missed, missed - not_made_up


def _lines(kind: Kind, of: str, learners: Iterable[set[str]], roles: Mapping[str, Role]) -> Iterator[Completed]:
    all_, completed, cured = (by_role(some, roles) for some in learners)
    for role in groups(all_):
        yield Completed(
            kind=kind, of=of, role=role, learners=all_[role], completed=completed[role], made_up=cured[role]
        )
