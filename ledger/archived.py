"""Questions about the learner archive that lives here: what has arrived in it, and what is still on its way."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.deliveries import UNANSWERED
from ledger.delivery_tables import ArchivedRow, DeliveryRow
from ledger.tables import HourRecordRow, PersonRow

LOCAL = "local"
"""The target under which deliveries to it are queued."""


def people_in(db: Db, *, search: str = "", offset: int = 0, limit: int = 50) -> Sequence[PersonRow]:
    """Return the people who have something in the archive, by name; `search` is a part of a name or number."""
    query = sa.select(PersonRow).where(sa.exists().where(ArchivedRow.person_id == PersonRow.id))
    if search:
        found = PersonRow.name.icontains(search, autoescape=True) | PersonRow.number.startswith(search, autoescape=True)
        query = query.where(found)
    return db.scalars(query.order_by(PersonRow.name, PersonRow.id).offset(offset).limit(limit)).all()


def archived(db: Db, people: Collection[str]) -> Sequence[ArchivedRow]:
    """Return every record of these people, reversals too."""
    query = sa.select(ArchivedRow).where(ArchivedRow.person_id.in_(people))
    return db.scalars(query.order_by(ArchivedRow.received_at, ArchivedRow.hour_record_id)).all() if people else []


def on_the_way(db: Db, person_id: str) -> int:
    """Count what the ledger has for somebody and the archive has not got yet."""
    query = (
        sa.select(sa.func.count())
        .select_from(DeliveryRow)
        .join(HourRecordRow, HourRecordRow.id == DeliveryRow.hour_record_id)
        .where(HourRecordRow.person_id == person_id, DeliveryRow.target == LOCAL, DeliveryRow.state.in_(UNANSWERED))
    )
    return db.scalar(query) or 0
