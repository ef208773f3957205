"""The form of reports: percentages, weeks, tables and JSON."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.reasons import Text
from attendance.report_percent import percent, reaches
from attendance.report_period import Period, week_name
from attendance.report_table import Cell, Column, Line, Report


@pytest.mark.parametrize(
    ("part", "whole", "target", "expected", "met"),
    [
        pytest.param(9, 10, 90, "90.0", True, id="exactly the target"),
        pytest.param(8, 10, 80, "80.0", True, id="exactly another target"),
        pytest.param(8996, 10000, 90, "89.9", False, id="rounding does not lift it"),
        pytest.param(8994, 10000, 90, "89.9", False, id="rounding down anyway"),
        pytest.param(9004, 10000, 90, "90.0", True, id="above and rounded to it"),
        pytest.param(1, 8, 90, "12.5", False, id="exact"),
        pytest.param(1, 16, 90, "6.3", False, id="6.25 is half, and goes up"),
        pytest.param(2, 3, 90, "66.7", False, id="two thirds"),
        pytest.param(0, 7, 90, "0.0", False, id="none of some"),
        pytest.param(0, 0, 90, None, None, id="nothing to divide by"),
    ],
)
def test_a_percentage(part: int, whole: int, target: int, expected: str | None, met: bool | None) -> None:
    shown = percent(part, whole, target=Decimal(target))

    assert (shown is None and expected is None) or str(shown) == expected
    assert reaches(part, whole, Decimal(target)) is met


def test_without_a_target_a_percentage_is_only_rounded() -> None:
    assert percent(8996, 10000) == Decimal("90.0")


def test_a_percentage_does_not_depend_on_how_decimals_are_set_up() -> None:
    with localcontext(Context(prec=3)):
        assert str(percent(99_949, 100_000)) == "99.9"


@given(st.integers(0, 5000), st.integers(1, 5000), st.integers(1, 100))
def test_what_is_shown_is_near_and_on_the_right_side_of_the_target(part: int, whole: int, target: int) -> None:
    part = min(part, whole)

    shown = percent(part, whole, target=Decimal(target))

    assert shown is not None
    assert abs(Fraction(shown) - Fraction(part * 100, whole)) < Fraction(1, 10)
    assert (shown >= target) is reaches(part, whole, Decimal(target))


@pytest.mark.parametrize(
    ("day", "week"),
    [
        pytest.param(date(2026, 11, 2), "2026-W45", id="a Monday"),
        pytest.param(date(2026, 11, 8), "2026-W45", id="its Sunday"),
        pytest.param(date(2026, 11, 9), "2026-W46", id="the next Monday"),
        pytest.param(date(2027, 1, 3), "2026-W53", id="a Sunday in January of the old year's last week"),
        pytest.param(date(2024, 12, 30), "2025-W01", id="a Monday in December of the new year's first week"),
    ],
)
def test_a_week(day: date, week: str) -> None:
    assert week_name(day) == week


def test_a_period_has_both_its_ends() -> None:
    period = Period(date(2026, 11, 2), date(2026, 11, 8))

    assert [date(2026, 11, day) in period for day in (1, 2, 8, 9)] == [False, True, True, False]


def test_a_period_that_ends_before_it_begins_is_a_fault() -> None:
    with pytest.raises(ValueError, match="cannot end on 2026-11-01"):
        Period(date(2026, 11, 2), date(2026, 11, 1))


@dataclass(frozen=True, slots=True)
class Inner:
    hours: Decimal


@dataclass(frozen=True, slots=True)
class Example(Line):
    who: str
    inner: Inner
    met: bool

    @property
    def nested(self) -> dict[str, Any]:
        return {"more": [1, 2]}


WORDS: dict[Cell, Text] = {True: Text("Yes", "是"), False: Text("No", "否")}
COLUMNS = (
    Column("who", Text("Learner", "学员")),
    Column("inner.hours", Text("Hours", "学时")),
    Column("met", Text("Met", "达标"), WORDS),
)
REPORT = Report(
    key="example",
    title=Text("Example", "示例"),
    about=(("first", date(2026, 11, 1)), ("target", Decimal(90))),
    columns=COLUMNS,
    lines=(Example("ann", Inner(Decimal("3.50")), True),),
    totals=(Example("", Inner(Decimal("3.50")), False),),
)


def test_a_table_has_plain_values_under_its_columns() -> None:
    table = REPORT.table()

    assert table.rows == (("ann", Decimal("3.50"), True),)
    assert table.totals == (("", Decimal("3.50"), False),)
    assert [column.key for column in table.columns] == ["who", "inner.hours", "met"]


def test_a_table_of_one_column_has_rows_like_any_other() -> None:
    report = Report(key="one", title=Text("One", "一"), columns=COLUMNS[:1], lines=REPORT.lines)

    assert report.table().rows == (("ann",),)


def test_codes_are_told_in_words_and_everything_else_as_it_is() -> None:
    [row] = REPORT.table().rows

    assert [column.told(cell, "zh") for column, cell in zip(COLUMNS, row, strict=True)] == [
        "ann",
        Decimal("3.50"),
        "是",
    ]
    assert COLUMNS[2].told(False, "en") == "No"


def test_json_is_plain_and_goes_deeper_than_the_table() -> None:
    told = json.loads(json.dumps(REPORT.to_json()))

    assert told == {
        "report": "example",
        "about": {"first": "2026-11-01", "target": "90"},
        "rows": [{"who": "ann", "inner": {"hours": "3.50"}, "met": True, "more": [1, 2]}],
        "totals": [{"who": "", "inner": {"hours": "3.50"}, "met": False, "more": [1, 2]}],
    }
