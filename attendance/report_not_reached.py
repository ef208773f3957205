"""Who has not been reached: learners on a roster in the period who have not signed in to any session in it.

Only sessions that were held can be missed, but a sign-in to one that is still running is one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from attendance.instant import utc
from attendance.pair import Learner
from attendance.reasons import Text
from attendance.report_columns import LEARNER, ROLE, SESSIONS
from attendance.report_facts import Attendance, Sitting, held, signed_in
from attendance.report_period import Period
from attendance.report_role import Group, roles_of
from attendance.report_table import Column, Line, Report

TITLE = Text("Not reached", "未参训学员")
COLUMNS = (LEARNER, ROLE, SESSIONS, Column("last_date", Text("Last missed on", "最近缺席日期")))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReached(Line):
    learner_id: str
    role: Group
    sessions: int  # that they were to attend and did not
    last_date: date


def not_reached(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    learners: Iterable[Learner],
    period: Period,
    now: datetime,
) -> Report[NotReached]:
    in_period = [sitting for sitting in sittings if sitting.session.local_date in period]
    roles, came = roles_of(learners), signed_in(attendances)
    reached = set[str]().union(*(came.get(sitting.session.id, ()) for sitting in in_period))
    missed, last = Counter[str](), dict[str, date]()
    for sitting in held(in_period, now=now):
        absent, day = sitting.session.roster - reached, sitting.session.local_date
        missed.update(absent)
        last.update((who, max(last.get(who, day), day)) for who in absent)
    return Report(
        key="not_reached",
        title=TITLE,
        about=(*period.about, ("now", utc(now))),
        columns=COLUMNS,
        lines=tuple(
            NotReached(learner_id=who, role=roles.get(who, "other"), sessions=missed[who], last_date=last[who])
            for who in sorted(missed)
        ),
    )
