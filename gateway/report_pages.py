"""The page of reports for staff: one report at a time, as a table with bars, and as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from attendance.reasons import Language
from attendance.report_period import Period
from attendance.report_table import Cell, Column, Report
from attendance.unit import named as unit_named
from gateway import browser, report_texts, visitor
from gateway.clock import Clock
from gateway.download import Form, csv_file, download, xlsx_file
from gateway.reporting import MOST_DAYS, NAMES, PEOPLE, named, people_in
from gateway.settings import GatewaySettings
from gateway.tasks import chosen_region, frame_of_staff
from ledger.database import Ledger
from ledger.people import people_by_id
from ledger.plan import courses_page
from ledger.refusals import Incomplete
from ledger.report_sources import Asked
from ledger.reports import REPORTS, Name
from ledger.tables import CourseRow, RegionRow
from ledger.totals import days_of

MOST_ROWS = 500
"""Lines on the page; a file holds them all."""
LONG = 40
"""Characters of a cell that are no longer read at a glance."""
MOST_COURSES = 500
"""Courses to choose from."""
BARS = ("percent", "attendance", "completion", "acceptance", "progress")
"""Percentages, of a line or of one partner in it, that a bar is drawn for."""
HELD = ("percent", "acceptance")
"""Those that are held against the target of a report, if it has one."""
FORMS: tuple[Form, ...] = ("csv", "xlsx")
EMPTY: dict[str, Any] = {"columns": (), "rows": [], "totals": [], "count": 0, "unit": None, "target": None}

Names = Mapping[str, Mapping[str, str]]
"""What ids are called, for each column that holds some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What somebody can choose from."""

    regions: Sequence[RegionRow]
    courses: Sequence[CourseRow]

    @property
    def zone(self) -> ZoneInfo | None:
        """Return by whose clock it is today."""
        return ZoneInfo(self.regions[0].zone) if self.regions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody wants to see."""

    name: Name
    period: Period
    region: str | None
    course: str | None

    @property
    def about(self) -> dict[str, str]:
        """Return all but the name as parameters of an address."""
        told = {"from": f"{self.period.first}", "to": f"{self.period.last}"}
        wishes = {"region": self.region, "course": self.course}
        return told | {key: wish for key, wish in wishes.items() if wish}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A cell as the page shows it."""

    text: str
    bar: Decimal | None = None
    """How long a bar stands beside it, of 100."""
    tone: str = ""
    """`go` or `stop`, where it says whether a target was met."""
    number: bool = False

    @property
    def long(self) -> bool:
        """Say whether it needs lines of its own."""
        return len(self.text) > LONG


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of the page's table."""

    column: Column
    language: Language
    number: bool

    @property
    def text(self) -> str:
        """Return what stands above it."""
        return self.column.heading.told(self.language)


def report_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of reports."""
    site = Blueprint("reports", __name__)
    visitor.receive(site, settings)

    @site.get("/reports")
    def page() -> AnyResponse:
        name, now = _name(request.args.get("report", NAMES[0])), clock()
        with ledger.read() as db:
            choices = _choices(db)
            today = now.astimezone(choices.zone or ZoneInfo(settings.zone)).date()
            try:
                asked, wrong = _question(name, choices, today), None
                sheet = _sheet(db, _report(db, asked, now), choices.courses, browser.language())
            except Incomplete as error:
                asked, wrong = Question(name=name, period=_month(today), region=None, course=None), error.code
                sheet = EMPTY
            return _page(asked=asked, wrong_code=wrong, choices=choices, **sheet, **frame_of_staff(db))

    @site.get("/reports/<name>.<form>")
    def file(name: str, form: str) -> AnyResponse:
        if form not in FORMS:
            raise NotFound
        language, now = browser.language(), clock()
        with ledger.read() as db:
            choices = _choices(db)
            today = now.astimezone(choices.zone or ZoneInfo(settings.zone)).date()
            asked = _question(_name(name), choices, today)
            report = _report(db, asked, now)
            rows = list(named(report.table(), _called(db, report, "{name} ({number})")))
        title = f"{asked.name.replace('_', '-')}-{asked.period.first}-to-{asked.period.last}"
        if form == "csv":
            return download(csv_file(report.columns, rows, language=language), name=title, form="csv")
        sheet = xlsx_file(report.columns, rows, language=language, title=report.title.told(language))
        return download(sheet, name=title, form="xlsx")

    return site


# What is asked


def _choices(db: Db) -> Choices:
    return Choices(regions=visitor.regions(db), courses=courses_page(db, after="", limit=MOST_COURSES))


def _name(text: str) -> Name:
    found = next((name for name in NAMES if name == text), None)
    if found is None:
        raise NotFound
    return found


def _question(name: Name, choices: Choices, today: date) -> Question:
    course = request.args.get("course") or None
    if course is not None and course not in {row.id for row in choices.courses}:
        raise NotFound
    return Question(name=name, period=_period(today), region=chosen_region(choices.regions), course=course)


def _period(today: date) -> Period:
    """Return the days that were asked for, this month if none were; raises Incomplete."""
    month = _month(today)
    try:
        first = date.fromisoformat(request.args.get("from") or f"{month.first}")
        last = date.fromisoformat(request.args.get("to") or f"{month.last}")
        period = Period(first, last)
    except ValueError:
        raise Incomplete("wrong_days", "The last day comes after the first.") from None
    if not date.min.year + 1 < first.year <= last.year < date.max.year - 1:
        raise Incomplete("wrong_days", "There are no such days.")
    if (last - first).days >= MOST_DAYS:
        raise Incomplete("too_many_days", f"Ask for {MOST_DAYS} days at most.")
    return period


def _month(today: date) -> Period:
    return Period(*days_of(f"{today:%Y-%m}"))


def _report(db: Db, asked: Question, now: datetime) -> Report[Any]:
    regions = visitor.within(asked.region)
    return REPORTS[asked.name](db, Asked(period=asked.period, regions=regions, course_id=asked.course, now=now))


# What is shown


def _sheet(db: Db, report: Report[Any], courses: Sequence[CourseRow], language: Language) -> dict[str, Any]:
    table, about = report.table(), dict(report.about)
    titles = {row.id: row.title_zh if language == "zh" else row.title for row in courses}
    names: Names = dict.fromkeys(PEOPLE, _called(db, report, "{name}")) | {"course_id": titles}
    target = about.get("target")
    cells = [
        [_shown(cell, column, names, target, language) for cell, column in zip(row, table.columns, strict=True)]
        for row in (*table.rows[:MOST_ROWS], *table.totals)
    ]
    kept = len(cells) - len(table.totals)
    return {
        "columns": [Heading(column, language, _is_numeric(place, cells)) for place, column in enumerate(table.columns)],
        "rows": cells[:kept],
        "totals": cells[kept:],
        "count": len(table.rows),
        "unit": unit_named(str(about["unit"]), language) if "unit" in about else None,
        "target": target,
    }


def _is_numeric(place: int, cells: Sequence[Sequence[Shown]]) -> bool:
    return any(row[place].number for row in cells)


def _called(db: Db, report: Report[Any], form: str) -> dict[str, str]:
    """Return what people in a report are called; who has been erased stays an opaque id."""
    people = people_by_id(db, people_in(report.table()))
    return {id: form.format(name=row.name, number=row.number) for id, row in people.items()}


def _shown(cell: Cell, column: Column, names: Names, target: Cell, language: Language) -> Shown:
    text = names.get(column.key, {}).get(str(cell)) or str(column.told(cell, language))
    if cell is None or text == "":
        return Shown(text="–")
    if isinstance(cell, bool):
        return Shown(text=text, tone="go" if cell else "stop")
    kind = column.key.rpartition(".")[2]
    if isinstance(cell, Decimal) and kind in BARS:
        short = kind in HELD and isinstance(target, Decimal) and cell < target
        return Shown(
            text=text, bar=max(Decimal(0), min(cell, Decimal(100))), tone="stop" if short else "go", number=True
        )
    return Shown(text=text, number=isinstance(cell, int | Decimal))


def _page(wrong_code: str | None, **values: Any) -> AnyResponse:
    language = browser.language()
    words = {
        "say": lambda key, **given: report_texts.say(key, language, **given),
        "titles": {name: text.told(language) for name, text in report_texts.TITLES.items()},
        "about": {name: text.told(language) for name, text in report_texts.ABOUT.items()},
        "most": MOST_ROWS,
    }
    rendered = render_template("reports/page.html", wrong_code=wrong_code, **values, **visitor.words(language) | words)
    return make_response(rendered, 422 if wrong_code else 200)
