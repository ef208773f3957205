"""Joint completion and acceptance: how many joint parts that were due came off, and how many at the first attempt.

Completion is joint parts accepted so that they count, as for the month's bonus, of those due in the period; acceptance
is those of them whose first decided version was accepted, of those with a decision.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attendance.month import DueTask, local_date
from attendance.pair import Pair
from attendance.reasons import Text
from attendance.report_pair import PAIR_COLUMNS, PairLine
from attendance.report_percent import percent, reaches
from attendance.report_period import Period
from attendance.report_table import Cell, Column, Report
from attendance.standing import TaskStanding
from attendance.task import Submission

TARGET = Decimal(80)  # percent of acceptance; below it a pair had better practise

SUGGESTION = "practise_communication"
SUGGESTIONS: dict[Cell, Text] = {
    SUGGESTION: Text(
        "Joint reports often come back. Practise communication: agree before writing what the report has to say, "
        "and repeat to each other what was agreed.",
        "联合报告常被退回。建议进行沟通练习：动笔前先商定报告要点，并相互复述已达成的一致。",
    )
}

TITLE = Text("Joint completion and acceptance", "联合任务完成率与报告通过率")
COLUMNS = (
    *PAIR_COLUMNS,
    Column("due", Text("Due", "到期")),
    Column("completed", Text("Completed", "已完成")),
    Column("completion", Text("Completion %", "完成率 %")),
    Column("decided", Text("Decided", "已审核")),
    Column("accepted_first", Text("Accepted at first", "首次通过")),
    Column("acceptance", Text("Acceptance %", "通过率 %")),
    Column("suggestion", Text("Suggestion", "建议"), SUGGESTIONS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReport(DueTask):
    """A joint task that is due, with what was made of its joint report."""

    accepted_first: bool | None  # of the first version that was decided; None: no decision yet


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTasks(PairLine):
    due: int
    completed: int
    decided: int
    accepted_first: int
    target: Decimal

    @property
    def completion(self) -> Decimal | None:
        return percent(self.completed, self.due)

    @property
    def acceptance(self) -> Decimal | None:
        return percent(self.accepted_first, self.decided, target=self.target)

    @property
    def suggestion(self) -> str | None:
        return SUGGESTION if reaches(self.accepted_first, self.decided, self.target) is False else None

    @property
    def nested(self) -> dict[str, Any]:
        text = SUGGESTIONS.get(self.suggestion)
        return {"suggestion_text": {"en": text.en, "zh": text.zh} if text else None}


def due_report(stands: TaskStanding, submissions: Iterable[Submission], *, zone: str) -> DueReport:
    """Say what became of a joint task so far; `zone` is the region's."""
    versions = sorted((one for one in submissions if one.part_id == stands.joint.part.id), key=lambda one: one.version)
    decided = [version.state == "accepted" for version in versions if version.state != "handed_in"]
    return DueReport(
        pair_id=stands.task.pair.id,
        due_on=local_date(stands.task.due, zone),
        completed=stands.completed,
        accepted_first=decided[0] if decided else None,
    )


def joint_tasks(
    tasks: Iterable[DueReport], *, pairs: Iterable[Pair], period: Period, target: Decimal = TARGET
) -> Report[JointTasks]:
    """Give each pair a line, also those that had no task due; tasks of other pairs are left out."""
    known = sorted(pairs, key=lambda pair: pair.id)
    counted = {pair.id: Counter[str]() for pair in known}
    for task in tasks:
        if task.due_on in period and task.pair_id in counted:
            counted[task.pair_id].update(_counts(task))
    return Report(
        key="joint_tasks",
        title=TITLE,
        about=(*period.about, ("target", target)),
        columns=COLUMNS,
        lines=tuple(_line(counted[pair.id], target, pair) for pair in known),
        totals=(_line(sum(counted.values(), Counter()), target),),
    )


def _counts(task: DueReport) -> dict[str, int]:
    # The first count of a Counter stays what it is, and a bool would be told as true or false.
    return {
        "due": 1,
        "completed": int(task.completed),
        "decided": int(task.accepted_first is not None),
        "accepted_first": int(task.accepted_first is True),
    }


def _line(counted: Counter[str], target: Decimal, pair: Pair | None = None) -> JointTasks:
    return JointTasks(
        pair=pair,
        due=counted["due"],
        completed=counted["completed"],
        decided=counted["decided"],
        accepted_first=counted["accepted_first"],
        target=target,
    )
