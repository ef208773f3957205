"""Sample files to fill in: the headings of a kind in the reader's language, and two lines as they may look."""

import csv
import io

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from attendance.reasons import Language
from gateway.evidence import XLSX
from gateway.import_forms import Column, Kind

MEDIA = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX}
LEAST_WIDTH = 12


def rows(kind: Kind, language: Language) -> list[list[str]]:
    """Return the headings and two lines."""
    headings = [column.zh if language == "zh" else column.en for column in kind.columns]
    examples = [_examples(column, language) for column in kind.columns]
    return [headings, *(list(line) for line in zip(*examples, strict=True))]


def as_csv(kind: Kind, language: Language) -> bytes:
    """Write a sample as CSV; with a byte order mark, without which Excel reads Chinese as something else."""
    text = io.StringIO()
    csv.writer(text).writerows(rows(kind, language))
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(kind: Kind, language: Language) -> bytes:
    """Write a sample as an Excel workbook; every cell is text, so that Excel leaves numbers and dates as they are."""
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    for line in rows(kind, language):
        sheet.append(line)
    for row in sheet.iter_rows():
        for cell in row:
            cell.number_format = "@"
    for place, column in enumerate(kind.columns, 1):
        sheet.cell(1, place).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = _width(column, language)
    sheet.freeze_panes = "A2"
    book.save(file)
    return file.getvalue()


def _examples(column: Column, language: Language) -> tuple[str, str]:
    return column.in_chinese if language == "zh" and column.in_chinese else column.examples


def _width(column: Column, language: Language) -> int:
    told = (column.zh if language == "zh" else column.en, *_examples(column, language))
    # Chinese characters are twice as wide.
    return max(LEAST_WIDTH, *(sum(2 if ord(letter) > 255 else 1 for letter in text) + 2 for text in told))
