"""The day in a real browser: it keeps itself up to date, under the strict policy, and says when it cannot."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import BaseWSGIServer, make_server

from gateway import admin
from ledger.tables import DeviceRow
from tests.chromium import fits
from tests.gateway.cast import NINE, Gateway, Kiosk, attend, evening, seen, staff

pytestmark = pytest.mark.enable_socket

EVERY_MS = 3000
"""So often the day asks for what is new."""


@pytest.fixture
def server(gateway: Gateway) -> Iterator[BaseWSGIServer]:
    """Serve the gateway on a free port."""
    server = make_server("127.0.0.1", 0, gateway.app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Open a browser of a phone's width; whatever it complains about fails the test."""
    complaints: list[str] = []
    page = chromium.new_page(viewport={"width": 360, "height": 740}, locale="en")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.clock.install()
    yield page
    page.close()
    assert complaints == []


def sign_in(page: Page, gateway: Gateway, server: BaseWSGIServer) -> str:
    """Sign in by a link and return where the gateway is."""
    with gateway.ledger.begin() as db:
        staff(db, "ines", "admin")
        url = str(admin.sign_in_link(db, "ines", gateway.settings, actor="test", now=NINE)["url"])
    place = f"http://127.0.0.1:{server.server_port}"
    page.goto(url.replace(gateway.settings.url, place))
    page.get_by_role("button", name="Sign in").click()
    return place


def test_the_day_keeps_itself_up_to_date_and_what_is_unfolded_open(
    page: Page, gateway: Gateway, server: BaseWSGIServer, kiosk: Kiosk
) -> None:
    with gateway.ledger.begin() as db:
        seen(db, "bo", "in", NINE)
        db.get_one(DeviceRow, kiosk.id).seen_at = NINE
    sign_in(page, gateway, server)
    page.get_by_text("Bo Wang").first.click()
    expect(page.locator(".seat", has_text="Ann Li").locator(".outcome")).to_have_text("Expected")

    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", NINE + timedelta(minutes=1))
    page.clock.run_for(EVERY_MS)

    expect(page.locator(".seat", has_text="Ann Li").locator(".outcome")).to_have_text("In")
    expect(page.locator(".seat", has_text="Bo Wang").locator("details")).to_have_attribute("open", "")
    assert fits(page)


def test_the_api_can_be_tried_on_its_page(page: Page, gateway: Gateway, server: BaseWSGIServer) -> None:
    with gateway.ledger.begin() as db:
        attend(db, "ann")
        evening(db)
    key = gateway.key()["Authorization"].removeprefix("Bearer ")
    page.goto(f"http://127.0.0.1:{server.server_port}/api/")

    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("textbox").fill(key)
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close", exact=True).click()
    page.locator(".opblock-summary-control", has_text="Read the feed").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    expect(page.locator(".live-responses-table")).to_contain_text("next_cursor")
