"""Training programmes: HR reads them, and keeps them under ids of its own."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.api import said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Id, Line
from gateway.reach import actor, chosen, found, named
from gateway.things import (
    CHANGE,
    DELETED,
    PAIRS,
    READ,
    IdPath,
    NewIdPath,
    NextAfter,
    OfRegion,
    blueprint,
    cut,
    gone,
    kept,
)
from ledger import keeping, programs
from ledger.database import Ledger
from ledger.pair_tables import ProgramRow
from ledger.tables import RegionRow


class ProgramBody(Body):
    """What a programme should be."""

    region: Id
    title: Line
    title_zh: Line
    rule: Id = Field(description="A credit rule that came with the program; hours of joint tasks are in its unit.")


class Program(BaseModel):
    """A training programme in which people of two roles learn in pairs."""

    id: str
    region: str
    title: str
    title_zh: str
    rule: str


class Programs(BaseModel):
    """Some programmes, in order of their ids."""

    programs: list[Program]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "programs_api.list_programs": "pairs:read",
    "programs_api.program": "pairs:read",
    "programs_api.put_program": "pairs:write",
    "programs_api.delete_program": "pairs:write",
}


def programs_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of programmes."""
    api = blueprint("programs_api", PAIRS, ledger, clock, SCOPES)

    @api.get("/programs", responses={200: Programs}, summary="List programmes")
    def list_programs(query: OfRegion) -> Response:
        """Give programmes, of all regions of the key or of one."""
        with ledger.read() as db:
            rows = programs.programs_page(db, chosen(query.region), after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.id)
        return said(Programs(programs=[_program(row) for row in page], next_after=next_after))

    @api.get("/programs/<id>", responses={200: Program, **READ}, summary="Read a programme")
    def program(path: IdPath) -> Response:
        """Give one programme."""
        with ledger.read() as db:
            return said(_program(found(db.get(ProgramRow, path.id), "programme", _region)))

    @api.put("/programs/<id>", responses={200: Program, 201: Program, **CHANGE}, summary="Enter or change a programme")
    def put_program(path: NewIdPath, body: ProgramBody) -> Response:
        """Let a programme be so; its region and rule stay once it has pairs."""

        def check(row: ProgramRow) -> None:
            found(row, "programme", _region)

        with ledger.begin() as db:
            named(db.get(RegionRow, body.region), f"region {body.region!r}", lambda row: row.id)
            told = body.model_dump(exclude={"region"})
            done = programs.put_program(
                db, path.id, region_id=body.region, **told, actor=actor(), now=clock(), check=check
            )
        return kept(_program(done.row), new=done.new)

    @api.delete("/programs/<id>", responses=DELETED, summary="Delete a programme")
    def delete_program(path: IdPath) -> Response:
        """Take a programme out that nothing refers to."""
        with ledger.begin() as db:
            row = found(db.get(ProgramRow, path.id, with_for_update=True), "programme", _region)
            keeping.remove(db, row, row.id, actor=actor(), now=clock())
        return gone()

    return api


def _region(row: ProgramRow) -> str:
    return row.region_id


def _program(row: ProgramRow) -> Program:
    return Program(id=row.id, region=row.region_id, title=row.title, title_zh=row.title_zh, rule=row.rule)
