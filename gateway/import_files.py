"""Reads tables out of files that nobody vouches for, line by line: CSV in UTF-8 or GB18030, and Excel workbooks."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gateway import import_workbook
from gateway.import_limits import LONGEST_ROW, MOST_COLUMNS, MOST_LINES, PIECE, Unreadable

ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DELIMITERS = ",;\t"
# What our own files put before a cell that a spreadsheet would take for a formula.
ESCAPED = tuple("'" + mark for mark in "=+-@\t\r＝＋－＠")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty, with its number as a spreadsheet shows it."""

    number: int
    cells: list[str]


def lines(file: IO[bytes]) -> Iterator[Line]:
    """Read a table, its headings first; `file.tell()` says how far it has come. Raises Unreadable."""
    file.seek(0)
    begin = file.read(len(ZIP))
    file.seek(0)
    if not begin:
        raise Unreadable("empty")
    if begin == OLD_EXCEL:
        raise Unreadable("old_excel")
    if begin.startswith(UTF_16):
        raise Unreadable("wrong_encoding")
    for number, cells in import_workbook.rows(file) if begin == ZIP else _of_csv(file):
        if number > MOST_LINES + 1:
            raise Unreadable("too_many_lines", number)
        told = [_cleaned(cell) for cell in cells]
        if any(told):
            yield Line(number, told)


def _cleaned(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith(ESCAPED) else text


# CSV


def _of_csv(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    encoding = _encoding(file)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        yield from _records(text)
    finally:
        # The file is its owner's to close.
        text.detach()


def _encoding(file: IO[bytes]) -> str:
    """Find the encoding in which all of the file can be read, before a line of it is believed."""
    try:
        _check(file, "utf-8")
    except _Stopped as utf:
        try:
            strange = _check(file, "gb18030")
        except _Stopped:
            raise Unreadable("wrong_encoding", utf.line) from None
        # GB18030 reads the umlauts of an older encoding as rare characters; real Chinese has common ones as well.
        if 2 * sum(map(_is_common, strange)) < len(strange):
            raise Unreadable("wrong_encoding", utf.line) from None
        return "gb18030"
    return "utf-8-sig"


def _is_common(letter: str) -> bool:
    try:
        letter.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _check(file: IO[bytes], encoding: str) -> set[str]:
    """Read a file to its end and return its letters that are not ASCII; raises _Stopped."""
    file.seek(0)
    decoder, line, found = codecs.getincrementaldecoder(encoding)(), 1, set[str]()
    try:
        while piece := file.read(PIECE):
            text = _decoded(decoder, piece, line)
            line += text.count("\n")
            found |= {letter for letter in set(text) if letter > "\x7f"}
        _decoded(decoder, b"", line)
    finally:
        file.seek(0)
    return found


class _Stopped(Exception):
    """The decoder stopped in this line."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, line: int) -> str:
    try:
        return decoder.decode(piece, final=not piece)
    except UnicodeDecodeError as error:
        raise _Stopped(line + error.object[: error.start].count(b"\n")) from None


class _Lines:
    """The lines of a text; csv takes several of them for one record, but not without end."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.left = LONGEST_ROW

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise csv.Error("beyond the limit")
        if not line:
            raise StopIteration
        return line


def _records(text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    start = text.readline(LONGEST_ROW)
    text.seek(0)
    source, number = _Lines(text), 0
    reader = csv.reader(source, delimiter=_delimiter(start), strict=True)
    while True:
        number, source.left = number + 1, LONGEST_ROW
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Unreadable("cell_too_long" if "limit" in str(error) else "open_quote", number) from None
        if cells is None:
            return
        if len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:]):
            raise Unreadable("too_many_columns", number)
        yield number, cells[:MOST_COLUMNS]


def _delimiter(headings: str) -> str:
    """Choose what stands most often between the headings: Excel writes semicolons where the comma is in numbers."""
    return max(DELIMITERS, key=headings.count)
