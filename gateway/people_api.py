"""People and what they have agreed to, for HR."""

from typing import Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from gateway.api import Instant, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import Id, Line, When
from gateway.reach import actor, chosen, found
from gateway.things import CHANGE, PEOPLE, READ, NextAfter, NumberPath, OfRegion, blueprint, cut, kept
from ledger import directory
from ledger.database import Ledger
from ledger.refusals import Incomplete
from ledger.tables import ConsentRow, PersonRow

SHOWN_DIGITS = 3


class PeopleQuery(OfRegion):
    """Which people."""

    role: Literal["clerk", "reserve_manager", "trainer"] | None = None


class ConsentPath(NumberPath):
    """Which consent of whom."""

    id: Id


class Person(BaseModel):
    """A learner or trainer."""

    number: str = Field(description="The company's own; elsewhere it is called `personnel_number`.")
    person: str = Field(description="The opaque id, as in hour records.")
    name: str
    role: str
    region: str
    language: str
    phone: str | None = Field(description="Only its last digits.")


class People(BaseModel):
    """Some people, in order of their numbers."""

    people: list[Person]
    next_after: NextAfter


class ConsentBody(Body):
    """What somebody has agreed to."""

    purpose: Id = Field(description="`face` lets kiosks recognise the person's face.", examples=["face"])
    version: Line = Field(description="Of the text that the person has read.", examples=["2026-01"])
    given_at: When


class Consent(BaseModel):
    """A person's yes to one use of their data."""

    id: str
    purpose: str
    version: str
    given_at: Instant
    withdrawn_at: Instant | None


class Consents(BaseModel):
    """Everything that somebody has agreed to, oldest first."""

    consents: list[Consent]


SCOPES: dict[str, Scope] = {
    "people_api.people": "people:read",
    "people_api.person": "people:read",
    "people_api.consents": "people:read",
    "people_api.consent": "people:write",
    "people_api.withdraw": "people:write",
}


def people_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of people and consents."""
    api = blueprint("people_api", PEOPLE, ledger, clock, SCOPES)

    @api.get("/people", responses={200: People}, summary="List people")
    def people(query: PeopleQuery) -> Response:
        """Give people, of all regions of the key or of one."""
        regions = chosen(query.region)
        with ledger.read() as db:
            rows = directory.people_page(db, regions, role=query.role, after=query.after, limit=query.limit + 1)
        page, next_after = cut(rows, query.limit, lambda row: row.number)
        return said(People(people=[_person(row) for row in page], next_after=next_after))

    @api.get("/people/<number>", responses={200: Person, **READ}, summary="Read a person")
    def person(path: NumberPath) -> Response:
        """Give one person."""
        with ledger.read() as db:
            return said(_person(person_at(db, path.number)))

    @api.get("/people/<number>/consents", responses={200: Consents, **READ}, summary="List consents")
    def consents(path: NumberPath) -> Response:
        """Give what somebody has agreed to, withdrawn or not."""
        with ledger.read() as db:
            rows = directory.consents_of(db, person_at(db, path.number).id)
        return said(Consents(consents=[_consent(row) for row in rows]))

    @api.post("/people/<number>/consents", responses={200: Consent, 201: Consent, **CHANGE}, summary="Enter a consent")
    def consent(path: NumberPath, body: ConsentBody) -> Response:
        """Enter what somebody has agreed to; the same consent sent twice is one."""
        now = clock()
        if body.given_at > now:
            raise Incomplete("in_future", "The time lies in the future; a consent has been given.")
        with ledger.begin() as db:
            who = person_at(db, path.number)
            row, new = directory.consent(db, who, **body.model_dump(), actor=actor(), now=now)
        return kept(_consent(row), new=new)

    @api.post(
        "/people/<number>/consents/<id>/withdraw", responses={200: Consent, **CHANGE}, summary="Withdraw a consent"
    )
    def withdraw(path: ConsentPath) -> Response:
        """End a consent; doing so twice is doing so once."""
        with ledger.begin() as db:
            who = person_at(db, path.number)
            row = db.get(ConsentRow, path.id, with_for_update=True)
            row = found(row if row and row.person_id == who.id else None, "consent")
            directory.withdraw_consent(db, row, actor=actor(), now=clock())
        return said(_consent(row))

    return api


def person_at(db: Db, number: str) -> PersonRow:
    """Return the person of an address whom the key may see; raises Refusal."""
    return found(directory.by_number(db, number), "person", lambda row: row.region_id)


def masked(phone: str | None) -> str | None:
    """Leave the last digits of a number: enough to compare, too few to call."""
    if not phone:
        return None
    shown = phone[-SHOWN_DIGITS:] if len(phone) > 2 * SHOWN_DIGITS else ""
    return "•" * (len(phone) - len(shown)) + shown


def _person(row: PersonRow) -> Person:
    return Person(
        number=row.number,
        person=row.id,
        name=row.name,
        role=row.role,
        region=row.region_id,
        language=row.language,
        phone=masked(row.phone),
    )


def _consent(row: ConsentRow) -> Consent:
    return Consent(
        id=row.id, purpose=row.purpose, version=row.version, given_at=row.given_at, withdrawn_at=row.withdrawn_at
    )
