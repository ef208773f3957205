"""A decision is what a trainer has made of a session that was on review."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from attendance.direction import Direction
from attendance.instant import utc
from attendance.step import Step
from attendance.visit import Fact, in_order

DecisionKind = Literal["add_in", "add_out", "present", "nothing"]
TIMED: frozenset[DecisionKind] = frozenset({"add_in", "add_out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A check-in or check-out that is taken to have happened, or that the session is worth nothing.

    `present` vouches for a learner who missed presence checks; it moves no time.
    An explanation names the decision by its id. Reason and author stay with whoever keeps decisions,
    because a reason is free text and may hold a name, and explanations leave the house.
    """

    id: str
    session_id: str
    learner_id: str
    kind: DecisionKind
    at: datetime | None = None
    reason: str = ""
    by: str = ""  # the account

    def __post_init__(self) -> None:
        if (self.kind in TIMED) == (self.at is None):
            raise ValueError(f"decision {self.id} is {self.kind} and {'has no' if self.at is None else 'has a'} time")
        if self.at:
            object.__setattr__(self, "at", utc(self.at))

    def fact(self) -> Fact | None:
        if self.at is None:
            return None
        direction: Direction = "in" if self.kind == "add_in" else "out"
        return Fact(check_in_id=self.id, session_id=self.session_id, direction=direction, at=self.at)


def standing(facts: Iterable[Fact], decisions: Sequence[Decision], voided: frozenset[str]) -> tuple[Fact, ...]:
    """Give the facts that count: with decided times, without voided ones; a decision also replaces uncertain ones.

    Whoever vouches for a presence does not say which of its times is right.
    """
    added = [fact for decision in decisions if (fact := decision.fact())]
    replaced = any(decision.kind != "present" for decision in decisions)
    kept = [fact for fact in facts if fact.check_in_id not in voided and not (replaced and fact.uncertain)]
    return tuple(sorted([*kept, *added], key=in_order))


def worth_nothing(decisions: Iterable[Decision]) -> bool:
    return any(decision.kind == "nothing" for decision in decisions)


def explained(decisions: Sequence[Decision], voided: frozenset[str]) -> tuple[Step, ...]:
    steps = (Step("voided", (("facts", len(voided)),)),) if voided else ()
    if not decisions:
        return steps
    return (*steps, Step("decided", (("decisions", len(decisions)), ("nothing", worth_nothing(decisions)))))
