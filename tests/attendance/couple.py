"""Ann (the clerk) and Bo (the reserve manager) have a joint task: entry 2, optimisation 3, joint report 1 each."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attendance.credit import PRESETS
from attendance.pair import Forfeit, Learner, Pair, Program
from attendance.reasons import Text
from attendance.task import JointTask, Part, Submission

ZONE = "Asia/Shanghai"
HOUR = timedelta(hours=1)


def at(clock: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=ZoneInfo(ZONE))


DUE = at("18:00")
REPORT_DUE = at("18:00", 5)
PAST_ALL = at("18:00", 20)


def couple(forfeit: Forfeit = "late part and joint part") -> Pair:
    program = Program(id="orders", rule=PRESETS["cn-45"], forfeit=forfeit)
    return Pair(id="ann-bo", program=program, learners=(Learner("ann", "clerk"), Learner("bo", "reserve_manager")))


ENTRY = Part(
    id="entry",
    role="clerk",
    title=Text("order entry", "订单录入"),
    hours=Decimal(2),
    due=DUE,
    start_by=at("12:00"),
    wants=frozenset({"order_log"}),
    checkpoints=(at("15:00"), at("17:00")),
)
OPTIMISATION = Part(
    id="optimisation",
    role="reserve_manager",
    title=Text("optimisation", "方案优化"),
    hours=Decimal(3),
    due=DUE,
    start_by=at("12:00"),
    checkpoints=(at("15:00"), at("17:00")),
)
REPORT = Part(id="report", role="joint", title=Text("the joint report", "联合报告"), hours=Decimal(1), due=REPORT_DUE)
TASK = JointTask(id="task-1", pair=couple(), title=Text("Order 101", "订单 101"), parts=(ENTRY, OPTIMISATION, REPORT))


def handed_in(part: Part, when: datetime, state: str = "accepted", **other: Any) -> Submission:
    told: dict[str, Any] = {"version": 1, "evidence": part.wants, "state": state, **other}
    return Submission(part_id=part.id, handed_in_at=when, **told)


def story(entry: str, optimisation: str, report: str) -> Iterator[Submission]:
    """Read what the joint-task table says of each part: "on time", "10 h late", "30 h late", "accepted", "rejected"."""
    for part, told in ((ENTRY, entry), (OPTIMISATION, optimisation), (REPORT, report)):
        hours, late = told.partition(" h late")[:2]
        when = part.due + (int(hours) if late else -1) * HOUR
        if told != "–":
            yield handed_in(part, when, "rejected" if told == "rejected" else "accepted")
