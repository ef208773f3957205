"""Reports for HR: as JSON with opaque ids, and as CSV or XLSX with personnel numbers."""

from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.api import said
from gateway.api_keys import Scope
from gateway.clock import Clock
from gateway.download import csv_file, documented_file, download, xlsx_file
from gateway.reach import chosen
from gateway.reporting import FileQuery, Made, ReportQuery, make
from gateway.things import REPORTS, blueprint
from ledger.database import Ledger
from ledger.reports import Name


class ReportPath(BaseModel):
    """Which report."""

    name: Name


class ReportAnswer(BaseModel):
    """A report; docs/api.md says what the names in its rows mean."""

    report: Name
    about: dict[str, Any] = Field(description="What was asked, and against which targets it is held.")
    people: dict[str, str] = Field(description="The personnel number of each person in it, by opaque id.")
    rows: list[dict[str, Any]]
    totals: list[dict[str, Any]]


SCOPES: dict[str, Scope] = {
    "reports_api.report": "reports:read",
    "reports_api.as_csv": "reports:read",
    "reports_api.as_xlsx": "reports:read",
}


def reports_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of reports."""
    api = blueprint("reports_api", REPORTS, ledger, clock, SCOPES)

    @api.get("/reports/<name>", responses={200: ReportAnswer}, summary="Read a report")
    def report(path: ReportPath, query: ReportQuery) -> Response:
        """Give a report on some days, of all regions of the key or of one."""
        made = _made(path, query)
        told = made.report.to_json()
        return said(
            ReportAnswer(
                report=path.name, about=dict(made.about), people=dict(made.people), rows=told["rows"],
                totals=told["totals"],
            )
        )  # fmt: skip

    @api.get("/reports/<name>.csv", responses=documented_file("csv"), summary="Download a report as CSV")
    def as_csv(path: ReportPath, query: FileQuery) -> Response:
        """Give the rows of a report: UTF-8 with a byte order mark, for Excel and programs alike."""
        made = _made(path, query)
        return download(csv_file(made.report.columns, made.rows(), language=query.lang), name=_name(made), form="csv")

    @api.get("/reports/<name>.xlsx", responses=documented_file("xlsx"), summary="Download a report as XLSX")
    def as_xlsx(path: ReportPath, query: FileQuery) -> Response:
        """Give the rows of a report as a sheet with real dates and numbers."""
        made = _made(path, query)
        title = made.report.title.told(query.lang)
        file = xlsx_file(made.report.columns, made.rows(), language=query.lang, title=title)
        return download(file, name=_name(made), form="xlsx")

    def _made(path: ReportPath, query: ReportQuery) -> Made:
        with ledger.read() as db:
            return make(db, path.name, query, chosen(query.region), now=clock())

    return api


def _name(made: Made) -> str:
    return f"{made.name.replace('_', '-')}-{made.about['first']}-to-{made.about['last']}"
