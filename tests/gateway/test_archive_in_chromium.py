"""The archive in a real browser: on a phone, on a desk and on paper, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gateway import learners
from ledger.tables import PersonRow
from tests.chromium import fits, opened, served
from tests.gateway.archive_cast import a_year
from tests.gateway.cast import Gateway
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def year(gateway: Gateway, tmp_path: Path) -> Gateway:
    return a_year(gateway, tmp_path)


@pytest.fixture
def place(year: Gateway) -> Iterator[str]:
    with served(year.app) as place:
        yield place


@pytest.mark.parametrize(
    ("language", "heading", "fold"),
    [("en", "Your training archive", "How it came to this"), ("zh", "我的培训档案", "更正记录")],
)
def test_a_learner_reads_their_archive_on_a_phone(
    place: str, chromium: Browser, year: Gateway, language: str, heading: str, fold: str
) -> None:
    with year.ledger.begin() as db:
        token = learners.open_session(db, db.get_one(PersonRow, "ann"), now=year.clock.now)
    page = opened(chromium, place, {learners.COOKIE: token}, width=360, language=language)

    page.goto(f"{place}/my/archive?month=2026-10")

    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert fits(page)
    page.get_by_text(fold).first.click()
    expect(page.locator("details[open] s").first).to_be_visible()
    assert fits(page)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_staff_go_from_the_list_to_a_person_and_print(
    place: str, chromium: Browser, year: Gateway, width: int, language: str
) -> None:
    page = opened(chromium, place, {"tandem": staff_token(year)}, width=width, language=language)
    page.goto(f"{place}/archive")
    assert fits(page)

    page.get_by_role("link", name="Ann Li").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ann Li")
    assert fits(page)
    expect(page.locator("[data-print]")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".t-nav")).to_be_hidden()
    expect(page.locator(".a-printed")).to_be_visible()
