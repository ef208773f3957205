"""The day as a trainer looks at it: who is in, late, missing or refused, and what it came to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session as Db

from attendance.session import Session
from ledger.board import check_ins_of, credited, sessions_on, turned_away, under_review
from ledger.check_ins import as_rule
from ledger.devices import rosters, stations
from ledger.people import people_by_id, rooms
from ledger.presence import Put, put_so_far
from ledger.tables import (
    CheckInRow,
    CourseRow,
    DeviceRow,
    HourRecordRow,
    PersonRow,
    RegionRow,
    ReviewRow,
    RoomRow,
    SessionRow,
)

Status = Literal["expected", "in", "left", "missing", "absent", "review"]
Phase = Literal["before", "open", "now", "over"]
Contact = Literal["ok", "quiet", "unconfirmed"]

TROUBLES = frozenset({"camera_lost", "disk_full", "outbox_failed", "numbers_differ", "no_badge_keys", "scanner_lost"})
"""What a kiosk may say of itself that has a text of its own."""
SILENT = timedelta(seconds=90)
"""Three heartbeats."""
AROUND = timedelta(minutes=15)
"""The picture of a session begins so long before it and ends so long after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check-in."""

    at: datetime
    direction: str | None
    method: str
    flags: tuple[str, ...]
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch in the picture of a session, in per mille of its width."""

    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A learner in a session."""

    person: str
    name: str
    number: str
    role: str
    status: Status
    late: bool
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]
    refusals: tuple[int, ...]
    """Where in the picture a refusal stands."""
    hours: HourRecordRow | None
    review: ReviewRow | None
    asked: int
    """How many presence checks there were so far while the learner was there."""
    answered: int

    @property
    def tone(self) -> str:
        """Say which of the colours of state this is."""
        if self.status in ("missing", "absent"):
            return "stop"
        if self.status == "review" or (self.late and self.status == "in"):
            return "wait"
        if self.hours and not self.hours.credit:
            return "stop"
        return {"in": "go", "left": "done"}.get(self.status, "idle")

    @property
    def admitted(self) -> list[Line]:
        """Return the check-ins that count."""
        return [line for line in self.lines if line.refused is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Somebody who was turned away."""

    line: Line
    name: str | None
    """None: nobody knows who it was."""
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A session with its learners."""

    id: str
    title: str
    title_zh: str
    place: str
    starts_at: datetime
    ends_at: datetime
    phase: Phase
    cancelled: bool
    seats: tuple[Seat, ...]
    refusals: tuple[Refusal, ...]
    breaks: tuple[Bar, ...]
    session: Bar
    now: int | None

    @property
    def here(self) -> int:
        """Count the learners who have come."""
        return sum(bool(seat.admitted) for seat in self.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One region's day."""

    region: RegionRow
    date: date
    now: datetime
    sittings: tuple[Sitting, ...]
    strangers: tuple[Refusal, ...]

    @property
    def seats(self) -> list[Seat]:
        """Return every learner's place of the day."""
        return [seat for sitting in self.sittings if not sitting.cancelled for seat in sitting.seats]

    @property
    def refusals(self) -> list[Refusal]:
        """Return everybody who was turned away, newest first."""
        found = [refusal for sitting in self.sittings for refusal in sitting.refusals]
        return sorted([*found, *self.strangers], key=lambda refusal: refusal.line.at, reverse=True)

    @property
    def credit(self) -> list[tuple[Decimal, str]]:
        """Sum up what was credited, for each unit."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for seat in self.seats:
            if seat.hours:
                sums[seat.hours.unit] += seat.hours.credit
        return [(amount, unit) for unit, amount in sorted(sums.items())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A device as the fleet line shows it."""

    name: str
    room: str
    contact: Contact
    seen_at: datetime | None
    waiting: int | None
    """Rows that the kiosk has not yet a receipt for; None before the first heartbeat."""
    trouble: str | None
    """What it says is wrong with it."""


def today(region: RegionRow, now: datetime) -> date:
    """Say which day it is there."""
    return now.astimezone(ZoneInfo(region.zone)).date()


def look(db: Db, region: RegionRow, day: date, *, now: datetime) -> Day:
    """Collect one region's day."""
    sessions = sessions_on(db, region.id, day)
    ids = [session.id for session, _ in sessions]
    listed = rosters(db, ids)
    check_ins = _by_session(check_ins_of(db, ids))
    midnight = datetime.combine(day, time(), ZoneInfo(region.zone))
    strangers = turned_away(db, region.id, ids, since=midnight, until=midnight + timedelta(days=1))
    known = _Known(
        people=people_by_id(db, _people(listed, check_ins, strangers)),
        rooms=rooms(db, region.id),
        hours=credited(db, ids),
        reviews=under_review(db, ids),
        checks=put_so_far(db, ids, now=now),
    )
    return Day(
        region=region,
        date=day,
        now=now,
        sittings=tuple(
            _sitting(as_rule(row, frozenset(listed[row.id])), course, check_ins[row.id], known, now)
            for row, course in sessions
        ),
        strangers=tuple(_refusal(row, known) for row in strangers),
    )


def sitting(db: Db, session_id: str, *, now: datetime) -> Sitting | None:
    """Collect one session."""
    row = db.get(SessionRow, session_id)
    if row is None:
        return None
    listed, rows = rosters(db, [row.id]), check_ins_of(db, [row.id])
    known = _Known(
        people=people_by_id(db, _people(listed, {row.id: rows}, ())),
        rooms=rooms(db, row.region_id),
        hours=credited(db, [row.id]),
        reviews=under_review(db, [row.id]),
        checks=put_so_far(db, [row.id], now=now),
    )
    course = db.get_one(CourseRow, row.course_id)
    return _sitting(as_rule(row, frozenset(listed[row.id])), course, rows, known, now)


def fleet(db: Db, now: datetime, regions: Collection[str] | None = None) -> list[Station]:
    """Collect the devices of some regions or all (None), those first that somebody should look after."""
    found = [_station(row, room, now) for row, room in stations(db) if regions is None or room.region_id in regions]
    return sorted(found, key=lambda station: station.contact == "ok" and station.trouble is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    people: Mapping[str, PersonRow]
    rooms: Mapping[str, RoomRow]
    hours: Mapping[tuple[str, str], HourRecordRow]
    reviews: Mapping[tuple[str, str], ReviewRow]
    checks: Mapping[str, Sequence[Put]]


def _by_session(rows: Iterable[CheckInRow]) -> defaultdict[str, list[CheckInRow]]:
    found: defaultdict[str, list[CheckInRow]] = defaultdict(list)
    for row in rows:
        found[str(row.session_id)].append(row)
    return found


def _people(
    listed: Mapping[str, Sequence[str]], check_ins: Mapping[str, Sequence[CheckInRow]], strangers: Iterable[CheckInRow]
) -> set[str]:
    on_rosters = {person for people in listed.values() for person in people}
    seen = {row.person_id for rows in check_ins.values() for row in rows} | {row.person_id for row in strangers}
    return on_rosters | {person for person in seen if person}


def _sitting(session: Session, course: CourseRow, rows: Sequence[CheckInRow], known: _Known, now: datetime) -> Sitting:
    room = known.rooms.get(session.room_id or "")
    of_person: defaultdict[str | None, list[CheckInRow]] = defaultdict(list)
    for row in rows:
        of_person[row.person_id].append(row)
    seats = [_seat(session, person, of_person[person], known, now) for person in session.roster]
    return Sitting(
        id=session.id,
        title=course.title,
        title_zh=course.title_zh,
        place=room.name if room else "",
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        phase=_phase(session, now),
        cancelled=session.cancelled,
        seats=tuple(sorted(seats, key=lambda seat: (seat.name, seat.person))),
        refusals=tuple(_refusal(row, known) for row in rows if row.verdict != "admitted"),
        breaks=tuple(_bar(session, pause.starts_at, pause.ends_at) for pause in session.breaks),
        session=_bar(session, session.starts_at, session.ends_at),
        now=_place(session, now) if session.starts_at - AROUND < now < session.ends_at + AROUND else None,
    )


def _seat(session: Session, person: str, rows: Sequence[CheckInRow], known: _Known, now: datetime) -> Seat:
    row, lines = known.people.get(person), tuple(_line(row) for row in rows)
    review, hours = known.reviews.get((session.id, person)), known.hours.get((session.id, person))
    admitted = [line for line in lines if line.refused is None]
    answered = [
        person in check.answers for check in known.checks.get(session.id, ()) if _is_asked(person, check, admitted)
    ]
    return Seat(
        person=person,
        name=row.name if row else person,
        number=row.number if row else "",
        role=row.role if row else "",
        status="review" if review else _status(session, admitted, now, settled=hours is not None),
        late=_is_late(admitted),
        lines=lines,
        bars=tuple(_presence(session, admitted, now)),
        refusals=tuple(_place(session, line.at) for line in lines if line.refused),
        hours=hours,
        review=review,
        asked=len(answered),
        answered=sum(answered),
    )


def _is_asked(person: str, check: Put, admitted: Sequence[Line]) -> bool:
    """Say whether a check was for somebody: who is not there need not answer, and who answers was meant."""
    before = [line for line in admitted if line.at <= check.asked_at]
    return person in check.answers or bool(before and before[-1].direction == "in")


def _is_late(admitted: Sequence[Line]) -> bool:
    """Go by the first arrival: who comes back from a walk is not late."""
    first = next((line for line in admitted if line.direction == "in"), None)
    return first is not None and "late" in first.flags


def _status(session: Session, admitted: Sequence[Line], now: datetime, *, settled: bool) -> Status:
    if admitted:
        # Hours may stand although nobody checked out: a trainer has decided.
        return "in" if admitted[-1].direction == "in" and not settled else "left"
    if now > session.ends_at:
        return "absent"
    return "missing" if now > session.starts_at + session.grace else "expected"


def _phase(session: Session, now: datetime) -> Phase:
    if now < session.opens_at:
        return "before"
    if now < session.starts_at:
        return "open"
    return "now" if now <= session.ends_at else "over"


def _presence(session: Session, admitted: Sequence[Line], now: datetime) -> Iterable[Bar]:
    """Draw when somebody was there; this is a picture, what counts is what the rules say."""
    came: datetime | None = None
    for line in admitted:
        if line.direction == "in":
            came = came or line.at
        elif came:
            yield _bar(session, came, line.at)
            came = None
    if came:
        yield _bar(session, came, max(came, min(now, session.ends_at)))


def _bar(session: Session, starts_at: datetime, ends_at: datetime) -> Bar:
    x = _place(session, starts_at)
    return Bar(x=x, width=max(_place(session, ends_at) - x, 4))


def _place(session: Session, at: datetime) -> int:
    first, last = session.starts_at - AROUND, session.ends_at + AROUND
    return min(1000, max(0, 1000 * (at - first) // (last - first)))


def _refusal(row: CheckInRow, known: _Known) -> Refusal:
    person, room = known.people.get(row.person_id or ""), known.rooms.get(row.room_id or "")
    return Refusal(line=_line(row), name=person.name if person else None, place=room.name if room else "")


def _line(row: CheckInRow) -> Line:
    return Line(
        at=row.at,
        direction=row.direction,
        method=row.method,
        flags=tuple(sorted(row.flags)),
        refused=None if row.verdict == "admitted" else row.verdict,
    )


def _station(row: DeviceRow, room: RoomRow, now: datetime) -> Station:
    state: Mapping[str, Any] = row.state or {}
    trouble = state.get("trouble")
    return Station(
        name=row.name,
        room=room.name,
        contact=_contact(row, now),
        seen_at=row.seen_at,
        waiting=state.get("count"),
        trouble=trouble if trouble is None or trouble in TROUBLES else "other",
    )


def _contact(row: DeviceRow, now: datetime) -> Contact:
    if row.confirmed_at is None:
        return "unconfirmed"
    return "ok" if row.seen_at and now - row.seen_at <= SILENT else "quiet"
