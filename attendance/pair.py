"""A pair is two learners of different roles who learn together: one executes, one leads."""

from dataclasses import dataclass
from typing import Literal

from attendance.credit import CreditRule

Role = Literal["clerk", "reserve_manager"]

# What is lost when a part misses its grace: its own hours always, and by default those of the joint part for both.
Forfeit = Literal["late part and joint part", "late part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    id: str
    rule: CreditRule  # hours of its tasks are in this rule's unit
    forfeit: Forfeit = "late part and joint part"

    @property
    def unit(self) -> str:
        return self.rule.unit


@dataclass(frozen=True, slots=True)
class Learner:
    id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    id: str
    program: Program
    learners: tuple[Learner, Learner]

    def __post_init__(self) -> None:
        one, other = self.learners
        if one.role == other.role or one.id == other.id:
            raise ValueError(f"pair {self.id} needs two learners of different roles")

    def learner(self, role: Role) -> Learner:
        return next(learner for learner in self.learners if learner.role == role)

    def partner(self, learner_id: str) -> Learner:
        return next(learner for learner in self.learners if learner.id != learner_id)
