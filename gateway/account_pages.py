"""The page on which admins give and take accounts: roles, regions, one-time links."""

from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.wrappers import Response as AnyResponse

from gateway import account_texts, accounts, browser, visitor
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from gateway.tasks import Wrong, frame_of_staff
from ledger.account_tables import AccountRow
from ledger.accounts import accounts as all_accounts
from ledger.database import Ledger
from ledger.refusals import NotPossible, Unknown

NEW = "new"
"""The form of an account that is not there yet."""
DONE = ("changed", "closed")


def account_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of accounts."""
    site = Blueprint("accounts", __name__, url_prefix="/accounts")
    visitor.receive(site, settings)

    @site.get("")
    def everybody() -> AnyResponse:
        return _everybody()

    @site.post("")
    def create() -> AnyResponse:
        login, role = request.form.get("login", ""), request.form.get("role", "")
        try:
            with ledger.begin() as db:
                row = accounts.create(db, login, None, role=role, regions=_regions(), actor=_actor(), now=clock())
                address = _link(db, row.id)
        except NotPossible as error:
            return _refused(NEW, error)
        return _everybody(address=address, login=row.login)

    @site.post("/<id>")
    def change(id: str) -> AnyResponse:
        role = request.form.get("role", "")
        try:
            with ledger.begin() as db:
                accounts.change(db, id, role=role, regions=_regions(), actor=_actor(), now=clock())
        except NotPossible as error:
            return _refused(id, error)
        return redirect(url_for("accounts.everybody", done="changed"), 303)

    @site.post("/<id>/close")
    def close(id: str) -> AnyResponse:
        try:
            with ledger.begin() as db:
                accounts.close(db, id, actor=_actor(), now=clock())
        except NotPossible as error:
            return _refused(id, error)
        return redirect(url_for("accounts.everybody", done="closed"), 303)

    @site.post("/<id>/link")
    def link(id: str) -> AnyResponse:
        try:
            with ledger.begin() as db:
                address = _link(db, id)
                login = db.get_one(AccountRow, id).login
        except NotPossible as error:
            return _refused(id, error)
        return _everybody(address=address, login=login)

    def _link(db: Db, id: str) -> str:
        token = accounts.link(db, id, "choose", actor=_actor(), now=clock())
        return f"{settings.url}/choose/{token}"

    def _refused(form: str, error: NotPossible) -> AnyResponse:
        if isinstance(error, Unknown):
            raise error
        wrong = Wrong(form=form, code=error.code, status=visitor.status_of(error), written=request.form)
        return _everybody(wrong=wrong)

    def _everybody(*, wrong: Wrong | None = None, **shown: str) -> Response:
        done, language = request.args.get("done"), browser.language()
        with ledger.read() as db:
            values = {"rows": all_accounts(db), "regions": visitor.regions(db), **frame_of_staff(db)}
        values |= {"wrong": wrong, "done": done if done in DONE and not wrong else None, "roles": accounts.ROLES}
        words = {"say": lambda key, **given: account_texts.say(key, language, **given)}
        page = render_template(
            "accounts/all.html", zone=ZoneInfo(settings.zone), **shown, **values, **visitor.words(language) | words
        )
        return make_response(page, wrong.status if wrong else 200)

    return site


def _actor() -> str:
    return f"account:{visitor.account().id}"


def _regions() -> list[str] | None:
    """Read which regions were chosen; neither all nor any is refused, so that nobody is let in by an empty form."""
    return None if request.form.get("reach") == "all" else request.form.getlist("region")
