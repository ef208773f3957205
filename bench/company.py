"""A large company that has trained for half a year: groups of ten pairs, one session a working day."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from bench.pour import Row, pour
from bench.stage import Stage, Store
from ledger.pair_tables import PairRow, ProgramRow
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DeviceRow,
    DirtyDayRow,
    PersonRow,
    RegionRow,
    RoomRow,
    RosterRow,
    SessionRow,
    StreamRow,
)

FIRST_DAY = date(2026, 1, 5)
AFTER = datetime(2026, 12, 1, tzinfo=UTC)
"""Everything is over."""
REGIONS, COURSES, GROUP = 4, 40, 20
FULL_LEARNERS, DAYS = 4000, 125
STREAM = UUID("00000000-0000-4000-8000-00000000be0c")
LINE = (
    b'{"v":1,"id":"%s","stream":"%s","seq":%d,"at":"%s","monotonic_ms":81237123,'
    b'"boot":"018f3a4e-0000-7000-8000-000000000001","clock":"synced","method":"static_badge","direction":"%s",'
    b'"session":"%s","room":"%s","learner":"%s","badge":"018f3a4e000070008000000000000001","refused":null,'
    b'"amber":false,"offline":false}'
)
"""As long as a kiosk's."""


@dataclass(frozen=True, slots=True)
class Company:
    """How large it is."""

    groups: int
    days: int = DAYS

    @property
    def learners(self) -> int:
        """Count the learners."""
        return self.groups * GROUP

    @property
    def attendances(self) -> int:
        """Count the learners' sessions; each is a day of its own, and has two check-ins."""
        return self.learners * self.days


def found(stage: Stage, store: Store) -> Company:
    """Enter the company with everything that happened in it; nothing is settled yet."""
    company = Company(groups=stage.sized(FULL_LEARNERS // GROUP))
    with store.ledger.begin() as db, stage.bar(f"{store.engine}: check-ins", 2 * company.attendances) as moved:
        _plan(db, company)
        pour(db, CheckInRow, _check_ins(company), moved)
    analyse(store)
    return company


def mark_all(db: Db) -> None:
    """Ask for the settlement of every learner's every day."""
    days = sa.select(RosterRow.person_id, SessionRow.local_date, sa.literal(AFTER, DirtyDayRow.due_at.type))
    days = days.join(SessionRow, SessionRow.id == RosterRow.session_id).distinct()
    db.execute(sa.insert(DirtyDayRow).from_select(["person_id", "day", "due_at"], days))


def analyse(store: Store) -> None:
    """Let the database count what it holds, as it does by itself a minute later."""
    with store.ledger.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _plan(db: Db, company: Company) -> None:
    def quiet(_: int) -> None: ...

    for table, rows in _planned(company):
        pour(db, table, rows, quiet)


def _planned(company: Company) -> Iterator[tuple[type[Any], Iterator[Row]]]:
    regions, groups = range(REGIONS), range(company.groups)
    sittings = [(group, day) for group in groups for day in range(company.days)]
    yield RegionRow, ({"id": f"r{n}", "name": f"Region {n}", "zone": "Asia/Shanghai", "rule": "cn-45"} for n in regions)
    yield CourseRow, ({"id": f"c{n}", "title": f"Course {n}", "title_zh": f"课程 {n}"} for n in range(COURSES))
    yield RoomRow, ({"id": _room(n), "region_id": _region(n), "name": f"Room {n}"} for n in groups)
    yield PersonRow, (_person(group, seat) for group in groups for seat in range(GROUP))
    yield ProgramRow, (_program(n) for n in regions)
    yield PairRow, (_pair(group, seat) for group in groups for seat in range(0, GROUP, 2))
    yield SessionRow, (_session(group, day) for group, day in sittings)
    yield (
        RosterRow,
        (
            {"session_id": _sitting(group, day), "person_id": _learner(group, seat)}
            for group, day in sittings
            for seat in range(GROUP)
        ),
    )
    yield DeviceRow, iter([_device()])
    yield StreamRow, iter([{"id": STREAM, "device_id": "door", "upto": 0, "receipts": 0}])


def _check_ins(company: Company) -> Iterator[Row]:
    """Let everybody come and go: most within the grace, some later or earlier, each day another way."""
    chance, seq = random.Random(1), 0
    for day in range(company.days):
        for group in range(company.groups):
            starts_at = _starts_at(day)
            for seat in range(GROUP):
                came = starts_at + timedelta(seconds=chance.randint(-900, 300) if chance.random() < 0.8 else 1500)
                left = starts_at + timedelta(hours=3, seconds=chance.randint(-200, 900))
                for direction, at in (("in", came), ("out", left)):
                    seq += 1
                    yield _check_in(seq, direction, at, group, day, seat)


def _check_in(seq: int, direction: str, at: datetime, group: int, day: int, seat: int) -> Row:
    id, session, room, who = _id(seq), _sitting(group, day), _room(group), _learner(group, seat)
    told = (str(id), str(STREAM), seq, at.isoformat(), direction, session, room, who)
    line = LINE % tuple(part.encode() if isinstance(part, str) else part for part in told)
    return {
        "id": id, "stream": STREAM, "seq": seq, "device_id": "door", "person_id": who, "session_id": session,
        "room_id": room, "badge": None, "direction": direction, "method": "static_badge", "at": at,
        "received_at": at, "verdict": "admitted", "flags": [], "digest": hashlib.sha256(line).digest(), "line": line,
    }  # fmt: skip


def _id(number: int) -> UUID:
    """Make an id that rises, as a UUIDv7 does."""
    return UUID(int=number << 80 | 7 << 76 | 2 << 62)


def _session(group: int, day: int) -> Row:
    starts_at = _starts_at(day)
    pause = [(starts_at + timedelta(minutes=minutes)).isoformat() for minutes in (90, 105)]
    return {
        "id": _sitting(group, day), "course_id": f"c{group % COURSES}", "region_id": _region(group),
        "room_id": _room(group), "trainer_id": None, "program_id": None, "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=3), "zone": "Asia/Shanghai", "local_date": _date(day),
        "breaks": [pause], "methods": ["static_badge"], "least_assurance": "paper", "missing_out": "review",
        "cancelled": False, "series_id": None, "presence_checks": 0,
    }  # fmt: skip


def _person(group: int, seat: int) -> Row:
    id = _learner(group, seat)
    role = "reserve_manager" if seat % 2 else "clerk"
    return {"id": id, "region_id": _region(group), "number": id, "name": id, "role": role, "language": "zh"}


def _program(region: int) -> Row:
    return {"id": f"p{region}", "region_id": f"r{region}", "title": "Orders", "title_zh": "订单", "rule": "cn-45"}


def _pair(group: int, seat: int) -> Row:
    clerk, manager = _learner(group, seat), _learner(group, seat + 1)
    return {"id": f"pair-{clerk}", "program_id": f"p{group % REGIONS}", "clerk_id": clerk, "manager_id": manager}


def _device() -> Row:
    return {
        "id": "door", "site": "site", "room_id": _room(0), "name": "Door", "direction": "auto", "faces": False,
        "signing_key": "", "sealing_key": "", "fingerprint": "", "registered_at": AFTER,
    }  # fmt: skip


def _date(day: int) -> date:
    return FIRST_DAY + timedelta(weeks=day // 5, days=day % 5)


def _starts_at(day: int) -> datetime:
    """Begin at nine in Shanghai."""
    return datetime.combine(_date(day), datetime.min.time(), UTC) + timedelta(hours=1)


def _sitting(group: int, day: int) -> str:
    return f"s{group:03}-{day:03}"


def _learner(group: int, seat: int) -> str:
    return f"l{group:03}-{seat:02}"


def _room(group: int) -> str:
    return f"room-{group}"


def _region(group: int) -> str:
    return f"r{group % REGIONS}"
