"""Courses: HR reads them, and keeps them under ids of its own; they are the whole company's."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.api import said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Amount, Exact, Id, Line
from gateway.reach import actor, check_unbound, found
from gateway.things import (
    CHANGE,
    DELETED,
    PLAN,
    READ,
    IdPath,
    ListQuery,
    NewIdPath,
    NextAfter,
    blueprint,
    cut,
    gone,
    kept,
)
from ledger import keeping, places, plan
from ledger.database import Ledger
from ledger.tables import CourseRow


class CourseBody(Body):
    """What a course should be."""

    title: Line
    title_zh: Line
    rule: Id | None = Field(None, description="A credit rule; null: that of the region.")
    pass_mark: Amount | None = Field(None, description="The points of its test from which on it is passed.")


class TaughtCourse(BaseModel):
    """What is taught."""

    id: str
    title: str
    title_zh: str
    rule: str | None
    pass_mark: Exact | None


class Courses(BaseModel):
    """Some courses, in order of their ids."""

    courses: list[TaughtCourse]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "courses_api.courses": "plan:read",
    "courses_api.course": "plan:read",
    "courses_api.put_course": "plan:write",
    "courses_api.delete_course": "plan:write",
}


def courses_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of courses."""
    api = blueprint("courses_api", PLAN, ledger, clock, SCOPES)

    @api.get("/courses", responses={200: Courses}, summary="List courses")
    def courses(query: ListQuery) -> Response:
        """Give the company's courses."""
        with ledger.read() as db:
            rows = plan.courses_page(db, after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.id)
        return said(Courses(courses=[_course(row) for row in page], next_after=next_after))

    @api.get("/courses/<id>", responses={200: TaughtCourse, **READ}, summary="Read a course")
    def course(path: IdPath) -> Response:
        """Give one course."""
        with ledger.read() as db:
            return said(_course(found(db.get(CourseRow, path.id), "course")))

    @api.put("/courses/<id>", responses={200: TaughtCourse, 201: TaughtCourse, **CHANGE}, summary="Keep a course")
    def put_course(path: NewIdPath, body: CourseBody) -> Response:
        """Enter or change a course; another rule has its hours settled again. Needs a key for all regions."""
        check_unbound("Courses")
        with ledger.begin() as db:
            done = places.put_course(db, path.id, **body.model_dump(), actor=actor(), now=clock())
        return kept(_course(done.row), new=done.new)

    @api.delete("/courses/<id>", responses=DELETED, summary="Delete a course")
    def delete_course(path: IdPath) -> Response:
        """Take a course out that nothing refers to. Needs a key for all regions."""
        check_unbound("Courses")
        with ledger.begin() as db:
            row = found(db.get(CourseRow, path.id, with_for_update=True), "course")
            keeping.remove(db, row, row.id, actor=actor(), now=clock())
        return gone()

    return api


def _course(row: CourseRow) -> TaughtCourse:
    return TaughtCourse(id=row.id, title=row.title, title_zh=row.title_zh, rule=row.rule, pass_mark=row.pass_mark)
