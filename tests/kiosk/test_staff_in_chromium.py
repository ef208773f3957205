"""What a member of staff does at the screen, by touch and by keyboard, with a real station behind it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kiosk.staff import PIN_PATH
from protocol.roster import StaffPin, StaffPinAnswer
from tests.kiosk.cast import GatewayStandIn
from tests.kiosk.played import played, still_page
from tests.kiosk.states import STATES, Stage, a_full_roster

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def page(started: Browser) -> Iterator[Page]:
    with still_page(started) as page:
        yield page


class GatewayThatKnowsThePin(GatewayStandIn):
    """Takes one PIN, and after a wrong one lets people wait."""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path != PIN_PATH:
            return super().answer(request)
        right = StaffPin.read(request.content).pin == "2468"
        return self._signed(request, 200, StaffPinAnswer(right=right, wait=0 if right else 30).line())


@pytest.fixture
def list_open(page: Page, tmp_path: Path) -> Iterator[Stage]:
    with played(page, tmp_path, STATES["staff"]) as stage:
        yield stage


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows li").filter(has_text=name)


def shows(page: Page, view: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-view", view)


def test_a_touch_checks_somebody_in_and_the_list_comes_back(page: Page, list_open: Stage) -> None:
    row(page, "Ann Li").get_by_role("button", name="Check in").click()

    shows(page, "green")
    expect(page.locator(".verdict .name")).to_have_text("Ann Li")
    page.clock.run_for(3000)
    shows(page, "staff")
    expect(row(page, "Ann Li")).to_contain_text("here")
    expect(row(page, "Bo Wang")).to_contain_text("not here yet")
    [*_, answer] = list_open.station.wait(0, 0)
    assert answer.record
    assert (answer.record.method, answer.record.learner) == ("staff", "ann")


def test_the_keyboard_walks_the_list_but_a_scanners_enter_touches_nobody(page: Page, list_open: Stage) -> None:
    page.keyboard.press("Enter")
    assert [answer.kind for answer in list_open.station.wait(0, 0)] == ["staff"]

    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(row(page, "Ann Li").get_by_role("button", name="Check out")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    shows(page, "green")
    expect(page.locator(".verdict .name")).to_have_text("Ann Li")


def test_the_list_closes_by_itself_and_takes_the_names_along(page: Page, list_open: Stage) -> None:
    expect(row(page, "Ann Li")).to_be_visible()

    list_open.passes(timedelta(seconds=61))

    shows(page, "waiting")
    expect(page.locator("#rows li")).to_have_count(0)


def test_a_touch_closes_the_list(page: Page, list_open: Stage) -> None:
    page.get_by_role("button", name="Close the list").click()

    shows(page, "waiting")
    assert list_open.station.desk.staff_list() is None


def test_a_face_is_enrolled_and_can_be_enrolled_anew(page: Page, list_open: Stage) -> None:
    expect(row(page, "Ann Li").get_by_role("button", name="Enrol")).to_be_hidden()  # she has not consented
    row(page, "Bo Wang").get_by_role("button", name="Enrol face").click()
    shows(page, "enrolment")
    expect(page.locator(".enrolment .name")).to_have_text("Bo Wang")

    list_open.sits(1.0)

    expect(page.get_by_text("The face is enrolled")).to_be_visible()
    assert list_open.gallery.consents() == {"bo": "consent-1"}
    page.clock.run_for(3000)
    expect(page.locator(".enrolment .name")).to_be_empty()
    page.get_by_role("button", name="Back to the list").click()
    expect(row(page, "Bo Wang").get_by_role("button", name="Enrol face anew")).to_be_visible()


def test_a_face_of_somebody_else_is_only_enrolled_when_staff_says_so(page: Page, tmp_path: Path) -> None:
    with played(page, tmp_path, STATES["resembles"]) as stage:
        assert "bo" not in stage.gallery.people()
        page.get_by_role("button", name="It is another person: enrol anyway").click()
        expect(page.get_by_text("Good pictures: 0 of 3")).to_be_visible()

        stage.sits(0.1)

        expect(page.get_by_text("The face is enrolled")).to_be_visible()
        assert stage.gallery.people() == {"bo", "dee"}


def test_an_enrolment_that_is_stopped_keeps_nothing(page: Page, tmp_path: Path) -> None:
    with played(page, tmp_path, STATES["enrolling"]) as stage:
        page.get_by_role("button", name="Stop").click()

        shows(page, "staff")
        stage.engine.there = True
        stage.sits(1.0)
        assert stage.gallery.people() == frozenset()


def test_the_list_opens_after_the_right_pin_only(page: Page, tmp_path: Path) -> None:
    def pressed(*keys: str) -> None:
        for key in keys:
            page.locator(".keys").get_by_role("button", name=key).click()

    state = STATES["staff-pin"]
    with played(page, tmp_path, state, gateway=GatewayThatKnowsThePin(roster=a_full_roster())):
        pressed("1", "2", "Open")
        expect(page.get_by_text("Too many wrong tries. Please wait 30 s.")).to_be_visible()
        expect(page.locator("#rows li")).to_have_count(0)

        pressed("2", "5", "Delete", "4")
        page.keyboard.type("68")
        expect(page.locator("#typed")).to_have_text("••••")
        page.keyboard.press("Enter")

        expect(row(page, "Ann Li")).to_be_visible()


def test_without_a_network_nobody_waits_for_a_pin_that_cannot_be_checked(page: Page, tmp_path: Path) -> None:
    with played(page, tmp_path, STATES["staff-pin"]) as stage:
        stage.gateway.refusal = (503, "away")

        page.locator("#staff").focus()
        page.keyboard.type("2468")
        page.keyboard.press("Enter")
        row(page, "Ann Li").get_by_role("button", name="Check in").click()

        shows(page, "green")
        [*_, answer] = stage.station.wait(0, 0)
        assert answer.record
        assert answer.record.staff_pin is False
