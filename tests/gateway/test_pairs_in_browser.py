"""Joint tasks in a real browser: a learner hands in at 360 px without JavaScript, a trainer decides at 1280."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway import learners
from ledger.tables import PersonRow
from tests.chromium import fits, opened, served
from tests.gateway.cast import NINE, TWELVE, Gateway, evening, seen
from tests.gateway.pair_cast import PDF, handed_in, staff_token, submissions, with_pairs

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def pair(gateway: Gateway, tmp_path: Path) -> Gateway:
    """Give Ann and Bo a joint task."""
    return with_pairs(gateway, tmp_path / "data")


@pytest.fixture
def place(pair: Gateway) -> Iterator[str]:
    """Serve the gateway on a free port and say where."""
    with served(pair.app) as place:
        yield place


def phone(chromium: Browser, place: str, pair: Gateway, person: str = "ann", language: str = "en") -> Page:
    """Open a learner's phone."""
    with pair.ledger.begin() as db:
        token = learners.open_session(db, db.get_one(PersonRow, person), now=pair.clock.now)
    return opened(chromium, place, {learners.COOKIE: token}, width=360, scripts=False, language=language)


@pytest.mark.parametrize("language, button, done", [("en", "Hand in", "Handed in."), ("zh", "提交", "已提交")])
def test_a_learner_hands_in_on_a_phone_without_javascript(
    place: str, chromium: Browser, pair: Gateway, tmp_path: Path, language: str, button: str, done: str
) -> None:
    log = tmp_path / "log.pdf"
    log.write_bytes(PDF)
    page = phone(chromium, place, pair, language=language)
    page.goto(f"{place}/my/tasks")
    assert fits(page)

    page.locator("input[name=order_log]").set_input_files(log)
    page.get_by_role("button", name=button, exact=True).first.click()

    expect(page.get_by_role("status")).to_contain_text(done)
    assert fits(page)
    assert [row.person_id for row in submissions(pair)] == ["ann"]


def test_a_wrong_file_is_explained_at_its_form(place: str, chromium: Browser, pair: Gateway, tmp_path: Path) -> None:
    program = tmp_path / "log.pdf"
    program.write_bytes(b"\x7fELF" + bytes(100))
    page = phone(chromium, place, pair)
    page.goto(f"{place}/my/tasks")

    page.locator("input[name=order_log]").set_input_files(program)
    page.get_by_role("button", name="Hand in", exact=True).first.click()

    expect(page.get_by_role("alert")).to_contain_text("This kind of file is not taken")
    assert fits(page)


def test_a_trainer_sends_back_and_the_learner_reads_why(place: str, chromium: Browser, pair: Gateway) -> None:
    handed_in(pair)
    page = opened(chromium, place, {"tandem": staff_token(pair)}, width=1280, scripts=False)
    page.goto(f"{place}/tasks")
    assert fits(page)
    card = page.locator("article", has_text="Version 1")

    card.get_by_label("What has to be done better").fill("The dates are missing.")
    card.get_by_role("button", name="Send back").click()

    expect(page.get_by_role("status")).to_contain_text("Sent back")
    learner = phone(chromium, place, pair)
    learner.goto(f"{place}/my/tasks")
    expect(learner.locator(".t-words")).to_contain_text("The dates are missing.")


def test_a_trainer_accepts_and_moves_a_due(place: str, chromium: Browser, pair: Gateway) -> None:
    handed_in(pair)
    page = opened(chromium, place, {"tandem": staff_token(pair)}, width=1280, scripts=False)
    page.goto(f"{place}/tasks?region=east")

    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_contain_text("Accepted")
    page.get_by_text("Move the due").first.click()
    page.get_by_label("New due (Asia/Shanghai)").first.fill("2026-11-30T18:00")
    page.get_by_label("Reason").first.fill("Stocktaking week.")
    page.get_by_role("button", name="Move", exact=True).first.click()

    expect(page.get_by_role("status")).to_contain_text("has been moved")
    expect(page.get_by_role("main")).to_contain_text("Mon 30 Nov, 18:00")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_trainer_decides_a_forgotten_check_out(place: str, chromium: Browser, pair: Gateway, width: int) -> None:
    with pair.ledger.begin() as db:
        seen(db, "bo", "in", NINE)
        evening(db)
    pair.clock.now = TWELVE + timedelta(hours=1)
    page = opened(chromium, place, {"tandem": staff_token(pair)}, width=width, scripts=False)
    page.goto(f"{place}/review")
    assert fits(page)

    page.get_by_label("Reason").fill("I saw him leave at the end.")
    page.get_by_role("button", name="Decide").click()

    expect(page.get_by_role("status")).to_contain_text("The hours are worked out anew")
    with pair.ledger.begin() as db:
        evening(db)
    page.goto(f"{place}/session/order-101/learner/bo")
    expect(page.locator(".because")).to_contain_text("3.5 学时")
