"""The pages on which admins bring files in: chosen, checked, looked at, and brought in as a whole or not at all."""

import io
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, jsonify, make_response, redirect, render_template, request, send_file, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from gateway import browser, import_samples, import_texts, visitor
from gateway.clock import Clock
from gateway.import_desk import Desk, Full, TooLarge
from gateway.import_forms import KINDS
from gateway.import_limits import MOST_BYTES
from gateway.import_reading import cleared
from gateway.settings import GatewaySettings
from gateway.tasks import Wrong, frame_of_staff
from ledger import imports
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.people import regions
from ledger.refusals import TooLate

AROUND = 64 * 1024
"""What a form may have around its file."""
SAMPLES = {"csv": import_samples.as_csv, "xlsx": import_samples.as_xlsx}
TONES = {"reading": "wait", "ready": "wait", "wrong": "stop", "lost": "stop", "landed": "go", "dropped": ""}
UPLOAD = "file"
"""The id of the form in which a file is chosen."""


def import_pages(ledger: Ledger, desk: Desk, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of imports."""
    site = Blueprint("imports", __name__, url_prefix="/imports")
    visitor.receive(site, settings)

    @site.get("")
    def everything() -> AnyResponse:
        return _everything()

    @site.post("")
    def upload() -> AnyResponse:
        request.max_content_length = MOST_BYTES + AROUND
        try:
            browser.check_form(g.token)
        except RequestEntityTooLarge:
            return _everything(_wrong("too_large", 413))
        kind, file = request.form.get("kind", ""), request.files.get("file")
        if kind not in KINDS:
            return _everything(_wrong("no_kind", 422))
        if not file or not file.filename:
            return _everything(_wrong("no_file", 422, kind))
        try:
            import_id = desk.take(kind, file.stream, by=_actor(), regions=visitor.account().regions)
        except TooLarge:
            return _everything(_wrong("too_large", 413, kind))
        except Full:
            return _everything(_wrong("full", 503, kind))
        return redirect(url_for("imports.one", id=import_id), 303)

    @site.get("/<id>")
    def one(id: str) -> AnyResponse:
        return _one(id)

    @site.get("/<id>/progress")
    def progress(id: str) -> AnyResponse:
        with ledger.read() as db:
            row = _found(db, id)
        return jsonify(state=_state(row), rows=row.rows, done=row.done, size=row.size)

    @site.post("/<id>/land")
    def land(id: str) -> AnyResponse:
        return _ending(id, imports.land)

    @site.post("/<id>/drop")
    def drop(id: str) -> AnyResponse:
        return _ending(id, imports.drop)

    @site.get("/samples/<kind>.<ending>")
    def sample(kind: str, ending: str) -> AnyResponse:
        if kind not in KINDS or ending not in SAMPLES:
            raise NotFound
        written = SAMPLES[ending](KINDS[kind], browser.language())
        return send_file(
            io.BytesIO(written), import_samples.MEDIA[ending], as_attachment=True, download_name=f"{kind}.{ending}"
        )

    def _ending(id: str, act: Any) -> AnyResponse:
        try:
            with ledger.begin() as db:
                row = act(db, id, actor=_actor(), now=clock())
        except TooLate as error:
            return _one(id, Wrong(form=id, code=error.code, status=visitor.status_of(error), written={}))
        cleared(ledger, row)
        return redirect(url_for("imports.one", id=id), 303)

    def _everything(wrong: Wrong | None = None) -> Response:
        with ledger.read() as db:
            rows = imports.latest(db)
            values = {"latest": rows, "kinds": KINDS, "upload": UPLOAD, **_frame(db)}
        return _page("imports/all.html", wrong, states={row.id: _state(row) for row in rows}, **values)

    def _one(id: str, wrong: Wrong | None = None) -> Response:
        with ledger.read() as db:
            row = _found(db, id)
            values = {"row": row, "state": _state(row), **_frame(db)}
        return _page("imports/one.html", wrong, **values)

    def _state(row: ImportRow) -> str:
        return "lost" if desk.is_lost(row) else row.state

    def _frame(db: Db) -> dict[str, Any]:
        first = next(iter(regions(db)), None)
        return {"zone": ZoneInfo(first.zone if first else settings.zone), "tones": TONES, **frame_of_staff(db)}

    return site


def _found(db: Db, id: str) -> ImportRow:
    row = db.get(ImportRow, id)
    if row is None:
        raise NotFound
    return row


def _actor() -> str:
    return f"account:{visitor.account().id}"


def _wrong(code: str, status: int, kind: str = "") -> Wrong:
    return Wrong(form=UPLOAD, code=code, status=status, written={"kind": kind})


def _page(template: str, wrong: Wrong | None, **values: Any) -> Response:
    language = browser.language()
    words = {
        "say": lambda key, **given: import_texts.say(key, language, **given),
        "kind_name": lambda name: import_texts.kind(name, language),
        "what_to_do": lambda code, about: import_texts.error(code, about, language),
    }
    rendered = render_template(template, wrong=wrong, **values, **visitor.words(language) | words)
    return make_response(rendered, wrong.status if wrong else 200)
