"""The page on which admins let kiosks in, look after them and shut them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.wrappers import Response as AnyResponse

from gateway import browser, device_texts, devices, visitor
from gateway.clock import Clock
from gateway.day import TROUBLES
from gateway.devices import DIRECTIONS, Stage
from gateway.settings import GatewaySettings
from gateway.tasks import Wrong, frame_of_staff
from ledger import dead_letters, holes
from ledger.database import Ledger
from ledger.decisions import MOST_REASON
from ledger.devices import devices_page
from ledger.holes import Hole
from ledger.people import rooms
from ledger.refusals import NotPossible, Unknown
from ledger.tables import DeviceRow, RegionRow, RoomRow

NEW = "new"
"""The form of a code."""
DONE = ("confirmed", "changed", "rolled", "revoked", "written_off")
ORDER: tuple[Stage, ...] = ("unconfirmed", "confirmed", "revoked")
"""What somebody has to do something about comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A device as the page shows it."""

    row: DeviceRow
    room: RoomRow
    region: RegionRow
    stage: Stage
    state: Mapping[str, Any]
    trouble: str | None
    letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A code that was just made, with what is typed on the kiosk."""

    code: str
    room: str
    gateway: str
    until: datetime
    minutes: int


def device_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of devices."""
    site = Blueprint("devices", __name__, url_prefix="/devices")
    visitor.receive(site, settings)

    @site.get("")
    def everything() -> AnyResponse:
        return _everything()

    @site.post("/codes")
    def make_code() -> AnyResponse:
        now, room = clock(), request.form.get("room", "")
        try:
            with ledger.begin() as db:
                code = devices.make_code(db, room, actor=_actor(), now=now)
                name = db.get_one(RoomRow, room).name
        except NotPossible as error:
            return _refused(NEW, error)
        return _everything(made=_new_code(code, name, settings, now))

    @site.post("/<id>/confirm")
    def confirm(id: str) -> AnyResponse:
        typed = request.form.get("fingerprint", "")
        return _done(id, "confirmed", lambda db: devices.confirm(db, id, typed, actor=_actor(), now=clock()))

    @site.post("/<id>")
    def set_up(id: str) -> AnyResponse:
        wanted: dict[str, Any] = {"direction": request.form.get("direction", "")}
        wanted |= {name: name in request.form for name in ("faces", "share_faces")}
        return _done(id, "changed", lambda db: devices.set_up(db, id, **wanted, actor=_actor(), now=clock()))

    @site.post("/<id>/roll")
    def roll(id: str) -> AnyResponse:
        return _done(id, "rolled", lambda db: devices.roll(db, id, actor=_actor(), now=clock()))

    @site.post("/<id>/revoke")
    def revoke(id: str) -> AnyResponse:
        return _done(id, "revoked", lambda db: devices.revoke(db, id, actor=_actor(), now=clock()))

    @site.post("/holes/<uuid:stream>")
    def write_off(stream: UUID) -> AnyResponse:
        upto = request.form.get("upto", 0, int)
        # PostgreSQL takes no NUL.
        reason = request.form.get("reason", "").replace("\0", "")[:MOST_REASON]

        def act(db: Db) -> None:
            holes.write_off(db, stream, upto, actor=_actor(), reason=reason, now=clock())

        return _done(f"{stream}-{upto}", "written_off", act)

    def _done(form: str, done: str, act: Callable[[Db], object]) -> AnyResponse:
        try:
            with ledger.begin() as db:
                act(db)
        except NotPossible as error:
            return _refused(form, error)
        return redirect(url_for("devices.everything", done=done), 303)

    def _refused(form: str, error: NotPossible) -> AnyResponse:
        if isinstance(error, Unknown):
            raise error
        return _everything(
            wrong=Wrong(form=form, code=error.code, status=visitor.status_of(error), written=request.form)
        )

    def _everything(*, wrong: Wrong | None = None, made: NewCode | None = None) -> Response:
        now, done, language = clock(), request.args.get("done"), browser.language()
        with ledger.read() as db:
            values = _found(db, now) | frame_of_staff(db)
        values |= {"wrong": wrong, "done": done if done in DONE and not wrong else None, "made": made, "now": now}
        values["shown"] = {NEW, *(one.row.id for one in values["known"])}
        words = {"say": lambda key, **given: device_texts.say(key, language, **given)}
        page = render_template(
            "devices/all.html", zone=ZoneInfo(settings.zone), **values, **visitor.words(language) | words
        )
        return make_response(page, wrong.status if wrong else 200)

    return site


def _found(db: Db, now: datetime) -> dict[str, Any]:
    regions = visitor.regions(db)
    known = _known(db, {region.id: region for region in regions})
    return {
        "known": known,
        "missing": _missing(db, {one.row.id: one for one in known}, now),
        "places": [(region, sorted(rooms(db, region.id).values(), key=lambda room: room.name)) for region in regions],
        "directions": DIRECTIONS,
        "most_reason": MOST_REASON,
        "minutes": {"code": _minutes(devices.CODE_LIFE), "alert": _minutes(holes.ALERT)},
    }


def _known(db: Db, regions: Mapping[str, RegionRow]) -> list[Known]:
    rows = devices_page(db, list(regions))
    letters = dead_letters.counts(db, [row.id for row, _ in rows])
    found = [_device(row, room, regions[room.region_id], letters.get(row.id, 0)) for row, room in rows]
    return sorted(found, key=lambda one: (ORDER.index(one.stage), one.row.name, one.row.id))


def _device(row: DeviceRow, room: RoomRow, region: RegionRow, letters: int) -> Known:
    state, stage = row.state or {}, devices.stage(row)
    trouble = None if stage == "revoked" else state.get("trouble")
    return Known(
        row=row,
        room=room,
        region=region,
        stage=stage,
        state=state,
        trouble=trouble if trouble is None or trouble in TROUBLES else "other",
        letters=letters,
    )


def _missing(db: Db, known: Mapping[str, Known], now: datetime) -> list[tuple[Hole, Known]]:
    found = holes.holes(db, before=now - holes.ALERT)
    return [(hole, known[hole.device_id]) for hole in found if hole.device_id in known]


def _new_code(code: str, room: str, settings: GatewaySettings, now: datetime) -> NewCode:
    return NewCode(
        code=code,
        room=room,
        gateway=settings.url,
        until=now + devices.CODE_LIFE,
        minutes=_minutes(devices.CODE_LIFE),
    )


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds()) // 60


def _actor() -> str:
    return f"account:{visitor.account().id}"
