"""The pages: set-up, sign-in and the day."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, TooManyRequests
from werkzeug.wrappers import Response as AnyResponse

from attendance.reasons import Language
from attendance.wording import sentence
from gateway import accounts, browser, task_texts, texts, visitor
from gateway.accounts import LinkKind
from gateway.browser import Cookies
from gateway.clock import Clock
from gateway.day import fleet, look, today
from gateway.limits import Limit
from gateway.settings import GatewaySettings
from ledger.account_tables import AccountRow
from ledger.accounts import forget_browser
from ledger.audit import note
from ledger.database import Ledger
from ledger.refusals import TooLate
from ledger.tables import RegionRow

PER_ACCOUNT = 5
PER_ADDRESS = 30
"""Wrong passwords within a quarter of an hour, for one account from one address and for one address at all."""


def pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of the pages."""
    site = Blueprint("pages", __name__)
    cookies = Cookies(settings.secure)
    tries, all_tries = Limit(most=PER_ACCOUNT), Limit(most=PER_ADDRESS)

    @site.after_request
    def keep(response: Response) -> Response:
        browser.remember_language(response, secure=settings.secure)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # Who it is

    @site.get("/sign-in")
    def sign_in() -> AnyResponse:
        return redirect(url_for("pages.day")) if g.account else _form_page(cookies, "sign_in.html")

    @site.post("/sign-in")
    def signing_in() -> AnyResponse:
        browser.check_form(request.cookies.get(cookies.visit, ""))
        login, now = request.form.get("login", "").strip().lower()[: accounts.LONGEST_LOGIN], clock()
        names = f"{login} {request.remote_addr}", request.remote_addr or ""
        if seconds := max(tries.wait(names[0], now), all_tries.wait(names[1], now)):
            raise TooManyRequests(str(seconds))
        # Only reading: a hash takes a tenth of a second, and SQLite has one writer for everybody.
        with ledger.read() as db:
            account = accounts.with_password(db, login, request.form.get("password", ""))
        if account is None:
            tries.failed(names[0], now)
            all_tries.failed(names[1], now)
            return _form_page(cookies, "sign_in.html", status=403, wrong="wrong_sign_in", login=login)
        with ledger.begin() as db:
            token = accounts.sign_in(db, account, now=now)
        tries.passed(names[0])
        return _signed_in(cookies, token)

    @site.post("/sign-out")
    def sign_out() -> AnyResponse:
        browser.check_form(g.token)
        with ledger.begin() as db:
            forget_browser(db, accounts.token_hash(g.token))
            if g.account:
                note(db, actor=f"account:{g.account.id}", act="signed out", thing=g.account.id, at=clock())
        response = make_response(redirect(url_for("pages.sign_in")))
        cookies.drop(response, cookies.session)
        return response

    # One-time links: opening one shows a form, and only sending that uses it up; mail scanners and chats open links.

    @site.get("/in/<token>")
    def by_link(token: str) -> AnyResponse:
        account = _of_link(token, "in")
        return _form_page(cookies, "by_link.html", login=account.login) if account else _link_over()

    @site.post("/in/<token>")
    def coming_by_link(token: str) -> AnyResponse:
        browser.check_form(request.cookies.get(cookies.visit, ""))
        with ledger.begin() as db:
            account = accounts.by_link(db, token, "in", now=clock())
            new = accounts.sign_in(db, account, now=clock()) if account else None
        return _signed_in(cookies, new) if new else _link_over()

    @site.get("/choose/<token>")
    def choose(token: str) -> AnyResponse:
        account = _of_link(token, "choose")
        return _form_page(cookies, "choose.html", login=account.login) if account else _link_over()

    @site.post("/choose/<token>")
    def choosing(token: str) -> AnyResponse:
        browser.check_form(request.cookies.get(cookies.visit, ""))
        account, password = _of_link(token, "choose"), request.form.get("password", "")
        if account is None:
            return _link_over()
        if wrong := _wrong_choice(account.login, password, request.form.get("again", "")):
            return _form_page(cookies, "choose.html", status=422, wrong=wrong, login=account.login)
        made = accounts.hashed(password)
        with ledger.begin() as db:
            account = accounts.by_link(db, token, "choose", now=clock())
            if account is None:
                return _link_over()
            accounts.choose(db, account, made, now=clock())
            new = accounts.sign_in(db, account, now=clock())
        return _signed_in(cookies, new)

    def _of_link(token: str, kind: LinkKind) -> AccountRow | None:
        with ledger.read() as db:
            return accounts.of_link(db, token, kind, now=clock())

    @site.get("/set-up/<token>")
    def set_up(token: str) -> AnyResponse:
        with ledger.read() as db:
            good = accounts.may_set_up(db, token, now=clock())
        return _form_page(cookies, "set_up.html") if good else _link_over()

    @site.post("/set-up/<token>")
    def setting_up(token: str) -> AnyResponse:
        browser.check_form(request.cookies.get(cookies.visit, ""))
        login, password = request.form.get("login", ""), request.form.get("password", "")
        if wrong := _wrong_choice(login, password, request.form.get("again", "")):
            return _form_page(cookies, "set_up.html", status=422, wrong=wrong, login=login)
        try:
            with ledger.begin() as db:
                account = accounts.set_up(db, token, login, password, now=clock())
                new = accounts.sign_in(db, account, now=clock()) if account else None
        except TooLate:
            # What is wrong with the choice was said above; the roll-back leaves the link as it was.
            return _form_page(cookies, "set_up.html", status=409, wrong="login_taken", login=login)
        return _signed_in(cookies, new) if new else _link_over()

    # The day

    @site.get("/")
    def home() -> AnyResponse:
        return redirect(url_for("phone.my" if g.learner and not g.account else "pages.day"))

    @site.get("/day")
    def day() -> AnyResponse:
        with ledger.read() as db:
            return make_response(render_template("day.html", **_day(db, clock(), settings), account=g.account))

    @site.get("/day/board")
    def board() -> AnyResponse:
        with ledger.read() as db:
            response = make_response(render_template("board.html", **_day(db, clock(), settings)))
        response.headers["Cache-Control"] = "no-cache"
        response.add_etag()
        return response.make_conditional(request)

    @site.app_context_processor
    def words() -> dict[str, Any]:
        return _words(browser.language())

    return site


def error_page(error: HTTPException) -> Response:
    """Say in a page what went wrong; the headers of the error stay."""
    original = error.get_response()
    said = _said(error)
    response = make_response(render_template("message.html", title=said[0], detail=said[1]), original.status_code)
    for name, value in original.headers.items():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _said(error: HTTPException) -> tuple[str, str]:
    language = browser.language()
    if isinstance(error, NotFound):
        return texts.say("not_found", language), ""
    if isinstance(error, TooManyRequests):
        return texts.say("failed", language), texts.say("wait", language, seconds=error.description)
    known = error.description in task_texts.KNOWN or error.description in texts.TEXTS
    return texts.say("failed", language), task_texts.say(str(error.description), language) if known else error.name


def _day(db: Db, now: datetime, settings: GatewaySettings) -> dict[str, Any]:
    listed, within = visitor.regions(db), visitor.within(None)
    region = _region(listed)
    if region is None:
        there = now.astimezone(ZoneInfo(settings.zone))
        return {"day": None, "regions": [], "stations": fleet(db, now, within), "now": there, "date": there.date()}
    here = today(region, now)
    shown = _date() or here
    return {
        "day": look(db, region, shown, now=now),
        "regions": listed,
        "stations": fleet(db, now, within),
        "now": now.astimezone(ZoneInfo(region.zone)),
        "date": shown,
        "is_today": shown == here,
        "before": shown - timedelta(days=1),
        "after": shown + timedelta(days=1),
        "zone": ZoneInfo(region.zone),
    }


def _region(listed: Any) -> RegionRow | None:
    wish = request.args.get("region")
    if wish is None:
        return listed[0] if listed else None
    for row in listed:
        if row.id == wish:
            return row  # type: ignore[no-any-return]
    raise NotFound


def _date() -> date | None:
    text = request.args.get("date")
    try:
        wish = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadRequest from None
    # There is no day before the first one and none after the last, and both are linked to.
    if wish and not date.min.year < wish.year < date.max.year:
        raise BadRequest
    return wish


def _form_page(cookies: Cookies, template: str, *, status: int = 200, **values: Any) -> Response:
    secret = browser.visit_token(cookies)
    response = make_response(render_template(template, form_token=browser.form_token(secret), **values), status)
    cookies.put(response, cookies.visit, secret)
    return response


def _signed_in(cookies: Cookies, token: str) -> Response:
    response = make_response(redirect(url_for("pages.day")))
    cookies.put(response, cookies.session, token)
    cookies.drop(response, cookies.visit)
    return response


def _link_over() -> Response:
    language = browser.language()
    title, detail = texts.say("link_over", language), texts.say("link_over_hint", language)
    return make_response(render_template("message.html", title=title, detail=detail), 410)


def _wrong_choice(login: str, password: str, again: str) -> str | None:
    if password != again:
        return "differ"
    return accounts.wrong_choice(login.strip(), password)


def _words(language: Language) -> dict[str, Any]:
    def say(key: str, **values: object) -> str:
        return texts.say(key, language, **values)

    def ago(at: datetime, now: datetime) -> str:
        minutes = int((now - at).total_seconds()) // 60
        if minutes < 1:
            return say("just_now")
        if minutes < 60:
            return say("minutes_ago", count=minutes)
        return say("hours_ago", count=minutes // 60) if minutes < 2880 else say("days_ago", count=minutes // 1440)

    return {
        "language": language,
        "say": say,
        "reason": lambda code: texts.reason(code, language),
        "sentence": lambda explanation: sentence(explanation, language),
        "day_name": lambda day: texts.day_name(day, language),
        "ago": ago,
        "form_token": browser.form_token(g.token) if g.get("token") else "",
    }
