"""Staff read reports as tables with bars, in two languages, about the regions of their accounts."""

import csv
import io

import pytest
import sqlalchemy as sa

from attendance.reasons import Language
from gateway import report_pages, report_texts
from gateway.reporting import NAMES
from ledger.account_tables import AccountRow
from tests.gateway.api_cast import Hr
from tests.gateway.pair_cast import as_learner, as_staff

NOVEMBER = "from=2026-11-01&to=2026-11-30"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_every_report_has_a_page(hr: Hr, name: str, language: Language) -> None:
    page = as_staff(hr.gateway).get(f"/reports?report={name}&{NOVEMBER}&lang={language}")

    assert page.status_code == 200
    assert report_texts.TITLES[name].told(language) in page.text  # type: ignore[index]  # one of the names
    assert "style=" not in page.text


def test_a_page_has_names_titles_and_bars(hr: Hr) -> None:
    page = as_staff(hr.gateway).get(f"/reports?report=partners&{NOVEMBER}&lang=en").text

    assert "Ann Li" in page
    assert '<rect class="r-part go" width="72.5" height="6"/>' in page
    assert "Hours are in 学时." in page
    assert 'href="/reports/partners.csv?from=2026-11-01&amp;to=2026-11-30"' in page


def test_a_target_that_was_missed_shows(hr: Hr) -> None:
    page = as_staff(hr.gateway).get(f"/reports?report=sign_in_rate&{NOVEMBER}&region=west&lang=en").text

    assert "The target is 90 %." in page
    assert '<rect class="r-part stop" width="0" height="6"/>' in page
    assert '<span class="tag stop">No</span>' in page
    assert "Order entry" in page


def test_without_days_it_is_this_month(hr: Hr) -> None:
    page = as_staff(hr.gateway).get("/reports").text

    assert 'name="from" value="2026-11-01"' in page
    assert 'name="to" value="2026-11-30"' in page


@pytest.mark.parametrize(
    "days",
    [
        pytest.param("from=2026-11-30&to=2026-11-01", id="backwards"),
        pytest.param("from=yesterday", id="a word"),
        pytest.param("from=0001-01-01&to=0001-01-02", id="the first year"),
        pytest.param("from=9999-12-30&to=9999-12-31", id="the last year"),
        pytest.param("from=2024-01-01&to=2026-01-01", id="two years"),
    ],
)
def test_days_that_make_no_sense_are_told(hr: Hr, days: str) -> None:
    page = as_staff(hr.gateway).get(f"/reports?{days}&lang=en")

    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert 'value="2026-11-01"' in page.text


@pytest.mark.parametrize(
    "address",
    ["/reports?report=nothing", "/reports?region=moon", "/reports?course=a%00b", "/reports/partners.pdf",
     "/reports/nothing.csv"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(hr: Hr, address: str) -> None:
    assert as_staff(hr.gateway).get(address).status_code == 404


def test_a_report_without_lines_says_so(hr: Hr) -> None:
    page = as_staff(hr.gateway).get("/reports?from=2026-01-01&to=2026-01-31&lang=en").text

    assert "Nothing in this period" in page


def test_a_long_report_is_cut_and_says_so(hr: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_pages, "MOST_ROWS", 2)

    page = as_staff(hr.gateway).get(f"/reports?report=conversations&{NOVEMBER}&lang=en").text

    assert "Here are the first 2 of 5 lines" in page
    assert "Ann Li" in page
    assert "Emil West" not in page


def test_a_file_has_names_and_numbers(hr: Hr) -> None:
    answer = as_staff(hr.gateway).get(f"/reports/not_reached.csv?{NOVEMBER}&lang=en")

    _, line = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert line[0] == "Dora West (2001)"
    sheet = as_staff(hr.gateway).get(f"/reports/not_reached.xlsx?{NOVEMBER}")
    assert sheet.data.startswith(b"PK")


def test_an_account_sees_reports_on_its_regions(hr: Hr) -> None:
    browser = as_staff(hr.gateway)
    with hr.gateway.ledger.begin() as db:
        db.execute(sa.update(AccountRow).values(regions=["west"]))

    for name in NAMES:
        page = browser.get(f"/reports?report={name}&{NOVEMBER}").text
        assert "Ann Li" not in page
        assert "order-101" not in page
    assert browser.get("/reports?region=east").status_code == 404
    assert "1001" not in browser.get(f"/reports/conversations.csv?{NOVEMBER}").text


def test_learners_and_strangers_see_no_reports(hr: Hr) -> None:
    for address in ("/reports", "/reports/partners.csv"):
        assert as_learner(hr.gateway).get(address).status_code == 403
        assert hr.gateway.get(address).status_code == 302
