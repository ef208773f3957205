"""Both partners side by side: attendance, hours, how far they are, what they still have to do, when they last did any.

Attendance (sessions signed in to, of those on whose roster they stand) and hours are those of the period, progress and
last activity those at its end. A part is open while it can be handed in or waits for the words of a rejection, and an
open joint part is open for both.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from attendance.credit import NOTHING
from attendance.instant import utc
from attendance.month import Credited
from attendance.pair import Pair, Role
from attendance.reasons import Text
from attendance.report_activity import last_active
from attendance.report_columns import ATTENDANCE, ATTENDED, HOURS, ROLE_WORDS, SESSIONS, UNIT
from attendance.report_facts import Attendance, CourseProgress, HandIn, Score, Sitting, held, signed_in
from attendance.report_pair import PAIR_COLUMNS, PairLine
from attendance.report_percent import percent
from attendance.report_period import Period
from attendance.report_table import About, Column, Report
from attendance.standing import RUNNING, PartState, TaskStanding

OPEN: frozenset[PartState] = RUNNING | {"returned"}

TITLE = Text("Partners side by side", "搭档进度对比")
OF_PARTNER = (
    SESSIONS,
    ATTENDED,
    ATTENDANCE,
    HOURS,
    Column("progress", Text("Progress %", "学习进度 %")),
    Column("open_parts", Text("Open parts", "未完成部分")),
    Column("last_active", Text("Last active on", "最近活动日期")),
)
COLUMNS = (
    *PAIR_COLUMNS,
    UNIT,
    *(
        Column(
            f"{partner}.{column.key}",
            Text(f"{role.en}: {column.heading.en.lower()}", f"{role.zh}：{column.heading.zh}"),
        )
        for partner, role in (("clerk", ROLE_WORDS["clerk"]), ("manager", ROLE_WORDS["reserve_manager"]))
        for column in OF_PARTNER
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    sessions: int
    attended: int
    hours: Decimal
    progress: Decimal | None  # percent; None when no system has reported any
    open_parts: int
    last_active: date | None

    @property
    def attendance(self) -> Decimal | None:
        return percent(self.attended, self.sessions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partners(PairLine):
    unit: str
    clerk: Partner
    manager: Partner


def partners(
    sittings: Iterable[Sitting],
    attendances: Iterable[Attendance],
    *,
    pairs: Iterable[Pair],
    credits: Mapping[str, Iterable[Credited]],
    standings: Iterable[TaskStanding],
    hand_ins: Iterable[HandIn],
    progress: Iterable[CourseProgress],
    scores: Iterable[Score],
    period: Period,
    unit: str,
    now: datetime,
) -> Report[Partners]:
    """Give each pair a line; `credits` are by learner, and hours in other units are left out."""
    planned, came = tuple(sittings), signed_in(attendances)
    known = tuple(progress)
    over = [sitting.session for sitting in held(planned, now=now, period=period)]
    sessions = Counter(who for session in over for who in session.roster)
    attended = Counter(who for session in over for who in session.roster & came.get(session.id, set()))
    reached, open_parts = _reached(known, period.last), _open_parts(standings)
    active = last_active(planned, came, hand_ins=hand_ins, scores=scores, progress=known, until=period.last)

    def partner(pair: Pair, role: Role) -> Partner:
        who = pair.learner(role).id
        return Partner(
            sessions=sessions[who],
            attended=attended[who],
            hours=_hours(credits.get(who, ()), period, unit),
            progress=reached.get((who, pair.program.id)),
            open_parts=open_parts[pair.id, who],
            last_active=active.get(who),
        )

    lines = tuple(
        Partners(pair=pair, unit=unit, clerk=partner(pair, "clerk"), manager=partner(pair, "reserve_manager"))
        for pair in sorted(pairs, key=lambda pair: pair.id)
    )
    about: About = (*period.about, ("now", utc(now)), ("unit", unit))
    return Report(key="partners", title=TITLE, about=about, columns=COLUMNS, lines=lines)


def _reached(progress: Iterable[CourseProgress], until: date) -> dict[tuple[str, str], Decimal]:
    """Find how far each learner is in each programme, as it was reported last."""
    known = sorted((report for report in progress if report.on <= until), key=lambda report: report.at)
    return {(report.learner_id, report.program_id): report.percent for report in known}


def _open_parts(standings: Iterable[TaskStanding]) -> Counter[tuple[str, str]]:
    """Count by pair and learner."""
    counted: Counter[tuple[str, str]] = Counter()
    for stands in standings:
        pair = stands.task.pair
        for part in stands.parts:
            if part.state in OPEN:
                own = stands.task.learner_of(part.part)
                counted.update((pair.id, learner.id) for learner in pair.learners if own in (None, learner.id))
    return counted


def _hours(credits: Iterable[Credited], period: Period, unit: str) -> Decimal:
    kept = (credit.hours for credit in credits if credit.unit == unit and credit.effective_date in period)
    return sum(kept, NOTHING)
