"""The phone's way in a real browser of 360 px without JavaScript, and the wall's page with it."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway import admin
from ledger.database import Ledger
from ledger.tables import SessionRow
from tests.chromium import fits, served
from tests.gateway.cast import NINE, TWELVE, Gateway, seen, staff
from tests.gateway.phones import NUMBERS, PINS, give_pins, pair_up, token

pytestmark = pytest.mark.enable_socket

EVERY_MS = 3000
"""So often the wall asks who has come."""
SHOTS = os.environ.get("SHOTS")


@pytest.fixture
def gateway(ledger: Ledger) -> Gateway:
    """Put a gateway together at two minutes to nine, with PINs and a pair."""
    gateway = Gateway(ledger)
    gateway.clock.now = NINE - timedelta(minutes=2)
    with ledger.begin() as db:
        give_pins(db)
        pair_up(db)
        staff(db, "tao", "trainer")
    return gateway


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    """Serve the gateway on a free port and return its address."""
    with served(gateway.app) as place:
        yield place


@pytest.fixture(params=["en", "zh"])
def phone(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """Open a phone's browser that has JavaScript off."""
    locale = {"en": "en-GB", "zh": "zh-CN"}[request.param]
    page = chromium.new_page(viewport={"width": 360, "height": 740}, locale=locale, java_script_enabled=False)
    yield page
    page.close()


def said(page: Page, en: str, zh: str) -> str:
    """Choose the words of this page's language."""
    return zh if page.locator("html").get_attribute("lang") == "zh-Hans" else en


def shot(page: Page, name: str) -> None:
    """Keep a picture, if somebody wants to look."""
    if SHOTS:
        language = page.locator("html").get_attribute("lang") or ""
        page.screenshot(path=Path(SHOTS) / f"{name}-{language[:2]}.png", full_page=True)


def test_a_learner_checks_in_and_out_by_phone(phone: Page, gateway: Gateway, place: str) -> None:
    with gateway.ledger.begin() as db:
        seen(db, "bo", "in", NINE - timedelta(minutes=5))
    phone.goto(f"{place}/c/{token(gateway)}")
    assert re.fullmatch(rf"{place}/check-in/[0-9a-f-]{{36}}", phone.url)
    expect(phone.get_by_text("08:58").first).to_be_visible()
    shot(phone, "1-sign-in")

    phone.get_by_label(said(phone, "Personnel number", "工号")).fill(NUMBERS["ann"])
    phone.get_by_label(said(phone, "PIN", "PIN 码")).fill("000000")
    phone.get_by_role("button", name=said(phone, "Continue", "继续")).click()
    expect(phone.get_by_role("alert")).to_contain_text(said(phone, "Number or PIN is wrong.", "工号或 PIN 码不正确。"))
    shot(phone, "2-wrong-pin")
    gateway.clock.now += timedelta(minutes=3)
    phone.get_by_label(said(phone, "PIN", "PIN 码")).fill(PINS["ann"])
    phone.get_by_role("button", name=said(phone, "Continue", "继续")).click()

    expect(phone.get_by_role("heading", name=said(phone, "Check in", "签到"))).to_be_visible()
    expect(phone.locator(".p-partner")).to_contain_text("08:55")
    shot(phone, "3-confirm")
    phone.get_by_role("button", name=said(phone, "Check me in", "确认签到")).click()
    expect(phone.get_by_role("heading", name=said(phone, "You are checked in", "签到成功"))).to_be_visible()
    expect(phone.locator(".p-when")).to_have_text("08:58")
    shot(phone, "4-receipt")

    gateway.clock.now = NINE + timedelta(minutes=90)
    phone.goto(f"{place}/c/{token(gateway)}")
    shot(phone, "5-ask")
    phone.get_by_role("button", name=said(phone, "I am leaving", "我要离开")).click()
    expect(phone.get_by_role("heading", name=said(phone, "You are checked out", "签退成功"))).to_be_visible()
    shot(phone, "6-out")
    gateway.clock.now = TWELVE + timedelta(minutes=5)
    phone.goto(f"{place}/c/{token(gateway)}")
    shot(phone, "7-confirm-out")


@pytest.mark.parametrize("name", ["expired", "altered", "type", "sign-in", "stranger", "my"])
def test_nothing_is_cut_off_or_too_small_to_touch(phone: Page, gateway: Gateway, place: str, name: str) -> None:
    old = token(gateway, at=gateway.clock.now - timedelta(seconds=30))
    paths = {
        "expired": f"/c/{old}",
        "altered": "/c/order-101.what",
        "type": "/c",
        "sign-in": "/my/sign-in",
        "my": "/my",
    }
    phone.goto(place + paths.get(name, f"/c/{token(gateway)}"))
    if name in ("stranger", "my"):
        phone.locator("#number").fill(NUMBERS["stranger"])
        phone.locator("#pin").fill(PINS["stranger"])
        # The answer has the same address: without waiting, the page is looked at before it has its styles.
        with phone.expect_navigation():
            phone.locator(".p-button").click()
    shot(phone, name)

    # The page itself runs without scripts; the test looks at it through the protocol.
    assert phone.locator("main").bounding_box() is not None
    for one in phone.locator("main button, main a, main input:not([type=hidden])").all():
        box = one.bounding_box()
        assert box
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_wall_shows_one_code_at_a_time_and_who_is_in(
    chromium: Browser, gateway: Gateway, place: str, language: str
) -> None:
    complaints: list[str] = []
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.clock.install()
    with gateway.ledger.begin() as db:
        link = str(admin.sign_in_link(db, "tao", gateway.settings, actor="test", now=gateway.clock.now)["url"])
    page.goto(link.replace(gateway.settings.url, place) + f"?lang={language}")
    page.get_by_role("button").click()
    shot(page, "day-link")
    page.get_by_role("link", name=said(page, "Show the code", "展示签到码")).first.click()
    first = page.locator(".w-qr").get_attribute("src")
    expect(page.locator(".w-counts .go dd")).to_contain_text("0")
    expect(page.get_by_role("heading", level=1)).to_have_text(said(page, "Order entry", "订单录入"))
    shot(page, "wall")

    gateway.clock.now += timedelta(seconds=10)
    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", gateway.clock.now)
    page.clock.run_for(EVERY_MS)

    expect(page.locator(".w-counts .go dd")).to_contain_text("1")
    assert page.locator(".w-qr").get_attribute("src") != first
    page.set_viewport_size({"width": 360, "height": 740})
    shot(page, "wall-narrow")
    assert fits(page)
    page.close()
    assert complaints == []


def test_a_wall_that_is_cut_off_says_so(chromium: Browser, gateway: Gateway, place: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.clock.install()
    with gateway.ledger.begin() as db:
        link = str(admin.sign_in_link(db, "tao", gateway.settings, actor="test", now=gateway.clock.now)["url"])
    page.goto(link.replace(gateway.settings.url, place))
    page.get_by_role("button").click()
    page.goto(f"{place}/session/order-101/code")

    page.context.set_offline(True)
    page.clock.run_for(EVERY_MS)

    expect(page.get_by_role("alert")).to_be_visible()
    shot(page, "wall-lost")
    page.context.set_offline(False)
    page.clock.run_for(EVERY_MS)
    expect(page.get_by_role("alert")).to_be_hidden()
    with gateway.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").cancelled = True
    page.clock.run_for(EVERY_MS)
    expect(page.locator(".w-closed")).to_be_visible()
    shot(page, "wall-cancelled")
    page.close()
