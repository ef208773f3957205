"""The phone's pages: from a session's code to a receipt, for learners, without a line of JavaScript."""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response as AnyResponse

from attendance.direction import Direction
from attendance.reasons import Reason
from attendance.reasons import text as reason_text
from gateway import browser, learners, session_code, texts, tickets
from gateway.accounts import token_hash
from gateway.browser import Cookies
from gateway.clock import Clock
from gateway.keys import Keys
from gateway.learners import Door, NotSignedIn
from gateway.limits import Limit
from gateway.phone_texts import TEXTS, tell
from gateway.settings import GatewaySettings
from gateway.tickets import Browser, Offer
from ledger import phones
from ledger.check_ins import NEAR
from ledger.database import Ledger
from ledger.tables import CheckInRow, PersonRow, TicketRow

PER_BROWSER = 5
PER_ADDRESS = 100
"""Wrong typed codes in a quarter of an hour; a whole class may stand behind one address."""
LONGEST_CODE = 32
HOME = "/my"
PLACE = re.compile(r"/(\w[^\s\\]*)?", re.ASCII)
"""An address of ours; two slashes, or a slash and a backslash, would lead to somebody else's."""
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
PREFETCH = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")

STATUS = {
    "altered": 400,
    "expired": 410,
    "typed_wrong": 403,
    "no_session_now": 404,
    "session_cancelled": 409,
    "too_early": 409,
    "session_over": 410,
    "ticket_unknown": 404,
    "ticket_over": 410,
    "other_browser": 403,
    "other_person": 403,
    "wrong_pin": 403,
    "too_many_tries": 429,
}


class Stop(Exception):
    """The way ends here, and the page says why."""

    def __init__(self, key: str, *, wait: int = 0) -> None:
        super().__init__(key)
        self.key, self.wait = key, wait


def phone(ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of the phone's pages."""
    site = Blueprint("phone", __name__)
    cookies = Cookies(settings.secure)
    browser_cookie = "__Host-tandem_browser" if settings.secure else "tandem_browser"
    session_cookie = learners.cookie_name(secure=settings.secure)
    door = Door()
    typed_tries, all_typed_tries = Limit(most=PER_BROWSER), Limit(most=PER_ADDRESS)

    @site.before_request
    def who() -> None:
        g.browser = request.cookies.get(browser_cookie) or secrets.token_urlsafe(32)
        g.learner_token, g.learner = learners.token(request), None
        if g.learner_token:
            with ledger.read() as db:
                g.learner = learners.signed_in(db, request, clock())

    @site.after_request
    def keep(response: Response) -> Response:
        browser.remember_language(response, secure=settings.secure)
        cookies.put(response, browser_cookie, g.browser)
        response.headers["Cache-Control"] = "no-store"
        return response

    # From a code to a ticket

    @site.get("/c/<token>")
    def scanned(token: str) -> AnyResponse:
        if _is_only_looking():
            return Response(status=204)
        found = session_code.read(keys.session, token, clock())
        if isinstance(found, session_code.Bad):
            raise Stop(found.reason)
        return _traded(found.session)

    @site.get("/c")
    def type_code() -> AnyResponse:
        return _page("type.html")

    @site.post("/c")
    def typed() -> AnyResponse:
        browser.check_form(_secret())
        now, address = clock(), request.remote_addr or ""
        who = g.learner.id if g.learner else token_hash(g.browser)
        name = f"{who} {address}"
        if wait := max(typed_tries.wait(name, now), all_typed_tries.wait(address, now)):
            raise Stop("too_many_tries", wait=wait)
        with ledger.read() as db:
            sessions = phones.sessions_between(db, now - NEAR, now + NEAR)
        session = session_code.session_of(keys.session, sessions, request.form.get("code", "")[:LONGEST_CODE], now)
        if session is None:
            typed_tries.failed(name, now)
            all_typed_tries.failed(address, now)
            return _page("type.html", status=STATUS["typed_wrong"], wrong="typed_wrong")
        typed_tries.passed(name)
        return _traded(session)

    def _traded(session: str) -> AnyResponse:
        with ledger.begin() as db:
            ticket = tickets.trade(db, session, _here(), now=clock())
        if isinstance(ticket, str):
            raise Stop(ticket)
        # The code must not stay in the address, where it would be passed on with the page.
        return redirect(url_for("phone.check_in", id=ticket.id), 303)

    # From a ticket to a receipt

    @site.get("/check-in/<id>")
    def check_in(id: str) -> AnyResponse:
        ticket = _ticket(id)
        if g.learner is None:
            return _sign_in_page(ticket)
        return _receipt(ticket) if ticket.used_at else _confirm(ticket)

    @site.get("/check-in/<id>/sign-in")
    def back_to_it(id: str) -> AnyResponse:
        return redirect(url_for("phone.check_in", id=id))

    @site.post("/check-in/<id>/sign-in")
    def sign_in_to(id: str) -> AnyResponse:
        ticket = _ticket(id)
        return _signing_in(url_for("phone.check_in", id=id), lambda **more: _sign_in_page(ticket, **more))

    @site.post("/check-in/<id>")
    def confirm(id: str) -> AnyResponse:
        ticket = _ticket(id)
        if g.learner is None:
            return _sign_in_page(ticket)
        browser.check_form(_secret())
        if ticket.used_at:
            return redirect(url_for("phone.check_in", id=id), 303)
        direction = _direction(ticket)
        if direction is None:
            return _confirm(ticket, status=400)
        with ledger.begin() as db:
            tickets.check_in(db, ticket, g.learner, direction, browser=_here(), now=clock())
        return redirect(url_for("phone.check_in", id=id), 303)

    def _direction(ticket: TicketRow) -> Direction | None:
        chosen = request.form.get("direction")
        if chosen in ("in", "out"):
            return "in" if chosen == "in" else "out"
        return _offer(ticket).direction

    def _ticket(id: str) -> TicketRow:
        """Return this browser's ticket, used or still good."""
        with ledger.read() as db:
            ticket = db.get(TicketRow, UUID(id)) if UUID_TEXT.fullmatch(id) else None
        if ticket is None:
            raise Stop("ticket_unknown")
        if ticket.browser_hash != token_hash(g.browser):
            raise Stop("other_browser")
        if ticket.used_at is None and clock() > ticket.expires_at:
            raise Stop("ticket_over")
        if ticket.used_at and g.learner and ticket.person_id != g.learner.id:
            raise Stop("other_person")
        return ticket

    def _offer(ticket: TicketRow) -> Offer:
        with ledger.read() as db:
            offer = tickets.offer(db, ticket, g.learner)
        return offer or _stop("no_session_now")

    def _confirm(ticket: TicketRow, *, status: int = 200) -> AnyResponse:
        offer = _offer(ticket)
        return _page("confirm.html", status=status, ticket=ticket, offer=offer, zone=ZoneInfo(offer.session.zone))

    def _receipt(ticket: TicketRow) -> AnyResponse:
        offer = _offer(ticket)
        with ledger.read() as db:
            record = db.get(CheckInRow, ticket.id) or _stop("ticket_unknown")
        return _page(
            "receipt.html",
            ticket=ticket,
            offer=offer,
            record=record,
            code=session_code.receipt(keys.session, record.id),
            zone=ZoneInfo(offer.session.zone),
        )

    # Signing in

    @site.get(HOME)
    def my() -> AnyResponse:
        return _page("my.html") if g.learner else redirect(url_for("phone.sign_in"))

    @site.get(f"{HOME}/sign-in")
    def sign_in() -> AnyResponse:
        return redirect(_next()) if g.learner else _sign_in_page(None)

    @site.post(f"{HOME}/sign-in")
    def signing_in() -> AnyResponse:
        return _signing_in(_next(), lambda **more: _sign_in_page(None, **more))

    @site.post(f"{HOME}/sign-out")
    def sign_out() -> AnyResponse:
        browser.check_form(_secret())
        with ledger.begin() as db:
            learners.sign_out(db, request, clock())
        response = make_response(redirect(_next(), 303))
        cookies.drop(response, session_cookie)
        return response

    def _signing_in(then: str, again: Callable[..., AnyResponse]) -> AnyResponse:
        browser.check_form(_secret())
        number, pin = request.form.get("number", ""), request.form.get("pin", "")
        made = door.sign_in(
            ledger, number, pin, address=request.remote_addr or "", now=clock(), old=learners.token(request)
        )
        if isinstance(made, NotSignedIn):
            response = make_response(
                again(status=STATUS[made.reason], wrong=made.reason, wait=made.wait, number=number)
            )
            if made.wait:
                response.headers["Retry-After"] = str(made.wait)
            return response
        response = make_response(redirect(then, 303))
        cookies.put(response, session_cookie, made)
        return response

    def _sign_in_page(ticket: TicketRow | None, *, status: int = 200, **values: Any) -> AnyResponse:
        sitting = None
        if ticket:
            with ledger.read() as db:
                sitting = phones.sitting(db, ticket.session_id)
        zone = ZoneInfo(sitting.row.zone) if sitting else None
        return _page("sign_in.html", status=status, ticket=ticket, sitting=sitting, zone=zone, then=_next(), **values)

    def _here() -> Browser:
        return tickets.where(
            keys.session, token_hash(g.browser), request.remote_addr or "127.0.0.1", settings.shared_addresses
        )

    # What went wrong

    @site.errorhandler(Stop)
    def stopped(stop: Stop) -> AnyResponse:
        response = _message(stop.key, STATUS[stop.key], wait=stop.wait)
        if stop.wait:
            response.headers["Retry-After"] = str(stop.wait)
        return response

    @site.errorhandler(HTTPException)
    def failed(error: HTTPException) -> AnyResponse:
        key = "form_over" if isinstance(error, BadRequest) and error.description == "form_over" else "failed"
        return _message(key, error.code or 500)

    @site.context_processor
    def words() -> dict[str, Any]:
        return phone_words()

    return site


def phone_words() -> dict[str, Any]:
    """Return what the templates of phone and session pages speak with."""
    language = browser.language()

    def told(key: str, **values: object) -> str:
        return tell(key, language, **values)

    def at(moment: datetime, zone: ZoneInfo) -> str:
        return f"{moment.astimezone(zone):%H:%M}"

    return {
        "tell": told,
        "at": at,
        "role": _role,
        "in_minutes": lambda seconds: -(-seconds // 60),
        "todo": _todo,
    }


def _role(person: PersonRow) -> str:
    return texts.say(f"role_{person.role}", browser.language())


def _todo(key: str, **values: object) -> str:
    """Say what to do; for the rules' own reasons in their words, which everybody gives alike."""
    if f"{key}_do" in TEXTS:
        return tell(f"{key}_do", browser.language(), **values)
    reason: Reason = key  # type: ignore[assignment]  # every other key is one
    return reason_text(reason, browser.language())


def _is_only_looking() -> bool:
    """Say whether a program asks what is behind a link before a person does; a ticket is not for programs."""
    return request.method == "HEAD" or any("pre" in request.headers.get(name, "").lower() for name in PREFETCH)


def _secret() -> str:
    """Return what the form tokens of this browser come from: who has signed in, else the browser itself."""
    secret: str = g.learner_token if g.learner else g.browser
    return secret


def _next() -> str:
    """Return where to go on after signing in or out: a place of ours."""
    wish = request.values.get("next", "")
    return wish if PLACE.fullmatch(wish) else HOME


def _stop(key: str) -> NoReturn:
    raise Stop(key)


def _message(key: str, status: int, *, wait: int = 0) -> AnyResponse:
    return _page("message.html", status=status, key=key, wait=wait)


def _page(template: str, *, status: int = 200, **values: Any) -> Response:
    token = browser.form_token(_secret())
    return make_response(render_template(f"phone/{template}", form_token=token, learner=g.learner, **values), status)
