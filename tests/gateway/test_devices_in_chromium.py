"""Devices in a real browser: a kiosk registers by a code, an admin confirms and later revokes it, on desk and phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.asking import GatewayRefuses, gateway_client
from kiosk.registration import register, standing
from tests.chromium import fits, opened, served
from tests.gateway.cast import NINE, Gateway
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    with served(gateway.app) as place:
        yield place


@pytest.fixture
def page(place: str, chromium: Browser, gateway: Gateway, language: str, width: int) -> Page:
    """Open the page as an admin."""
    cookies = {"tandem": staff_token(gateway, "admin", "ada")}
    page = opened(chromium, place, cookies, width=width, language=language)
    page.goto(f"{place}/day")
    page.get_by_role("link", name="Devices" if language == "en" else "设备", exact=True).click()
    return page


@pytest.mark.parametrize(
    "language, width, words",
    [
        ("en", 1280, ("Make a code", "Compare and confirm", "Revoke", "Yes, revoke Door A")),
        ("zh", 360, ("生成注册码", "比对并确认", "吊销", "确认吊销 Door A")),
    ],
)
def test_a_kiosk_registers_by_a_code_and_an_admin_lets_it_in_and_shuts_it_out(
    place: str, page: Page, words: tuple[str, ...], tmp_path: Path, gateway: Gateway
) -> None:
    make, compare, revoke, sure = words
    page.locator("[name=room]").select_option(label="Room 2")
    page.get_by_role("button", name=make).click()
    code = page.locator("output").inner_text()
    assert fits(page)
    assert page.locator("code").inner_text() == f"tandem kiosk register {gateway.settings.url} {code}"

    identity = register(place, code, name="Door A", data_dir=tmp_path)
    page.locator(".d-code").get_by_role("link").click()
    kiosk = page.locator(".d-device")
    expect(kiosk).to_have_count(1)
    assert identity.fingerprint not in page.content()
    kiosk.locator("[name=fingerprint]").fill(identity.fingerprint)
    kiosk.get_by_role("button", name=compare).click()
    expect(page.locator(".d-device.confirmed")).to_have_count(1)
    assert fits(page)
    with gateway_client(place) as line:
        assert standing(identity, line, at=NINE).account is not None

    kiosk.locator(".d-change > summary").click()
    kiosk.get_by_text(revoke, exact=True).click()
    assert fits(page)
    kiosk.get_by_role("button", name=sure).click()
    expect(page.locator(".d-device.revoked")).to_have_count(1)
    assert fits(page)
    with gateway_client(place) as line, pytest.raises(GatewayRefuses, match="has been revoked"):
        standing(identity, line, at=NINE)
