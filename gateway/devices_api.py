"""Devices for programs: registered by a one-time code, confirmed, set up, rolled and revoked; and what they owe."""

from typing import Annotated, Any
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from gateway import devices
from gateway.api import Instant, RecordId, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.devices import Direction, Stage
from gateway.fields import Id, Reason
from gateway.reach import actor, chosen, found, named, reaches
from gateway.things import (
    CHANGE,
    READ,
    IdPath,
    ListQuery,
    NextAfter,
    OfRegion,
    blueprint,
    cut,
    kept,
    place,
    placed,
)
from ledger import dead_letters, holes
from ledger.database import Ledger
from ledger.devices import device_of_stream, devices_page
from ledger.holes import Hole
from ledger.tables import DeviceRow, RoomRow

DEVICES = Tag(name="devices", description="Which kiosks there are, who lets them in, and what they still owe.")
MOST_NUMBER = 2**53 - 1
"""The largest whole number that every program reads as it was written."""

Fingerprint = Annotated[str | None, Field(description="null before it is confirmed: it is read off the kiosk itself.")]
Waiting = Annotated[int | None, Field(description="Check-ins that wait on it for a receipt; null: it never said.")]
LastAssigned = Annotated[int | None, Field(description="The last number that it has given to a check-in.")]
Trouble = Annotated[str | None, Field(description="What its screen says is wrong, like `camera_lost`; more may come.")]
DeadLetters = Annotated[int, Field(description="How much of what it sent could not be processed.")]


class Device(BaseModel):
    """A kiosk."""

    id: str
    name: str = Field(description="As it has introduced itself.")
    room: str
    region: str
    state: Stage
    fingerprint: Fingerprint
    direction: Direction
    faces: bool
    share_faces: bool
    registered_at: Instant
    confirmed_at: Instant | None
    revoked_at: Instant | None
    seen_at: Instant | None
    waiting: Waiting
    last_assigned: LastAssigned
    trouble: Trouble
    dead_letters: DeadLetters


class Devices(BaseModel):
    """Some devices, in order of their ids."""

    devices: list[Device]
    next_after: NextAfter


class CodeBody(Body):
    """Which room a kiosk is to stand in."""

    room: Id


class RegistrationCode(BaseModel):
    """What is typed on the kiosk; nobody can read it from here again."""

    code: str
    room: str
    expires_at: Instant


class ConfirmBody(Body):
    """What the kiosk itself shows; blanks, hyphens and capitals are no matter."""

    fingerprint: Id


def _not_sent() -> Any:
    # Never read: `model_fields_set` says what was sent. As a factory, it is no default in the document either.
    return None


class SetUpBody(Body):
    """What is to be otherwise; what is left out stays."""

    direction: Direction = Field(
        default_factory=_not_sent, description="auto: in or out, as the learner was last seen."
    )
    faces: bool = Field(default_factory=_not_sent, description="Whether it may recognise faces.")
    share_faces: bool = Field(
        default_factory=_not_sent, description="Whether it may share faces with the region's other kiosks; needs faces."
    )


class MissingNumbers(BaseModel):
    """Numbers that a kiosk has given out and that have not come."""

    stream: UUID
    device: str
    first: int
    last: int
    since: Instant
    alert: bool = Field(description="They have been missing for a quarter of an hour or longer: somebody should look.")


class Holes(BaseModel):
    """Some of what is missing, in order of streams and numbers."""

    holes: list[MissingNumbers]
    next_after: NextAfter


class WriteOffBody(Body):
    """What is given up: everything of the stream that is missing, up to a number."""

    stream: RecordId
    upto: int = Field(ge=1, le=MOST_NUMBER)
    reason: Reason


class WriteOff(BaseModel):
    """What was given up; what of it arrives later all the same is entered."""

    stream: UUID
    first: int
    last: int
    reason: str


SCOPES: dict[str, Scope] = {
    "devices_api.list_devices": "devices:read",
    "devices_api.device": "devices:read",
    "devices_api.missing": "devices:read",
    "devices_api.make_code": "devices:write",
    "devices_api.confirm": "devices:write",
    "devices_api.set_up": "devices:write",
    "devices_api.roll": "devices:write",
    "devices_api.revoke": "devices:write",
    "devices_api.write_off": "devices:write",
}


def devices_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of devices."""
    api = blueprint("devices_api", DEVICES, ledger, clock, SCOPES)

    @api.get("/devices", responses={200: Devices}, summary="List devices")
    def list_devices(query: OfRegion) -> Response:
        """Give devices, of all regions of the key or of one, with what they last said."""
        with ledger.read() as db:
            rows = devices_page(db, chosen(query.region), after=query.after, limit=query.limit + 1)
            page, next_after = cut(rows, query.limit, lambda row: row[0].id)
            letters = dead_letters.counts(db, [device.id for device, _ in page])
        shown = [_device(device, room, letters.get(device.id, 0)) for device, room in page]
        return said(Devices(devices=shown, next_after=next_after))

    @api.get("/devices/<id>", responses={200: Device, **READ}, summary="Read a device")
    def device(path: IdPath) -> Response:
        """Give one device."""
        with ledger.read() as db:
            return said(_shown(db, _reached(db, path.id)))

    @api.post("/devices/codes", responses={201: RegistrationCode, **CHANGE}, summary="Make a registration code")
    def make_code(body: CodeBody) -> Response:
        """Make a code with which one kiosk registers for this room: once, for 15 minutes and five tries."""
        now = clock()
        with ledger.begin() as db:
            named(db.get(RoomRow, body.room), f"room {body.room!r}", _place)
            code = devices.make_code(db, body.room, actor=actor(), now=now)
        made = RegistrationCode(code=code, room=body.room, expires_at=now + devices.CODE_LIFE)
        return kept(made, new=True)

    @api.post("/devices/<id>/confirm", responses={200: Device, **CHANGE}, summary="Confirm a device")
    def confirm(path: IdPath, body: ConfirmBody) -> Response:
        """Take a device in by the fingerprint that it shows; if it is refused, somebody may stand in between."""
        with ledger.begin() as db:
            _reached(db, path.id)
            row = devices.confirm(db, path.id, body.fingerprint, actor=actor(), now=clock())
            return said(_shown(db, row))

    @api.patch("/devices/<id>", responses={200: Device, **CHANGE}, summary="Set a device up")
    def set_up(path: IdPath, body: SetUpBody) -> Response:
        """Change how a device works."""
        wanted = {name: getattr(body, name) for name in body.model_fields_set}
        with ledger.begin() as db:
            _reached(db, path.id)
            return said(_shown(db, devices.set_up(db, path.id, **wanted, actor=actor(), now=clock())))

    @api.post("/devices/<id>/roll", responses={200: Device, **CHANGE}, summary="Roll a device's broker password")
    def roll(path: IdPath) -> Response:
        """End a device's broker password; it fetches a new one by itself, and its check-ins wait until then."""
        with ledger.begin() as db:
            _reached(db, path.id)
            return said(_shown(db, devices.roll(db, path.id, actor=actor(), now=clock())))

    @api.post("/devices/<id>/revoke", responses={200: Device, **CHANGE}, summary="Revoke a device")
    def revoke(path: IdPath) -> Response:
        """Shut a device out now and for good; doing so twice is doing so once."""
        with ledger.begin() as db:
            _reached(db, path.id)
            return said(_shown(db, devices.revoke(db, path.id, actor=actor(), now=clock())))

    @api.get("/holes", responses={200: Holes}, summary="List what is missing")
    def missing(query: ListQuery) -> Response:
        """Give the numbers that kiosks have given out and that have not come, at most the first 100 of a stream."""
        behind = placed(query.after, 2)
        with ledger.read() as db:
            within = {device.id for device, _ in devices_page(db, chosen(None))}
            listed = sorted((hole for hole in holes.holes(db) if hole.device_id in within), key=_of_hole)
        rows = [hole for hole in listed if _of_hole(hole) > behind]
        page, next_after = cut(rows, query.limit, lambda hole: place(*_of_hole(hole)))
        now = clock()
        return said(
            Holes(holes=[_hole(hole, alert=now - hole.since >= holes.ALERT) for hole in page], next_after=next_after)
        )

    @api.post("/holes/write-off", responses={200: WriteOff, **CHANGE}, summary="Give up what is missing")
    def write_off(body: WriteOffBody) -> Response:
        """Stop waiting for numbers that their kiosk no longer has, or that was revoked because it is lost."""
        with ledger.begin() as db:
            device = device_of_stream(db, body.stream)
            named(device, f"stream {body.stream}", lambda device: db.get_one(RoomRow, device.room_id).region_id)
            row = holes.write_off(db, **dict(body), actor=actor(), now=clock())
            return said(WriteOff(stream=row.stream, first=row.first, last=row.last, reason=row.reason))

    return api


def _reached(db: Db, id: str) -> DeviceRow:
    row = db.get(DeviceRow, id)
    room = db.get_one(RoomRow, row.room_id) if row else None
    return found(row if room and reaches(room.region_id) else None, "device")


def _place(row: RoomRow) -> str:
    return row.region_id


def _of_hole(hole: Hole) -> tuple[str, ...]:
    """Name a hole so that names come in the order of the numbers."""
    return str(hole.stream), f"{hole.first:019}"


def _shown(db: Db, row: DeviceRow) -> Device:
    return _device(row, db.get_one(RoomRow, row.room_id), dead_letters.counts(db, [row.id]).get(row.id, 0))


def _device(row: DeviceRow, room: RoomRow, letters: int) -> Device:
    state = row.state or {}
    return Device(
        id=row.id,
        name=row.name,
        room=room.id,
        region=room.region_id,
        state=devices.stage(row),
        fingerprint=row.fingerprint if row.confirmed_at else None,
        direction=row.direction,  # type: ignore[arg-type]  # set_up checked it
        faces=row.faces,
        share_faces=row.share_faces,
        registered_at=row.registered_at,
        confirmed_at=row.confirmed_at,
        revoked_at=row.revoked_at,
        seen_at=row.seen_at,
        waiting=state.get("count"),
        last_assigned=state.get("last_assigned"),
        trouble=state.get("trouble"),
        dead_letters=letters,
    )


def _hole(hole: Hole, *, alert: bool) -> MissingNumbers:
    return MissingNumbers(
        stream=hole.stream, device=hole.device_id, first=hole.first, last=hole.last, since=hole.since, alert=alert
    )
