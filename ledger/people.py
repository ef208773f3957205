"""Questions about people, their places and their badges."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.pair_tables import PairRow
from ledger.tables import BadgeRow, ConsentRow, PersonRow, RegionRow, RoomRow


def people_by_id(db: Db, ids: Collection[str]) -> dict[str, PersonRow]:
    """Return these people; who has been erased is missing."""
    return {row.id: row for row in db.scalars(sa.select(PersonRow).where(PersonRow.id.in_(ids)))} if ids else {}


def numbers(db: Db, ids: Collection[str]) -> dict[str, str]:
    """Return the company's personnel numbers of these people, without loading their names."""
    query = sa.select(PersonRow.id, PersonRow.number).where(PersonRow.id.in_(ids))
    return dict(db.execute(query).all()) if ids else {}


def find(db: Db, name: str) -> PersonRow | None:
    """Return the person with this id or personnel number; the id goes first."""
    return db.get(PersonRow, name) or db.scalar(sa.select(PersonRow).where(PersonRow.number == name))


def regions(db: Db) -> Sequence[RegionRow]:
    """Return every region, in order of their ids."""
    return db.scalars(sa.select(RegionRow).order_by(RegionRow.id)).all()


def rooms(db: Db, region_id: str) -> dict[str, RoomRow]:
    """Return the rooms of a region."""
    return {row.id: row for row in db.scalars(sa.select(RoomRow).where(RoomRow.region_id == region_id))}


def good_badges(db: Db, people: Collection[str]) -> dict[str, list[UUID]]:
    """Return the badges of these people that nobody has revoked; staff badges are none of a learner."""
    query = sa.select(BadgeRow.person_id, BadgeRow.id).where(
        BadgeRow.person_id.in_(people), BadgeRow.revoked_at.is_(None), BadgeRow.staff.is_(False)
    )
    badges: dict[str, list[UUID]] = {}
    for person, badge in db.execute(query.order_by(BadgeRow.id)) if people else ():
        badges.setdefault(person, []).append(badge)
    return badges


def partners_among(db: Db, people: Collection[str]) -> dict[str, list[str]]:
    """Return who of these people learn in pairs with each other."""
    query = sa.select(PairRow.clerk_id, PairRow.manager_id).where(
        PairRow.clerk_id.in_(people), PairRow.manager_id.in_(people)
    )
    partners: dict[str, list[str]] = {}
    # Two may be a pair of several programs.
    for clerk, manager in db.execute(query.distinct().order_by(PairRow.clerk_id, PairRow.manager_id)) if people else ():
        partners.setdefault(clerk, []).append(manager)
        partners.setdefault(manager, []).append(clerk)
    return partners


def revoked_badges(db: Db, now: datetime) -> Sequence[UUID]:
    """Return the revoked badges whose own time is not over yet, of all regions: people travel."""
    query = sa.select(BadgeRow.id).where(
        BadgeRow.revoked_at.is_not(None), sa.or_(BadgeRow.expires_at.is_(None), BadgeRow.expires_at >= now)
    )
    return db.scalars(query.order_by(BadgeRow.id)).all()


def badges(db: Db, person_id: str | None = None) -> Sequence[BadgeRow]:
    """Return the badges of a person or of all (None), oldest first."""
    query = sa.select(BadgeRow).order_by(BadgeRow.issued_at, BadgeRow.id)
    return db.scalars(query if person_id is None else query.where(BadgeRow.person_id == person_id)).all()


def withdrawn_consents(db: Db, purpose: str, *, since: datetime) -> Sequence[str]:
    """Return the ids of the consents to a purpose that were withdrawn since a time, of all regions: people travel."""
    query = sa.select(ConsentRow.id).where(ConsentRow.purpose == purpose, ConsentRow.withdrawn_at >= since)
    return db.scalars(query.order_by(ConsentRow.id)).all()


def standing_consents(db: Db, people: Collection[str], purpose: str) -> dict[str, str]:
    """Return the ids of the consents to a purpose that these people have given and not withdrawn; the last one each."""
    query = sa.select(ConsentRow.person_id, ConsentRow.id).where(
        ConsentRow.person_id.in_(people), ConsentRow.purpose == purpose, ConsentRow.withdrawn_at.is_(None)
    )
    ordered = query.order_by(ConsentRow.given_at, ConsentRow.id)
    return dict(db.execute(ordered).all()) if people else {}
