"""Progress is what is known of a learner on the way to a hand-in."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from attendance.instant import utc
from attendance.reasons import Text

LEAST_COMPLETION = Decimal(80)  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The learner has worked on the part: an upload, or a fact from an LMS."""

    part_id: str
    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How much of the course a learner has done: own sessions attended out of those held so far, or percent of 100."""

    done: int
    of: int
    missing: tuple[Text, ...] = ()  # what the learner should catch up on

    def reaches(self, percent: Decimal) -> bool:
        return self.done * 100 >= percent * self.of
