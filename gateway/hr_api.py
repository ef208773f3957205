"""What HR pulls: hour records by cursor, one of them with its explanation, and what is under review."""

from typing import Any
from uuid import UUID

from flask import Response, g
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from attendance.wording import sentence
from gateway import cursor
from gateway.api import SECURITY, Instant, Limit, NoQuery, RecordId, keyed, said
from gateway.api_keys import Client, Scope
from gateway.clock import Clock
from gateway.hour_records import HourRecord, told
from gateway.keys import Keys
from gateway.problem import Refusal, documented
from ledger import feed, hours
from ledger.database import Ledger
from ledger.people import numbers
from ledger.tables import ReviewRow


class FeedQuery(BaseModel):
    """Where to go on, and how many to give."""

    # A misspelt `cursor` that was ignored would make a client read from the start for ever.
    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(
        None,
        description="`next_cursor` of an earlier answer; without it the feed begins at its start.",
        json_schema_extra={"format": "tandem-cursor"},
    )
    limit: Limit = 100


class RecordPath(BaseModel):
    """Which record."""

    id: RecordId


class Page(BaseModel):
    """A part of the feed."""

    records: list[HourRecord]
    next_cursor: str = Field(description="Always there: come back with it, also when there is no more now.")
    has_more: bool = Field(
        description="Go on at once. A page can be empty although there is more: then it was all of other regions."
    )


class Sentence(BaseModel):
    """Why it is this credit, in one sentence."""

    en: str
    zh: str


class ExplainedRecord(HourRecord):
    """A record with its reasons."""

    sentence: Sentence
    check_ins: list[UUID] = Field(description="The check-ins that were counted.")
    explanation: dict[str, Any] = Field(description="Inputs, rule, every step and outcome: enough to compute it again.")


class Review(BaseModel):
    """A session of one learner that a trainer has to decide; nothing is credited until then."""

    session: str
    person: str
    personnel_number: str | None
    region: str
    reasons: list[str]
    text: Sentence = Field(description="The reasons, in words.")
    check_ins: list[UUID]
    opened_at: Instant


class Reviews(BaseModel):
    """Everything that is under review now."""

    reviews: list[Review]


SCOPES: dict[str, Scope] = {
    "hr.hour_records": "hours:read",
    "hr.hour_record": "hours:read",
    "hr.reviews": "reviews:read",
}


def hr_api(ledger: Ledger, keys: Keys, clock: Clock) -> APIBlueprint:
    """Build the routes under /api/v1."""
    api = APIBlueprint(
        "hr",
        __name__,
        url_prefix="/api/v1",
        abp_tags=[Tag(name="hours", description="Hour records, in the order in which they were entered.")],
        abp_security=SECURITY,
        abp_responses=documented(401, 403, 405, 422),
    )

    keyed(api, ledger, clock, SCOPES)

    @api.get("/hour-records", responses={200: Page, **documented(400, 410)}, summary="Read the feed")
    def hour_records(query: FeedQuery) -> Response:
        """Give the records after a cursor, in the order of the feed."""
        client: Client = g.client
        with ledger.read() as db:
            epoch = feed.epoch(db)
            after = cursor.read(query.cursor, client=client.id, epoch=epoch, key=keys.cursor) if query.cursor else 0
            page = feed.page(db, after=after, limit=query.limit, regions=client.regions)
            known = numbers(db, {row.person_id for _, row in page.records})
        return said(
            Page(
                records=[HourRecord(**told(row, known)) for _, row in page.records],
                next_cursor=cursor.write(page.upto, client=client.id, epoch=epoch, key=keys.cursor),
                has_more=page.more,
            )
        )

    @api.get("/hour-records/<id>", responses={200: ExplainedRecord, **documented(404)}, summary="Explain one record")
    def hour_record(path: RecordPath) -> Response:
        """Give one record with its explanation, also as a sentence, and the check-ins that were counted."""
        client: Client = g.client
        with ledger.read() as db:
            row = hours.record(db, path.id, client.regions)
            if row is None:
                raise Refusal("record-unknown", "Use an `id` from the feed; records of other regions are not shown.")
            known = numbers(db, {row.person_id})
        return said(ExplainedRecord(**told(row, known), **_explained(row.explanation)))

    @api.get("/reviews", responses={200: Reviews}, summary="List what is under review")
    def reviews(query: NoQuery) -> Response:
        """Give every session of a learner for which a trainer has to decide."""
        client: Client = g.client
        with ledger.read() as db:
            rows = hours.reviews(db, client.regions)
            known = numbers(db, {row.person_id for row in rows})
        return said(Reviews(reviews=[_review(row, known) for row in rows]))

    return api


def _explained(explanation: dict[str, Any]) -> dict[str, Any]:
    return {
        "sentence": _sentence(explanation),
        "check_ins": _counted(explanation),
        "explanation": explanation,
    }


def _review(row: ReviewRow, known: dict[str, str]) -> Review:
    return Review(
        session=row.session_id,
        person=row.person_id,
        personnel_number=known.get(row.person_id),
        region=row.region_id,
        reasons=row.reasons,
        text=_sentence(row.explanation),
        check_ins=_counted(row.explanation),
        opened_at=row.opened_at,
    )


def _sentence(explanation: dict[str, Any]) -> Sentence:
    return Sentence(en=sentence(explanation, "en"), zh=sentence(explanation, "zh"))


def _counted(explanation: dict[str, Any]) -> list[UUID]:
    # A joint task or a bonus stands on no check-in.
    return [UUID(fact["check_in"]) for fact in explanation["inputs"].get("facts", ())]
