"""Accounts in a real browser: an admin makes one, its owner chooses a password, on a desk and on a phone."""

from collections.abc import Iterator
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.chromium import listen
from tests.gateway.cast import Gateway
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
CHOSEN = "a sentence works well"


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, gateway.app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def opened(chromium: Browser, *, width: int, language: str) -> Page:
    """Open a browser; whatever it complains about fails the test."""
    page = chromium.new_context(viewport={"width": width, "height": 800}, locale=language).new_page()
    listen(page)
    return page


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
    admin = opened(chromium, width=width, language=language)
    admin.context.add_cookies([{"name": "tandem", "value": staff_token(gateway, "admin", "ada"), "url": place}])
    admin.goto(f"{place}/accounts")
    assert admin.evaluate(FITS)

    new = admin.locator(".c-new")
    new.locator("[name=login]").fill("tina")
    new.locator("[name=role]").select_option(label=role)
    new.get_by_label(some).check()
    new.get_by_label("East").check()
    new.get_by_role("button", name=create).click()

    link = admin.locator("output").inner_text().replace(gateway.settings.url, place)
    assert admin.evaluate(FITS)
    tina = opened(chromium, width=width, language=language)
    tina.goto(link)
    assert tina.evaluate(FITS)
    tina.locator("#password").fill(CHOSEN)
    tina.locator("#again").fill(CHOSEN)
    tina.get_by_role("button", name=keep).click()
    expect(tina.locator(".who")).to_contain_text("tina")
    expect(tina.locator(".region-name")).to_have_text("East")
