"""A presence check in a real browser: it comes to the page that is open, is answered by one key, or runs out."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.tables import PresenceAnswerRow, PresenceCheckRow
from tests.chromium import fits, served
from tests.gateway.cast import NINE, Gateway, seen
from tests.gateway.pair_cast import as_learner, staff_token

pytestmark = pytest.mark.enable_socket

SHOTS = os.environ.get("SHOTS")
OPEN = timedelta(minutes=3)
SOON_MS, AT_ONCE_MS = 8000, 4000
"""How soon a phone and the trainer's screen ask again; the rest of ten seconds is for the answer."""


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    """Serve the gateway on a free port, an hour into the session."""
    gateway.clock.now = NINE + timedelta(hours=1)
    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
    with served(gateway.app) as place:
        yield place


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """Collect what browsers complain about: nothing."""
    found: list[str] = []
    yield found
    assert found == []


def opened(
    chromium: Browser, place: str, complaints: list[str], cookie: tuple[str, str], *, width: int, language: str
) -> Page:
    """Open a page whose time only the test moves, and in which somebody has signed in."""
    context = chromium.new_context(viewport={"width": width, "height": 720}, locale=language)
    context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": place}])
    page = context.new_page()
    page.clock.install(time=NINE)
    page.clock.pause_at(NINE + timedelta(seconds=1))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def ask(gateway: Gateway, id: str) -> None:
    with gateway.ledger.begin() as db:
        now = gateway.clock.now
        db.add(PresenceCheckRow(id=id, session_id="order-101", asked_at=now, answer_until=now + OPEN))


def shot(page: Page, name: str) -> None:
    """Keep a picture, if somebody wants to look."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.mark.parametrize(
    "language, question, thanks, over, wall",
    [
        ("en", "Are you still there?", "Thank you", "The time to answer is over", "please answer on your phone"),
        ("zh", "您还在场吗？", "谢谢", "回答时间已过", "请在手机上回答"),
    ],
)
def test_a_check_comes_to_the_pages_that_are_open(
    chromium: Browser, gateway: Gateway, place: str, complaints: list[str],
    language: str, question: str, thanks: str, over: str, wall: str,
) -> None:  # fmt: skip
    mine = as_learner(gateway).get_cookie("tandem_learner")
    assert mine
    phone, screen = (
        opened(chromium, place, complaints, cookie, width=width, language={"en": "en-GB", "zh": "zh-CN"}[language])
        for cookie, width in ((("tandem_learner", mine.value), 360), (("tandem", staff_token(gateway)), 1280))
    )
    phone.goto(f"{place}/my")
    screen.goto(f"{place}/session/order-101/code")
    title = phone.title()

    ask(gateway, "first")
    phone.clock.run_for(SOON_MS)
    screen.clock.run_for(AT_ONCE_MS)

    expect(phone.get_by_role("alert")).to_contain_text(question)
    expect(phone).to_have_title(f"{question} · {title}")
    expect(phone.get_by_role("button", name=phone.locator(".c-yes").inner_text())).to_be_focused()
    assert fits(phone)
    expect(screen.locator(".w-check")).to_contain_text(wall)
    expect(screen.locator(".w-check-left")).to_have_text("3:00")
    shot(phone, f"asked-{language}")
    shot(screen, f"wall-{language}")

    phone.keyboard.press("Enter")

    expect(phone.get_by_role("alert")).to_contain_text(thanks)
    expect(phone).to_have_title(title)
    with gateway.ledger.read() as db:
        assert db.get(PresenceAnswerRow, ("first", "ann")) is not None

    ask(gateway, "second")
    phone.clock.run_for(SOON_MS)
    expect(phone.locator(".c-left")).to_be_visible()
    gateway.clock.now += OPEN + timedelta(seconds=1)
    phone.clock.fast_forward(OPEN.seconds * 1000)
    screen.clock.run_for(AT_ONCE_MS)

    expect(phone.get_by_role("alert")).to_contain_text(over)
    expect(screen.locator(".w-check")).to_be_hidden()
    shot(phone, f"over-{language}")
    for page in (phone, screen):
        page.context.close()
