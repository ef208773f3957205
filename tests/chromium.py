"""A real browser for the tests: started once for all that a file wants to see in it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

QUIETLY = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
]


@pytest.fixture
def chromium(started: Browser) -> Iterator[Browser]:
    """Give a browser in which nothing is open."""
    yield started
    for context in started.contexts:
        context.close()


# Not for the whole session: Playwright's event loop runs for as long, and beside it no test could call asyncio.run.
@pytest.fixture(scope="module")
def started(program: Callable[[str], str]) -> Iterator[Browser]:
    """Start Chromium."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIETLY)
        yield browser
        browser.close()
