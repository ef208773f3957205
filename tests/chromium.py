"""A real browser for the tests: started once for all that a file wants to see in it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

QUIETLY = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
]


_HEARD: list[str] = []


def listen(page: Page) -> None:
    """Let the test fail at its end, if this page complains; an exception in a listener would end the browser's line."""
    page.on("console", lambda message: _HEARD.append(message.text))
    page.on("pageerror", lambda error: _HEARD.append(str(error)))


@pytest.fixture
def chromium(started: Browser) -> Iterator[Browser]:
    """Give a browser in which nothing is open; ask for it after the server, so that its pages are closed first."""
    _HEARD.clear()
    yield started
    for context in started.contexts:
        context.close()
    assert not _HEARD, _HEARD


# Not for the whole session: Playwright's event loop runs for as long, and beside it no test could call asyncio.run.
@pytest.fixture(scope="module")
def started(program: Callable[[str], str]) -> Iterator[Browser]:
    """Start Chromium."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIETLY)
        yield browser
        browser.close()
