"""HR downloads the hour records that count, as a file that Excel opens and that no course title takes over."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from gateway import hour_files
from ledger import feed
from ledger.effective import Asked
from ledger.tables import PersonRow, RosterRow
from tests.gateway.cast import Gateway
from tests.hour_records import COURSE, DAY, enter, number, record, reversal

EVIL = '=HYPERLINK("https://evil.example","Order\r\nentry")'


@pytest.fixture
def hours(gateway: Gateway) -> Gateway:
    """Enter two records that count, one with a hostile title, and one that was taken back."""
    gone = record(1)
    dora = {"person_id": "dora", "region_id": "west", "course": COURSE | {"title": EVIL, "zone": "Europe/Berlin"}}
    enter(gateway.ledger, gone, reversal(2, gone), record(3), record(4, **dora))
    return gateway


def get(gateway: Gateway, path: str, **wishes: Any) -> TestResponse:
    return gateway.get(f"/api/v1/hour-records.{path}", gateway.key(**wishes))


def lines(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))


def test_a_csv_has_the_records_that_count(hours: Gateway) -> None:
    ann, dora = lines(get(hours, "csv?month=2026-11"))

    assert ann == {
        "Date": "2026-11-20", "Region": "east", "Personnel number": "1001", "Person": "ann", "Kind": "Credit",
        "Course": "Order entry", "Start": "2026-11-20 09:00", "End": "2026-11-20 12:00", "Place": "Room 1",
        "Minutes": "165", "Credit": "3.5", "Unit": "学时", "Rule": "cn-45@1", "Booked in": "", "Source": "order-101",
        "Record": str(number(3)),
    }  # fmt: skip
    assert (dora["Course"], dora["Start"]) == (f"'{EVIL}", "2026-11-20 02:00")


def test_a_csv_in_chinese_opens_in_excel(hours: Gateway) -> None:
    answer = get(hours, "csv?month=2026-11&lang=zh")

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith("\ufeff日期,地区,工号,".encode())
    assert lines(answer)[0]["课程"] == "订单录入"


def test_a_workbook_has_real_dates_and_numbers_and_no_formula(hours: Gateway) -> None:
    answer = get(hours, "xlsx?month=2026-11")

    sheet: Any = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    heading, ann, dora = sheet.iter_rows()
    assert (sheet.title, sheet.freeze_panes, len(heading)) == ("Hour records", "A2", 16)
    assert [ann[place].value for place in (0, 6, 9, 10)] == [
        datetime(2026, 11, 20), datetime(2026, 11, 20, 9), 165, 3.5,  # noqa: DTZ001  a cell has no zone
    ]  # fmt: skip
    assert (dora[5].data_type, dora[5].value) == ("s", EVIL.replace("\r\n", "\n"))


@pytest.mark.parametrize(
    "query, name",
    [
        ("csv?month=2026-11", "hour-records-2026-11.csv"),
        ("csv?day=2026-11-20", "hour-records-2026-11-20.csv"),
        ("xlsx?from=2026-01-01&to=2026-12-31", "hour-records-2026-01-01-to-2026-12-31.xlsx"),
    ],
)
def test_a_file_is_named_for_its_days(hours: Gateway, query: str, name: str) -> None:
    with get(hours, query) as answer:
        pass

    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_for_nothing_has_headings_only(hours: Gateway, form: str) -> None:
    answer = get(hours, f"{form}?day=2026-11-19")

    assert answer.status_code == 200
    assert answer.data


def test_a_file_is_for_the_regions_of_the_key(hours: Gateway) -> None:
    assert [line["Person"] for line in lines(get(hours, "csv?month=2026-11", regions=["west"]))] == ["dora"]


def test_who_has_been_erased_has_no_number_in_a_file(hours: Gateway) -> None:
    with hours.ledger.begin() as db:
        db.execute(sa.delete(RosterRow).where(RosterRow.person_id == "dora"))
        db.execute(sa.delete(PersonRow).where(PersonRow.id == "dora"))

    answer = get(hours, "csv?month=2026-11")

    assert [line["Personnel number"] for line in lines(answer)] == ["1001", ""]


def test_a_file_is_as_of_when_it_was_asked_for(hours: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hour_files, "AT_ONCE", 2)
    enter(hours.ledger, *(record(n) for n in range(10, 14)))
    with hours.ledger.read() as db:
        asked = Asked(first=DAY, last=DAY, regions=["east"], upto=feed.head(db)[0])
    rows = hour_files.lines(hours.ledger, asked, "en")
    begun = next(rows)
    gone = record(13)
    enter(hours.ledger, reversal(20, gone), record(21), record(5, effective_date=DAY + timedelta(days=1)))

    told = [begun, *rows]

    assert [line[-1] for line in told] == [str(number(n)) for n in (3, 10, 11, 12, 13)]


def test_a_sheet_that_would_take_minutes_is_refused(hours: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hour_files, "MOST_LINES", 1)

    answer = get(hours, "xlsx?month=2026-11")

    assert answer.status_code == 422
    assert "ask for fewer days, or for CSV" in answer.get_json()["detail"]
    assert get(hours, "csv?month=2026-11").status_code == 200


@pytest.mark.parametrize("query", ["csv", "xlsx?from=2026-01-01&to=2027-01-02", "csv?month=2026-11&lang=de"])
def test_a_file_for_nobody_knows_what_is_not_made(hours: Gateway, query: str) -> None:
    assert get(hours, query).status_code == 422


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_another_scope_gets_no_file(hours: Gateway, form: str) -> None:
    assert get(hours, f"{form}?month=2026-11", scopes=["reviews:read"]).status_code == 403


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_can_be_asked_after_without_being_sent(hours: Gateway, form: str) -> None:
    with hours.browser().head(f"/api/v1/hour-records.{form}?month=2026-11", headers=hours.key()) as answer:
        assert (answer.status_code, answer.data) == (200, b"")
