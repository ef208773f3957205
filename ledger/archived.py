"""Questions about the learner archive that lives here: what has arrived in it, and what is still on its way."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.deliveries import UNANSWERED
from ledger.delivery_tables import ArchivedRow, DeliveryRow
from ledger.pair_tables import PairRow, ProgramRow
from ledger.tables import HourRecordRow, PersonRow

LOCAL = "local"
"""The target under which deliveries to it are queued."""


def people_in(
    db: Db, regions: Collection[str] | None = None, *, search: str = "", offset: int = 0, limit: int = 50
) -> Sequence[PersonRow]:
    """Return the people of some regions or all (None) who have something in the archive, by name.

    `search` is a part of a name or number.
    """
    there = sa.exists().where(ArchivedRow.person_id == PersonRow.id)
    if regions is not None:
        there = there.where(HourRecordRow.id == ArchivedRow.hour_record_id, HourRecordRow.region_id.in_(regions))
    query = sa.select(PersonRow).where(there)
    if regions is not None:
        query = query.where(PersonRow.region_id.in_(regions))
    if search:
        found = PersonRow.name.icontains(search, autoescape=True) | PersonRow.number.startswith(search, autoescape=True)
        query = query.where(found)
    return db.scalars(query.order_by(PersonRow.name, PersonRow.id).offset(offset).limit(limit)).all()


def archived(db: Db, people: Collection[str], regions: Collection[str] | None = None) -> Sequence[ArchivedRow]:
    """Return every record of these people in some regions or all (None), reversals too."""
    query = sa.select(ArchivedRow).where(ArchivedRow.person_id.in_(people))
    if regions is not None:
        of_hours = HourRecordRow.id == ArchivedRow.hour_record_id
        query = query.join(HourRecordRow, of_hours).where(HourRecordRow.region_id.in_(regions))
    return db.scalars(query.order_by(ArchivedRow.received_at, ArchivedRow.hour_record_id)).all() if people else []


def on_the_way(db: Db, person_id: str, regions: Collection[str] | None = None) -> int:
    """Count what the ledger has for somebody, in some regions or all (None), and the archive has not got yet."""
    query = (
        sa.select(sa.func.count())
        .select_from(DeliveryRow)
        .join(HourRecordRow, HourRecordRow.id == DeliveryRow.hour_record_id)
        .where(HourRecordRow.person_id == person_id, DeliveryRow.target == LOCAL, DeliveryRow.state.in_(UNANSWERED))
    )
    return db.scalar(query if regions is None else query.where(HourRecordRow.region_id.in_(regions))) or 0


def has_elsewhere(db: Db, person_id: str, regions: Collection[str]) -> bool:
    """Say whether somebody has hours, or learns in a pair, outside of these regions."""
    hours = sa.select(HourRecordRow.id).where(
        HourRecordRow.person_id == person_id, HourRecordRow.region_id.not_in(regions)
    )
    pairs = sa.select(PairRow.id).join(ProgramRow, ProgramRow.id == PairRow.program_id)
    pairs = pairs.where(sa.or_(PairRow.clerk_id == person_id, PairRow.manager_id == person_id))
    pairs = pairs.where(ProgramRow.region_id.not_in(regions))
    return any(db.scalar(query.limit(1)) is not None for query in (hours, pairs))
