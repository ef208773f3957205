"""Who looks at a page, which regions they may see, and how the pages answer them."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, render_template, request, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, Unauthorized

from attendance.reasons import Language
from gateway import browser, task_texts
from gateway.settings import GatewaySettings
from ledger import people
from ledger.account_tables import AccountRow
from ledger.refusals import Incomplete, NotAllowed, NotPossible, TooLate, Unknown
from ledger.tables import PersonRow, RegionRow

DECIDE = ("admin", "trainer")
"""The roles of accounts that may decide; the others look."""

STATUS: dict[type[NotPossible], int] = {Unknown: 404, NotAllowed: 403, TooLate: 409, Incomplete: 422}


def receive(site: Blueprint, settings: GatewaySettings) -> None:
    """Keep a blueprint's pages out of caches, remember the reader's language, and say "no" in words."""

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


def account() -> AccountRow:
    """Return the account that looks; the table of rights has let it in."""
    if not g.account:
        raise Unauthorized
    return g.account  # type: ignore[no-any-return]


def learner() -> PersonRow:
    """Return the learner who looks; the table of rights has let them in."""
    if not g.learner:
        raise Unauthorized
    return g.learner  # type: ignore[no-any-return]


def sign_in_address() -> str:
    """Say where learners sign in; they come back to where they were going."""
    return url_for("phone.sign_in", next=request.path)


# Regions: what lies in another one is not there


def regions(db: Db) -> list[RegionRow]:
    """Return the regions that the account may see."""
    return [row for row in people.regions(db) if sees(row.id)]


def sees(region_id: str) -> bool:
    """Say whether the account may see this region."""
    theirs = account().regions
    return theirs is None or region_id in theirs


def within(region_id: str | None) -> Sequence[str] | None:
    """Return the regions to look at: the one that was chosen, else all of the account's (None: all there are)."""
    return [region_id] if region_id else account().regions


# Answers


def status_of(error: NotPossible) -> int:
    """Say which HTTP status a refusal of the ledger is."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def _code(error: HTTPException) -> str:
    if isinstance(error, RequestEntityTooLarge):
        return "upload_too_large"
    return error.description if error.description in task_texts.KNOWN else f"status_{error.code}"


def _message(code: str, status: int) -> Response:
    language = browser.language()
    known = next((key for key in (code, f"status_{status}") if key in task_texts.KNOWN), None)
    detail = task_texts.say(known, language) if known else HTTPStatus(status).phrase
    page = render_template("tasks/message.html", detail=detail, **words(language))
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
