"""Bringing a file in with a real browser: on a desk and on a phone, by mouse and by keyboard, in both languages."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from gateway.import_desk import Desk
from gateway.web import DESK
from tests.chromium import listen
from tests.gateway.cast import Gateway
from tests.gateway.imports_cast import lines
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
GOOD = lines("number,name,role,region", "5,Five,clerk,east", "6,Six,clerk,east")
BAD = lines("工号,姓名,角色,地区", "5,五,老板,east", f"6,{'六' * 300},clerk,moon")


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, gateway.app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    gateway.app.extensions[DESK].stop()


def opened(chromium: Browser, place: str, gateway: Gateway, *, width: int, language: str) -> Page:
    """Open the page as an admin; whatever the browser complains about fails the test."""
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=language)
    context.add_cookies([{"name": "tandem", "value": staff_token(gateway, "admin", "ada"), "url": place}])
    page = context.new_page()
    listen(page)
    page.goto(f"{place}/imports")
    return page


@pytest.mark.parametrize(
    "language, width, words",
    [
        ("en", 1280, ("People", "Check the file", "Bring 2 in", "Brought in")),
        ("zh", 360, ("人员", "检查文件", "导入 2 条", "已导入")),
    ],
)
def test_a_file_is_chosen_read_and_brought_in(
    place: str,
    chromium: Browser,
    gateway: Gateway,
    tmp_path: Path,
    language: str,
    width: int,
    words: tuple[str, str, str, str],
) -> None:
    people, check, land, landed = words
    (tmp_path / "people.csv").write_bytes(GOOD)
    desk: Desk = gateway.app.extensions[DESK]
    read, free = desk._read, Event()

    def wait_and_read(job: Any) -> None:
        assert free.wait(30)
        read(job)

    # So that the bar can be seen.
    desk._read = wait_and_read  # type: ignore[method-assign]
    page = opened(chromium, place, gateway, width=width, language=language)
    assert page.evaluate(FITS)

    page.get_by_label(people, exact=True).check()
    page.locator("[type=file]").set_input_files(tmp_path / "people.csv")
    page.get_by_role("button", name=check).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert page.evaluate(FITS)
    free.set()

    button = page.get_by_role("button", name=land)
    expect(button).to_be_visible()
    assert page.evaluate(FITS)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(landed)
    assert page.evaluate(FITS)


@pytest.mark.parametrize("width", [360, 1280])
def test_errors_fit_on_the_page_and_a_sample_can_be_taken(
    place: str, chromium: Browser, gateway: Gateway, tmp_path: Path, width: int
) -> None:
    (tmp_path / "people.csv").write_bytes(BAD)
    page = opened(chromium, place, gateway, width=width, language="zh")
    with page.expect_download() as sample:
        page.get_by_role("link", name="人员示例（Excel）").click()

    page.get_by_label("人员", exact=True).check()
    page.locator("[type=file]").set_input_files(tmp_path / "people.csv")
    page.get_by_role("button", name="检查文件").click()

    expect(page.get_by_role("heading", level=2)).to_have_text("需要修改 2 处")
    expect(page.get_by_role("row")).to_have_count(3)
    assert page.evaluate(FITS)
    assert sample.value.suggested_filename == "people.xlsx"
