"""From forms to rows of the ledger: what they refer to is looked up, with a few queries for many lines.

What lies in a region that the importer may not touch is not there, as everywhere else.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.local_time import NotOnTheClock, instant_at
from gateway.import_forms import Form, PairForm, PersonForm, ProgressForm, RosterForm, ScoreForm
from ledger.imports import StagedRow, new_id
from ledger.pair_tables import PairRow, ProgramRow, ProgressRow
from ledger.tables import Base, CourseRow, PersonRow, RegionRow, RoomRow, RosterRow, ScoreRow, SessionRow

SOME = 2000
"""Values that one query asks for."""
AHEAD = timedelta(hours=1)
"""How far the clocks of other systems may be ahead of ours."""
OURS = UUID("6c1a3f0e-7d9b-5f0a-9a63-0f4f8f1c2b7d")

F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one line, or one item, says."""

    line: int
    form: Form


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong in a line; `name` is the field's, and empty when it is the line as a whole."""

    line: int
    name: str
    code: str
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Who:
    """A person, without a name."""

    id: str
    region_id: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who brings something in, when, and what they may touch."""

    by: str
    regions: Sequence[str] | None
    """None: all of them."""
    now: datetime

    def reaches(self, region_id: str | None) -> bool:
        """Say whether they may touch what lies in a region."""
        return self.regions is None or region_id in self.regions


@dataclass(slots=True, kw_only=True)
class Plan:
    """The rows that some lines come to, and what is wrong with them."""

    db: Db
    importer: Importer
    given: frozenset[str]
    """The fields that the file, or these items, speak of."""
    seen: dict[Hashable, int]
    """What came before, with its line."""
    rows: list[StagedRow] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    things: int = 0
    """People, sessions, tasks and so on; a task is several rows."""

    def refuse(self, entry: Entry, name: str, code: str, **about: Any) -> None:
        """Note what is wrong."""
        self.wrong.append(Wrong(entry.line, name, code, about))

    def is_first(self, entry: Entry, name: str, key: Hashable) -> bool:
        """Say whether nothing before said this already; if something did, refuse the entry."""
        earlier = self.seen.get(key)
        if earlier is None:
            self.seen[key] = entry.line
            return True
        self.refuse(entry, name, "said_before", earlier=earlier)
        return False

    def put(self, entry: Entry, table: type[Base], **values: Any) -> None:
        """Stage a row."""
        self.rows.append(StagedRow(table, entry.line, values))

    # Look-ups

    def zones(self) -> dict[str, str]:
        """Return the zone of every region."""
        return dict(self.db.execute(sa.select(RegionRow.id, RegionRow.zone)).all())

    def people(self, numbers: Iterable[str | None], *, anywhere: bool = False) -> dict[str, Who]:
        """Return people by their numbers; `anywhere` also those whom the importer may not touch."""
        query = sa.select(PersonRow.number, PersonRow.id, PersonRow.region_id, PersonRow.role)
        found = {
            row.number: Who(row.id, row.region_id, row.role) for row in self.in_some(query, PersonRow.number, numbers)
        }
        return (
            found
            if anywhere
            else {number: who for number, who in found.items() if self.importer.reaches(who.region_id)}
        )

    def regions_of(self, table: type[RoomRow | ProgramRow | SessionRow], ids: Iterable[str | None]) -> dict[str, str]:
        """Return the regions of rooms, programmes or sessions that the importer may touch."""
        found = self.in_some(sa.select(table.id, table.region_id), table.id, ids)
        return {row.id: row.region_id for row in found if self.importer.reaches(row.region_id)}

    def courses(self, ids: Iterable[str]) -> set[str]:
        """Return which of these courses there are."""
        return {row.id for row in self.in_some(sa.select(CourseRow.id), CourseRow.id, ids)}

    def in_some(self, query: Any, column: Any, values: Iterable[Any]) -> list[Any]:
        """Run a query for some values of a column at a time."""
        wanted = sorted({value for value in values if value is not None})
        some = (wanted[start : start + SOME] for start in range(0, len(wanted), SOME))
        return [row for values in some for row in self.db.execute(query.where(column.in_(values)))]

    def instant(self, entry: Entry, name: str, moment: datetime, zone: str) -> datetime | None:
        """Give the instant of a local time; refuse the entry when the clock there jumps over it."""
        if moment.tzinfo is not None:
            return moment
        try:
            return instant_at(moment, zone)
        except NotOnTheClock:
            self.refuse(entry, name, "skipped_time")
            return None


def derived(*parts: str) -> str:
    """Make the id of what is the same whenever these parts are."""
    return uuid5(OURS, " ".join(parts)).hex


def forms(entries: Sequence[Entry], form: type[F]) -> list[tuple[Entry, F]]:
    """Return the entries with their forms, which are all of one kind."""
    return [(entry, entry.form) for entry in entries if isinstance(entry.form, form)]


# People


def people(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan people; who is there already is known by the number."""
    wanted, zones = forms(entries, PersonForm), plan.zones()
    there = plan.people((form.number for _, form in wanted), anywhere=True)
    changing = [
        there[form.number].id for _, form in wanted if form.number in there and there[form.number].role != form.role
    ]
    paired = _paired(plan, changing)
    for entry, form in wanted:
        here = there.get(form.number)
        if not plan.is_first(entry, "number", form.number):
            continue
        if form.region not in zones:
            plan.refuse(entry, "region", "no_region")
        elif not plan.importer.reaches(form.region):
            plan.refuse(entry, "region", "other_region")
        elif here and not plan.importer.reaches(here.region_id):
            plan.refuse(entry, "number", "other_region")
        elif here and here.role != form.role and here.id in paired:
            plan.refuse(entry, "role", "role_of_pair")
        else:
            _put_person(plan, entry, form)


def _put_person(plan: Plan, entry: Entry, form: PersonForm) -> None:
    plan.things += 1
    plan.put(
        entry,
        PersonRow,
        id=new_id(),
        region_id=form.region,
        number=form.number,
        name=form.name,
        role=form.role,
        language=form.language,
        phone=form.phone,
        pin_hash=None,
    )


def _paired(plan: Plan, people: Collection[str]) -> set[str]:
    """Return those of these people who are in a pair."""
    return {
        row[0]
        for who in (PairRow.clerk_id, PairRow.manager_id)
        for row in plan.in_some(sa.select(who).distinct(), who, people)
    }


# Rosters


def rosters(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan who comes onto rosters and who leaves them."""
    wanted = forms(entries, RosterForm)
    sessions = plan.regions_of(SessionRow, (form.session for _, form in wanted))
    people = plan.people(form.number for _, form in wanted)
    for entry, form in wanted:
        who = people.get(form.number)
        if form.session not in sessions:
            plan.refuse(entry, "session", "no_session")
        if who is None:
            plan.refuse(entry, "number", "no_person")
        elif who.role == "trainer":
            plan.refuse(entry, "number", "no_learner")
        elif form.session in sessions and plan.is_first(entry, "number", (form.session, who.id)):
            plan.things += 1
            plan.put(entry, RosterRow, session_id=form.session, person_id=who.id, remove=form.remove)


# Pairs


def pairs(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan pairs; two people are one pair of a programme, whatever its id."""
    wanted = forms(entries, PairForm)
    programs = plan.regions_of(ProgramRow, (form.program for _, form in wanted))
    people = plan.people(number for _, form in wanted for number in (form.clerk, form.manager))
    there = ids_of_pairs(plan, programs, (who.id for who in people.values()))
    for entry, form in wanted:
        couple = two(plan, entry, form.clerk, form.manager, people)
        if form.program not in programs:
            plan.refuse(entry, "program", "no_program")
        elif couple and plan.is_first(entry, "manager", (form.program, *couple)):
            plan.things += 1
            id = there.get((form.program, *couple)) or derived(form.program, *couple)
            plan.put(entry, PairRow, id=id, program_id=form.program, clerk_id=couple[0], manager_id=couple[1])


def ids_of_pairs(plan: Plan, programs: Collection[str], people: Iterable[str]) -> dict[tuple[str, str, str], str]:
    """Return the ids of pairs, by programme, clerk and reserve manager."""
    query = sa.select(PairRow.program_id, PairRow.clerk_id, PairRow.manager_id, PairRow.id)
    found = plan.in_some(query.where(PairRow.program_id.in_(programs)).order_by(PairRow.id), PairRow.clerk_id, people)
    return {(program, clerk, manager): id for program, clerk, manager, id in found}


def two(plan: Plan, entry: Entry, clerk: str, manager: str, people: Mapping[str, Who]) -> tuple[str, str] | None:
    """Return the clerk's and the reserve manager's ids; refuse the entry when they are not both there."""
    found = {"clerk": people.get(clerk), "manager": people.get(manager)}
    for name, role in (("clerk", "clerk"), ("manager", "reserve_manager")):
        who = found[name]
        if who is None:
            plan.refuse(entry, name, "no_person")
        elif who.role != role:
            plan.refuse(entry, name, f"no_{role}")
    one, other = found.values()
    is_pair = one and other and (one.role, other.role) == ("clerk", "reserve_manager")
    return (one.id, other.id) if one and other and is_pair else None


# Facts of other systems


def scores(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan scores."""
    wanted, zones = forms(entries, ScoreForm), plan.zones()
    courses = plan.courses(form.course for _, form in wanted)
    people = plan.people(form.number for _, form in wanted)
    for entry, form in wanted:
        if form.course not in courses:
            plan.refuse(entry, "course", "no_course")
        fact = _fact(plan, entry, form.number, form.at, people, zones)
        if fact is None or form.course not in courses:
            continue
        if plan.is_first(entry, "number", (fact[0], form.course, form.kind, fact[1])):
            plan.things += 1
            told = {"person_id": fact[0], "course_id": form.course, "kind": form.kind, "at": fact[1]}
            plan.put(entry, ScoreRow, **told, points=form.points)


def progress(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan reports of progress."""
    wanted, zones = forms(entries, ProgressForm), plan.zones()
    programs = plan.regions_of(ProgramRow, (form.program for _, form in wanted))
    people = plan.people(form.number for _, form in wanted)
    for entry, form in wanted:
        if form.program not in programs:
            plan.refuse(entry, "program", "no_program")
        fact = _fact(plan, entry, form.number, form.at, people, zones)
        if fact is None or form.program not in programs:
            continue
        if plan.is_first(entry, "number", (fact[0], form.program, fact[1])):
            plan.things += 1
            told = {"person_id": fact[0], "program_id": form.program, "at": fact[1]}
            plan.put(entry, ProgressRow, **told, percent=form.percent)


def _fact(
    plan: Plan, entry: Entry, number: str, at: datetime, people: Mapping[str, Who], zones: Mapping[str, str]
) -> tuple[str, datetime] | None:
    """Return of whom and of when a fact is; local times are those of the person's region."""
    who = people.get(number)
    if who is None:
        plan.refuse(entry, "number", "no_person")
        return None
    instant = plan.instant(entry, "at", at, zones[who.region_id])
    if instant is None:
        return None
    if instant > plan.importer.now + AHEAD:
        plan.refuse(entry, "at", "in_future")
        return None
    return who.id, instant


Planner = Callable[[Plan, Sequence[Entry]], None]
