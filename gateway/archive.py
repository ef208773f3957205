"""The learner archive as HR sees it: each person's hours by month, with why, and what corrections took back."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, g, make_response, render_template, request
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from attendance.month import Month
from gateway import archive_texts, browser, visitor
from gateway.clock import Clock
from gateway.settings import GatewaySettings
from gateway.tasks import frame_of_learner, frame_of_staff
from ledger import deliveries
from ledger.archived import LOCAL, archived, has_elsewhere, on_the_way, people_in
from ledger.database import Ledger
from ledger.deliveries import Told
from ledger.delivery_tables import ArchivedRow
from ledger.months import month_for
from ledger.people import people_by_id
from ledger.tables import PersonRow, RegionRow

PAGE = 50
"""People of one page of the list."""
LONGEST_SEARCH = 60

Sums = tuple[tuple[Decimal, str], ...]
"""Hours, each with its unit."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the archive holds it."""

    told: Mapping[str, Any]
    received_at: datetime

    @property
    def id(self) -> str:
        return str(self.told["id"])

    @property
    def kind(self) -> str:
        return str(self.told["kind"])

    @property
    def version(self) -> int:
        return int(self.told["version"])

    @property
    def credit(self) -> Decimal:
        return Decimal(self.told["credit"])

    @property
    def unit(self) -> str:
        return str(self.told["unit"])

    @property
    def day(self) -> date:
        return date.fromisoformat(self.told["effective_date"])

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"

    @property
    def entered_at(self) -> datetime:
        return datetime.fromisoformat(self.told["entered_at"])

    @property
    def course(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.told["course"]
        return found

    @property
    def starts_at(self) -> datetime | None:
        return _instant(self.course["starts_at"])

    @property
    def ends_at(self) -> datetime | None:
        return _instant(self.course["ends_at"])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.course["zone"] or "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One answer: the record that stands, and what stood before it."""

    shown: Record
    """The one that stands, or the last one when nothing stands any more."""
    stands: bool
    earlier: tuple[tuple[Record, Record | None], ...]
    """What was entered before, each with the reversal that took it back."""

    @property
    def kind(self) -> str:
        """Say what it is: `session`, `task` or `bonus`."""
        if self.shown.kind == "bonus":
            return "bonus"
        return "task" if self.shown.told.get("joint_task") else "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One person's archive, opened at one month."""

    person: PersonRow
    months: tuple[str, ...]
    month: str
    days: tuple[tuple[date, tuple[Line, ...]], ...]
    trained: Sums
    bonus: Sums
    year: Sums
    summary: Month | None
    """What the month comes to against its targets; None for who learns in no pair, or partly in other regions."""
    is_running: bool
    """The month is not over yet."""
    coming: int
    trainers: Mapping[str, PersonRow]
    elsewhere: Mapping[str, Mapping[str, Told]]
    """How far each record has come with other archives; for staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A person in the list."""

    person: PersonRow
    month: Sums
    whole: Sums
    last: Record


def archive_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of the archive."""
    site = Blueprint("archive", __name__)
    visitor.receive(site, settings)

    @site.get("/archive")
    def people() -> AnyResponse:
        search, offset = request.args.get("search", "").strip()[:LONGEST_SEARCH], _offset()
        with ledger.read() as db:
            within = visitor.account().regions
            found = people_in(db, within, search=search, offset=offset, limit=PAGE + 1)
            places = visitor.regions(db)
            month = f"{clock().astimezone(ZoneInfo(places[0].zone if places else settings.zone)):%Y-%m}"
            entries = _entries(db, found[:PAGE], month, within)
            values = {"entries": entries, "search": search, "month": month, "offset": offset, **frame_of_staff(db)}
        return _page("archive/people.html", more=offset + PAGE if len(found) > PAGE else None, **values)

    @site.get("/archive/<person>")
    def person(person: str) -> AnyResponse:
        with ledger.read() as db:
            row = db.get(PersonRow, person)
            if row is None or not visitor.sees(row.region_id):
                raise NotFound
            sheet = _sheet(db, row, clock(), visitor.account().regions, for_staff=True)
            return _page("archive/sheet.html", sheet=sheet, now=clock(), **frame_of_staff(db))

    @site.get("/my/archive")
    def mine() -> AnyResponse:
        learner = visitor.learner()
        with ledger.read() as db:
            sheet = _sheet(db, learner, clock(), None, for_staff=False)
            return _page("archive/sheet.html", sheet=sheet, now=clock(), **frame_of_learner(db, learner))

    return site


def _page(template: str, **values: Any) -> AnyResponse:
    if values.get("learner"):
        values["form_token"] = browser.form_token(g.learner_token)
    language = browser.language()
    words = {
        "say": lambda key, **given: archive_texts.say(key, language, **given),
        "month_name": lambda month: archive_texts.month_name(month, language),
        "short_month": lambda month: archive_texts.short_month(month, language),
        "short_day": lambda day: archive_texts.short_day(day, language),
        "amount": archive_texts.amount,
        "why": lambda told: _capital(told["sentence"][language]),
        "titled": lambda course: course["title_zh"] if language == "zh" else course["title"],
        "reckoned": lambda month: month.sentence(language),
    }
    return make_response(render_template(template, **values, **visitor.words(language) | words))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _offset() -> int:
    text = request.args.get("from", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadRequest
    return int(text)


def _entries(db: Db, people: Sequence[PersonRow], month: str, within: Sequence[str] | None) -> list[Entry]:
    lines: defaultdict[str, list[ArchivedRow]] = defaultdict(list)
    for row in archived(db, [person.id for person in people], within):
        lines[row.person_id].append(row)
    return [_entry(person, lines_of(lines[person.id]), month) for person in people if lines[person.id]]


def _entry(person: PersonRow, lines: Sequence[Line], month: str) -> Entry:
    standing = [line.shown for line in lines if line.stands]
    return Entry(
        person=person,
        month=_sums(record for record in standing if record.month == month),
        whole=_sums(standing),
        last=max((line.shown for line in lines), key=lambda record: record.entered_at),
    )


def _sheet(db: Db, person: PersonRow, now: datetime, within: Sequence[str] | None, *, for_staff: bool) -> Sheet:
    lines = lines_of(archived(db, [person.id], within))
    zone = ZoneInfo(db.get_one(RegionRow, person.region_id).zone)
    current = f"{now.astimezone(zone):%Y-%m}"
    months = tuple(sorted({line.shown.month for line in lines} | {current}, reverse=True))
    month = _month_wanted(months, next((month for month in months if _any(lines, month)), current))
    listed = [line for line in lines if line.shown.month == month]
    standing = [line.shown for line in lines if line.stands]
    ids = [UUID(record.id) for line in listed for record in (line.shown, *(old for old, _ in line.earlier))]
    return Sheet(
        person=person,
        months=months,
        month=month,
        days=_by_day(listed),
        trained=_sums(one for one in standing if one.month == month and one.kind != "bonus"),
        bonus=_sums(one for one in standing if one.month == month and one.kind == "bonus"),
        year=_sums(one for one in standing if one.month[:4] == month[:4] and one.month <= month),
        summary=_summary(db, person, month, within, now),
        is_running=month == current,
        coming=on_the_way(db, person.id, within),
        trainers=people_by_id(db, {str(line.shown.course["trainer_id"]) for line in listed}),
        elsewhere=_elsewhere(deliveries.told(db, ids)) if for_staff else {},
    )


def _summary(db: Db, person: PersonRow, month: str, within: Sequence[str] | None, now: datetime) -> Month | None:
    # A share of only some of the hours would be a wrong one.
    is_partial = within is not None and has_elsewhere(db, person.id, within)
    return None if is_partial else month_for(db, person, month, now=now)


def lines_of(rows: Iterable[ArchivedRow]) -> list[Line]:
    """Put versions of one answer together, reversals applied; the newest day first."""
    answers: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        answers[str(row.record["settles"])].append(Record(row.record, row.received_at))
    lines = [_line(sorted(records, key=lambda record: record.version)) for records in answers.values()]
    return sorted((line for line in lines if line), key=_place, reverse=True)


def _line(records: Sequence[Record]) -> Line | None:
    reversals = {record.told["reverses"]: record for record in records if record.kind == "reversal"}
    given = [record for record in records if record.kind != "reversal"]
    if not given:
        return None
    stands = given[-1].id not in reversals
    before = given[:-1] if stands else given
    return Line(shown=given[-1], stands=stands, earlier=tuple((record, reversals.get(record.id)) for record in before))


def _place(line: Line) -> tuple[date, str, str, str]:
    # Tasks have no time of day; by their titles they stand in the same order on every look.
    course = line.shown.course
    return line.shown.day, str(course["starts_at"] or ""), str(course["title"]), line.shown.id


def _by_day(lines: Iterable[Line]) -> tuple[tuple[date, tuple[Line, ...]], ...]:
    days: defaultdict[date, list[Line]] = defaultdict(list)
    for line in lines:
        days[line.shown.day].append(line)
    return tuple((day, tuple(of_day)) for day, of_day in days.items())


def _any(lines: Iterable[Line], month: str) -> bool:
    return any(line.shown.month == month for line in lines)


def _month_wanted(months: Sequence[str], otherwise: str) -> str:
    wish = request.args.get("month")
    if wish is None:
        return otherwise
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", wish, re.ASCII):
        raise BadRequest
    if wish not in months:
        raise NotFound
    return wish


def _sums(records: Iterable[Record]) -> Sums:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        sums[record.unit] += record.credit
    return tuple((amount, unit) for unit, amount in sorted(sums.items()))


def _elsewhere(told: Mapping[UUID, Mapping[str, Told]]) -> dict[str, Mapping[str, Told]]:
    """Leave the archive out that is being looked at."""
    others = {str(id): {name: one for name, one in of.items() if name != LOCAL} for id, of in told.items()}
    return {id: of for id, of in others.items() if of}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
