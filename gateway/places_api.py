"""Regions and rooms: HR reads them, and keeps them under ids of its own."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway.api import said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Id, Line
from gateway.reach import actor, check_unbound, chosen, found, named
from gateway.things import (
    CHANGE,
    DELETED,
    PLAN,
    READ,
    IdPath,
    ListQuery,
    NewIdPath,
    NextAfter,
    OfRegion,
    blueprint,
    cut,
    gone,
    kept,
)
from ledger import keeping, places, plan
from ledger.database import Ledger
from ledger.tables import RegionRow, RoomRow


class RegionBody(Body):
    """What a region should be."""

    name: Line
    zone: Id = Field(description="An IANA zone; it says which day it is there.", examples=["Asia/Shanghai"])
    rule: Id = Field(description="The credit rule that holds where nothing closer names another.", examples=["cn-45"])


class Region(BaseModel):
    """A part of the company with its own clock and credit rule."""

    id: str
    name: str
    zone: str
    rule: str


class Regions(BaseModel):
    """Some regions, in order of their ids."""

    regions: list[Region]
    next_after: NextAfter


class RoomBody(Body):
    """What a room should be."""

    region: Id
    name: Line


class Room(BaseModel):
    """A place with a door."""

    id: str
    region: str
    name: str


class Rooms(BaseModel):
    """Some rooms, in order of their ids."""

    rooms: list[Room]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "places_api.regions": "plan:read",
    "places_api.region": "plan:read",
    "places_api.put_region": "plan:write",
    "places_api.delete_region": "plan:write",
    "places_api.rooms": "plan:read",
    "places_api.room": "plan:read",
    "places_api.put_room": "plan:write",
    "places_api.delete_room": "plan:write",
}


def places_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of regions and rooms."""
    api = blueprint("places_api", PLAN, ledger, clock, SCOPES)

    @api.get("/regions", responses={200: Regions}, summary="List regions")
    def regions(query: ListQuery) -> Response:
        """Give the regions of the key."""
        with ledger.read() as db:
            rows = plan.regions_page(db, chosen(None), after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.id)
        return said(Regions(regions=[_region(row) for row in page], next_after=next_after))

    @api.get("/regions/<id>", responses={200: Region, **READ}, summary="Read a region")
    def region(path: IdPath) -> Response:
        """Give one region."""
        with ledger.read() as db:
            return said(_region(found(db.get(RegionRow, path.id), "region", _own)))

    @api.put("/regions/<id>", responses={200: Region, 201: Region, **CHANGE}, summary="Enter or change a region")
    def put_region(path: NewIdPath, body: RegionBody) -> Response:
        """Let a region be so; another rule has its hours settled again. Needs a key for all regions."""
        check_unbound("Regions")
        with ledger.begin() as db:
            done = places.put_region(db, path.id, **body.model_dump(), actor=actor(), now=clock())
        return kept(_region(done.row), new=done.new)

    @api.delete("/regions/<id>", responses=DELETED, summary="Delete a region")
    def delete_region(path: IdPath) -> Response:
        """Take a region out that nothing refers to. Needs a key for all regions."""
        check_unbound("Regions")
        with ledger.begin() as db:
            row = found(db.get(RegionRow, path.id, with_for_update=True), "region", _own)
            keeping.remove(db, row, row.id, actor=actor(), now=clock())
        return gone()

    @api.get("/rooms", responses={200: Rooms}, summary="List rooms")
    def rooms(query: OfRegion) -> Response:
        """Give rooms, of all regions of the key or of one."""
        with ledger.read() as db:
            rows = plan.rooms_page(db, chosen(query.region), after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.id)
        return said(Rooms(rooms=[_room(row) for row in page], next_after=next_after))

    @api.get("/rooms/<id>", responses={200: Room, **READ}, summary="Read a room")
    def room(path: IdPath) -> Response:
        """Give one room."""
        with ledger.read() as db:
            return said(_room(found(db.get(RoomRow, path.id), "room", _place)))

    @api.put("/rooms/<id>", responses={200: Room, 201: Room, **CHANGE}, summary="Enter or change a room")
    def put_room(path: NewIdPath, body: RoomBody) -> Response:
        """Let a room be so."""

        def check(row: RoomRow) -> None:
            found(row, "room", _place)

        with ledger.begin() as db:
            named(db.get(RegionRow, body.region), f"region {body.region!r}", _own)
            wanted = {"region_id": body.region, "name": body.name}
            done = places.put_room(db, path.id, **wanted, actor=actor(), now=clock(), check=check)
        return kept(_room(done.row), new=done.new)

    @api.delete("/rooms/<id>", responses=DELETED, summary="Delete a room")
    def delete_room(path: IdPath) -> Response:
        """Take a room out that nothing refers to."""
        with ledger.begin() as db:
            row = found(db.get(RoomRow, path.id, with_for_update=True), "room", _place)
            keeping.remove(db, row, row.id, actor=actor(), now=clock())
        return gone()

    return api


def _own(row: RegionRow) -> str:
    return row.id


def _place(row: RoomRow) -> str:
    return row.region_id


def _region(row: RegionRow) -> Region:
    return Region(id=row.id, name=row.name, zone=row.zone, rule=row.rule)


def _room(row: RoomRow) -> Room:
    return Room(id=row.id, region=row.region_id, name=row.name)
