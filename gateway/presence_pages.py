"""A presence check on the pages that a learner has open: asked every few seconds, answered with one button."""

from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from gateway import browser, visitor
from gateway.asking import question_to
from gateway.clock import Clock
from gateway.phone import phone_words
from gateway.settings import GatewaySettings
from ledger import presence
from ledger.database import Ledger
from ledger.refusals import NotPossible

FAILED = {400: "form_over", 401: "signed_out"}


def presence_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of presence checks."""
    site = Blueprint("presence", __name__)

    @site.after_request
    def keep(response: Response) -> Response:
        browser.remember_language(response, secure=settings.secure)
        response.headers["Cache-Control"] = "no-store"
        return response

    @site.get("/my/check")
    def asked() -> AnyResponse:
        """Answer with the question of this moment, or with nothing; when it comes is told to nobody before."""
        with ledger.read() as db:
            question = question_to(db, visitor.learner().id, now=clock())
        if question is None:
            return Response(status=204)
        token = browser.form_token(g.learner_token)
        return make_response(render_template("phone/check.html", question=question, form_token=token))

    @site.post("/my/check/<id>")
    def answer(id: str) -> AnyResponse:
        now = clock()  # Before the unit of work, which may have to wait for others: the learner has pressed by now.
        with ledger.begin() as db:
            presence.answer(db, id, visitor.learner().id, now=now)
        return redirect(url_for("phone.my", done="answered"), 303)

    @site.errorhandler(NotPossible)
    def refused(error: NotPossible) -> AnyResponse:
        return _message(error.code, visitor.status_of(error))

    @site.errorhandler(HTTPException)
    def failed(error: HTTPException) -> AnyResponse:
        status = error.code or 500
        return _message(FAILED.get(status, "failed"), status)

    @site.context_processor
    def words() -> dict[str, Any]:
        return phone_words()

    return site


def _message(key: str, status: int) -> AnyResponse:
    return make_response(render_template("phone/message.html", key=key, back="phone.my"), status)
