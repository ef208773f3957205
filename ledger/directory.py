"""Questions about people by the company's own numbers, and what they have agreed to."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger import face_boxes
from ledger.audit import note
from ledger.plan import Regions, within
from ledger.tables import ConsentRow, PersonRow


def by_number(db: Db, number: str) -> PersonRow | None:
    """Return the person with this personnel number."""
    return db.scalar(sa.select(PersonRow).where(PersonRow.number == number))


def id_of(db: Db, number: str | None) -> str | None:
    """Return the id of whom a filter names by number; of nobody it is one that no person has, so nothing is found."""
    if number is None:
        return None
    return db.scalar(sa.select(PersonRow.id).where(PersonRow.number == number)) or ""


def people_page(db: Db, regions: Regions, *, role: str | None, after: str, limit: int) -> Sequence[PersonRow]:
    """Return some people behind a personnel number."""
    query = sa.select(PersonRow).where(PersonRow.number > after, within(PersonRow.region_id, regions))
    query = query.where(PersonRow.role == role) if role is not None else query
    return db.scalars(query.order_by(PersonRow.number).limit(limit)).all()


def consents_of(db: Db, person_id: str) -> Sequence[ConsentRow]:
    """Return what somebody has agreed to, withdrawn or not; oldest first."""
    query = sa.select(ConsentRow).where(ConsentRow.person_id == person_id)
    return db.scalars(query.order_by(ConsentRow.given_at, ConsentRow.id)).all()


def consent(
    db: Db, person: PersonRow, *, purpose: str, version: str, given_at: datetime, actor: str, now: datetime
) -> tuple[ConsentRow, bool]:
    """Enter a consent; the same one twice is one. Says whether it is new."""
    # Locked, so that of two callers with the same consent the second finds it.
    db.get_one(PersonRow, person.id, with_for_update=True)
    told = {"person_id": person.id, "purpose": purpose, "version": version, "given_at": given_at}
    there = db.scalar(sa.select(ConsentRow).filter_by(**told).order_by(ConsentRow.id).limit(1))
    if there:
        return there, False
    row = ConsentRow(id=uuid_utils.compat.uuid7().hex, withdrawn_at=None, **told)
    db.add(row)
    note(db, actor=actor, act="consent given", thing=row.id, at=now, person=person.id, purpose=purpose, version=version)
    db.flush()
    return row, True


def withdraw_consent(db: Db, row: ConsentRow, *, actor: str, now: datetime) -> None:
    """End a consent now; one that has ended stays as it is."""
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        face_boxes.forget_consent(db, row.id)
        note(db, actor=actor, act="consent withdrawn", thing=row.id, at=now, person=row.person_id, purpose=row.purpose)
