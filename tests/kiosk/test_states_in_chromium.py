"""Every state of the screen in a real browser, reached through a real station: words, room for them, and no barrier."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from kiosk.faces.liveness import Guide
from kiosk.look import Look
from kiosk.picture import Image
from protocol.roster import RosterLearner
from tests.kiosk.cast import a_roster, a_session
from tests.kiosk.face_actors import PACE, Genuine
from tests.kiosk.face_proof import engine, gallery
from tests.kiosk.face_scenes import Moment, grains, over, person, room, taken
from tests.kiosk.played import played, still_page
from tests.kiosk.states import STATES, Stage, State
from tests.kiosk.test_screen_in_chromium import CUT_OFF

pytestmark = pytest.mark.enable_socket

DOCS = Path(__file__).parents[2] / "docs"
DISPLAYS = [(1920, 1080), (1280, 720), (1024, 600), (800, 1280)]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BARRIERS = """async (rules) => {
  const found = [];
  for (const language of ["en", "zh"]) {
    document.documentElement.lang = language;
    const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"], elementRef: false });
    const nodes = (one) => one.nodes.map((node) => `${language}: ${node.html} ${node.failureSummary}`);
    found.push(...violations.map((one) => [one.id, ...nodes(one)]));
  }
  return found;
}"""

IN_BOTH = f"""() => ["zh", "en"].flatMap((language) => {{
  speak(language);
  return ({CUT_OFF})();
}})"""
UNSEEN = """() => [...document.querySelectorAll("main button, .head path, .sign path")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const style = getComputedStyle(one);
    const ground = getComputedStyle(document.body).backgroundColor;
    return one.tagName === "BUTTON" ? style.color === style.backgroundColor : style.stroke === ground;
  })
  .map((one) => one.outerHTML)"""


@pytest.fixture(scope="module")
def page(started: Browser) -> Iterator[Page]:
    with still_page(started) as page:
        yield page


def barriers(page: Page, rules: Sequence[str] = RULES) -> list[Any]:
    """Ask axe-core what keeps anybody out, in both languages; in a world beside the page's its timers go on."""
    line = page.context.new_cdp_session(page)
    frame = line.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = line.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    line.send("Runtime.evaluate", {"expression": AXE, "contextId": world})
    found = line.send(
        "Runtime.evaluate",
        {"expression": f"({BARRIERS})({list(rules)})", "contextId": world, "awaitPromise": True, "returnByValue": True},
    )
    line.detach()
    return list(found["result"]["value"])


@pytest.mark.parametrize("name", STATES)
def test_every_state_says_what_it_is_fits_keeps_nobody_out_and_forgets_names(
    page: Page, tmp_path: Path, name: str
) -> None:
    with played(page, tmp_path, STATES[name]):
        assert barriers(page) == []
        for width, height in DISPLAYS:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(IN_BOTH) == [], (width, height)
        page.clock.run_for(3000)
        for name_shown in page.locator(".name, .partners").all():
            expect(name_shown).to_be_empty()


def test_every_state_has_its_pictures_in_the_documentation() -> None:
    told = set(re.findall(r"pictures/kiosk/([\w-]+)\.(en|zh)\.png", (DOCS / "kiosk.md").read_text()))
    taken = {tuple(path.name.split(".")[:2]): path.stat().st_size for path in (DOCS / "pictures/kiosk").glob("*.png")}

    assert told == taken.keys() == {(name, language) for name in STATES for language in ("en", "zh")}
    assert max(taken.values()) <= 60_000


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        pytest.param("document.querySelector('.panel.waiting h2').style.color = '#ddd'", "color-contrast", id="pale"),
        pytest.param("document.querySelector('[data-language]').replaceChildren()", "button-name", id="nameless"),
    ],
)
def test_a_barrier_would_be_found(page: Page, tmp_path: Path, spoil: str, found: str) -> None:
    with played(page, tmp_path, STATES["waiting"]):
        page.evaluate(spoil)

        assert found in [rule for rule, *_ in barriers(page)]


def test_what_is_cut_off_would_be_found(page: Page, tmp_path: Path) -> None:
    with played(page, tmp_path, STATES["waiting"]):
        page.evaluate("document.querySelector('.panel.waiting h2').style.fontSize = '12em'")

        assert page.evaluate(CUT_OFF)


# What the screen asks of a real face, found by the real engine.


def before_a_real_eye(luck: float) -> State:
    """Put a station on stage that knows Bo, whose face a public-domain portrait has lent, and its whole challenge."""

    def reach(stage: Stage) -> Iterator[None]:
        bo = RosterLearner(id="hopper", name="Bo Wang", role="reserve_manager", face_consent="yes")
        stage.gateway.roster = a_roster(a_session(learners=("hopper",)), learners=(bo,))
        stage.eye, stage.gallery = Look(engine(), gallery(), luck=lambda: luck), gallery()
        stage.begin(at_once=False)
        yield

    return State(reach=reach, view="waiting", says="Show your badge or look here")


def watched(page: Page, stage: Stage, frame: Callable[[float, Guide | None], Image]) -> list[str]:
    """Play until somebody is told something, or for 14 s; return the signs that the page has shown."""
    signs: list[str] = []
    for step in range(140):
        guide = stage.station.status().guide
        if guide and guide not in signs:
            expect(page.locator("body")).to_have_attribute("data-guide", guide)
            expect(page.locator("body")).to_have_attribute("data-view", "guiding")
            signs.append(guide)
        stage.passes(timedelta(seconds=PACE), frame(step * PACE, guide))
        if stage.station.wait(0, 0):
            break
    return signs


@pytest.mark.long
@pytest.mark.parametrize(
    ("luck", "moves"),
    [pytest.param(0.0, {"blink", "turn_left"}, id="blink"), pytest.param(0.99, {"turn_right", "turn_left"}, id="turn")],
)
def test_whoever_does_what_the_screen_shows_is_checked_in(
    page: Page, tmp_path: Path, luck: float, moves: set[str]
) -> None:
    actor = Genuine("hopper", np.random.default_rng(1))
    with played(page, tmp_path, before_a_real_eye(luck)) as stage:
        signs = watched(page, stage, actor.frame)

        assert set(signs) == {"look_here", *moves}
        expect(page.locator("body")).to_have_attribute("data-view", "green")
        expect(page.locator(".verdict .name")).to_have_text("Bo Wang")


@pytest.mark.parametrize(("sign", "scales", "blur"), [("closer", (0.37, 0.43), 0.1), ("hold_still", (1.0, 1.0), 5.0)])
def test_a_face_that_is_not_good_enough_is_told_what_to_do(
    page: Page, tmp_path: Path, sign: Guide, scales: tuple[float, float], blur: float
) -> None:
    grain = grains(np.random.default_rng(2), 3)

    def frame(at: float, _: Guide | None) -> Image:
        scale = scales[0] + (scales[1] - scales[0]) * (at % 1)
        held = Moment(scale=scale, x=3 * np.sin(6.5 * at), yaw=2 * np.sin(5 * at))
        image = taken(over(person("hopper", held), room()), next(grain), light=1.0)
        return np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.uint8)

    with played(page, tmp_path, before_a_real_eye(0.0)) as stage:
        for step in range(60):
            stage.passes(timedelta(seconds=2 * PACE), frame(2 * PACE * step, None))
            if stage.station.status().guide == sign:
                break

        expect(page.locator("body")).to_have_attribute("data-guide", sign)
        expect(page.locator("body")).to_have_attribute("data-view", "guiding")


# Calm, contrast, and time.

POSES = {"blink": ".lids", "turn-left": ".to-left", "turn-right": ".to-right", "closer": ".outwards"}


@pytest.mark.parametrize("name", POSES)
def test_a_sign_moves_only_where_movement_is_welcome_and_says_the_same_without(
    page: Page, tmp_path: Path, name: str
) -> None:
    moving = "document.getAnimations().filter((one) => one.effect.target.closest('.head')).length"
    with played(page, tmp_path, STATES[name]):
        expect(page.locator(f".head {POSES[name]}")).to_be_visible()
        assert page.evaluate("document.getAnimations().length") == 0

        page.emulate_media(reduced_motion="no-preference")
        assert page.evaluate(moving) > 0
        page.emulate_media(reduced_motion="reduce")


@pytest.mark.parametrize("name", ["turn-left", "green-late", "amber", "staff"])
def test_more_contrast_is_more_contrast(page: Page, tmp_path: Path, name: str) -> None:
    with played(page, tmp_path, STATES[name]):
        page.emulate_media(contrast="more")
        found = barriers(page, [*RULES, "wcag2aaa"])
        page.emulate_media(contrast="no-preference")

        assert found == []


@pytest.mark.parametrize("name", ["blink", "green", "ask-direction", "staff"])
def test_forced_colours_leave_nothing_unseen(page: Page, tmp_path: Path, name: str) -> None:
    with played(page, tmp_path, STATES[name]):
        page.emulate_media(forced_colors="active")
        found, cut_off = barriers(page), page.evaluate(CUT_OFF)
        unseen = page.evaluate(UNSEEN)
        page.emulate_media(forced_colors="none")

        assert (found, cut_off, unseen) == ([], [], [])
