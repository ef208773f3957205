"""The learner's inbox: notices in the reader's language, with the names put in as they are read."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse

from gateway import visitor
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from gateway.tasks import frame_of_learner, page
from gateway.told import lines
from ledger.database import Ledger
from ledger.inbox import mark_read, notices_of
from ledger.tables import RegionRow


def inbox_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of the inbox."""
    site = Blueprint("inbox", __name__)
    visitor.receive(site, settings)

    @site.get("/my/inbox")
    def read() -> AnyResponse:
        learner, now = visitor.learner(), clock()
        with ledger.read() as db:
            zone = ZoneInfo(db.get_one(RegionRow, learner.region_id).zone)
            values = {"lines": lines(db, notices_of(db, learner.id)), "zone": zone, **frame_of_learner(db, learner)}
        return page("tasks/inbox.html", now=now, **values)

    @site.post("/my/inbox/read")
    def marked() -> AnyResponse:
        learner = visitor.learner()
        with ledger.begin() as db:
            mark_read(db, learner.id, upto=_instant(request.form.get("upto", "")), now=clock())
        return redirect(url_for("inbox.read", done="read"), 303)

    return site


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest from None
    if instant.utcoffset() is None:
        raise BadRequest
    return instant
