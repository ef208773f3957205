"""A bonus rewards a pair that completes its joint tasks, each partner on their own joint hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from attendance.joint_wording import joint_sentence
from attendance.pair import Role
from attendance.reasons import Language
from attendance.step import Step, plain

HUNDRED = Decimal(100)
NONE = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRule:
    name: str = "month"
    version: int = 1
    bonus_rate: Decimal = Decimal(90)  # percent of the tasks due that have to be completed
    bonus_base: Literal["joint_hours"] = "joint_hours"
    bonus_percent: Decimal = Decimal(10)
    targets: tuple[tuple[Role, Decimal], ...] = (("clerk", Decimal(30)), ("reserve_manager", Decimal(20)))

    @property
    def key(self) -> str:
        return f"{self.name}@{self.version}"

    def target(self, role: Role) -> Decimal | None:
        return dict(self.targets).get(role)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMonth:
    """What one pair did in a month, and the bonus that one of its learners gets for it."""

    pair_id: str
    learner_id: str
    month: str
    unit: str
    joint_hours: Decimal
    due: int
    completed: int
    rule: MonthRule

    @property
    def rate(self) -> Decimal | None:
        """Give the joint completion rate in percent; there is none when nothing was due."""
        return self.completed * HUNDRED / self.due if self.due else None

    @property
    def reached(self) -> bool:
        # Multiplied, because a quotient need not be exact.
        return self.due > 0 and self.completed * HUNDRED >= self.rule.bonus_rate * self.due

    @property
    def bonus(self) -> Decimal:
        """Give the bonus, exactly; zero is no ledger entry."""
        return self.joint_hours * self.rule.bonus_percent / HUNDRED if self.reached else NONE

    @property
    def steps(self) -> tuple[Step, ...]:
        rate = (("due", self.due), ("completed", self.completed), ("least", self.rule.bonus_rate))
        base = ("base", self.joint_hours if self.reached else NONE)
        return (
            Step("rate", (*rate, ("reached", self.reached))),
            Step("bonus", (base, ("percent", self.rule.bonus_percent), ("bonus", self.bonus))),
        )

    def to_json(self) -> dict[str, Any]:
        inputs = {"pair": self.pair_id, "month": self.month, "joint_hours": plain(self.joint_hours)}
        return explained("bonus", inputs, self.rule, self.unit, self.steps, {"credit": plain(self.bonus)})

    def sentence(self, language: Language) -> str:
        return joint_sentence(self.to_json(), language)


def explained(
    kind: str, inputs: dict[str, Any], rule: MonthRule, unit: str, steps: Sequence[Step], outcome: dict[str, Any]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "inputs": inputs,
        "rule": {
            "name": rule.name,
            "version": rule.version,
            "unit": unit,
            "bonus_rate": plain(rule.bonus_rate),
            "bonus_base": rule.bonus_base,
            "bonus_percent": plain(rule.bonus_percent),
            "targets": {role: plain(percent) for role, percent in rule.targets},
        },
        "steps": [step.to_json() for step in steps],
        "outcome": {**outcome, "unit": unit},
    }
