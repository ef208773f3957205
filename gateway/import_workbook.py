"""Reads the first sheet of an Excel workbook (.xlsx), in small pieces and never more than one row of it at a time.

openpyxl builds trees of what it reads, as large as a hostile file wants them, and takes four times as long. Here
nothing is kept but the strings that cells share, and those are counted. Macros, links and formulas are passed over; the
cell of a formula gives what Excel worked out last.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from gateway.import_limits import LONGEST_ROW, MEBIBYTE, MOST_COLUMNS, MOST_LINES, PIECE, Unreadable

MOST_UNPACKED = 256 * MEBIBYTE
"""Of a workbook, all its parts together."""
MOST_MEMBERS = 1000
MOST_AROUND = 8 * MEBIBYTE
"""Of a part that says how the others belong together."""
LONGEST_STRINGS = 32 * MEBIBYTE
"""Letters of all strings that cells share; each of them counts as a few more."""
A_FEW = 32
DEEPEST = 40
ENTRY = "_rels/.rels"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, expat.ExpatError,
    EOFError, KeyError, IndexError, NotImplementedError, OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Book:
    """What the cells of a sheet refer to."""

    strings: list[str]
    dates: frozenset[int]
    """The styles in which a number is shown as a date or time."""
    epoch: datetime


def rows(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Read each row that has cells, with its number; raises Unreadable."""
    with _unbroken(), zipfile.ZipFile(file) as archive:
        _check_members(archive.infolist())
        sheet, book = _opened(archive)
        with archive.open(sheet) as part:
            yield from _rows(part, book)


@contextmanager
def _unbroken() -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        raise Unreadable("no_workbook") from None


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
        raise Unreadable("unpacks_too_large")
    for member in members:
        # Other ways of packing may want gigabytes to unpack into; Excel uses none of them.
        if member.flag_bits & 0x1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("no_workbook")


# How the parts belong together


def _opened(archive: zipfile.ZipFile) -> tuple[str, _Book]:
    """Find the first sheet that is not hidden, and what its cells refer to."""
    main = min(_related(archive, ENTRY, "officeDocument").values())
    name = posixpath.join(posixpath.dirname(main), "_rels", posixpath.basename(main) + ".rels")
    sheets, epoch = _sheets(archive, main)
    strings, styles = (list(_related(archive, name, kind).values()) for kind in ("sharedStrings", "styles"))
    book = _Book(
        strings=_strings(archive, strings[0]) if strings else [],
        dates=_dates(archive, styles[0]) if styles else frozenset(),
        epoch=epoch,
    )
    return _related(archive, name, "worksheet")[sheets[0]], book


def _related(archive: zipfile.ZipFile, name: str, kind: str) -> dict[str, str]:
    """Return the parts of a kind that a part belongs to: their paths, by the id of the relation."""
    folder = posixpath.dirname(posixpath.dirname(name))
    return {
        told["Id"]: posixpath.normpath(posixpath.join("/", folder, told["Target"])).lstrip("/")
        for tag, told in _elements(archive, name)
        if tag == "Relationship" and told["Type"].endswith("/" + kind) and told.get("TargetMode") != "External"
    }


def _sheets(archive: zipfile.ZipFile, name: str) -> tuple[list[str], datetime]:
    found, epoch = [], WINDOWS_EPOCH
    for tag, told in _elements(archive, name):
        if tag == "sheet" and told.get("state", "visible") == "visible":
            found.append(told["id"])
        elif tag == "workbookPr" and told.get("date1904") in ("1", "true"):
            epoch = MAC_EPOCH
    return found, epoch


def _dates(archive: zipfile.ZipFile, name: str) -> frozenset[int]:
    formats, dates, inside, style = dict(BUILTIN_FORMATS), set(), False, 0
    for tag, told in _elements(archive, name):
        if tag == "numFmt" and "numFmtId" in told:
            formats[int(told["numFmtId"])] = told.get("formatCode", "")
        elif tag in ("cellXfs", "cellStyles", "dxfs"):
            inside = tag == "cellXfs"
        elif tag == "xf" and inside:
            number = int(told.get("numFmtId", "0"))
            # 27 to 36 and 50 to 58 are dates of East Asian Excels.
            if 27 <= number <= 36 or 50 <= number <= 58 or is_date_format(formats.get(number, "")):
                dates.add(style)
            style += 1
    return frozenset(dates)


# XML, piece by piece


def _elements(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Read the elements of a small part, each with its attributes."""
    if archive.getinfo(name).file_size > MOST_AROUND:
        raise Unreadable("unpacks_too_large")
    found: list[tuple[str, Mapping[str, str]]] = []
    with archive.open(name) as part:
        for _ in _parsed(part, lambda tag, told: found.append((tag, told)), lambda tag: None, lambda text: None):
            yield from found
            found.clear()


def _parsed(
    part: IO[bytes],
    start: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None],
    letters: Callable[[str], None],
) -> Iterator[None]:
    """Parse a part, and stop after each piece so that what was found in it can be taken away."""
    parser, fed, depth = expat.ParserCreate(namespace_separator=" "), 0, 0

    def opens(name: str, told: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise Unreadable("no_workbook")
        start(name.rpartition(" ")[2], told if " " not in "".join(told) else _local(told))

    def closes(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name.rpartition(" ")[2])

    parser.StartDoctypeDeclHandler = _doctype
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opens, closes, letters
    while piece := part.read(PIECE):
        parser.Parse(piece, False)
        fed += len(piece)
        # One tag as large as this has only one use.
        if fed - parser.CurrentByteIndex > LONGEST_ROW:
            raise Unreadable("unpacks_too_large")
        yield
    parser.Parse(b"", True)
    yield


def _doctype(*_: Any) -> None:
    # No workbook has one; entities that multiply are declared in it.
    raise Unreadable("no_workbook")


def _local(told: Mapping[str, str]) -> dict[str, str]:
    return {name.rpartition(" ")[2]: value for name, value in told.items()}


# Strings


def _strings(archive: zipfile.ZipFile, name: str) -> list[str]:
    reader = _Strings()
    with archive.open(name) as part:
        for _ in _parsed(part, reader.start, reader.end, reader.letters):
            pass
    return reader.found


class _Text:
    """Collects the letters of `t` elements; what is written above Chinese or Japanese to say it aloud is left out."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._reading = self._aside = False
        self._left = LONGEST_ROW

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._aside = True
        elif tag in ("t", "v"):
            self._reading = not self._aside

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._aside = False
        elif tag in ("t", "v"):
            self._reading = False

    def letters(self, text: str) -> bool:
        """Take letters; False when they are too many."""
        if self._reading:
            self._parts.append(text)
            self._left -= len(text)
        return self._left >= 0

    def take(self) -> str:
        """Return the text so far and begin a new one."""
        text = "".join(self._parts)
        self._parts.clear()
        return text

    def refill(self) -> None:
        """Allow as many letters as at first."""
        self._left = LONGEST_ROW


class _Strings:
    """The strings that cells share."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._text, self._read = _Text(), 0

    def start(self, tag: str, told: Mapping[str, str]) -> None:
        self._text.start(tag)

    def end(self, tag: str) -> None:
        self._text.end(tag)
        if tag == "si":
            self.found.append(_unescaped(self._text.take()))
            self._text.refill()
            self._count(A_FEW)

    def letters(self, text: str) -> None:
        self._count(len(text))
        if not self._text.letters(text):
            raise Unreadable("unpacks_too_large")

    def _count(self, letters: int) -> None:
        self._read += letters
        if self._read > LONGEST_STRINGS:
            raise Unreadable("unpacks_too_large")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


# Rows


def _rows(part: IO[bytes], book: _Book) -> Iterator[tuple[int, list[str]]]:
    reader = _Rows(book)
    try:
        for _ in _parsed(part, reader.start, reader.end, reader.letters):
            yield from reader.found
            reader.found.clear()
    except _BROKEN:
        raise Unreadable("no_workbook", reader.row) from None


class _Rows:
    """The rows of a sheet, as they are completed."""

    def __init__(self, book: _Book) -> None:
        self.found: list[tuple[int, list[str]]] = []
        self.row = 0
        self._book, self._text = book, _Text()
        self._cells: dict[int, str] = {}
        self._column, self._type, self._style = 0, "n", 0

    def start(self, tag: str, told: Mapping[str, str]) -> None:
        if tag == "row":
            self._begin_row(told)
        elif tag == "c":
            place = _PLACE.fullmatch(told.get("r", ""))
            self._column = _number_of(place[1]) if place else self._column + 1
            self._type, self._style = told.get("t", "n"), int(told.get("s", "0"))
        else:
            self._text.start(tag)

    def _begin_row(self, told: Mapping[str, str]) -> None:
        before, self.row = self.row, int(told.get("r", self.row + 1))
        if self.row <= before:
            raise Unreadable("no_workbook", self.row)
        self._column = 0
        self._cells.clear()
        self._text.refill()

    def end(self, tag: str) -> None:
        self._text.end(tag)
        if tag == "c":
            self._end_cell(self._text.take())
        elif tag == "row" and self._cells:
            self.found.append((self.row, [self._cells.get(n, "") for n in range(1, max(self._cells) + 1)]))

    def _end_cell(self, text: str) -> None:
        # A row without anything in it may be anywhere: it only has a colour or a height.
        if not text:
            return
        if self.row > MOST_LINES + 1:
            raise Unreadable("too_many_lines", self.row)
        if self._column > MOST_COLUMNS:
            raise Unreadable("too_many_columns", self.row)
        self._cells[self._column] = self._told(text)

    def _told(self, text: str) -> str:
        """Write a cell as a person would who types it."""
        match self._type:
            case "s":
                return self._book.strings[int(text)]
            case "inlineStr":
                return _unescaped(text)
            case "b":
                return "yes" if text == "1" else "no"
            case "n":
                return _moment(from_excel(float(text), self._book.epoch)) if self._is_date() else _number(text)
        return _unescaped(text)

    def _is_date(self) -> bool:
        return self._style in self._book.dates

    def letters(self, text: str) -> None:
        if not self._text.letters(text):
            raise Unreadable("cell_too_long", self.row)


def _number_of(column: str) -> int:
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _number(text: str) -> str:
    # Excel keeps 0.3 as 0.30000000000000004 now and then, and shows fifteen digits.
    return text if text.isdigit() else f"{Decimal(f'{float(text):.15g}'):f}"


def _moment(value: date | time | timedelta | datetime) -> str:
    if isinstance(value, datetime):
        at = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        # Excel has no dates without a time; midnight is its way of writing one.
        return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, time):
        return f"{(datetime.combine(date.min, value) + timedelta(milliseconds=500)):%H:%M:%S}"
    return str(value)
