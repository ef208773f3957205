"""Accounts in a real browser: an admin makes one, its owner chooses a password, on a desk and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.chromium import fits, opened, served
from tests.gateway.cast import Gateway
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket

CHOSEN = "a sentence works well"


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    with served(gateway.app) as place:
        yield place


@pytest.mark.parametrize(
    "language, width, words",
    [
        ("en", 1280, ("Trainer: sees and decides", "Only these", "Create it and make a link", "Keep it and sign in")),
        ("zh", 360, ("培训师：查看并处理", "仅限以下地区", "创建并生成链接", "保存并登录")),
    ],
)
def test_an_admin_makes_an_account_and_its_owner_signs_in(
    place: str, chromium: Browser, gateway: Gateway, language: str, width: int, words: tuple[str, str, str, str]
) -> None:
    role, some, create, keep = words
    cookies = {"tandem": staff_token(gateway, "admin", "ada")}
    admin = opened(chromium, place, cookies, width=width, language=language)
    admin.goto(f"{place}/accounts")
    assert fits(admin)

    new = admin.locator(".c-new")
    new.locator("[name=login]").fill("tina")
    new.locator("[name=role]").select_option(label=role)
    new.get_by_label(some).check()
    new.get_by_label("East").check()
    new.get_by_role("button", name=create).click()

    link = admin.locator("output").inner_text().replace(gateway.settings.url, place)
    assert fits(admin)
    tina = opened(chromium, place, {}, width=width, language=language)
    tina.goto(link)
    assert fits(tina)
    tina.locator("#password").fill(CHOSEN)
    tina.locator("#again").fill(CHOSEN)
    tina.get_by_role("button", name=keep).click()
    expect(tina.locator(".who")).to_contain_text("tina")
    expect(tina.locator(".region-name")).to_have_text("East")
