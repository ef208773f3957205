"""Questions about staff badges: whose they are, and where their owners may check people in."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.insertion import among
from ledger.tables import BadgeRow, PersonRow, RoomRow, SessionRow

ROLE = "trainer"
"""Whoever has it may hold a staff badge."""


def regions_of_trainers(db: Db, people: Collection[str]) -> dict[str, str]:
    """Return the regions of those of these people who are trainers now."""
    query = sa.select(PersonRow.id, PersonRow.region_id).where(PersonRow.id.in_(people), PersonRow.role == ROLE)
    return dict(db.execute(query).all()) if people else {}


def regions_of_rooms(db: Db, rooms: Collection[str]) -> dict[str, str]:
    """Say which region each of these rooms belongs to."""
    query = sa.select(RoomRow.id, RoomRow.region_id).where(among(db, RoomRow.id, rooms))
    return dict(db.execute(query).all()) if rooms else {}


def trainers_of(db: Db, sessions: Collection[str]) -> dict[str, str | None]:
    """Say who gives each of these sessions."""
    query = sa.select(SessionRow.id, SessionRow.trainer_id).where(among(db, SessionRow.id, sessions))
    return dict(db.execute(query).all()) if sessions else {}


def on_duty(
    db: Db, region_id: str, trainers: Collection[str], *, now: datetime
) -> Sequence[tuple[PersonRow, list[UUID]]]:
    """Return who may check people in in a region: its trainers and those who give its sessions, with their badges."""
    query = (
        sa.select(PersonRow, BadgeRow.id)
        .join(BadgeRow, BadgeRow.person_id == PersonRow.id)
        .where(
            PersonRow.role == ROLE,
            sa.or_(PersonRow.region_id == region_id, PersonRow.id.in_(trainers)),
            BadgeRow.staff.is_(True),
            BadgeRow.revoked_at.is_(None),
            sa.or_(BadgeRow.expires_at.is_(None), BadgeRow.expires_at >= now),
        )
        .order_by(PersonRow.id, BadgeRow.id)
    )
    found: dict[str, tuple[PersonRow, list[UUID]]] = {}
    for person, badge in db.execute(query):
        found.setdefault(person.id, (person, []))[1].append(badge)
    return list(found.values())
