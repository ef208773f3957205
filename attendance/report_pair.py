"""Several reports have a line for each pair, which begins with who they are."""

from dataclasses import dataclass

from attendance.pair import Pair
from attendance.reasons import Text
from attendance.report_columns import ROLE_WORDS
from attendance.report_table import Column, Line

PAIR_COLUMNS = (
    Column("pair_id", Text("Pair", "结对")),
    Column("program_id", Text("Programme", "培训项目")),
    Column("clerk_id", ROLE_WORDS["clerk"]),
    Column("manager_id", ROLE_WORDS["reserve_manager"]),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLine(Line):
    pair: Pair | None = None  # None in a total

    @property
    def pair_id(self) -> str | None:
        return self.pair.id if self.pair else None

    @property
    def program_id(self) -> str | None:
        return self.pair.program.id if self.pair else None

    @property
    def clerk_id(self) -> str | None:
        return self.pair.learner("clerk").id if self.pair else None

    @property
    def manager_id(self) -> str | None:
        return self.pair.learner("reserve_manager").id if self.pair else None
