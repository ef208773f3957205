"""Checks the lines of a table one by one: each becomes a form, or says in which column what is wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pydantic import ValidationError

from gateway.import_files import Line
from gateway.import_forms import Column, Kind, SessionForm, TaskForm, heading
from gateway.import_limits import LONGEST_CELL, Unreadable
from gateway.import_plan import Entry, Wrong

CHUNK = 2000
"""Lines, or what they come to, that are checked and looked up at once."""
EXCEL_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"))
LONGEST_HEADING = 60

# What cannot be stored, or would make a line read as something else: controls, halves of characters, reversed writing.
_STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_CODES = {
    "missing": "missing",
    "string_too_short": "missing",
    "string_too_long": "too_long",
    "too_long": "too_many_values",
    "literal_error": "no_choice",
    "bool_type": "wrong_yes",
    "int_type": "wrong_whole",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
}
_PATTERNS = {"phone": "wrong_phone", "id": "wrong_id", "task": "wrong_id"}


class Table:
    """The columns of a file, and what is wrong with its lines so far."""

    def __init__(self, kind: Kind, headings: Line) -> None:
        """Read the headings; raises Unreadable."""
        self.kind, self._wrong = kind, list[Wrong]()
        self._columns = [kind.by_heading.get(heading(text)) for text in headings.cells]
        self.shown = {column.field: text for column, text in self._headed(headings) if column}
        """The heading of each field, as the file has it."""
        self.called = {column.field: column.en for column in kind.columns} | self.shown
        self._check(headings)

    @property
    def given(self) -> frozenset[str]:
        """Return the fields that the file has a column for."""
        return frozenset(self.shown)

    def entries(self, lines: Sequence[Line]) -> list[Entry]:
        """Return the lines that say what they have to; what is wrong with the others is noted."""
        return [entry for line in lines if (entry := self._entry(line)) is not None]

    def take_wrong(self) -> list[Wrong]:
        """Return what is wrong with the lines since this was asked last."""
        wrong, self._wrong = self._wrong, []
        return wrong

    def _headed(self, headings: Line) -> Iterator[tuple[Column | None, str]]:
        return zip(self._columns, headings.cells, strict=True)

    def _check(self, headings: Line) -> None:
        if unknown := [text[:LONGEST_HEADING] for column, text in self._headed(headings) if text and column is None]:
            raise Unreadable("unknown_columns", headings.number, columns=_listed(unknown))
        known = [column for column in self._columns if column]
        if twice := {column.field for column in known if known.count(column) > 1}:
            raise Unreadable(
                "column_twice", headings.number, columns=_listed(self.shown[name] for name in sorted(twice))
            )
        if missing := [column for column in self.kind.needed if column.field not in self.shown]:
            names = (f"{column.en} ({column.zh})" for column in missing)
            raise Unreadable("missing_columns", headings.number, columns=_listed(names))

    def _entry(self, line: Line) -> Entry | None:
        before, values = len(self._wrong), dict[str, Any]()
        for place, cell in enumerate(line.cells):
            if cell:
                self._read(line, place, cell, values)
        refused = {wrong.name for wrong in self._wrong[before:]}
        try:
            form = self.kind.form.model_validate(values)
        except ValidationError as error:
            self._wrong += (wrong for wrong in wrong_of(error, line.number) if wrong.name not in refused)
            return None
        return None if refused else Entry(line.number, form)

    def _read(self, line: Line, place: int, cell: str, values: dict[str, Any]) -> None:
        column = self._columns[place] if place < len(self._columns) else None
        name = column.field if column else ""
        if column is None:
            self._wrong.append(Wrong(line.number, "", "no_heading", {"column": letters(place)}))
        elif len(cell) > LONGEST_CELL:
            self._wrong.append(Wrong(line.number, name, "too_long", {"most": LONGEST_CELL}))
        elif _STRANGE.search(cell):
            self._wrong.append(Wrong(line.number, name, "strange_letter"))
        elif cell in EXCEL_ERRORS:
            self._wrong.append(Wrong(line.number, name, "excel_error"))
        else:
            values[name] = column.read(cell)


def wrong_of(error: ValidationError, line: int) -> Iterator[Wrong]:
    """Say what pydantic found wrong in our own words, once for each field, and never with what was written."""
    said = set[str]()
    for told in error.errors(include_url=False, include_input=False):
        name = str(told["loc"][0]) if told["loc"] else ""
        if name not in said:
            said.add(name)
            yield Wrong(line, name, _code(told["type"], name), _about(told.get("ctx", {})))


def chunks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut entries so that each chunk comes to about as many rows; an entry that gives many is a chunk of its own."""
    chunk, weight = list[Entry](), 0
    for entry in entries:
        heavy = weight_of(entry)
        if chunk and weight + heavy > CHUNK:
            yield chunk
            chunk, weight = [], 0
        chunk.append(entry)
        weight += heavy
    if chunk:
        yield chunk


def weight_of(entry: Entry) -> int:
    """Guess how many things an entry comes to."""
    match entry.form:
        case SessionForm(weekdays=[_, *_], times=times, until=until, starts=starts) as form:
            weeks = (until - starts.date()).days // 7 + 1 if until else 0
            return max(1, times or weeks * len(form.weekdays))
        case TaskForm(clerk=None):
            return CHUNK
    return 1


def letters(place: int) -> str:
    """Name a column as Excel does: A, B, … Z, AA."""
    first, last = divmod(place, 26)
    return (ascii_uppercase[first - 1] if first else "") + ascii_uppercase[last]


def _code(kind: str, name: str) -> str:
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(name, "wrong_text")
    return _CODES.get(kind, kind)


def _about(context: Mapping[str, Any]) -> dict[str, Any]:
    limits = {"max_length": "most", "ge": "limit", "le": "limit"}
    about = {name: context[key] for key, name in limits.items() if key in context}
    # pydantic writes: 'clerk', 'reserve_manager' or 'trainer'
    return about | ({"choices": re.findall("'([^']+)'", context["expected"])} if "expected" in context else {})


def _listed(names: Any) -> str:
    return ", ".join(names)
