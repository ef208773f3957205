"""The sign-in rate: per session and role, how many of the roster have signed in.

A learner has signed in when an admitted `in`, or a decided one, stands. Sessions that are cancelled or not over yet
are left out, and so is whoever signed in and stands on no roster.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from attendance.instant import utc
from attendance.pair import Learner, Role
from attendance.reasons import Text
from attendance.report_columns import COURSE, DATE, MET, ON_ROSTER, ROLE, SESSION, SIGNED_IN
from attendance.report_facts import Attendance, Sitting, held, signed_in
from attendance.report_percent import percent, reaches
from attendance.report_role import Group, by_role, groups, roles_of
from attendance.report_table import Column, Line, Report
from attendance.session import Session

TARGET = Decimal(90)  # percent

TITLE = Text("Sign-in rate", "签到率")
COLUMNS = (
    SESSION,
    COURSE,
    DATE,
    ROLE,
    ON_ROSTER,
    SIGNED_IN,
    Column("percent", Text("Sign-in rate %", "签到率 %")),
    MET,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRate(Line):
    session_id: str | None = None  # None in a total
    course_id: str | None = None
    local_date: date | None = None
    role: Group
    on_roster: int
    signed_in: int
    target: Decimal

    @property
    def percent(self) -> Decimal | None:
        return percent(self.signed_in, self.on_roster, target=self.target)

    @property
    def met(self) -> bool | None:
        return reaches(self.signed_in, self.on_roster, self.target)


def sign_in_rates(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    learners: Iterable[Learner],
    now: datetime,
    target: Decimal = TARGET,
) -> Report[SignInRate]:
    """Give each session and role a line, and the totals of each role and of all."""
    roles, came = roles_of(learners), signed_in(attendances)
    over = [sitting.session for sitting in held(sittings, now=now)]
    lines = tuple(line for session in over for line in _lines(session, came.get(session.id, set()), roles, target))
    return Report(
        key="sign_in_rate",
        title=TITLE,
        about=(("now", utc(now)), ("target", target)),
        columns=COLUMNS,
        lines=lines,
        totals=tuple(_totals(lines, target)),
    )


def _lines(session: Session, came: set[str], roles: Mapping[str, Role], target: Decimal) -> Iterator[SignInRate]:
    on_roster, signed = by_role(session.roster, roles), by_role(session.roster & came, roles)
    for role in groups(on_roster):
        yield SignInRate(
            session_id=session.id,
            course_id=session.course_id,
            local_date=session.local_date,
            role=role,
            on_roster=on_roster[role],
            signed_in=signed[role],
            target=target,
        )


def _totals(lines: Iterable[SignInRate], target: Decimal) -> Iterator[SignInRate]:
    on_roster, signed = Counter[Group](), Counter[Group]()
    for line in lines:
        for role in (line.role, "all"):
            on_roster[role] += line.on_roster
            signed[role] += line.signed_in
    for role in (*groups(on_roster), "all"):
        yield SignInRate(role=role, on_roster=on_roster[role], signed_in=signed[role], target=target)
