"""The phone's pages: from a session's code to a receipt, for learners; none of it needs JavaScript."""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response as AnyResponse

from attendance.direction import Direction
from attendance.presence_check import ANSWER_WITHIN
from attendance.reasons import Reason
from attendance.reasons import text as reason_text
from attendance.session import MINUTE
from gateway import badges, browser, learners, session_code, texts, tickets
from gateway.accounts import token_hash
from gateway.asking import Question, question_to
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
from protocol.badge import LIFE

PER_BROWSER = 5
PER_ADDRESS = 100
"""Wrong typed codes in a quarter of an hour; a whole class may stand behind one address."""
LONGEST_CODE = 32
HOME = "/my"
NEXT_BADGE = 10  # seconds; a code that is shown has most of its life before it
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


class Phone:
    """The routes of the phone's pages, over what they stand on; wrong tries are counted in this process."""

    def __init__(self, ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> None:
        self._ledger, self._keys, self._settings, self._clock = ledger, keys, settings, clock
        self._cookies = Cookies(settings.secure)
        self._browser_cookie = "__Host-tandem_browser" if settings.secure else "tandem_browser"
        self._session_cookie = learners.cookie_name(secure=settings.secure)
        self._door = Door()
        self._typed_tries, self._all_typed_tries = Limit(most=PER_BROWSER), Limit(most=PER_ADDRESS)

    def blueprint(self) -> Blueprint:
        """Say which address leads where."""
        site = Blueprint("phone", __name__)
        site.before_request(self.who)
        site.after_request(self.keep)
        site.get("/c/<token>")(self.scanned)
        site.get("/c")(self.type_code)
        site.post("/c")(self.typed)
        site.get("/check-in/<id>")(self.check_in)
        site.get("/check-in/<id>/sign-in")(self.back_to_it)
        site.post("/check-in/<id>/sign-in")(self.sign_in_to)
        site.post("/check-in/<id>")(self.confirm)
        site.get(HOME)(self.my)
        site.get(f"{HOME}/badge")(self.badge)
        site.get(f"{HOME}/sign-in")(self.sign_in)
        site.post(f"{HOME}/sign-in")(self.signing_in)
        site.post(f"{HOME}/sign-out")(self.sign_out)
        site.errorhandler(Stop)(self.stopped)
        site.errorhandler(HTTPException)(self.failed)
        site.context_processor(phone_words)
        return site

    def who(self) -> None:
        g.browser = request.cookies.get(self._browser_cookie) or secrets.token_urlsafe(32)

    def keep(self, response: Response) -> Response:
        browser.remember_language(response, secure=self._settings.secure)
        self._cookies.put(response, self._browser_cookie, g.browser)
        response.headers["Cache-Control"] = "no-store"
        return response

    # From a code to a ticket

    def scanned(self, token: str) -> AnyResponse:
        if _is_only_looking():
            return Response(status=204)
        found = session_code.read(self._keys.session, token, self._clock())
        if isinstance(found, session_code.Bad):
            raise Stop(found.reason)
        return self._traded(found.session)

    def type_code(self) -> AnyResponse:
        return _page("type.html")

    def typed(self) -> AnyResponse:
        browser.check_form(_secret())
        now, address = self._clock(), request.remote_addr or ""
        who = g.learner.id if g.learner else token_hash(g.browser)
        name = f"{who} {address}"
        if wait := max(self._typed_tries.wait(name, now), self._all_typed_tries.wait(address, now)):
            raise Stop("too_many_tries", wait=wait)
        with self._ledger.read() as db:
            sessions = phones.sessions_between(db, now - NEAR, now + NEAR)
        session = session_code.session_of(
            self._keys.session, sessions, request.form.get("code", "")[:LONGEST_CODE], now
        )
        if session is None:
            self._typed_tries.failed(name, now)
            self._all_typed_tries.failed(address, now)
            return _page("type.html", status=STATUS["typed_wrong"], wrong="typed_wrong")
        self._typed_tries.passed(name)
        return self._traded(session)

    def _traded(self, session: str) -> AnyResponse:
        with self._ledger.begin() as db:
            ticket = tickets.trade(db, session, self._here(), now=self._clock())
        if isinstance(ticket, str):
            raise Stop(ticket)
        # The code must not stay in the address, where it would be passed on with the page.
        return redirect(url_for("phone.check_in", id=ticket.id), 303)

    # From a ticket to a receipt

    def check_in(self, id: str) -> AnyResponse:
        ticket = self._ticket(id)
        if g.learner is None:
            return self._sign_in_page(ticket)
        return self._receipt(ticket) if ticket.used_at else self._confirm(ticket)

    def back_to_it(self, id: str) -> AnyResponse:
        return redirect(url_for("phone.check_in", id=id))

    def sign_in_to(self, id: str) -> AnyResponse:
        ticket = self._ticket(id)
        return self._signing_in(url_for("phone.check_in", id=id), lambda **more: self._sign_in_page(ticket, **more))

    def confirm(self, id: str) -> AnyResponse:
        ticket = self._ticket(id)
        if g.learner is None:
            return self._sign_in_page(ticket)
        browser.check_form(_secret())
        if ticket.used_at:
            return redirect(url_for("phone.check_in", id=id), 303)
        direction = self._direction(ticket)
        if direction is None:
            return self._confirm(ticket, status=400)
        with self._ledger.begin() as db:
            tickets.check_in(db, ticket, g.learner, direction, browser=self._here(), now=self._clock())
        return redirect(url_for("phone.check_in", id=id), 303)

    def _direction(self, ticket: TicketRow) -> Direction | None:
        chosen = request.form.get("direction")
        if chosen in ("in", "out"):
            return "in" if chosen == "in" else "out"
        return self._offer(ticket).direction

    def _ticket(self, id: str) -> TicketRow:
        """Return this browser's ticket, used or still good."""
        with self._ledger.read() as db:
            ticket = db.get(TicketRow, UUID(id)) if UUID_TEXT.fullmatch(id) else None
        if ticket is None:
            raise Stop("ticket_unknown")
        if ticket.browser_hash != token_hash(g.browser):
            raise Stop("other_browser")
        if ticket.used_at is None and self._clock() > ticket.expires_at:
            raise Stop("ticket_over")
        if ticket.used_at and g.learner and ticket.person_id != g.learner.id:
            raise Stop("other_person")
        return ticket

    def _offer(self, ticket: TicketRow) -> Offer:
        with self._ledger.read() as db:
            offer = tickets.offer(db, ticket, g.learner)
        return offer or _stop("no_session_now")

    def _confirm(self, ticket: TicketRow, *, status: int = 200) -> AnyResponse:
        offer = self._offer(ticket)
        return _page("confirm.html", status=status, ticket=ticket, offer=offer, zone=ZoneInfo(offer.session.zone))

    def _receipt(self, ticket: TicketRow) -> AnyResponse:
        offer = self._offer(ticket)
        with self._ledger.read() as db:
            record = db.get(CheckInRow, ticket.id) or _stop("ticket_unknown")
        return _page(
            "receipt.html",
            question=self._question(),
            ticket=ticket,
            offer=offer,
            record=record,
            code=session_code.receipt(self._keys.session, record.id),
            zone=ZoneInfo(offer.session.zone),
        )

    # Signing in

    def my(self) -> AnyResponse:
        if g.learner is None:
            return redirect(url_for("phone.sign_in"))
        return _page("my.html", question=self._question(), answered=request.args.get("done") == "answered")

    def badge(self) -> AnyResponse:
        if g.learner is None:
            return redirect(url_for("phone.sign_in", next=request.path))
        text = badges.code_of_phone(g.learner.id, self._keys, now=self._clock())
        drawn = "data:image/svg+xml;base64," + b64encode(badges.picture(text)).decode()
        return _page("badge.html", qr=drawn, every=NEXT_BADGE, life=int(LIFE.total_seconds()))

    def _question(self) -> Question | None:
        with self._ledger.read() as db:
            return question_to(db, g.learner.id, now=self._clock())

    def sign_in(self) -> AnyResponse:
        return redirect(_next()) if g.learner else self._sign_in_page(None)

    def signing_in(self) -> AnyResponse:
        return self._signing_in(_next(), lambda **more: self._sign_in_page(None, **more))

    def sign_out(self) -> AnyResponse:
        browser.check_form(_secret())
        with self._ledger.begin() as db:
            learners.sign_out(db, request, self._clock())
        response = make_response(redirect(_next(), 303))
        self._cookies.drop(response, self._session_cookie)
        return response

    def _signing_in(self, then: str, again: Callable[..., AnyResponse]) -> AnyResponse:
        browser.check_form(_secret())
        number, pin = request.form.get("number", ""), request.form.get("pin", "")
        made = self._door.sign_in(
            self._ledger, number, pin, address=request.remote_addr or "", now=self._clock(), old=learners.token(request)
        )
        if isinstance(made, NotSignedIn):
            response = make_response(
                again(status=STATUS[made.reason], wrong=made.reason, wait=made.wait, number=number)
            )
            if made.wait:
                response.headers["Retry-After"] = str(made.wait)
            return response
        response = make_response(redirect(then, 303))
        self._cookies.put(response, self._session_cookie, made)
        return response

    def _sign_in_page(self, ticket: TicketRow | None, *, status: int = 200, **values: Any) -> AnyResponse:
        sitting = None
        if ticket:
            with self._ledger.read() as db:
                sitting = phones.sitting(db, ticket.session_id)
        zone = ZoneInfo(sitting.row.zone) if sitting else None
        return _page("sign_in.html", status=status, ticket=ticket, sitting=sitting, zone=zone, then=_next(), **values)

    def _here(self) -> Browser:
        return tickets.where(
            self._keys.session,
            token_hash(g.browser),
            request.remote_addr or "127.0.0.1",
            self._settings.shared_addresses,
        )

    # What went wrong

    def stopped(self, stop: Stop) -> AnyResponse:
        response = _message(stop.key, STATUS[stop.key], wait=stop.wait)
        if stop.wait:
            response.headers["Retry-After"] = str(stop.wait)
        return response

    def failed(self, error: HTTPException) -> AnyResponse:
        key = "form_over" if isinstance(error, BadRequest) and error.description == "form_over" else "failed"
        return _message(key, error.code or 500)


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
        "minutes_to_answer": ANSWER_WITHIN // MINUTE,
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
