"""Conversations recorded: for each person, the submissions that have a recording of a conversation.

Each version that was handed in counts, and the parts beside it say whether they were all for one and the same.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from attendance.pair import Learner
from attendance.reasons import Text
from attendance.report_columns import LEARNER, ROLE
from attendance.report_facts import HandIn
from attendance.report_period import Period
from attendance.report_role import Group, by_role, groups, roles_of
from attendance.report_table import Column, Line, Report

CONVERSATION = "conversation"  # the kind of evidence

TITLE = Text("Conversations recorded", "沟通记录数")
COLUMNS = (
    LEARNER,
    ROLE,
    Column("conversations", Text("Conversations", "沟通记录")),
    Column("parts", Text("Parts of joint tasks", "任务部分")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations(Line):
    learner_id: str | None = None  # None in a total
    role: Group
    conversations: int
    parts: int


def conversations(hand_ins: Iterable[HandIn], *, learners: Iterable[Learner], period: Period) -> Report[Conversations]:
    """Give each learner a line, also those who recorded none, and each role a total."""
    roles = roles_of(learners)
    recorded = [one for one in hand_ins if CONVERSATION in one.evidence and one.on in period]
    counted = Counter(one.learner_id for one in recorded)
    parts = Counter(who for who, _ in {(one.learner_id, one.part_id) for one in recorded})
    return Report(
        key="conversations",
        title=TITLE,
        about=period.about,
        columns=COLUMNS,
        lines=tuple(
            Conversations(learner_id=who, role=roles.get(who, "other"), conversations=counted[who], parts=parts[who])
            for who in sorted(roles.keys() | counted)
        ),
        totals=_totals(by_role(counted.elements(), roles), by_role(parts.elements(), roles)),
    )


def _totals(counted: Counter[Group], parts: Counter[Group]) -> tuple[Conversations, ...]:
    return tuple(Conversations(role=role, conversations=counted[role], parts=parts[role]) for role in groups(counted))
