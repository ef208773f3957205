"""Bringing a file in with a real browser: on a desk and on a phone, by mouse and by keyboard, in both languages."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.import_desk import Desk
from gateway.web import DESK
from tests.chromium import fits, opened, served
from tests.gateway.cast import Gateway
from tests.gateway.imports_cast import lines
from tests.gateway.pair_cast import staff_token

pytestmark = pytest.mark.enable_socket

GOOD = lines("number,name,role,region", "5,Five,clerk,east", "6,Six,clerk,east")
BAD = lines("工号,姓名,角色,地区", "5,五,老板,east", f"6,{'六' * 300},clerk,moon")


@pytest.fixture
def place(gateway: Gateway) -> Iterator[str]:
    with served(gateway.app) as place:
        yield place
    gateway.app.extensions[DESK].stop()


def imports(chromium: Browser, place: str, gateway: Gateway, *, width: int, language: str) -> Page:
    """Open the page as an admin."""
    cookies = {"tandem": staff_token(gateway, "admin", "ada")}
    page = opened(chromium, place, cookies, width=width, language=language)
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
    page = imports(chromium, place, gateway, width=width, language=language)
    assert fits(page)

    page.get_by_label(people, exact=True).check()
    page.locator("[type=file]").set_input_files(tmp_path / "people.csv")
    page.get_by_role("button", name=check).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert fits(page)
    free.set()

    button = page.get_by_role("button", name=land)
    expect(button).to_be_visible()
    assert fits(page)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text(landed)
    assert fits(page)


@pytest.mark.parametrize("width", [360, 1280])
def test_errors_fit_on_the_page_and_a_sample_can_be_taken(
    place: str, chromium: Browser, gateway: Gateway, tmp_path: Path, width: int
) -> None:
    (tmp_path / "people.csv").write_bytes(BAD)
    page = imports(chromium, place, gateway, width=width, language="zh")
    with page.expect_download() as sample:
        page.get_by_role("link", name="人员示例（Excel）").click()

    page.get_by_label("人员", exact=True).check()
    page.locator("[type=file]").set_input_files(tmp_path / "people.csv")
    page.get_by_role("button", name="检查文件").click()

    expect(page.get_by_role("heading", level=2)).to_have_text("需要修改 2 处")
    expect(page.get_by_role("row")).to_have_count(3)
    assert fits(page)
    assert sample.value.suggested_filename == "people.xlsx"
