"""Boxes with faces that wait for a kiosk: put, waiting, taken, and forgotten when they may not be given any more."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.face_tables import FaceBoxRow
from ledger.insertion import among, upsert
from ledger.tables import ConsentRow, DeviceRow, RoomRow

KEYS = ["sender_id", "recipient_id", "person_id"]


def sharing(db: Db, device: DeviceRow) -> Sequence[DeviceRow]:
    """Return the kiosks with which this one may share faces now, in order of their ids; none if it may not itself."""
    if not shares(device):
        return []
    region = sa.select(RoomRow.region_id).where(RoomRow.id == device.room_id).scalar_subquery()
    query = sa.select(DeviceRow).join(RoomRow, RoomRow.id == DeviceRow.room_id)
    others = query.where(DeviceRow.id != device.id, DeviceRow.site == device.site, RoomRow.region_id == region)
    return [other for other in db.scalars(others.order_by(DeviceRow.id)) if shares(other)]


def shares(device: DeviceRow) -> bool:
    """Say whether a kiosk may send and get faces: somebody has confirmed it and switched both on."""
    return bool(device.confirmed_at and not device.revoked_at and device.faces and device.share_faces)


def put(db: Db, row: FaceBoxRow) -> None:
    """Keep a box in place of an older one of the same sender about the same person; a newer one stays."""
    values = {column.name: getattr(row, column.name) for column in FaceBoxRow.__table__.columns}
    upsert(db, FaceBoxRow, [values], keys=KEYS, update=_newer)


def _newer(excluded: Any) -> dict[str, Any]:
    is_newer = excluded.made_at >= FaceBoxRow.made_at
    columns = [column for column in FaceBoxRow.__table__.columns if column.name not in KEYS]
    return {column.name: sa.case((is_newer, excluded[column.name]), else_=column) for column in columns}


def count(db: Db, sender_id: str, recipient_id: str, *, but: str) -> int:
    """Count what waits between two kiosks, but for one person's."""
    query = sa.select(sa.func.count()).select_from(FaceBoxRow)
    query = query.where(FaceBoxRow.sender_id == sender_id, FaceBoxRow.recipient_id == recipient_id)
    return db.scalar(query.where(FaceBoxRow.person_id != but)) or 0


def waiting(
    db: Db, recipient_id: str, sender_id: str, *, after: str, limit: int, now: datetime
) -> Sequence[FaceBoxRow]:
    """Return boxes of one sender behind a name whose consent stands, in order of their names."""
    query = (
        sa.select(FaceBoxRow)
        .join(ConsentRow, ConsentRow.id == FaceBoxRow.consent_id)
        .where(
            FaceBoxRow.recipient_id == recipient_id,
            FaceBoxRow.sender_id == sender_id,
            FaceBoxRow.name > after,
            FaceBoxRow.good_until > now,
            ConsentRow.withdrawn_at.is_(None),
        )
    )
    return db.scalars(query.order_by(FaceBoxRow.name).limit(limit)).all()


def senders(db: Db, recipient_id: str, *, now: datetime) -> frozenset[str]:
    """Return the kiosks of which something waits for this one."""
    query = sa.select(FaceBoxRow.sender_id).where(FaceBoxRow.recipient_id == recipient_id, FaceBoxRow.good_until > now)
    return frozenset(db.scalars(query.distinct()))


def remove(db: Db, recipient_id: str, names: Collection[str]) -> None:
    """Delete boxes that their recipient has done with; another kiosk's are left alone."""
    mine = FaceBoxRow.recipient_id == recipient_id
    db.execute(sa.delete(FaceBoxRow).where(mine, among(db, FaceBoxRow.name, names)))


def forget_consent(db: Db, consent_id: str) -> None:
    """Delete what is on its way under a consent that has ended."""
    db.execute(sa.delete(FaceBoxRow).where(FaceBoxRow.consent_id == consent_id))


def forget(db: Db, *, now: datetime) -> int:
    """Delete what nobody may have any more, and return how many that were."""
    standing = sa.select(ConsentRow.id).where(ConsentRow.withdrawn_at.is_(None))
    revoked = sa.select(DeviceRow.id).where(DeviceRow.revoked_at.is_not(None))
    over = sa.or_(
        FaceBoxRow.good_until <= now,
        FaceBoxRow.consent_id.not_in(standing),
        FaceBoxRow.sender_id.in_(revoked),
        FaceBoxRow.recipient_id.in_(revoked),
    )
    return cast("sa.CursorResult[Any]", db.execute(sa.delete(FaceBoxRow).where(over))).rowcount
