"""What learning systems have reported, for HR to read: points in tests, satisfaction, progress."""

from datetime import datetime
from typing import Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.api import Instant, said
from gateway.api_keys import Scope
from gateway.clock import Clock
from gateway.fields import Exact, Id
from gateway.reach import chosen
from gateway.things import FACTS, NextAfter, OfRegion, blueprint, cut, place, placed
from ledger import facts
from ledger.database import Ledger
from ledger.directory import id_of
from ledger.pair_tables import ProgressRow
from ledger.refusals import Incomplete
from ledger.tables import ScoreRow


class ScoresQuery(OfRegion):
    """Which scores."""

    number: Id | None = Field(None, description="Only of the person with this personnel number.")
    course: Id | None = None
    kind: Literal["test", "satisfaction"] | None = None


class ProgressQuery(OfRegion):
    """Whose progress."""

    number: Id | None = Field(None, description="Only of the person with this personnel number.")
    program: Id | None = None


class ReportedScore(BaseModel):
    """Points in a test of a course, or how content somebody was with it."""

    person: str
    personnel_number: str
    course: str
    kind: str
    at: Instant
    points: Exact


class Scores(BaseModel):
    """Some scores, by person, course, kind and time."""

    scores: list[ReportedScore]
    next_after: NextAfter


class ReportedProgress(BaseModel):
    """How far somebody is in the courses of a programme."""

    person: str
    personnel_number: str
    program: str
    at: Instant
    percent: Exact


class ProgressList(BaseModel):
    """Some reports of progress, by person, programme and time."""

    progress: list[ReportedProgress]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "facts_api.scores": "facts:read",
    "facts_api.progress": "facts:read",
}


def facts_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of facts."""
    api = blueprint("facts_api", FACTS, ledger, clock, SCOPES)

    @api.get("/scores", responses={200: Scores}, summary="List scores")
    def scores(query: ScoresQuery) -> Response:
        """Give scores of the people of the key's regions."""
        *names, at = placed(query.after, 4)
        with ledger.read() as db:
            rows = facts.scores_page(
                db,
                chosen(query.region),
                person_id=id_of(db, query.number),
                course_id=query.course,
                kind=query.kind,
                after=(names[0], names[1], names[2], _moment(at)) if at else None,
                limit=query.limit + 1,
            )
        page, next_after = cut(rows, query.limit, _place_of_score)
        return said(Scores(scores=[_score(row, number) for row, number in page], next_after=next_after))

    @api.get("/progress", responses={200: ProgressList}, summary="List progress")
    def progress(query: ProgressQuery) -> Response:
        """Give the progress of the people of the key's regions."""
        *names, at = placed(query.after, 3)
        with ledger.read() as db:
            rows = facts.progress_page(
                db,
                chosen(query.region),
                person_id=id_of(db, query.number),
                program_id=query.program,
                after=(names[0], names[1], _moment(at)) if at else None,
                limit=query.limit + 1,
            )
        page, next_after = cut(rows, query.limit, _place_of_progress)
        return said(ProgressList(progress=[_progress(row, number) for row, number in page], next_after=next_after))

    return api


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.utcoffset() is None or not 1 < read.year < 9999:
        raise Incomplete("wrong_after", "Send `after` exactly as `next_after` gave it, or leave it out.")
    return read


def _place_of_score(found: tuple[ScoreRow, str]) -> str:
    row, _ = found
    return place(row.person_id, row.course_id, row.kind, row.at.isoformat())


def _place_of_progress(found: tuple[ProgressRow, str]) -> str:
    row, _ = found
    return place(row.person_id, row.program_id, row.at.isoformat())


def _score(row: ScoreRow, number: str) -> ReportedScore:
    return ReportedScore(
        person=row.person_id,
        personnel_number=number,
        course=row.course_id,
        kind=row.kind,
        at=row.at,
        points=row.points,
    )


def _progress(row: ProgressRow, number: str) -> ReportedProgress:
    return ReportedProgress(
        person=row.person_id, personnel_number=number, program=row.program_id, at=row.at, percent=row.percent
    )
