"""A report is lines of one shape; a page, CSV, XLSX and an API all show the same ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Generic, TypeVar

from attendance.reasons import Language, Text
from attendance.step import plain

# A bool is an int here; columns that hold one have words for it.
Cell = str | int | Decimal | date | None
Cells = tuple[Cell, ...]
About = tuple[tuple[str, Cell], ...]  # what was asked: the period, the target, the unit


@dataclass(frozen=True, slots=True)
class Column:
    key: str  # the attribute of a line, and for good the name in CSV and JSON; "clerk.hours" lies one level down
    heading: Text
    words: Mapping[Cell, Text] = field(default_factory=dict, hash=False)  # for codes

    def told(self, cell: Cell, language: Language) -> Cell:
        """Put a code into words; whatever is no code stays what it is."""
        text = self.words.get(cell)
        return text.told(language) if text else cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The flat form of a report, for whoever shows it in rows: values as they are, codes with their words beside."""

    key: str
    title: Text
    columns: tuple[Column, ...]
    rows: tuple[Cells, ...]
    totals: tuple[Cells, ...] = ()  # in the same columns


class Line:
    """One line of a report: a frozen dataclass that has what the columns name."""

    __slots__ = ()

    @property
    def nested(self) -> dict[str, Any]:
        """Give what JSON says in more depth than a cell can."""
        return {}


L = TypeVar("L", bound=Line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Generic[L]):
    key: str  # names the report, in an address or as the name of a file
    title: Text
    about: About = ()
    columns: tuple[Column, ...]
    lines: tuple[L, ...]
    totals: tuple[L, ...] = ()

    def table(self) -> Table:
        return Table(
            key=self.key,
            title=self.title,
            columns=self.columns,
            rows=tuple(self._cells(self.lines)),
            totals=tuple(self._cells(self.totals)),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "report": self.key,
            "about": {name: plain(value) for name, value in self.about},
            "rows": [self._object(line) for line in self.lines],
            "totals": [self._object(line) for line in self.totals],
        }

    def _cells(self, lines: Iterable[L]) -> Iterable[Cells]:
        getters = [attrgetter(column.key) for column in self.columns]
        return (tuple(get(line) for get in getters) for line in lines)

    def _object(self, line: L) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for column in self.columns:
            outer, _, inner = column.key.rpartition(".")
            place = found.setdefault(outer, {}) if outer else found
            place[inner] = plain(attrgetter(column.key)(line))
        return found | line.nested
