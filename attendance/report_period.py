"""A period is a stretch of local dates, and a week is one of ISO 8601."""

from dataclasses import dataclass
from datetime import date

from attendance.report_table import About


@dataclass(frozen=True, slots=True)
class Period:
    first: date
    last: date  # included

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"a period cannot end on {self.last}, before it begins on {self.first}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def about(self) -> About:
        return ("first", self.first), ("last", self.last)


def week_name(day: date) -> str:
    """Name the ISO week of a local date, as in "2026-W45"; the first days of January may lie in the year before."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"
