"""Who may use which route: one table, looked up before every request; a route that it does not name opens to nobody."""

import logging
from collections.abc import Callable
from typing import Literal

from flask import Flask, abort, g, redirect, request, url_for
from flask_openapi3.blueprint import APIBlueprint
from werkzeug.exceptions import Forbidden, Unauthorized

from gateway import browser, learners, visitor
from gateway.accounts import token_hash
from gateway.browser import Cookies
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from ledger.accounts import account_of
from ledger.database import Ledger

log = logging.getLogger(__name__)

Need = Literal["nothing", "itself", "browser", "learner", "staff", "decider", "admin", "either"]
"""What a route asks for:

* nothing    it is the same for everybody, and nobody is looked at
* itself     it is for programs, and looks at their key or signature
* browser    anybody; who has signed in is known, and the route guards its forms by a cookie of its own
* learner    a learner who has signed in
* staff      an account: the things of its regions
* decider    an account that may decide: a trainer, an admin
* admin      an account that may do everything, everywhere
* either     an account or a learner; the route says which of them may see what
"""

RIGHTS: dict[str, Need] = {
    # What is the same for everybody
    "static": "nothing",
    "health": "nothing",
    "openapi": "nothing",
    "try_it": "nothing",
    "swagger_file": "nothing",
    # Programs: a kiosk signs every request but its first, which shows a code
    "device": "itself",
    # Signing in
    "pages.home": "browser",
    "pages.sign_in": "browser",
    "pages.signing_in": "browser",
    "pages.sign_out": "browser",
    "pages.set_up": "browser",
    "pages.setting_up": "browser",
    "pages.by_link": "browser",
    "pages.coming_by_link": "browser",
    "pages.choose": "browser",
    "pages.choosing": "browser",
    # Phones: the way from a code to a receipt begins before anybody has signed in
    "phone.scanned": "browser",
    "phone.type_code": "browser",
    "phone.typed": "browser",
    "phone.check_in": "browser",
    "phone.back_to_it": "browser",
    "phone.sign_in_to": "browser",
    "phone.confirm": "browser",
    "phone.my": "browser",
    "phone.badge": "browser",
    "phone.sign_in": "browser",
    "phone.signing_in": "browser",
    "phone.sign_out": "browser",
    # Learners
    "tasks.mine": "learner",
    "tasks.hand_in": "learner",
    "inbox.read": "learner",
    "inbox.marked": "learner",
    "presence.asked": "learner",
    "presence.answer": "learner",
    "archive.mine": "learner",
    "tasks.file": "either",
    # Staff
    "pages.day": "staff",
    "pages.board": "staff",
    "corrections.review": "staff",
    "corrections.learner": "staff",
    "corrections.decide": "decider",
    "tasks.all_tasks": "staff",
    "tasks.accept": "decider",
    "tasks.reject": "decider",
    "tasks.move_due": "decider",
    "archive.people": "staff",
    "reports.page": "staff",
    "reports.file": "staff",
    "archive.person": "staff",
    "session_page.code": "decider",
    "session_page.code_now": "decider",
    # Accounts
    "accounts.everybody": "admin",
    "accounts.create": "admin",
    "accounts.change": "admin",
    "accounts.close": "admin",
    "accounts.link": "admin",
    # Badges
    "badges.choose": "admin",
    "badges.sheet": "admin",
    # Devices
    "devices.everything": "admin",
    "devices.make_code": "admin",
    "devices.confirm": "admin",
    "devices.set_up": "admin",
    "devices.roll": "admin",
    "devices.revoke": "admin",
    "devices.write_off": "admin",
    # Imports
    "imports.everything": "admin",
    "imports.upload": "admin",
    "imports.one": "admin",
    "imports.progress": "admin",
    "imports.land": "admin",
    "imports.drop": "admin",
    "imports.sample": "admin",
}
"""An endpoint, or a whole blueprint, and what it needs."""

PARTS = ("pages.board", "session_page.code_now", "presence.asked", "imports.progress")
"""Parts of pages, which a script fetches: it is told to sign in, not led to the page for it."""

READS_MUCH = ("tasks.hand_in", "imports.upload")
"""Looks at its form itself: until it has allowed so large a body, nobody can read it."""


def guard(app: Flask, ledger: Ledger, settings: GatewaySettings, clock: Clock) -> None:
    """Ask before every request whether it may be made; `g.account` and `g.learner` say who looks."""
    cookies = Cookies(settings.secure)

    @app.before_request
    def check() -> None:
        need = _need(app)
        if need in ("nothing", "itself"):
            return
        g.token, g.learner_token = browser.session_token(cookies), learners.token(request)
        g.account = g.learner = None
        if g.token or g.learner_token:
            with ledger.read() as db:
                g.account = account_of(db, token_hash(g.token), clock()) if g.token else None
                g.learner = learners.signed_in(db, request, clock())
        _CHECKS[need]()
        _check_form(need)


def _need(app: Flask) -> Need:
    endpoint, blueprint = request.endpoint, request.blueprint
    if endpoint is None:
        return "nothing"  # There is no such address, and the answer says so.
    if isinstance(app.blueprints.get(blueprint or ""), APIBlueprint) and app.before_request_funcs.get(blueprint):
        return "itself"
    need = RIGHTS.get(endpoint) or RIGHTS.get(blueprint or "")
    if need is None:
        log.error("the route does not say who may use it, so nobody may", extra={"endpoint": endpoint})
        raise Forbidden("This route does not say who may use it.")
    return need


def _learner() -> None:
    if g.learner is None:
        _ask_to_sign_in(visitor.sign_in_address())


def _staff() -> None:
    if g.account is None and g.learner:
        raise Forbidden("staff_only")
    if g.account is None:
        _ask_to_sign_in(url_for("pages.sign_in"))


def _decider() -> None:
    _staff()
    if g.account.role not in visitor.DECIDE:
        raise Forbidden("viewers_look")


def _admin() -> None:
    _staff()
    if g.account.role != "admin" or g.account.regions is not None:
        raise Forbidden("admins_only")


def _either() -> None:
    if g.account is None:
        _learner()


def _anybody() -> None:
    """Let everybody in."""


_CHECKS: dict[Need, Callable[[], None]] = {
    "browser": _anybody,
    "learner": _learner,
    "staff": _staff,
    "decider": _decider,
    "admin": _admin,
    "either": _either,
}


def _ask_to_sign_in(address: str) -> None:
    if request.method not in ("GET", "HEAD") or request.endpoint in PARTS:
        raise Unauthorized
    abort(redirect(address))


def _check_form(need: Need) -> None:
    """Let nothing be changed by a form that this browser did not get from us."""
    if request.method in ("GET", "HEAD", "OPTIONS") or need == "browser" or request.endpoint in READS_MUCH:
        return
    browser.check_form(g.learner_token if need == "learner" else g.token)
