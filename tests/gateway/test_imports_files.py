"""Files that are broken, hostile or merely odd: a clear answer with its line, and no more memory than a row needs."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from openpyxl import Workbook

from gateway.import_files import Line, lines
from gateway.import_limits import LONGEST_ROW, MOST_COLUMNS, MOST_LINES, Unreadable
from tests.gateway.imports_cast import as_xlsx

HEAD = "number,name,role,region"
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def table(data: bytes) -> list[Line]:
    return list(lines(io.BytesIO(data)))


def refused(data: bytes) -> tuple[str, int]:
    """Read a file to the end and say with which code, and in which line, it stopped."""
    with pytest.raises(Unreadable) as error:
        table(data)
    return error.value.code, error.value.line


def workbook(changes: dict[str, str | bytes | None], *, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a workbook of one row, with parts replaced, added or (None) left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(["a", "b"]))) as honest, zipfile.ZipFile(file, "w", packed) as book:
        for name in honest.namelist():
            if (data := changes.get(name, honest.read(name))) is not None:
                book.writestr(name, data)
        for name in changes.keys() - set(honest.namelist()):
            book.writestr(name, changes[name] or b"")
    return file.getvalue()


def with_strings(strings: str) -> dict[str, str | bytes | None]:
    """Make the part with the strings that cells share; openpyxl writes every string into its cell."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    relations = "".join(
        f'<Relationship Id="r{name}" Type="{kind}{name}" Target="{target}"/>'
        for name, target in (("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "/xl/sharedStrings.xml"))
    )
    opened = f'<workbook {MAIN}><sheets><sheet name="one" sheetId="1" id="rworksheet"/></sheets></workbook>'
    return {
        STRINGS: f"<sst {MAIN}>{strings}</sst>",
        "xl/workbook.xml": opened,
        "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>",
    }


def sheet(rows: str) -> dict[str, str | bytes | None]:
    return {SHEET: f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"}


def cell(text: str, place: str = "A1") -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def rows(*told: tuple[int, str]) -> bytes:
    return workbook(sheet("".join(f'<row r="{number}">{cells}</row>' for number, cells in told)))


HUGE = "x" * (LONGEST_ROW + 200_000)
MANY = f"<si><t>{'x' * 1_900_000}</t></si>" * 18
DEEP = f"<worksheet {MAIN}>" + "<a>" * 50
LONG = b" " * (9 * 1024 * 1024)


# CSV


@pytest.mark.parametrize(
    "data, answer",
    [
        pytest.param(b"", ("empty", 0), id="empty"),
        pytest.param(b"a,b\n1,2\n\xff\xfe\xfd,4\n", ("wrong_encoding", 3), id="no text"),
        pytest.param("a,b\n1,2\n".encode("utf-16"), ("wrong_encoding", 0), id="utf-16"),
        pytest.param(b"a,b\n1,2\nM\xfcller,3\n", ("wrong_encoding", 3), id="umlauts of an older encoding"),
        pytest.param(b'a,b\n1,2\n3,"4\n5,6\n', ("open_quote", 3), id="a quote that never closes"),
        pytest.param(b'a,b\n1,"2" or so\n', ("open_quote", 2), id="letters behind a quote"),
        pytest.param(b"a,b\n" + b"x" * 200_000 + b",1\n", ("cell_too_long", 2), id="a cell of 200,000 letters"),
        pytest.param(b"a,b\n" + b"," * (LONGEST_ROW + 1) + b"\n", ("cell_too_long", 2), id="two million columns"),
        pytest.param(b"a" + b",x" * 10_000 + b"\n", ("too_many_columns", 1), id="10,000 columns"),
        pytest.param(b"\xd0\xcf\x11\xe0 an old workbook", ("old_excel", 0), id="old Excel"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_why_and_where(data: bytes, answer: tuple[str, int]) -> None:
    assert refused(data) == answer


def test_lines_are_counted_as_a_spreadsheet_shows_them() -> None:
    data = b'\n\na,b\n\n"two\nlines",2\n,\n3,4\n'

    assert [(line.number, line.cells) for line in table(data)] == [
        (3, ["a", "b"]),
        (5, ["two\nlines", "2"]),
        (7, ["3", "4"]),
    ]


def test_too_many_lines_stop_at_the_first_that_is_too_many() -> None:
    assert refused(b"a\n" + b"1\n" * (MOST_LINES + 1)) == ("too_many_lines", MOST_LINES + 2)


def test_what_our_own_files_put_before_a_formula_is_taken_off() -> None:
    [line] = table(b"'+86 138,'=1+1,it's,'quoted'")

    assert line.cells == ["+86 138", "=1+1", "it's", "'quoted'"]


# Workbooks


@pytest.mark.parametrize(
    "make, answer",
    [
        pytest.param(lambda: b"PK\x03\x04 and nothing more", ("no_workbook", 0), id="no zip"),
        pytest.param(lambda: as_xlsx(["a"])[:-40], ("no_workbook", 0), id="cut off"),
        pytest.param(lambda: workbook({"xl/workbook.xml": None}), ("no_workbook", 0), id="no workbook"),
        pytest.param(lambda: workbook({"_rels/.rels": "<Relationships/>"}), ("no_workbook", 0), id="no relations"),
        pytest.param(lambda: workbook({SHEET: "<worksheet><sheetData>"}), ("no_workbook", 0), id="XML that ends early"),
        pytest.param(lambda: workbook({}, packed=zipfile.ZIP_LZMA), ("no_workbook", 0), id="packed in another way"),
        pytest.param(lambda: encrypted(as_xlsx(["a"])), ("no_workbook", 0), id="with a password"),
        pytest.param(lambda: claiming(as_xlsx(["a" * 5000]), 10), ("no_workbook", 0), id="sizes that lie"),
        pytest.param(lambda: rows((1, cell("a")), (3, cell(HUGE))), ("cell_too_long", 3), id="a cell of 2 MB"),
        pytest.param(lambda: rows((1, cell("a") + cell("b", "BM1"))), ("too_many_columns", 1), id="column 65"),
        pytest.param(lambda: rows((1, cell("x", "XFD1") * 10_000)), ("too_many_columns", 1), id="10,000 columns"),
        pytest.param(lambda: rows((1, cell("a")), (900_000, cell("b"))), ("too_many_lines", 900_000), id="far down"),
        pytest.param(lambda: rows((5, cell("a")), (2, cell("b"))), ("no_workbook", 2), id="lines out of order"),
        pytest.param(lambda: rows((1, '<c r="A1" t="s"><v>9</v></c>')), ("no_workbook", 1), id="no such string"),
        pytest.param(lambda: rows((1, '<c r="A1"><v>12a</v></c>')), ("no_workbook", 1), id="no number"),
        pytest.param(lambda: workbook({SHEET: DEEP}), ("no_workbook", 0), id="nested deeply"),
        pytest.param(lambda: workbook({SHEET: f'<a b="{HUGE}"/>'}), ("unpacks_too_large", 0), id="one huge tag"),
        pytest.param(lambda: bomb(), ("unpacks_too_large", 0), id="a gigabyte of nothing"),
        pytest.param(lambda: workbook(with_strings(MANY)), ("unpacks_too_large", 0), id="thirty megabytes of strings"),
        pytest.param(lambda: workbook({"xl/styles.xml": LONG}), ("unpacks_too_large", 0), id="huge styles"),
        pytest.param(lambda: laughs(), ("no_workbook", 0), id="a billion laughs"),
    ],
)  # fmt: skip
def test_a_workbook_that_cannot_be_read_says_why_and_where(make: Callable[[], bytes], answer: tuple[str, int]) -> None:
    data = make()

    tracemalloc.start()
    said = refused(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert said == answer
    assert peak < 80_000_000


def bomb() -> bytes:
    """Say of every part that it holds a gigabyte."""
    return claiming(as_xlsx(["a"]), 2**30)


def laughs() -> bytes:
    """Declare entities that multiply."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return workbook({SHEET: f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><worksheet {MAIN}>&l9;</worksheet>'})


def encrypted(data: bytes) -> bytes:
    """Say of every part that it needs a password."""
    changed, at = bytearray(data), 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 8] |= 1
        at += 4
    return bytes(changed)


def claiming(data: bytes, size: int) -> bytes:
    """Say of every part that it unpacks to so much."""
    changed, at = bytearray(data), 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 24 : at + 28] = struct.pack("<I", size)
        at += 4
    return bytes(changed)


def test_a_cell_of_a_megabyte_is_read_so_that_its_column_can_be_named() -> None:
    [line] = table(workbook(sheet(f'<row r="1">{cell("x" * 1_000_000)}</row>')))

    assert len(line.cells[0]) == 1_000_000


def test_a_formula_gives_what_excel_worked_out_and_nothing_is_run() -> None:
    cells = '<c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>cmd|x!A1</f><v>two</v></c><c r="C1"><f>A1</f></c>'

    [line] = table(workbook(sheet(f'<row r="1">{cells}</row>')))

    assert line.cells == ["2", "two"]


def test_strings_with_several_fonts_and_readings_are_their_letters() -> None:
    strings = "<si><r><t>李</t></r><r><t>安</t></r><rPh><t>リ</t></rPh></si><si><t>a_x0041_b</t></si>"
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>1</v></c></row>'

    [line] = table(workbook(with_strings(strings) | sheet(rows)))

    assert line.cells == ["李安", "", "aAb"]


def test_a_hidden_sheet_is_passed_over() -> None:
    book, file = Workbook(), io.BytesIO()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet().append(["shown"])
    book.save(file)

    assert [line.cells for line in table(file.getvalue())] == [["shown"]]


def test_rows_without_anything_in_them_may_be_anywhere() -> None:
    rows = f'<row r="1">{cell("a")}</row><row r="1000000" ht="20"><c r="A1000000" s="1"/></row>'

    assert [line.number for line in table(workbook(sheet(rows)))] == [1]


@pytest.mark.parametrize(
    "value, shown",
    [
        ("1001", "1001"),
        ("0.30000000000000004", "0.3"),
        ("87.5", "87.5"),
        ("1E+2", "100"),
        ("13800138000", "13800138000"),
    ],
)
def test_a_number_is_written_as_excel_shows_it(value: str, shown: str) -> None:
    [line] = table(workbook(sheet(f'<row r="1"><c r="A1"><v>{value}</v></c></row>')))

    assert line.cells == [shown]


def test_the_most_columns_are_read() -> None:
    row = [f"c{n}" for n in range(MOST_COLUMNS)]

    assert [line.cells for line in table(as_xlsx(row))] == [row]
    assert [line.cells for line in table(",".join(row).encode())] == [row]


def test_a_long_workbook_takes_no_more_memory_than_a_short_one() -> None:
    data = as_xlsx(*([str(n), f"Person {n}", "clerk", "east"] for n in range(3000)))

    tracemalloc.start()
    count = sum(1 for _ in lines(io.BytesIO(data)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 3000
    assert peak < 3_000_000
