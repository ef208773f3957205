"""Badges for HR: listed without their codes, issued with the code once, revoked."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field

from gateway import badges
from gateway.api import Instant, RecordId, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.fields import When
from gateway.keys import Keys
from gateway.people_api import person_at
from gateway.reach import actor, found, reaches
from gateway.things import CHANGE, PEOPLE, READ, NumberPath, blueprint, kept
from ledger import people
from ledger.database import Ledger
from ledger.refusals import Incomplete
from ledger.tables import BadgeRow, PersonRow


class BadgePath(BaseModel):
    """Which badge."""

    id: RecordId


class BadgeBody(Body):
    """What badge is wanted."""

    expires_at: When | None = Field(None, description="null: it is good until it is revoked.")
    staff: bool = Field(False, description="A staff badge, with which a trainer checks others in at a kiosk.")


class IssuedBadge(BaseModel):
    """A badge, without its code."""

    id: UUID
    personnel_number: str
    issued_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    staff: bool


class NewBadge(IssuedBadge):
    """A badge with its code; nobody can read the code from here again."""

    text: str = Field(description="What the QR code says.")
    svg: str = Field(description="The QR code, to print.")


class Badges(BaseModel):
    """Every badge of a person, oldest first."""

    badges: list[IssuedBadge]


SCOPES: dict[str, Scope] = {
    "badges_api.badges_of": "people:read",
    "badges_api.issue": "badges:write",
    "badges_api.revoke": "badges:write",
}


def badges_api(ledger: Ledger, keys: Keys, clock: Clock) -> APIBlueprint:
    """Build the routes of badges."""
    api = blueprint("badges_api", PEOPLE, ledger, clock, SCOPES)

    @api.get("/people/<number>/badges", responses={200: Badges, **READ}, summary="List badges")
    def badges_of(path: NumberPath) -> Response:
        """Give every badge of somebody, revoked or not."""
        with ledger.read() as db:
            person = person_at(db, path.number)
            rows = people.badges(db, person.id)
        return said(Badges(badges=[_badge(row, person) for row in rows]))

    @api.post("/people/<number>/badges", responses={201: NewBadge, **CHANGE}, summary="Issue a badge")
    def issue(path: NumberPath, body: BadgeBody) -> Response:
        """Issue a badge; earlier ones stay good until they are revoked. Sent twice, it issues two."""
        now = clock()
        if body.expires_at and body.expires_at <= now:
            raise Incomplete("over", "The badge would be over already; choose a time to come.")
        with ledger.begin() as db:
            person = person_at(db, path.number)
            row = badges.issue(
                db, person.id, keys, actor=actor(), now=now, expires_at=body.expires_at, staff=body.staff
            )
        text = badges.code(row, keys)
        shown = NewBadge(**_badge(row, person).model_dump(), text=text, svg=badges.picture(text).decode())
        return kept(shown, new=True)

    @api.post("/badges/<id>/revoke", responses={200: IssuedBadge, **CHANGE}, summary="Revoke a badge")
    def revoke(path: BadgePath) -> Response:
        """Take a badge's power away now; doing so twice is doing so once."""
        with ledger.begin() as db:
            row = found(db.get(BadgeRow, path.id), "badge")
            person = db.get_one(PersonRow, row.person_id)
            found(row if reaches(person.region_id) else None, "badge")
            row = badges.revoke(db, str(row.id), actor=actor(), now=clock())
        return said(_badge(row, person))

    return api


def _badge(row: BadgeRow, person: PersonRow) -> IssuedBadge:
    return IssuedBadge(
        id=row.id,
        personnel_number=person.number,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        staff=row.staff,
    )
