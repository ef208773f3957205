"""The page on which admins print badges."""

import io
from functools import partial
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gateway import badge_cards, badge_texts, browser, visitor
from gateway.badge_sheet import Card, draw
from gateway.clock import Clock
from gateway.keys import Keys
from gateway.settings import GatewaySettings
from gateway.tasks import Wrong, frame_of_staff
from ledger.database import Ledger
from ledger.refusals import Incomplete, NotPossible

MOST = 300
"""Badges at once: drawing them takes seconds, and somebody waits."""
FILE = "badges.pdf"


def badge_pages(ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of printed badges."""
    site = Blueprint("badges", __name__, url_prefix="/badges")
    visitor.receive(site, settings)

    @site.get("")
    def choose() -> AnyResponse:
        return _page()

    @site.post("")
    def sheet() -> AnyResponse:
        try:
            cards = _cards()
        except NotPossible as error:
            return _page(Wrong(form="sheet", code=error.code, status=visitor.status_of(error), written=request.form))
        pdf = io.BytesIO()
        draw(cards, pdf)
        response = Response(pdf.getvalue(), content_type="application/pdf")
        response.headers["Content-Disposition"] = f'attachment; filename="{FILE}"'
        return response

    def _cards() -> list[Card]:
        form, staff = request.form, bool(request.form.get("staff"))
        with ledger.begin() as db:
            chosen = badge_cards.people(
                db,
                persons=[line.strip() for line in form.get("people", "").splitlines() if line.strip()] or None,
                session=form.get("session", "").strip() or None,
                region=form.get("region") or None,
                staff=staff,
            )
            if len(chosen) > MOST:
                raise Incomplete("too_many_badges", f"{len(chosen)} badges are more than {MOST}")
            organisation = form.get("organisation", "").strip() or None
            shown = badge_cards.cards(
                db,
                chosen,
                keys,
                actor=f"account:{visitor.account().id}",
                now=clock(),
                organisation=organisation,
                staff=staff,
            )
        return [Card(**card) for card in shown]

    def _page(wrong: Wrong | None = None) -> Response:
        language = browser.language()
        with ledger.read() as db:
            values: dict[str, Any] = {"regions": visitor.regions(db), **frame_of_staff(db)}
        words = visitor.words(language) | {"say": partial(_say, language)}
        page = render_template("badges.html", wrong=wrong, done=None, **values, **words)
        return make_response(page, wrong.status if wrong else 200)

    return site


def _say(language: Any, key: str, **values: object) -> str:
    return badge_texts.say(key, language, **values)
