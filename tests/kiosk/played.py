"""A state of the kiosk, played before a page on which no time passes unless somebody says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect

from kiosk.screen import create_screen
from tests.chromium import served
from tests.kiosk.cast import NINE
from tests.kiosk.states import Stage, State, staged

SIZE = ViewportSize(width=1280, height=720)


@contextmanager
def still_page(chromium: Browser) -> Iterator[Page]:
    """Open a page whose clock stands; whatever it complains about fails in the end."""
    page = chromium.new_page(viewport=SIZE, reduced_motion="reduce")
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.clock.install(time=NINE)
    page.clock.pause_at(NINE + timedelta(minutes=1))
    yield page
    page.close()
    assert heard == []


@contextmanager
def played(page: Page, folder: Path, state: State, **given: Any) -> Iterator[Stage]:
    """Play a state to its end; `given` are parts of the stage."""
    with staged(folder, **given) as stage:
        acts = state.reach(stage)
        next(acts)
        with served(create_screen(stage.view, language="en", now=stage.time)) as address:
            page.set_viewport_size(SIZE)
            page.goto(address)
            expect(page.locator("body")).not_to_have_attribute("data-view", "starting")
            for _ in acts:
                pass
            expect(page.locator("body")).to_have_attribute("data-view", state.view)
            expect(page.locator("main, footer").get_by_text(state.says).locator("visible=true").first).to_be_visible()
            yield stage
            page.goto("about:blank")
            # The server waits for its streams, and they for the station.
            stage.view.stop()
