"""The page in a real browser: what a person sees, hears and can do."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kiosk.answers import Answer, Kind
from kiosk.screen import MOST_STREAMS, create_screen
from tandem.serving import Served
from tests.kiosk.stand_in_station import ANN, NINE, STRANGER, Health, StandInStation, entered, silhouette

pytestmark = pytest.mark.enable_socket

BO = replace(
    ANN,
    name="Bo Brandenburg-Hollerbach",
    role="reserve_manager",
    title="Stock planning for reserve managers",
    title_zh="储备经理库存计划",
    direction="out",
    records=(entered(2),),
)
QUESTION = replace(ANN, kind="ask_direction", records=())
DISPLAYS = [(1280, 720), (1080, 1920), (360, 640)]
CUT_OFF = """() => [...document.querySelectorAll("h2, p, li, button")]
  .filter((one) => one.checkVisibility() && !one.closest(".unseen") && one.id !== "aloud")
  .filter((one) => {
    const box = one.getBoundingClientRect();
    const room = (one.closest("section") ?? document.body).getBoundingClientRect();
    return box.left < room.left || box.top < room.top || box.right > room.right || box.bottom > room.bottom;
  })
  .map((one) => one.outerHTML)"""


@pytest.fixture
def station() -> StandInStation:
    return StandInStation(jpeg=silhouette())


@pytest.fixture
def address(station: StandInStation) -> Iterator[str]:
    served = Served(create_screen(station, language="en", now=lambda: NINE), host="127.0.0.1", port=0)
    served.start()
    yield served.url
    station.stop()
    served.stop()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """Open the page; whatever it complains about fails the test."""
    page = chromium.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if address not in request.url else None)
    page.clock.install(time=NINE)
    page.goto(address)
    shows(page, "waiting")
    page.clock.pause_at(NINE + timedelta(minutes=1))  # from here on time passes when a test says so
    yield page
    page.close()
    # The browser itself notes an answer that came too late.
    assert [one for one in complaints if "409 (Conflict)" not in one] == []


def shows(page: Page, view: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-view", view)


def verdict(page: Page, words: str) -> Locator:
    return page.locator(".verdict").get_by_text(words)


def visible_name(page: Page, name: str) -> None:
    expect(page.locator(".name", has_text=name).locator("visible=true")).to_have_count(1)


def nobody(page: Page) -> None:
    """No name is in the page at all, also not for those who listen."""
    expect(page.locator(".name").filter(has_text=re.compile(r"\S"))).to_have_count(0)
    expect(page.locator("#aloud")).to_be_empty()


def test_the_waiting_screen_invites_in_both_languages(page: Page) -> None:
    expect(page.get_by_text("Show your badge or look here")).to_be_visible()
    expect(page.get_by_text("请出示工牌或看镜头")).to_be_visible()
    expect(page.locator("#time")).to_have_text(f"{NINE.astimezone():%H:%M}")


def test_the_picture_is_live(page: Page) -> None:
    page.clock.run_for(1000)

    expect(page.locator("body")).to_have_attribute("data-picture", "on")
    shade = page.evaluate("[...document.getElementById('picture').getContext('2d').getImageData(300, 400, 1, 1).data]")
    assert shade[2] > shade[0], "the silhouette is blue"


def test_green_shows_who_and_what_for_three_seconds(page: Page, station: StandInStation) -> None:
    station.say(ANN)

    shows(page, "green")
    visible_name(page, "Ann Lee")
    expect(verdict(page, "You are checked in")).to_be_visible()
    expect(verdict(page, "Order entry 101")).to_be_visible()
    expect(verdict(page, "Arriving")).to_be_visible()
    page.clock.run_for(2900)
    visible_name(page, "Ann Lee")
    page.clock.run_for(100)
    shows(page, "waiting")
    nobody(page)


def test_the_second_tick_follows_when_the_gateway_has_it(page: Page, station: StandInStation) -> None:
    station.say(ANN)
    expect(page.get_by_text("Recorded here", exact=True)).to_be_visible()

    station.delivered.add(ANN.records[0].id)

    expect(page.get_by_text("Recorded and received")).to_be_visible()
    expect(page.get_by_text("Recorded here", exact=True)).to_be_hidden()


@pytest.mark.parametrize("answer", [STRANGER, replace(ANN, kind="amber", code="time_uncertain")], ids=["red", "amber"])
def test_the_reason_stays_longer_than_the_name(page: Page, station: StandInStation, answer: Answer) -> None:
    station.say(answer)
    shows(page, answer.kind)
    visible_name(page, answer.name or "")

    page.clock.run_for(3000)

    shows(page, answer.kind)
    nobody(page)
    expect(page.locator(".verdict .what")).to_be_visible()
    expect(page.locator(".verdict .todo")).to_be_visible()
    page.clock.run_for(5000)
    shows(page, "waiting")


def test_each_person_gets_an_answer_when_two_come_at_once(page: Page, station: StandInStation) -> None:
    station.say(ANN)
    station.say(BO)

    shows(page, "green")
    visible_name(page, "Ann Lee")
    page.clock.run_for(1200)
    visible_name(page, "Bo Brandenburg-Hollerbach")
    page.clock.run_for(3000)
    shows(page, "waiting")


def test_a_touch_changes_the_language_of_what_is_shown(page: Page, station: StandInStation) -> None:
    station.say(STRANGER)
    expect(verdict(page, "You are not on the roster of this session.")).to_be_visible()

    page.get_by_role("button", name="中文").click()

    expect(verdict(page, "您不在本场培训的名单上。")).to_be_visible()
    expect(verdict(page, "You are not on the roster of this session.")).to_be_hidden()


def test_the_next_person_finds_the_display_in_its_own_language(page: Page) -> None:
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh")

    page.clock.run_for(30_000)

    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_touch_answers_the_question(page: Page, station: StandInStation) -> None:
    station.say(QUESTION)

    with page.expect_response("**/choice") as answer:
        page.get_by_role("button", name="I am leaving").click()

    assert answer.value.status == 204
    assert station.chosen == ["out"]
    station.say(replace(ANN, direction="out"))
    shows(page, "green")
    expect(verdict(page, "You are checked out")).to_be_visible()


def test_the_keyboard_answers_the_question_but_not_by_accident(page: Page, station: StandInStation) -> None:
    station.say(QUESTION)
    shows(page, "ask_direction")

    page.keyboard.press("Enter")  # as a scanner does that types
    assert station.chosen == []
    page.keyboard.press("ArrowLeft")
    with page.expect_response("**/choice"):
        page.keyboard.press("Enter")

    assert station.chosen == ["in"]


def test_the_question_outlives_the_name_and_does_not_move(page: Page, station: StandInStation) -> None:
    station.say(QUESTION)
    visible_name(page, "Ann Lee")
    button = page.get_by_role("button", name="I am arriving")
    before = button.bounding_box()

    page.clock.run_for(3000)

    nobody(page)
    assert button.bounding_box() == before


def test_a_passer_by_does_not_take_the_question_away(page: Page, station: StandInStation) -> None:
    station.say(QUESTION)
    shows(page, "ask_direction")

    station.say(Answer(number=0, at=NINE, kind="ask_badge"))
    station.delivered.add(ANN.records[0].id)
    page.clock.run_for(4000)

    shows(page, "ask_direction")


def test_a_touch_that_comes_too_late_leaves_nobody_before_dead_buttons(page: Page, station: StandInStation) -> None:
    station.say(QUESTION)
    shows(page, "ask_direction")
    page.route("**/choice", lambda route: route.fulfill(status=409))

    page.get_by_role("button", name="I am leaving").click()

    shows(page, "waiting")


@pytest.mark.parametrize(
    "kind, words",
    [
        ("ask_badge", "Please show your badge"),
        ("one_badge", "One badge at a time, please"),
        ("not_a_badge", "This is not a training badge"),
    ],
)
def test_a_hint_leaves_the_mirror_in_sight(page: Page, station: StandInStation, kind: Kind, words: str) -> None:
    station.say(Answer(number=0, at=NINE, kind=kind))

    expect(page.get_by_role("heading", name=words)).to_be_visible()
    expect(page.locator("#picture")).to_be_in_viewport()


def test_offline_is_said_while_everything_goes_on(page: Page, station: StandInStation) -> None:
    station.health = Health(online=False, waiting=2)

    expect(page.get_by_text("Check-ins are recorded here and will be sent. Waiting to be sent: 2")).to_be_visible()
    station.say(ANN)
    shows(page, "green")
    station.health = Health()
    expect(page.get_by_text("Waiting to be sent")).to_be_hidden()


def test_trouble_takes_the_place_of_the_invitation(page: Page, station: StandInStation) -> None:
    station.health = Health(trouble="camera_lost")

    expect(page.get_by_role("heading", name="The camera is not working.")).to_be_visible()
    expect(page.get_by_text("Show your badge or look here")).to_be_hidden()
    station.health = Health()
    shows(page, "waiting")


def test_without_faces_nobody_is_asked_to_look(page: Page, station: StandInStation) -> None:
    station.health = Health(faces=False)

    expect(page.get_by_text("Show your badge or look here")).to_be_hidden()
    expect(page.get_by_text("Show your badge", exact=True)).to_be_visible()


def test_the_page_comes_back_with_the_station(page: Page, station: StandInStation) -> None:
    station.say(ANN)
    shows(page, "green")

    station.stop()
    shows(page, "starting")
    nobody(page)
    station.health = Health()
    page.clock.run_for(1000)

    shows(page, "waiting")


def test_an_answer_is_also_said_aloud(page: Page, station: StandInStation) -> None:
    station.say(STRANGER)

    expect(page.locator("#aloud")).to_contain_text("Not checked in. Kim Doe. You are not on the roster")


def test_pages_that_were_closed_make_room_for_others(chromium: Browser, address: str) -> None:
    for _ in range(MOST_STREAMS + 2):
        page = chromium.new_page()
        page.goto(address)
        expect(page.locator("body")).to_have_attribute("data-view", "waiting")
        page.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(replace(BO, code="late"), id="green"),
        pytest.param(replace(BO, kind="red", code="wrong_room", room_name="Training room 2"), id="red"),
        pytest.param(replace(BO, kind="ask_direction"), id="question"),
    ],
)
def test_the_longest_names_are_not_cut_off(page: Page, station: StandInStation, answer: Answer) -> None:
    station.health = Health(online=False, waiting=12)
    expect(page.locator("#notices li")).to_have_count(1)

    station.say(answer)
    expect(page.locator("body")).not_to_have_attribute("data-view", "waiting")

    for width, height in DISPLAYS:
        page.set_viewport_size({"width": width, "height": height})
        for language in ("EN", "中文"):
            page.get_by_role("button", name=language).click()
            assert page.evaluate(CUT_OFF) == []
