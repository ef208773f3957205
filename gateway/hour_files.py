"""The effective hour records of some days as a file: CSV or XLSX."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field

from attendance.reasons import Language, Text
from attendance.report_table import Cell, Cells, Column
from gateway.api_keys import Scope
from gateway.clock import Clock
from gateway.download import csv_file, documented_file, download, xlsx_file
from gateway.hour_records import Course
from gateway.period import PeriodQuery
from gateway.problem import Refusal
from gateway.reach import client
from gateway.sums_api import HOURS
from gateway.things import blueprint
from ledger import feed
from ledger.database import Ledger
from ledger.effective import ORDER, Asked, more_than, part, place_of
from ledger.people import numbers
from ledger.tables import HourRecordRow

MOST_DAYS = 366
AT_ONCE = 1000
"""So many records are read in one transaction, so that a slow client holds none open."""
MOST_LINES = 100_000
"""An XLSX file is made before it is sent; more lines would keep a server busy for minutes."""

READ = (
    *ORDER,
    HourRecordRow.kind,
    HourRecordRow.course,
    HourRecordRow.minutes,
    HourRecordRow.credit,
    HourRecordRow.unit,
    HourRecordRow.rule,
    HourRecordRow.booked_in,
    HourRecordRow.source_id,
)
TITLE = Text("Hour records", "学时记录")
KINDS: dict[Cell, Text] = {"credit": Text("Credit", "学时"), "bonus": Text("Bonus", "奖励")}
COLUMNS = (
    Column("effective_date", Text("Date", "日期")),
    Column("region", Text("Region", "地区")),
    Column("personnel_number", Text("Personnel number", "工号")),
    Column("person", Text("Person", "人员编号")),
    Column("kind", Text("Kind", "类别"), KINDS),
    Column("course", Text("Course", "课程")),
    Column("starts_at", Text("Start", "开始时间")),
    Column("ends_at", Text("End", "结束时间")),
    Column("place", Text("Place", "地点")),
    Column("minutes", Text("Minutes", "出勤分钟")),
    Column("credit", Text("Credit", "计入数量")),
    Column("unit", Text("Unit", "单位")),
    Column("rule", Text("Rule", "规则")),
    Column("booked_in", Text("Booked in", "入账月份")),
    Column("source", Text("Source", "来源")),
    Column("id", Text("Record", "记录编号")),
)


class FileQuery(PeriodQuery):
    """Which days, and in which language."""

    lang: Language = Field("en", description="The language of headings, words and course titles.")


SCOPES: dict[str, Scope] = {
    "hour_files.as_csv": "hours:read",
    "hour_files.as_xlsx": "hours:read",
}


def hour_files(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of files."""
    api = blueprint("hour_files", HOURS, ledger, clock, SCOPES)

    @api.get("/hour-records.csv", responses=documented_file("csv"), summary="Download hour records as CSV")
    def as_csv(query: FileQuery) -> Response:
        """Give the effective records of these days: UTF-8 with a byte order mark, for Excel and programs alike."""
        rows = lines(ledger, _asked(ledger, query), query.lang)
        return download(csv_file(COLUMNS, rows, language=query.lang), name=_name(query), form="csv")

    @api.get("/hour-records.xlsx", responses=documented_file("xlsx"), summary="Download hour records as XLSX")
    def as_xlsx(query: FileQuery) -> Response:
        """Give the effective records of these days as a sheet with real dates and numbers."""
        asked = _asked(ledger, query)
        with ledger.read() as db:
            if more_than(db, asked, MOST_LINES):
                raise Refusal("value-wrong", f"A sheet takes {MOST_LINES} records: ask for fewer days, or for CSV.")
        file = xlsx_file(COLUMNS, lines(ledger, asked, query.lang), language=query.lang, title=TITLE.told(query.lang))
        return download(file, name=_name(query), form="xlsx")

    return api


def _asked(ledger: Ledger, query: FileQuery) -> Asked:
    first, last = query.days(most=MOST_DAYS)
    with ledger.read() as db:
        upto, _ = feed.head(db)
    return Asked(first=first, last=last, regions=client().regions, upto=upto)


def _name(query: FileQuery) -> str:
    return f"hour-records-{query.name}"


def lines(ledger: Ledger, asked: Asked, language: Language) -> Iterator[Cells]:
    """Read part by part, each in a transaction of its own; as of one feed number they fit together."""
    after = None
    while True:
        with ledger.read() as db:
            rows = part(db, asked, *READ, after=after, limit=AT_ONCE)
            known = numbers(db, {row.person_id for row in rows})
        yield from (_line(row, known, language) for row in rows)
        if len(rows) < AT_ONCE:
            return
        after = place_of(rows[-1])


def _line(row: sa.Row[Any], known: Mapping[str, str], language: Language) -> Cells:
    course = Course.model_validate(row.course)
    return (
        row.effective_date,
        row.region_id,
        known.get(row.person_id),
        row.person_id,
        row.kind,
        course.title_zh if language == "zh" else course.title,
        _local(course.starts_at, course.zone),
        _local(course.ends_at, course.zone),
        course.place,
        row.minutes,
        row.credit,
        row.unit,
        row.rule,
        row.booked_in,
        row.source_id,
        str(row.id),
    )


def _local(instant: datetime | None, zone: str) -> datetime | None:
    """Show the clock of the place; a cell has no zone."""
    return instant and instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
