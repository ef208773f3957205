"""A month adds up what a learner was credited: joint hours, training hours and their share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attendance.bonus import HUNDRED, NONE, MonthRule, PairMonth, explained
from attendance.instant import utc
from attendance.joint_wording import joint_sentence
from attendance.pair import Role
from attendance.reasons import Language
from attendance.step import Step, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """Hours that stand for one learner, from a session or a part of a joint task; never a bonus."""

    hours: Decimal
    unit: str
    effective_date: date  # local to the region
    pair_id: str | None = None  # the pair with whom these are joint hours


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    pair_id: str
    due_on: date  # local to the region, of `JointTask.due`
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    learner_id: str
    role: Role
    month: str
    unit: str
    joint_hours: Decimal
    training_hours: Decimal
    pairs: tuple[PairMonth, ...]
    rule: MonthRule

    @property
    def bonus(self) -> Decimal:
        return sum((pair.bonus for pair in self.pairs), NONE)

    @property
    def share(self) -> Decimal | None:
        """Give the share of joint hours in percent; there is none without any training."""
        return self.joint_hours * HUNDRED / self.training_hours if self.training_hours else None

    @property
    def met(self) -> bool | None:
        """Say whether the share meets the target of the role; None without training or target. False is flagged."""
        target = self.rule.target(self.role)
        if target is None or not self.training_hours:
            return None
        return self.joint_hours * HUNDRED >= target * self.training_hours

    @property
    def steps(self) -> tuple[Step, ...]:
        hours = (("joint", self.joint_hours), ("training", self.training_hours))
        return (Step("share", (*hours, ("target", self.rule.target(self.role)), ("met", self.met))),)

    def to_json(self) -> dict[str, Any]:
        inputs = {"role": self.role, "month": self.month}
        steps = [*self.steps, *(step for pair in self.pairs for step in pair.steps)]
        return explained("month", inputs, self.rule, self.unit, steps, {"bonus": plain(self.bonus)})

    def sentence(self, language: Language) -> str:
        return joint_sentence(self.to_json(), language)


def month_of(
    learner_id: str,
    *,
    role: Role,
    month: str,
    unit: str,
    credits: Iterable[Credited],
    tasks: Iterable[DueTask],
    rule: MonthRule | None = None,
) -> Month:
    """Add up what one learner was credited in one unit in a month such as "2026-11".

    `credits` are the learner's and `tasks` those of the learner's pairs; other months and units are left out here.
    """
    rule = rule or MonthRule()
    credited = [credit for credit in credits if month_name(credit.effective_date) == month and credit.unit == unit]
    due = [task for task in tasks if month_name(task.due_on) == month]
    pair_ids = {credit.pair_id for credit in credited if credit.pair_id} | {task.pair_id for task in due}
    return Month(
        learner_id=learner_id,
        role=role,
        month=month,
        unit=unit,
        joint_hours=_hours(credit for credit in credited if credit.pair_id),
        training_hours=_hours(credited),
        pairs=tuple(
            PairMonth(
                pair_id=pair_id,
                learner_id=learner_id,
                month=month,
                unit=unit,
                joint_hours=_hours(credit for credit in credited if credit.pair_id == pair_id),
                due=sum(task.pair_id == pair_id for task in due),
                completed=sum(task.completed for task in due if task.pair_id == pair_id),
                rule=rule,
            )
            for pair_id in sorted(pair_ids)
        ),
        rule=rule,
    )


def month_name(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"


def local_date(instant: datetime, zone: str) -> date:
    """Say on which date of the region something took effect or was due."""
    return utc(instant).astimezone(ZoneInfo(zone)).date()


def _hours(credited: Iterable[Credited]) -> Decimal:
    return sum((credit.hours for credit in credited), NONE)
