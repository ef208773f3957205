"""Brings things in: reads a file into the staged tables, chunk by chunk, or takes the items of one request at once.

* ItemsWrong        nothing has been brought in; it holds what is wrong with which item
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Any

from sqlalchemy.orm import Session as Db

from gateway.clock import Clock
from gateway.import_check import CHUNK, Table, chunks
from gateway.import_files import Line, lines
from gateway.import_forms import KINDS, Form, Kind
from gateway.import_limits import MOST_LINES, Unreadable
from gateway.import_plan import Entry, Importer, Plan, Planner, Wrong, pairs, people, progress, rosters, scores
from gateway.import_sessions import sessions
from gateway.import_tasks import tasks
from ledger import imports
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.imports import MOST_ERRORS, StagedRow

log = logging.getLogger(__name__)

STAGED = 1000
"""Rows of one transaction: a check-in waits for no more of them."""
MOST_OF_ITEMS = 5000
"""Things that the items of one request may come to."""

PLANNERS: dict[str, Planner] = {
    "people": people,
    "sessions": sessions,
    "rosters": rosters,
    "pairs": pairs,
    "tasks": tasks,
    "scores": scores,
    "progress": progress,
}
COLUMNS: dict[str, Mapping[str, Sequence[str]]] = {
    "people": {
        "name": ["name"],
        "role": ["role"],
        "region": ["region_id"],
        "language": ["language"],
        "phone": ["phone"],
    },
    "sessions": {
        "course": ["course_id"],
        "region": ["region_id", "zone"],
        "room": ["room_id"],
        # Breaks go along with the times when a file does not speak of them.
        "starts": ["starts_at", "ends_at", "local_date", "breaks"],
        "trainer": ["trainer_id"],
        "program": ["program_id"],
        "methods": ["methods"],
        "least_assurance": ["least_assurance"],
        "missing_out": ["missing_out"],
        "presence_checks": ["presence_checks"],
        "cancelled": ["cancelled"],
    },
    "tasks": {"title": ["title"], "title_zh": ["title_zh"]},
    "scores": {"points": ["points"]},
    "progress": {"percent": ["percent"]},
}
"""Which columns of the ledger a field sets where something is there already."""


class ItemsWrong(Exception):
    """Nothing has been brought in: some items are wrong."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__(f"{len(wrong)} errors")
        self.wrong = wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What the items of a request have come to."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


def columns(kind: str, given: Iterable[str]) -> list[str]:
    """Return the columns that these fields set."""
    known = COLUMNS.get(kind, {})
    return sorted({column for name in given for column in known.get(name, ())})


# A file


def read(
    ledger: Ledger,
    import_id: str,
    kind: str,
    file: IO[bytes],
    importer: Importer,
    *,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Read all of a file; each chunk is a transaction of its own, so that check-ins never wait for long.

    What is wrong is noted, and the import is then `wrong`. It stays as it is when `stopping` says so.
    """
    reading = _Reading(ledger, import_id, KINDS[kind], file, importer, stopping)
    try:
        reading.read()
    except _Ended:
        _clear(ledger, import_id, kind)
        return
    except Unreadable as error:
        reading.refuse([Wrong(error.line, "", error.code, error.about)])
    if reading.is_stopped:
        return
    with ledger.begin() as db:
        imports.weigh(db, kind)
    with ledger.read() as db:
        found = imports.foreseen(db, import_id)
    with ledger.begin() as db:
        reading.report(db)
        imports.finish(db, import_id, found, wrong=bool(reading.wrong), now=clock())
    if reading.wrong:
        _clear(ledger, import_id, kind)


def cleared(ledger: Ledger, row: ImportRow) -> None:
    """Delete what was staged for an import that has ended, in small transactions."""
    _clear(ledger, row.id, row.kind)


def _clear(ledger: Ledger, import_id: str, kind: str) -> None:
    left = True
    while left:
        with ledger.begin() as db:
            left = bool(imports.clear(db, import_id, kind))


class _Ended(Exception):
    """Somebody has ended the import while it was being read."""


class _Reading:
    def __init__(
        self,
        ledger: Ledger,
        import_id: str,
        kind: Kind,
        file: IO[bytes],
        importer: Importer,
        stopping: Callable[[], bool],
    ) -> None:
        self._ledger, self._id, self._kind, self._file = ledger, import_id, kind, file
        self._importer, self._stopping = importer, stopping
        self._seen: dict[Hashable, int] = {}
        self._errors: list[list[Any]] = []
        self._called: Mapping[str, str] = {}
        self._things = self._rows = self._done = self.wrong = 0
        self.is_stopped = False

    def read(self) -> None:
        found = lines(self._file)
        table = Table(self._kind, _headings(found))
        self._called = table.called
        with self._ledger.begin() as db:
            self.report(db, columns=columns(self._kind.name, table.given))
        for some in _some(found):
            self.is_stopped = self._stopping()
            if self.is_stopped:
                return
            self._take(table, some)
        if not self._rows and not self.wrong:
            raise Unreadable("no_lines", 1)

    def refuse(self, wrong: Iterable[Wrong]) -> None:
        """Note what is wrong; the first of it is kept."""
        for one in wrong:
            self.wrong += 1
            if len(self._errors) < MOST_ERRORS:
                self._errors.append([one.line, self._called.get(one.name, one.name), one.code, dict(one.about)])

    def report(self, db: Db, **more: Any) -> None:
        """Write down how far this has come."""
        # The file may end before what else is in a workbook.
        self._done = max(self._done, self._file.tell())
        told = {"rows": self._things, "done": self._done, "wrong": self.wrong, "errors": self._errors}
        if not imports.report(db, self._id, **told, **more):
            raise _Ended

    def _take(self, table: Table, some: Sequence[Line]) -> None:
        entries = table.entries(some)
        wrong = table.take_wrong()
        for chunk in chunks(entries):
            plan = self._planned(chunk, table.given)
            wrong += plan.wrong
            self._things += plan.things
            if self._things > MOST_LINES:
                raise Unreadable("too_many_things", chunk[-1].line)
            self._stage(plan.rows)
        # What is wrong in a line, and in what it refers to, comes one after the other.
        self.refuse(sorted(wrong, key=lambda one: one.line))
        with self._ledger.begin() as db:
            self.report(db)

    def _planned(self, chunk: Sequence[Entry], given: frozenset[str]) -> Plan:
        with self._ledger.read() as db:
            plan = Plan(db=db, importer=self._importer, given=given, seen=self._seen)
            PLANNERS[self._kind.name](plan, chunk)
        return plan

    def _stage(self, rows: Sequence[StagedRow]) -> None:
        for start in range(0, len(rows), STAGED):
            some = rows[start : start + STAGED]
            with self._ledger.begin() as db:
                imports.stage(db, self._id, some, place=self._rows)
                self._rows += len(some)
                self.report(db)


def _headings(found: Iterator[Line]) -> Line:
    for line in found:
        return line
    raise Unreadable("empty")


def _some(found: Iterator[Line]) -> Iterator[list[Line]]:
    while some := list(islice(found, CHUNK)):
        yield some


# The items of a request


def bring(db: Db, kind: str, forms: Sequence[Form], importer: Importer) -> Brought:
    """Bring items in, all or none, in the transaction of the caller; raises ItemsWrong or TooLate."""
    seen: dict[Hashable, int] = {}
    plans = [_plan(db, kind, entries, given, seen, importer) for given, entries in _alike(forms).items()]
    wrong = [one for plan in plans for one in plan.wrong]
    if not wrong and sum(plan.things for plan in plans) > MOST_OF_ITEMS:
        wrong = [Wrong(0, "", "too_many_things")]
    if wrong:
        raise ItemsWrong(sorted(wrong, key=lambda one: one.line))
    brought = Brought()
    for plan in plans:
        brought = _landed(db, kind, plan, importer, brought)
    return brought


def _alike(forms: Sequence[Form]) -> Mapping[frozenset[str], list[Entry]]:
    """Put items together that speak of the same fields: what the others leave out stays as it is."""
    alike: defaultdict[frozenset[str], list[Entry]] = defaultdict(list)
    for place, form in enumerate(forms):
        alike[frozenset(form.model_fields_set)].append(Entry(place, form))
    return alike


def _plan(
    db: Db, kind: str, entries: Sequence[Entry], given: frozenset[str], seen: dict[Hashable, int], importer: Importer
) -> Plan:
    plan = Plan(db=db, importer=importer, given=given, seen=seen)
    PLANNERS[kind](plan, entries)
    return plan


def _landed(db: Db, kind: str, plan: Plan, importer: Importer, so_far: Brought) -> Brought:
    import_id = imports.new_id()
    imports.stage(db, import_id, plan.rows, place=0)
    imports.weigh(db, kind)
    found = imports.land_rows(
        db,
        kind,
        import_id,
        columns(kind, plan.given),
        actor=importer.by,
        now=importer.now,
        regions=importer.regions,
    )
    imports.clear(db, import_id, kind, limit=len(plan.rows))
    unchanged = plan.things - found.added - found.changed
    return replace(
        so_far,
        added=so_far.added + found.added,
        changed=so_far.changed + found.changed,
        unchanged=so_far.unchanged + unchanged,
    )
