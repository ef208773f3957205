"""A report as somebody asked for it: whose days, in JSON or as a table in which people have numbers or names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pydantic import Field
from sqlalchemy.orm import Session as Db

from attendance.reasons import Language
from attendance.report_period import Period
from attendance.report_table import Cell, Cells, Report, Table
from attendance.step import plain
from gateway.fields import Id
from gateway.period import PeriodQuery
from ledger.people import numbers
from ledger.plan import Regions
from ledger.report_sources import Asked
from ledger.reports import REPORTS, Name

MOST_DAYS = 366
NAMES: tuple[Name, ...] = get_args(Name)
PEOPLE = ("learner_id", "clerk_id", "manager_id")
"""Columns that hold the opaque id of a person."""


class ReportQuery(PeriodQuery):
    """Which days, which region and course."""

    region: Id | None = Field(None, description="Only of this region.")
    course: Id | None = Field(None, description="Only sessions and tests of this course.")
    unit: Id | None = Field(None, description="Hours in this unit; without it, the one that most records are in.")


class FileQuery(ReportQuery):
    """Which days, region and course, and in which language."""

    lang: Language = Field("en", description="The language of headings and words.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A report with what was asked, and the people in it."""

    name: Name
    report: Report[Any]
    about: Mapping[str, Any]
    people: Mapping[str, str]
    """The personnel number of each person in it, by opaque id; who has been erased is missing."""

    def rows(self) -> list[Cells]:
        """Return the lines for a file: people by their numbers."""
        return list(named(self.report.table(), self.people))


def make(db: Db, name: Name, query: ReportQuery, regions: Regions, *, now: datetime) -> Made:
    """Make a report; raises Refusal or Incomplete when it is not clear what is asked, or too much."""
    first, last = query.days(most=MOST_DAYS)
    period = Period(first, last)
    asked = Asked(period=period, regions=regions, course_id=query.course, unit=query.unit, now=now)
    report = REPORTS[name](db, asked)
    about = dict((*period.about, ("region", query.region), ("course", query.course), *report.about))
    return Made(
        name=name,
        report=report,
        about={key: plain(value) for key, value in about.items()},
        people=numbers(db, people_in(report.table())),
    )


def people_in(table: Table) -> set[str]:
    """Return the opaque ids of everybody in a table."""
    places = _places(table)
    return {str(row[place]) for row in (*table.rows, *table.totals) for place in places if row[place] is not None}


def named(table: Table, names: Mapping[str, str]) -> Iterable[Cells]:
    """Put what people are called in the place of their ids."""
    places = _places(table)
    for row in table.rows:
        yield tuple(_called(cell, names) if place in places else cell for place, cell in enumerate(row))


def _called(cell: Cell, names: Mapping[str, str]) -> Cell:
    return names.get(str(cell), cell)


def _places(table: Table) -> Sequence[int]:
    return [place for place, column in enumerate(table.columns) if column.key in PEOPLE]
