"""The badge on a phone in a real browser: the kiosk reads the screen, and the code changes by itself."""

from collections.abc import Iterator
from datetime import timedelta

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.phone import NEXT_BADGE
from kiosk.qr.codes import codes
from ledger.database import Ledger
from protocol import badge
from protocol.badge import LIFE, DynamicBadge
from tests.chromium import fits, served
from tests.gateway.cast import NINE, Gateway
from tests.gateway.phones import NUMBERS, PINS, give_pins

pytestmark = pytest.mark.enable_socket

SECOND_MS = 1000


@pytest.fixture
def gateway(ledger: Ledger) -> Gateway:
    with ledger.begin() as db:
        give_pins(db)
    return Gateway(ledger)


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    with served(gateway.app) as place:
        yield place


def badge_page(chromium: Browser, place: str, *, scripts: bool) -> Page:
    """Sign in as Ann and open her badge."""
    page = chromium.new_page(
        viewport={"width": 360, "height": 740}, locale="zh-CN", java_script_enabled=scripts, color_scheme="dark"
    )
    if scripts:
        page.clock.install()
    page.goto(f"{place}/my/badge")
    page.locator("#number").fill(NUMBERS["ann"])
    page.locator("#pin").fill(PINS["ann"])
    with page.expect_navigation():
        page.locator(".p-button").click()
    return page


def read(page: Page, gateway: Gateway) -> DynamicBadge:
    """Let the kiosk read the phone's screen."""
    image = np.asarray(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR), np.uint8)
    [code] = codes(image)
    shown = badge.verify(code.text, gateway.keys.badge_keys)
    assert isinstance(shown, DynamicBadge)
    return shown


def test_the_kiosk_reads_the_screen_of_a_phone_without_javascript(
    gateway: Gateway, place: str, chromium: Browser
) -> None:
    page = badge_page(chromium, place, scripts=False)

    assert read(page, gateway) == DynamicBadge(person="ann", key_id=1, issued_at=NINE)
    page.close()


def test_the_code_changes_by_itself_and_an_old_one_is_not_shown(
    gateway: Gateway, place: str, chromium: Browser
) -> None:
    page = badge_page(chromium, place, scripts=True)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    code = page.locator(".p-badge-code")
    first = code.get_attribute("src")
    assert fits(page)

    gateway.clock.now += timedelta(seconds=NEXT_BADGE)
    page.clock.run_for((NEXT_BADGE + 1) * SECOND_MS)
    expect(code).not_to_have_attribute("src", first or "")
    changed = read(page, gateway)
    page.context.set_offline(True)
    page.clock.run_for(LIFE // timedelta(milliseconds=1) + 2 * SECOND_MS)

    assert changed.issued_at == NINE + timedelta(seconds=NEXT_BADGE)
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".p-badge")).to_have_class("p-card p-badge stale")
    page.context.set_offline(False)
    page.clock.run_for((NEXT_BADGE + 1) * SECOND_MS)
    expect(page.get_by_role("alert")).to_be_hidden()
    page.close()
    assert complaints == []
