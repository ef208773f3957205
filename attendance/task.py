"""A joint task has a part for each role of a pair, and a joint part that stands on both."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from attendance.instant import utc, whole_second
from attendance.pair import Pair, Role
from attendance.reasons import Text

GRACE = timedelta(hours=24)
AGAIN = timedelta(hours=24)

SubmissionState = Literal["handed_in", "accepted", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    id: str
    role: Role | Literal["joint"]
    title: Text
    hours: Decimal  # in the unit of the program
    due: datetime
    wants: frozenset[str] = frozenset()  # kinds of evidence
    start_by: datetime | None = None  # of a role's part
    checkpoints: tuple[datetime, ...] = ()  # of a role's part: when the learner's course has to be far enough
    grace: timedelta = GRACE
    again: timedelta = AGAIN  # what a rejection gives, from the sending of its words

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "due", whole_second(utc(self.due)))
        put(self, "start_by", self.start_by and whole_second(utc(self.start_by)))
        put(self, "checkpoints", tuple(sorted(whole_second(utc(checkpoint)) for checkpoint in self.checkpoints)))

    def lacks(self, evidence: Iterable[str]) -> frozenset[str]:
        """Say which evidence is wanted and not there."""
        return self.wants.difference(evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTask:
    id: str
    pair: Pair
    title: Text
    parts: tuple[Part, Part, Part]  # one for each role, and the joint part

    def __post_init__(self) -> None:
        wanted = sorted([*(learner.role for learner in self.pair.learners), "joint"])
        if sorted(part.role for part in self.parts) != wanted:
            raise ValueError(f"task {self.id} needs one part for each of {', '.join(wanted)}")

    @property
    def joint(self) -> Part:
        return next(part for part in self.parts if part.role == "joint")

    @property
    def due(self) -> datetime:
        """Give the instant that says in which month the whole task is due."""
        return self.joint.due

    def part_of(self, learner_id: str) -> Part:
        role = next(learner.role for learner in self.pair.learners if learner.id == learner_id)
        return next(part for part in self.parts if part.role == role)

    def learner_of(self, part: Part) -> str | None:
        """Say whose part it is; nobody's alone when it is the joint part."""
        return None if part.role == "joint" else self.pair.learner(part.role).id

    def moved(self, part_id: str, *, due: datetime) -> "JointTask":
        """Give a part another `due`, as a trainer may; everything is then worked out as if it had always been so."""
        one, two, three = (replace(part, due=due) if part.id == part_id else part for part in self.parts)
        return replace(self, parts=(one, two, three))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    part_id: str
    version: int
    handed_in_at: datetime
    evidence: frozenset[str] = frozenset()  # kinds
    state: SubmissionState = "handed_in"
    decided_at: datetime | None = None
    words_sent_at: datetime | None = None  # of a rejection: when the learner was told why

    def __post_init__(self) -> None:
        for name in ("handed_in_at", "decided_at", "words_sent_at"):
            given: datetime | None = getattr(self, name)
            object.__setattr__(self, name, given and utc(given))
