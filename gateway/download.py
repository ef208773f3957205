"""A table as a file to download, CSV or XLSX, that opens as what it is whatever texts are in it."""

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from flask import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from werkzeug.wsgi import FileWrapper

from attendance.reasons import Language
from attendance.report_table import Cell, Cells, Column

Form = Literal["csv", "xlsx"]
MEDIA: dict[Form, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

MOST_CHARACTERS = 32_767
"""What a cell of Excel holds, in units of UTF-16; of a longer one in a CSV the rest would begin a line of its own."""
CHUNK = 64 * 1024
"""Bytes sent at a time."""
FIRST_DAY = date(1900, 3, 1)
"""Before it, Excel counts a day that never was."""

# Excel in a Chinese Windows takes a CSV for GBK without it.
MARK = "\ufeff"
# Full-width forms begin a formula in Excel where Chinese or Japanese is typed.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
# XML 1.0 has no way to write them.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Excel reads _x0041_ as the character with this number.
NUMBERED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
NOT_IN_SHEET_NAMES = re.compile(r"[\\/*?:\[\]]")


def csv_file(columns: Sequence[Column], rows: Iterable[Cells], *, language: Language) -> Iterator[bytes]:
    """Write a table as CSV (RFC 4180) in UTF-8, a chunk at a time."""
    held = io.StringIO(newline="")
    held.write(MARK)
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow([column.heading.told(language) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in _told(columns, row, language)])
        if held.tell() >= CHUNK:
            yield _taken(held)
    yield _taken(held)


def xlsx_file(columns: Sequence[Column], rows: Iterable[Cells], *, language: Language, title: str) -> Iterable[bytes]:
    """Write a table as XLSX into a temporary file, row by row; it is gone when what is returned is closed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(NOT_IN_SHEET_NAMES.sub(" ", title)[:31])
    sheet.freeze_panes = "A2"
    headings = [column.heading.told(language) for column in columns]
    for place, heading in enumerate(headings, 1):
        sheet.column_dimensions[get_column_letter(place)].width = max(12, len(heading.encode()) + 2)
    sheet.append([_bold(sheet, heading) for heading in headings])
    with ExitStack() as undo:
        file = undo.enter_context(tempfile.TemporaryFile())
        # Only saving takes away the file in which openpyxl keeps the rows meanwhile, also when they break off.
        undo.callback(book.save, file)
        for row in rows:
            sheet.append([_xlsx_cell(sheet, cell) for cell in _told(columns, row, language)])
        undo.pop_all()
    book.save(file)
    file.seek(0)
    return Once(file, CHUNK)


class Once(FileWrapper):
    """A file that is closed when it has been sent, or by a server that stops before."""

    def __next__(self) -> bytes:
        try:
            return super().__next__()
        except StopIteration:
            self.close()
            raise


def download(content: Iterable[bytes], *, name: str, form: Form) -> Response:
    """Answer with a file; `name` is its name without the ending, of letters, digits and hyphens."""
    answer = Response(content, content_type=MEDIA[form] + ("; charset=utf-8" if form == "csv" else ""))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def documented_file(form: Form) -> dict[str | int, Any]:
    """Say in the OpenAPI document that an answer is a file."""
    headers = {"Content-Disposition": {"schema": {"type": "string"}}}
    return {200: {"description": "The file.", "content": {MEDIA[form]: {}}, "headers": headers}}


def _taken(held: io.StringIO) -> bytes:
    chunk = held.getvalue().encode()
    held.seek(0)
    held.truncate()
    return chunk


def _told(columns: Sequence[Column], row: Cells, language: Language) -> Iterable[Cell]:
    return (column.told(cell, language) for column, cell in zip(columns, row, strict=True))


def _csv_cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return _fitting(f"'{cell}" if FORMULA.match(cell) else cell)
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
    return str(cell)


def _xlsx_cell(sheet: Any, cell: Cell) -> Any:
    """Make a real number or date where it is one; text says that it is text, and never becomes a formula."""
    if isinstance(cell, date) and _day(cell) < FIRST_DAY:
        cell = str(cell)
    if not isinstance(cell, str):
        return cell
    text = NUMBERED.sub("_x005F_", cell.replace("\r\n", "\n").replace("\r", "\n"))
    made = WriteOnlyCell(sheet, value=_fitting(text))
    made.data_type = "s"
    # The sign that Excel itself sets for text that looks like a formula: it stays text when somebody edits it.
    made.quotePrefix = bool(FORMULA.match(cell))
    return made


def _day(cell: date) -> date:
    return cell.date() if isinstance(cell, datetime) else cell


def _bold(sheet: Any, heading: str) -> Any:
    cell = WriteOnlyCell(sheet, value=heading)
    cell.font = Font(bold=True)
    return cell


def _fitting(text: str) -> str:
    """Cut what no cell can hold, and show that something is missing."""
    text = UNWRITABLE.sub("\ufffd", text)
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MOST_CHARACTERS:
        return text
    return units[: 2 * (MOST_CHARACTERS - 1)].decode("utf-16-le", "ignore") + "…"
