"""Which days somebody asks about: one day, a month, or from one day to another."""

from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Day, Month
from gateway.problem import Refusal
from ledger.totals import days_of

HOW = "Say which days: `day`, `month`, or `from` and `to`."


class PeriodQuery(BaseModel):
    """Which days, said in one of three ways."""

    # A misspelt parameter that was ignored would give other days than were asked for.
    model_config = ConfigDict(extra="forbid")

    day: Day | None = Field(
        None, description="One day. Days are said in one of three ways: `day`, `month`, or `from` and `to`."
    )
    month: Month | None = Field(None, description="All days of a month.")
    first: Day | None = Field(None, alias="from", description="The first day, with `to`.")
    last: Day | None = Field(None, alias="to", description="The last day, included.")

    def days(self, *, most: int) -> tuple[date, date]:
        """Return the first and the last day; raises Refusal when they are not clear, or too many."""
        first, last = self._days()
        if last < first:
            raise Refusal("value-wrong", "`to` is a day before `from`.")
        if last - first >= timedelta(days=most):
            raise Refusal("value-wrong", f"Ask for {most} days at most; these are {(last - first).days + 1}.")
        return first, last

    @property
    def name(self) -> str:
        """Name the days, for a file."""
        first, last = self._days()
        return self.month or (f"{first}" if first == last else f"{first}-to-{last}")

    def _days(self) -> tuple[date, date]:
        match self.day, self.month, self.first, self.last:
            case date() as day, None, None, None:
                return day, day
            case None, str() as month, None, None:
                return days_of(month)
            case None, None, date() as first, date() as last:
                return first, last
        raise Refusal("value-wrong", HOW)
