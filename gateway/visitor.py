"""Who looks at a page: staff with an account, a learner with a PIN, both in one browser, or nobody."""

from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, HTTPException, RequestEntityTooLarge, Unauthorized

from attendance.reasons import Language
from gateway import browser, learners, task_texts
from gateway.accounts import token_hash
from gateway.browser import Cookies
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from ledger.account_tables import AccountRow
from ledger.accounts import account_of
from ledger.database import Ledger
from ledger.refusals import Incomplete, NotAllowed, NotPossible, TooLate, Unknown
from ledger.tables import PersonRow

DECIDE = ("admin", "trainer")
"""The roles of accounts that may decide; the others look."""

STATUS: dict[type[NotPossible], int] = {Unknown: 404, NotAllowed: 403, TooLate: 409, Incomplete: 422}


def recognise(site: Blueprint, ledger: Ledger, settings: GatewaySettings, clock: Clock) -> None:
    """Let every page of a blueprint know who looks, keep nothing in caches, and say "no" in words."""
    cookies = Cookies(settings.secure)

    @site.before_request
    def who() -> None:
        g.token, g.learner_token = browser.session_token(cookies), learners.token(request)
        with ledger.read() as db:
            g.account = account_of(db, token_hash(g.token), clock()) if g.token else None
            g.learner = learners.signed_in(db, request, clock())

    @site.after_request
    def keep(response: Response) -> Response:
        browser.remember_language(response, secure=settings.secure)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @site.errorhandler(NotPossible)
    def refused(error: NotPossible) -> Response:
        return _message(error.code, status_of(error))

    @site.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        status = error.code or 500
        kept = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
        response = _message(_code(error), status)
        response.headers.extend(kept)
        return response


def staff() -> AccountRow:
    """Return the account that looks; a learner is refused, and who has not signed in is asked to."""
    if g.account:
        return g.account  # type: ignore[no-any-return]
    if g.learner:
        raise Forbidden("staff_only")
    if request.method in ("GET", "HEAD"):
        abort(redirect(url_for("pages.sign_in")))
    raise Unauthorized


def decider() -> AccountRow:
    """Return the account that may decide, and check that it meant to."""
    account = staff()
    if account.role not in DECIDE:
        raise Forbidden("viewers_look")
    browser.check_form(g.token)
    return account


def learner() -> PersonRow:
    """Return the learner who looks; who has not signed in is asked to."""
    if g.learner:
        return g.learner  # type: ignore[no-any-return]
    if request.method in ("GET", "HEAD"):
        abort(redirect(sign_in_address()))
    raise Unauthorized


def sign_in_address() -> str:
    """Say where learners sign in; they come back to where they were going."""
    return url_for("phone.sign_in", next=request.path)


def status_of(error: NotPossible) -> int:
    """Say which HTTP status a refusal of the ledger is."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def _code(error: HTTPException) -> str:
    if isinstance(error, RequestEntityTooLarge):
        return "upload_too_large"
    return error.description if error.description in task_texts.KNOWN else f"status_{error.code}"


def _message(code: str, status: int) -> Response:
    language = browser.language()
    detail = task_texts.say(code, language) if code in task_texts.KNOWN else HTTPStatus(status).phrase
    for_learner = request.path.startswith("/my/")
    page = render_template("tasks/message.html", detail=detail, for_learner=for_learner, **words(language))
    return make_response(page, status)


def words(language: Language) -> dict[str, Any]:
    """Return what the templates of these pages speak with."""
    return {
        "say": partial(_say, language),
        "title": lambda thing: thing.title_zh if language == "zh" else thing.title,
        "told": lambda text: _capital(text.told(language)),
        "moment": lambda at, zone: task_texts.moment(at, zone, language),
        "from_now": lambda at, now, zone: task_texts.from_now(at, now, zone, language),
    }


def _say(language: Language, key: str, **values: object) -> str:
    return task_texts.say(key, language, **values)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
