"""The small cast of every story: Ann and Bo are partners on the roster of order-101; anyone else is a stranger."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from nacl.signing import SigningKey
from sqlalchemy.orm import Session as Db

from gateway.ingest import Arrival
from ledger.database import Ledger
from ledger.tables import (
    BadgeRow,
    CourseRow,
    DeviceRow,
    PersonRow,
    RegionRow,
    RoomRow,
    RosterRow,
    SessionRow,
    StreamRow,
)
from protocol.records import CheckInRecord
from protocol.registration import public
from protocol.wire import new_id
from tests.sqlite import IN_MEMORY, opened

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOON = NINE + timedelta(hours=3)
EVENING = NINE + timedelta(hours=9)
STREAM = UUID("00000000-0000-4000-8000-000000000001")
BOOT = UUID("00000000-0000-4000-8000-0000000000b0")
SITE = "site000000000001"
DEVICE = "device0000000001"
DEVICE_KEY = SigningKey(b"\1" * 32)
GATEWAY_KEY = SigningKey(b"\2" * 32)
ANNS_BADGE = UUID("00000000-0000-4000-8000-00000000a001")


def at(clock: str) -> datetime:
    """Say an instant of the day: `at("09:05")`."""
    hour, minute, *second = (int(part) for part in clock.split(":"))
    return NINE.replace(hour=hour, minute=minute, second=second[0] if second else 0)


def seen(who: str | None, when: str = "09:00", *, seq: int = 1, stream: UUID = STREAM, **fields: Any) -> Arrival:
    """Make a check-in of order-101 as a kiosk's record at the door."""
    given: dict[str, Any] = {"direction": "in", "session": "order-101", "room": "room-1", "learner": who,
                             "method": "static_badge", "at": at(when), "monotonic_ms": 0,
                             "clock": "synced"}  # fmt: skip
    record = CheckInRecord(id=UUID(new_id()), stream=stream, seq=seq, boot=BOOT, **(given | fields))
    return Arrival(record=record, line=record.line(), device_id=DEVICE)


def company(database: str = IN_MEMORY) -> Ledger:
    """Open a ledger, in memory if nothing else is said, with the cast in it."""
    return opened(database, settle_in)


def settle_in(db: Db) -> None:
    """Enter the cast: region, room, course, people, the session at nine, Ann's badge, one kiosk."""
    db.add(RegionRow(id="north", name="North", zone="UTC", rule="cn-45"))
    db.add(CourseRow(id="orders", title="Order handling", title_zh="订单处理"))
    db.flush()
    db.add(RoomRow(id="room-1", region_id="north", name="Room 1"))
    for number, (id, role) in enumerate({"ann": "clerk", "bo": "reserve_manager", "zoe": "clerk"}.items(), 1001):
        db.add(PersonRow(id=id, region_id="north", number=str(number), name=id.title(), role=role))
    db.flush()
    add_session(db)
    db.add(BadgeRow(id=ANNS_BADGE, person_id="ann", key_id=1, issued_at=NINE))
    db.add(
        DeviceRow(
            id=DEVICE, site=SITE, room_id="room-1", name="Door 1", signing_key=public(DEVICE_KEY),
            sealing_key=public(DEVICE_KEY), fingerprint="", registered_at=NINE, confirmed_at=NINE,
        )
    )  # fmt: skip
    db.flush()
    db.add(StreamRow(id=STREAM, device_id=DEVICE))


def add_session(db: Db, id: str = "order-101", *, starts: str = "09:00", hours: int = 3, **fields: Any) -> None:
    """Enter a session with Ann and Bo on its roster."""
    starts_at = at(starts)
    given = {"course_id": "orders", "region_id": "north", "room_id": "room-1", "zone": "UTC",
             "methods": ["static_badge", "face"], "breaks": []}  # fmt: skip
    row = SessionRow(
        id=id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), local_date=starts_at.date(),
        **(given | fields),
    )  # fmt: skip
    db.add(row)
    db.flush()
    for person in ("ann", "bo"):
        db.add(RosterRow(session_id=id, person_id=person))


def another_stream(db: Db) -> UUID:
    """Give the kiosk a second stream, as after re-imaging."""
    stream = uuid4()
    db.add(StreamRow(id=stream, device_id=DEVICE))
    return stream
