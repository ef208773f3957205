"""A real browser for the tests: started once for all that a file wants to see in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

QUIETLY = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
]


REFUSED_FORM = "status of 422"
"""So a browser notes a form that came back with what is wrong in it."""
_HEARD: list[str] = []


def listen(page: Page) -> None:
    """Let the test fail at its end, if this page complains; an exception in a listener would end the browser's line."""
    page.on("console", lambda message: None if REFUSED_FORM in message.text else _HEARD.append(message.text))
    page.on("pageerror", lambda error: _HEARD.append(str(error)))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app on a free port and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def opened(
    chromium: Browser, place: str, cookies: dict[str, str], *, width: int, language: str = "en", scripts: bool = True
) -> Page:
    """Open a browser with these cookies of that place; whatever it complains about fails the test."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, locale=language, java_script_enabled=scripts
    )
    context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
    page = context.new_page()
    listen(page)
    return page


def dressed(page: Page) -> Page:
    """Wait for the page's styles: after a press its words can be there before them, and nothing is laid out yet."""
    page.wait_for_load_state()
    return page


def fits(page: Page) -> bool:
    """Say whether nothing is wider than the screen; works where the page's own scripts are off."""
    return bool(dressed(page).locator("html").evaluate("page => page.scrollWidth <= page.clientWidth"))


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
