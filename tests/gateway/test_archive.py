"""The archive's pages: who may see them, what a month comes to, and what corrections took back."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import archive_texts
from gateway.archive import lines_of
from ledger import deliveries
from ledger.archived import archived
from ledger.tables import PersonRow
from tests.gateway.archive_cast import LATER, a_year, deliver_all, enter, entry
from tests.gateway.cast import NINE, TODAY, Gateway
from tests.gateway.pair_cast import as_learner, as_staff

XSS = "<script>alert(1)</script>"


@pytest.fixture
def year(gateway: Gateway, tmp_path: Path) -> Gateway:
    """Let a year's end come for Ann and Bo."""
    return a_year(gateway, tmp_path)


def text(html: str) -> str:
    """Return what a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def test_nobody_sees_the_archive_without_signing_in(year: Gateway) -> None:
    found = {path: year.get(path) for path in ("/archive", "/archive/ann", "/my/archive")}

    assert {path: answer.status_code for path, answer in found.items()} == dict.fromkeys(found, 302)
    assert found["/archive/ann"].location.endswith("/sign-in")
    assert "/my/archive" in found["/my/archive"].location.replace("%2F", "/")


@pytest.mark.parametrize("path", ["/archive", "/archive/ann", "/archive/bo"])
def test_a_learner_sees_nobodys_archive_but_their_own(year: Gateway, path: str) -> None:
    browser = as_learner(year)

    assert browser.get(path).status_code == 403
    assert browser.get("/my/archive").status_code == 200


def test_the_list_adds_up_what_stands(year: Gateway) -> None:
    page = text(as_staff(year).get("/archive").text)

    assert re.search(r"Ann Li 1001 · Clerk 9\.8 学时 17\.3 学时", page)
    assert re.search(r"Bo Wang 1002 · Reserve manager 7\.9 学时 7\.9 学时", page)
    assert "Dora" not in page


@pytest.mark.parametrize(
    ("search", "found"),
    [("ann", ["Ann"]), ("1002", ["Bo"]), ("002", []), ("%", []), ("nobody", []), (XSS, []), ("", ["Ann", "Bo"])],
)
def test_people_are_found_by_name_or_number(year: Gateway, search: str, found: list[str]) -> None:
    page = as_staff(year).get("/archive", query_string={"search": search}).text

    assert [name for name in ("Ann", "Bo") if f"<strong>{name} " in page] == found
    assert XSS not in page


def test_a_month_is_what_hr_sees_of_it(year: Gateway) -> None:
    page = text(as_staff(year).get("/archive/ann?month=2026-11").text)

    assert "Training hours 9.5 学时" in page
    assert "Joint hours 3.0 学时 1 of 1 joint tasks" in page
    assert "31.6 % Target met" in page
    assert "Bonus 0.3 学时" in page
    assert "2026 so far 17.3 学时" in page
    assert "Order entry 09:00 – 12:00 Room 1 3.5 学时 Present 165 of 165 minutes" in page
    assert "Joint task · own part" in page
    assert "Joint task · joint part" in page
    assert "+0.3 学时 1 of 1 joint tasks completed (100.0 %)" in page


def test_a_correction_shows_what_it_took_back_and_when_it_is_booked(year: Gateway) -> None:
    page = text(as_staff(year).get("/archive/ann?month=2026-10").text)

    assert "Training hours 7.5 学时" in page
    assert "Trainer Tao Ran" in page
    assert "Corrected Booked in Nov 2026" in page
    assert "4.0 学时 Entered Sat 31 Oct, 09:00, taken back Wed 18 Nov, 09:00 · Booked in Nov 2026" in page
    assert "3.5 学时 Entered Wed 18 Nov, 09:00, stands" in page
    assert "Taken back" in page


def test_what_another_archive_refused_is_shown_to_staff_with_its_reason_and_not_to_the_learner(year: Gateway) -> None:
    of_staff = text(as_staff(year).get("/archive/ann?month=2026-10").text)
    of_ann = text(as_learner(year).get("/my/archive?month=2026-10").text)

    assert "hr: refused cost centre is closed" in of_staff
    assert "cost centre" not in of_ann
    assert "hr" not in of_ann.split()


def test_the_learner_reads_the_same_in_chinese(year: Gateway) -> None:
    page = text(as_learner(year).get("/my/archive?lang=zh&month=2026-10").text)

    assert "培训学时 7.5 学时" in page
    assert "已更正 计入 2026年11月" in page
    assert "应到 180 分钟，实到 160 分钟（88.9 %）" in page


def test_the_latest_month_with_something_in_it_is_shown_first(year: Gateway) -> None:
    year.clock.now = LATER + timedelta(days=90)

    page = as_learner(year).get("/my/archive").text
    empty = text(as_learner(year).get("/my/archive?month=2027-02").text)

    assert '<h2 id="month-heading">November 2026</h2>' in page
    assert "Nothing in the archive for February 2027" in empty


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/archive/ann?month=2026-13", 400),
        ("/archive/ann?month=2026-1", 400),
        ("/archive/ann?month=٢٠٢٦-١١", 400),
        ("/archive/ann?month=1999-01", 404),
        ("/archive/nobody", 404),
        ("/archive?from=-1", 400),
        ("/archive?from=99999999999", 400),
        ("/archive?from=5000", 200),
        (f"/archive/{XSS}", 404),
    ],
)
def test_an_address_that_makes_no_sense(year: Gateway, path: str, status: int) -> None:
    answer = as_staff(year).get(path)

    assert answer.status_code == status
    assert XSS not in answer.text


def test_what_has_not_arrived_yet_is_announced_and_not_counted(year: Gateway) -> None:
    with year.ledger.begin() as db:
        enter(db, [entry("order-900", TODAY, "4.0")], now=LATER)

    before = text(as_learner(year).get("/my/archive?month=2026-11").text)
    deliver_all(year.ledger, LATER)
    after = text(as_learner(year).get("/my/archive?month=2026-11").text)

    assert "1 more on the way to the archive" in before
    assert "Training hours 9.5" in before
    assert "on the way" not in after
    assert "Training hours 13.5" in after


def test_words_from_the_ledger_are_only_words(year: Gateway) -> None:
    with year.ledger.begin() as db:
        evil = entry("order-901", TODAY, "1.0")
        enter(db, [entry("order-901", TODAY, "1.0", course=evil.course | {"title": XSS, "place": XSS})], now=LATER)
        db.get_one(PersonRow, "ann").name = XSS
    deliver_all(year.ledger, LATER)

    page = as_staff(year).get("/archive/ann?month=2026-11").text

    assert XSS not in page
    assert page.count("&lt;script&gt;") >= 3


def test_the_archive_keeps_no_personnel_number_and_no_name(year: Gateway) -> None:
    with year.ledger.read() as db:
        kept = [row.record for row in archived(db, ["ann", "bo"])]

    assert {(record["personnel_number"], record["course"]["trainer_number"]) for record in kept} == {(None, None)}
    assert [name for name in ("Ann Li", "Bo Wang", "Tao Ran") if name in str(kept)] == []


def test_versions_that_arrive_in_any_order_make_the_same_line(year: Gateway) -> None:
    with year.ledger.read() as db:
        rows = list(archived(db, ["ann"]))

    assert lines_of(rows) == lines_of(rows[::-1])
    assert {line.shown.kind for line in lines_of(rows)} == {"credit", "bonus"}


def test_nothing_in_the_archive_is_said_in_words(gateway: Gateway) -> None:
    assert "Nothing has arrived in the archive yet" in as_staff(gateway).get("/archive").text
    assert "Nothing in the archive for November 2026" in as_staff(gateway).get("/archive/ann").text


def test_a_list_of_many_people_has_pages(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.archive.PAGE", 2)
    with gateway.ledger.begin() as db:
        deliveries.ensure(db, "local", kind="local")
        for person in ("ann", "bo", "stranger"):
            enter(db, [entry(f"order-{person}", TODAY, "1.0", person_id=person)], now=NINE)
    deliver_all(gateway.ledger, NINE, hr=False)
    browser = as_staff(gateway)

    first, second = browser.get("/archive").text, browser.get("/archive?from=2").text

    assert ("from=2" in first, "Sam Stranger" in first) == (True, False)
    assert ("from=4" in second, "Sam Stranger" in second) == (False, True)


def test_every_text_is_in_both_languages_and_used() -> None:
    said = "".join(path.read_text() for path in Path("gateway").rglob("*.html") if "archive" in str(path))
    said += Path("gateway/archive.py").read_text()

    assert all(one.en and one.zh for one in archive_texts.TEXTS.values())
    unused = {key for key in archive_texts.TEXTS if f"'{key}'" not in said and not key.startswith(("state_", "unit_"))}
    assert unused == set()
