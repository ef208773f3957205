"""Joint participation: how many of the joint sessions that both partners were to attend they attended together.

Counted are sessions of the pair's programme that were held and had both on the roster; together is what `together`
says of the two arrivals, so a session that is on review for one of them is not attended together yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from attendance.instant import utc
from attendance.pair import Pair
from attendance.reasons import Text
from attendance.report_facts import Attendance, Sitting, held
from attendance.report_pair import PAIR_COLUMNS, PairLine
from attendance.report_percent import percent
from attendance.report_period import Period
from attendance.report_table import Column, Report
from attendance.session import Session
from attendance.together import TOGETHER_WITHIN, together

Arrivals = dict[tuple[str, str], datetime | None]  # by session and learner

TITLE = Text("Joint participation", "联合参与率")
COLUMNS = (
    *PAIR_COLUMNS,
    Column("sessions", Text("Joint sessions", "联合场次")),
    Column("together", Text("Attended together", "共同出席")),
    Column("percent", Text("Joint participation %", "联合参与率 %")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation(PairLine):
    sessions: int
    together: int

    @property
    def percent(self) -> Decimal | None:
        return percent(self.together, self.sessions)


def joint_participation(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    pairs: Iterable[Pair],
    period: Period,
    now: datetime,
    within: timedelta = TOGETHER_WITHIN,
) -> Report[Participation]:
    """Give each pair a line, also those that had no joint session."""
    known = sorted(pairs, key=lambda pair: pair.id)
    arrivals: Arrivals = {(came.session_id, came.learner_id): came.arrived_at for came in attendances}
    sessions, both = Counter[str](), Counter[str]()
    for session, pair in _joint(held(sittings, now=now, period=period), known):
        sessions[pair.id] += 1
        both[pair.id] += _together(session, pair, arrivals, within)
    return Report(
        key="joint_participation",
        title=TITLE,
        about=(*period.about, ("now", utc(now)), ("within_minutes", within // timedelta(minutes=1))),
        columns=COLUMNS,
        lines=tuple(Participation(pair=pair, sessions=sessions[pair.id], together=both[pair.id]) for pair in known),
        totals=(Participation(sessions=sessions.total(), together=both.total()),),
    )


def _joint(sittings: Iterable[Sitting], pairs: Iterable[Pair]) -> Iterator[tuple[Session, Pair]]:
    """Find the sessions that both of a pair were to attend, without asking every pair about every session."""
    of_clerk: dict[tuple[str | None, str], list[Pair]] = {}
    for pair in pairs:
        of_clerk.setdefault((pair.program.id, pair.learner("clerk").id), []).append(pair)
    for sitting in sittings:
        for who in sitting.session.roster if sitting.program_id else ():
            for pair in of_clerk.get((sitting.program_id, who), ()):
                if pair.learner("reserve_manager").id in sitting.session.roster:
                    yield sitting.session, pair


def _together(session: Session, pair: Pair, arrivals: Arrivals, within: timedelta) -> bool:
    came = [arrivals.get((session.id, learner.id)) for learner in pair.learners]
    return together(came, start=session.starts_at, within=within)
