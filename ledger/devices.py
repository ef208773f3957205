"""Questions about devices, and about the sessions that happen around one."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import CourseRow, DeviceRow, RegistrationCodeRow, RoomRow, RosterRow, SessionRow, StreamRow


def locked_code(db: Db, id: str) -> RegistrationCodeRow | None:
    """Return a registration code, locked: of two devices that use it at once, the second finds it used."""
    return db.get(RegistrationCodeRow, id, with_for_update=True)


def device_of_stream(db: Db, stream: UUID) -> DeviceRow | None:
    """Return the device that a stream belongs to."""
    query = sa.select(DeviceRow).join(StreamRow, StreamRow.device_id == DeviceRow.id)
    return db.scalar(query.where(StreamRow.id == stream))


def stations(db: Db) -> Sequence[tuple[DeviceRow, RoomRow]]:
    """Return the devices that nobody has revoked, each with its room, in order of their names."""
    query = sa.select(DeviceRow, RoomRow).join(RoomRow, RoomRow.id == DeviceRow.room_id)
    found = db.execute(query.where(DeviceRow.revoked_at.is_(None)).order_by(DeviceRow.name, DeviceRow.id))
    return [(device, room) for device, room in found]


def devices(db: Db) -> Sequence[DeviceRow]:
    """Return every device, in the order of their registration."""
    return db.scalars(sa.select(DeviceRow).order_by(DeviceRow.registered_at, DeviceRow.id)).all()


def devices_page(
    db: Db, regions: Collection[str] | None, *, after: str = "", limit: int | None = None
) -> Sequence[tuple[DeviceRow, RoomRow]]:
    """Return devices of some regions or all (None) behind an id, each with its room, in order of their ids."""
    query = sa.select(DeviceRow, RoomRow).join(RoomRow, RoomRow.id == DeviceRow.room_id).where(DeviceRow.id > after)
    if regions is not None:
        query = query.where(RoomRow.region_id.in_(regions))
    return [(device, room) for device, room in db.execute(query.order_by(DeviceRow.id).limit(limit))]


def sessions_around(
    db: Db, region_id: str, *, since: datetime, until: datetime
) -> Sequence[tuple[SessionRow, CourseRow]]:
    """Return a region's sessions that end at `since` or later and start until `until`."""
    query = (
        sa.select(SessionRow, CourseRow)
        .join(CourseRow, CourseRow.id == SessionRow.course_id)
        .where(SessionRow.region_id == region_id, SessionRow.ends_at >= since, SessionRow.starts_at <= until)
        .order_by(SessionRow.starts_at, SessionRow.id)
    )
    return [(session, course) for session, course in db.execute(query)]


def rosters(db: Db, session_ids: Collection[str]) -> dict[str, list[str]]:
    """Return who is on the rosters of these sessions, in order of their ids."""
    query = sa.select(RosterRow.session_id, RosterRow.person_id).where(RosterRow.session_id.in_(session_ids))
    found: dict[str, list[str]] = {id: [] for id in session_ids}
    for session, person in db.execute(query.order_by(RosterRow.person_id)) if session_ids else ():
        found[session].append(person)
    return found
