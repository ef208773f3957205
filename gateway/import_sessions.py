"""Plans sessions: from local times, breaks and weekdays to sittings with their instants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from attendance.assurance import METHODS
from attendance.local_time import NotAPlan, NotOnTheClock, instant_at, weekly
from attendance.span import Span
from gateway.import_fields import WEEKDAYS
from gateway.import_forms import SessionForm
from gateway.import_plan import Entry, Plan, Who, forms
from ledger.pair_tables import ProgramRow
from ledger.replanning import LONGEST
from ledger.tables import RoomRow, SessionRow

LONGEST_ID = 32
DAY = timedelta(days=1)
ONLINE = ["session_code"]


@dataclass(frozen=True, slots=True)
class Sitting:
    """One sitting of a session's line."""

    id: str
    series_id: str | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the lines refer to."""

    zones: Mapping[str, str]
    courses: set[str]
    rooms: Mapping[str, str]
    trainers: Mapping[str, Who]
    programs: Mapping[str, str]
    there: Mapping[str, SessionRow]


def sessions(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan sessions; a recurring one is several, each with its date behind the id."""
    wanted, zones = forms(entries, SessionForm), plan.zones()
    sittings = {entry.line: _sittings(plan, entry, form, zones.get(form.region)) for entry, form in wanted}
    known = Known(
        zones=zones,
        courses=plan.courses(form.course for _, form in wanted),
        rooms=plan.regions_of(RoomRow, (form.room for _, form in wanted)),
        trainers=plan.people(form.trainer for _, form in wanted),
        programs=plan.regions_of(ProgramRow, (form.program for _, form in wanted)),
        there=_there(plan, [one.id for of_line in sittings.values() for one in of_line]),
    )
    for entry, form in wanted:
        if _refers(plan, entry, form, known):
            for sitting in sittings[entry.line]:
                _put(plan, entry, form, sitting, known)


def _there(plan: Plan, ids: Sequence[str]) -> dict[str, SessionRow]:
    return {row.id: row for (row,) in plan.in_some(sa.select(SessionRow), SessionRow.id, ids)}


def _refers(plan: Plan, entry: Entry, form: SessionForm, known: Known) -> bool:
    """Check that everything is there that a line refers to."""
    before = len(plan.wrong)
    if form.region not in known.zones:
        plan.refuse(entry, "region", "no_region")
    elif not plan.importer.reaches(form.region):
        plan.refuse(entry, "region", "other_region")
    if form.course not in known.courses:
        plan.refuse(entry, "course", "no_course")
    if form.room and form.room not in known.rooms:
        plan.refuse(entry, "room", "no_room")
    elif form.room and known.rooms[form.room] != form.region:
        plan.refuse(entry, "room", "room_elsewhere")
    if form.program and form.program not in known.programs:
        plan.refuse(entry, "program", "no_program")
    if form.trainer and form.trainer not in known.trainers:
        plan.refuse(entry, "trainer", "no_person")
    elif form.trainer and known.trainers[form.trainer].role != "trainer":
        plan.refuse(entry, "trainer", "no_trainer")
    return len(plan.wrong) == before


def _put(plan: Plan, entry: Entry, form: SessionForm, sitting: Sitting, known: Known) -> None:
    here, zone = known.there.get(sitting.id), known.zones[form.region]
    if here and not plan.importer.reaches(here.region_id):
        plan.refuse(entry, "id", "id_taken")
        return
    if here and here.room_id and "room" not in plan.given and here.region_id != form.region:
        plan.refuse(entry, "region", "room_elsewhere")
        return
    breaks = _breaks(plan, entry, form, sitting, zone, here)
    if breaks is None or not plan.is_first(entry, "id", sitting.id):
        return
    plan.things += 1
    plan.put(
        entry,
        SessionRow,
        id=sitting.id,
        course_id=form.course,
        region_id=form.region,
        room_id=form.room,
        trainer_id=known.trainers[form.trainer].id if form.trainer else None,
        program_id=form.program,
        starts_at=sitting.span.starts_at,
        ends_at=sitting.span.ends_at,
        zone=zone,
        local_date=sitting.span.starts_at.astimezone(ZoneInfo(zone)).date(),
        breaks=breaks,
        methods=_methods(plan, form, here),
        least_assurance=form.least_assurance,
        missing_out=form.missing_out,
        cancelled=form.cancelled,
        series_id=sitting.series_id,
        presence_checks=form.presence_checks,
        earlier=[],
    )


def _methods(plan: Plan, form: SessionForm, here: SessionRow | None) -> list[str]:
    chosen = set(form.methods)
    room = form.room if "room" in plan.given or here is None else here.room_id
    return [method for method in METHODS if method in chosen or not chosen] if chosen or room else ONLINE


# When


def _sittings(plan: Plan, entry: Entry, form: SessionForm, zone: str | None) -> list[Sitting]:
    """Work out when a line's sittings are; none when that is wrong, or its region."""
    if zone is None:
        return []
    if form.weekdays:
        return _recurring(plan, entry, form, zone)
    if form.until or form.times:
        plan.refuse(entry, "weekdays", "no_weekdays")
        return []
    span = _span(plan, entry, form, zone)
    return [Sitting(form.id, None, span)] if span else []


def _span(plan: Plan, entry: Entry, form: SessionForm, zone: str) -> Span | None:
    ends = form.ends if isinstance(form.ends, datetime) else _after(form.starts, form.ends)
    starts_at, ends_at = plan.instant(entry, "starts", form.starts, zone), plan.instant(entry, "ends", ends, zone)
    if starts_at is None or ends_at is None:
        return None
    if not starts_at < ends_at <= starts_at + LONGEST:
        plan.refuse(entry, "ends", "wrong_times")
        return None
    return Span(starts_at, ends_at)


def _after(start: datetime, clock: time) -> datetime:
    """Give the first moment after a start at which a clock shows this time."""
    same_day = datetime.combine(start.date(), clock)
    return same_day if same_day > start else same_day + DAY


def _recurring(plan: Plan, entry: Entry, form: SessionForm, zone: str) -> list[Sitting]:
    if wrong := _wrong_recurrence(form):
        plan.refuse(entry, *wrong)
        return []
    days = [WEEKDAYS.index(weekday) for weekday in form.weekdays]
    ends = form.ends.time() if isinstance(form.ends, datetime) else form.ends
    try:
        spans = weekly(form.starts, ends, zone=zone, weekdays=days, until=form.until, count=form.times)
    except NotAPlan:
        plan.refuse(entry, "until", "too_many_sittings")
        return []
    except NotOnTheClock:
        plan.refuse(entry, "starts", "skipped_time")
        return []
    there = ZoneInfo(zone)
    return [Sitting(f"{form.id}-{span.starts_at.astimezone(there):%Y%m%d}", form.id, span) for span in spans]


def _wrong_recurrence(form: SessionForm) -> tuple[str, str] | None:
    first = form.starts.date()
    if len(form.id) + len("-20261123") > LONGEST_ID:
        return "id", "id_too_long"
    if (form.until is None) == (form.times is None):
        return "until", "until_or_times"
    if WEEKDAYS[first.weekday()] not in form.weekdays:
        return "weekdays", "first_day_missing"
    if form.until and form.until < first:
        return "until", "until_before"
    if isinstance(form.ends, datetime) and not timedelta() < form.ends - form.starts < DAY:
        return "ends", "wrong_times"
    return ("ends", "wrong_times") if form.ends == form.starts.time() else None


# Breaks


def _breaks(
    plan: Plan, entry: Entry, form: SessionForm, sitting: Sitting, zone: str, here: SessionRow | None
) -> list[list[str]] | None:
    """Return a sitting's breaks as the ledger keeps them; None when they are wrong."""
    if "breaks" not in plan.given and here is not None:
        return _moved(here, sitting.span)
    start, found = sitting.span.starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0), list[Span]()
    for since, until in form.breaks:
        span = _pause(start, since, until, zone)
        if span is None:
            plan.refuse(entry, "breaks", "skipped_time")
            return None
        found.append(span)
    found.sort(key=lambda span: span.starts_at)
    edges = [
        sitting.span.starts_at,
        *(edge for one in found for edge in (one.starts_at, one.ends_at)),
        sitting.span.ends_at,
    ]
    if any(one.starts_at == one.ends_at for one in found) or edges != sorted(edges):
        plan.refuse(entry, "breaks", "break_outside")
        return None
    return [[one.starts_at.isoformat(), one.ends_at.isoformat()] for one in found]


def _pause(start: datetime, since: time, until: time, zone: str) -> Span | None:
    begin = datetime.combine(start.date(), since)
    begin += DAY if begin < start else timedelta()
    try:
        return Span(instant_at(begin, zone), instant_at(_after(begin, until), zone))
    except NotOnTheClock:
        return None


def _moved(here: SessionRow, span: Span) -> list[Any]:
    """Let breaks that the file does not speak of go along with the session, as far as they still fit."""
    by = span.starts_at - here.starts_at
    moved = [tuple(datetime.fromisoformat(edge) + by for edge in pause) for pause in here.breaks]
    if not by:
        return [pause for pause, (_, until) in zip(here.breaks, moved, strict=True) if until <= span.ends_at]
    return [[since.isoformat(), until.isoformat()] for since, until in moved if until <= span.ends_at]
