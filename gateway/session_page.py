"""The page that a trainer puts on the wall: the session's code of this moment, and how many are in."""

from base64 import b64encode
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, render_template
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from attendance.assurance import meets
from gateway import badges, browser, day, session_code, visitor
from gateway.asking import question_in
from gateway.clock import Clock
from gateway.keys import Keys
from gateway.phone import HOME, phone_words
from gateway.settings import GatewaySettings
from gateway.tickets import METHOD
from ledger.check_ins import as_rule
from ledger.database import Ledger
from ledger.tables import SessionRow


def session_page(ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of a session's code."""
    site = Blueprint("session_page", __name__)

    @site.after_request
    def keep(response: Response) -> Response:
        browser.remember_language(response, secure=settings.secure)
        response.headers["Cache-Control"] = "no-store"
        return response

    @site.get("/session/<id>/code")
    def code(id: str) -> AnyResponse:
        return make_response(render_template("session/code.html", **_now(id)))

    @site.get("/session/<id>/code/now")
    def code_now(id: str) -> AnyResponse:
        """Answer with the one code of this moment; those of later moments never leave the gateway."""
        return make_response(render_template("session/code_now.html", **_now(id)))

    def _now(id: str) -> dict[str, Any]:
        if not session_code.SESSION.fullmatch(id):
            raise NotFound
        now = clock()
        with ledger.read() as db:
            row = db.get(SessionRow, id)
            if row is None or not visitor.sees(row.region_id):
                raise NotFound
            session, sitting = as_rule(row, frozenset()), day.sitting(db, id, now=now)
            question = question_in(db, id, now=now)
        state = "open"
        if session.cancelled:
            state = "is_cancelled"
        elif METHOD not in session.methods or not meets(METHOD, session.least_assurance):
            state = "no_codes"
        elif now < session.opens_at:
            state = "opens_at"
        elif now > session.closes_at:
            state = "closed_at"
        return {
            "sitting": sitting,
            "session": session,
            "state": state,
            "zone": ZoneInfo(session.zone),
            "leaving": now > session.ends_at,
            "question": question,
            "my_page": f"{_host(settings)}{HOME}",
            **(_code(id, now) if state == "open" else {}),
        }

    def _code(id: str, now: datetime) -> dict[str, Any]:
        address = f"{settings.url}/c/{session_code.token(keys.session, id, now)}"
        typed = session_code.typed(keys.session, id, now)
        return {
            "qr": "data:image/svg+xml;base64," + b64encode(badges.picture(address)).decode(),
            "typed": (typed[:4], typed[4:]),
            "place": f"{_host(settings)}/c",
            "left": session_code.left(now),
            "step": session_code.STEP.total_seconds(),
        }

    @site.errorhandler(HTTPException)
    def failed(error: HTTPException) -> AnyResponse:
        key = {403: "may_not", 404: "not_found"}.get(error.code or 500, "failed")
        return make_response(render_template("session/message.html", key=key), error.code or 500)

    @site.context_processor
    def words() -> dict[str, Any]:
        return phone_words()

    return site


def _host(settings: GatewaySettings) -> str:
    """Return the gateway's address as people type it."""
    return settings.url.partition("://")[2]
