"""Claims about calibration: what is counted, how sure it is, what is proposed, and the page that shows it."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from playwright.sync_api import Browser

from kiosk.faces.calibration import THRESHOLDS, Measured, Point, Rate, Wish, measure, propose, rate
from kiosk.faces.calibration_page import as_values, chart, drawn, notes, said
from kiosk.faces.engine import Encoding
from kiosk.faces.gallery import MARGIN, THRESHOLD
from kiosk.faces.line_up import ROWS
from tests.kiosk.cast import NINE


def at(*places: float) -> Encoding:
    """Make templates at places where distances can be told by eye."""
    return np.array([[place, *np.zeros(127)] for place in places], np.float32)


def crowd(people: int, templates: int, *, apart: float, within: float) -> dict[str, Encoding]:
    """Make people whose templates are about so far from each other's, and from their own."""
    chance = np.random.default_rng(7)
    middles = chance.normal(0, apart / 16, (people, 1, 128))
    blocks = middles + chance.normal(0, within / 16, (people, templates, 128))
    return {f"p{number}": block.astype(np.float32) for number, block in enumerate(blocks)}


def of(measured: Measured, threshold: float) -> Point:
    return next(point for point in measured.points if point.threshold == threshold)


# What is counted


def test_every_pair_is_counted_once_and_bounds_are_inclusive() -> None:
    measured = measure({"ann": at(0.0, 0.375), "bo": at(0.875), "cy": at(9.0)})

    assert (measured.people, measured.templates) == (3, 4)
    assert [of(measured, 0.37).fnmr.errors, of(measured, 0.38).fnmr.errors] == [1, 0]
    assert of(measured, 0.5).fnmr.n == 1
    assert [of(measured, 0.49).fmr.errors, of(measured, 0.5).fmr.errors] == [0, 1]
    assert of(measured, 0.5).fmr.n == 5


def test_the_counts_are_those_of_a_plain_loop_also_past_a_block() -> None:
    people = crowd(ROWS // 3 + 9, 3, apart=0.4, within=0.3)

    measured = measure(people)

    owners, block = zip(*((who, one) for who, templates in people.items() for one in templates), strict=True)
    apart = np.linalg.norm(np.array(block)[:, None] - np.array(block), axis=2)[np.triu_indices(len(block), 1)]
    same = (np.array(owners)[:, None] == np.array(owners))[np.triu_indices(len(block), 1)]
    for point in measured.points[::6]:
        assert point.fmr.errors == pytest.approx(np.sum(apart[~same] <= point.threshold), abs=1)
        assert point.fnmr.errors == pytest.approx(np.sum(apart[same] > point.threshold), abs=1)
    assert (measured.points[0].fmr.n, measured.points[0].fnmr.n) == (np.sum(~same), np.sum(same))
    assert measured.points[15].fmr.errors > 10


def test_progress_is_told_to_the_end() -> None:
    told: list[int] = []

    measure(crowd(ROWS + 5, 1, apart=1.0, within=0.1), told.append)

    assert sum(told) == ROWS + 5
    assert len(told) > 1


@pytest.mark.parametrize(
    "people, fmr, fnmr",
    [({}, 0, 0), ({"ann": at(0.0)}, 0, 0), ({"ann": at(0.0, 0.1)}, 0, 1), ({"ann": at(0.0), "bo": at(1.0)}, 1, 0)],
    ids=["nobody", "one picture", "one person", "one picture each"],
)
def test_so_few_people_give_no_figures_and_no_fault(people: dict[str, Encoding], fmr: int, fnmr: int) -> None:
    measured = measure(people)

    proposal = propose(measured, Wish())
    page = drawn(measured, proposal, notes(measured, of_gallery=False), made_at=NINE)

    assert (measured.points[0].fmr.n, measured.points[0].fnmr.n) == (fmr, fnmr)
    assert proposal.verdict == "too_few_pairs"
    assert "too few pairs" in page


# How sure it is


@pytest.mark.parametrize(
    "errors, n, low, high",
    [
        (0, 0, 0, 1),
        (0, 300, 0, 0.01),
        (0, 2, 0, 1),
        (300, 300, 0.99, 1),
        (10, 100, 0.0552, 0.1744),
        (1, 1000, 0.000177, 0.00564),
    ],
    ids=["nothing", "rule of three", "two", "only errors", "a tenth", "one"],
)
def test_intervals_are_those_of_the_books(errors: int, n: int, low: float, high: float) -> None:
    found = rate(errors, n)

    assert [found.low, found.high] == pytest.approx([low, high], rel=0.01)


def test_the_interval_holds_the_truth_in_95_of_100_samples() -> None:
    chance = np.random.default_rng(3)

    samples = [rate(int(errors), 500) for errors in chance.binomial(500, 0.02, 4000)]

    assert np.mean([one.low <= 0.02 <= one.high for one in samples]) > 0.93


# What is proposed


def test_far_apart_people_keep_the_usual_setting_and_its_worth_is_said() -> None:
    measured = measure(crowd(300, 3, apart=1.0, within=0.2))

    proposal = propose(measured, Wish(false_matches=0.01, size=200))

    assert (proposal.verdict, proposal.threshold, proposal.margin) == ("enough", THRESHOLD, MARGIN)
    assert proposal.needed_fmr == pytest.approx(1 - 0.99 ** (1 / 600))
    assert proposal.strangers is not None
    assert proposal.strangers <= 0.01
    assert proposal.strangers == pytest.approx(1 - (1 - of(measured, THRESHOLD).fmr.high) ** 600)
    assert proposal.mistaken is not None
    assert (proposal.mistaken.errors, proposal.mistaken.n) == (0, 900)


def test_too_few_pairs_propose_nothing_and_say_how_many_it_takes() -> None:
    measured = measure(crowd(12, 3, apart=1.0, within=0.2))

    proposal = propose(measured, Wish(false_matches=0.01, size=200))

    assert (proposal.verdict, proposal.threshold) == ("too_few_pairs", None)
    assert proposal.needed_pairs == pytest.approx(3 * 600 / 0.01, rel=0.01)
    assert "179,100" in said(proposal).en


def test_a_larger_gallery_wants_a_narrower_threshold() -> None:
    measured = measure(crowd(400, 3, apart=0.47, within=0.15))

    small, large = (propose(measured, Wish(false_matches=0.05, size=size)) for size in (10, 800))

    assert small.threshold is not None
    assert large.threshold is not None
    assert large.threshold < small.threshold


def test_people_who_vary_more_get_a_wider_threshold_if_strangers_allow_it() -> None:
    measured = measure(crowd(300, 3, apart=1.2, within=0.45))

    proposal = propose(measured, Wish(false_matches=0.01, size=200))

    assert of(measured, THRESHOLD).fnmr.errors > 0
    assert proposal.threshold is not None
    assert proposal.threshold > THRESHOLD


def test_one_person_under_two_names_is_too_alike() -> None:
    people = crowd(300, 3, apart=1.0, within=0.2)
    for number in range(100):
        people[f"p{number}"] = people[f"p{number + 100}"] + np.float32(0.001)

    proposal = propose(measure(people), Wish(false_matches=0.01, size=200))

    assert (proposal.verdict, proposal.threshold) == ("too_alike", None)
    assert "wrong folder" in said(proposal).en


def test_a_margin_grows_until_nobody_is_taken_for_somebody_else() -> None:
    people = crowd(300, 2, apart=1.0, within=0.15)
    people["p0"] = at(0.0, 0.40)
    people["p1"] = at(-0.32, -0.32)

    proposal = propose(measure(people), Wish(false_matches=0.05, size=50))

    assert proposal.threshold == THRESHOLD
    assert proposal.margin == pytest.approx(0.09)
    assert proposal.look_alikes == 2


# What it does not show


def test_the_notes_say_what_is_missing() -> None:
    few = [text.en for text in notes(measure(crowd(5, 1, apart=1.0, within=0.1)), of_gallery=False)]
    many = [text.en for text in notes(measure(crowd(30, 3, apart=1.0, within=0.1)), of_gallery=True)]

    assert [word in " ".join(few) for word in ("two pictures", "fewer than 20", "not independent")] == [True] * 3
    assert [word in " ".join(many) for word in ("two pictures", "fewer than 20", "within seconds")] == [
        False, False, True,
    ]  # fmt: skip


def test_the_values_are_one_line_of_json() -> None:
    measured = measure(crowd(30, 3, apart=1.0, within=0.1))

    values = as_values(measured, propose(measured, Wish()), notes(measured, of_gallery=False))

    told = json.loads(json.dumps(values, allow_nan=False))
    assert [point["threshold"] for point in told["points"]] == list(THRESHOLDS)
    assert told["points"][0]["fmr"] == {"errors": 0, "n": 3915, "low": 0.0, "high": 3 / 3915, "rate": 0.0}


# The page


class Reader(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.languages: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, what it leads to, and its language."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.languages |= {value or "" for name, value in attrs if name == "lang"}


@pytest.fixture(scope="module")
def page() -> str:
    measured = measure(crowd(100, 3, apart=0.8, within=0.2))
    told = notes(measured, of_gallery=True)
    return drawn(measured, propose(measured, Wish(false_matches=0.05, size=50)), told, made_at=NINE)


def test_the_page_stands_alone_in_two_languages(page: str) -> None:
    reader = Reader()
    reader.feed(page)

    assert "script" not in reader.tags
    assert reader.links == []
    assert reader.languages == {"en", "zh"}
    assert {"svg", "title", "desc", "table", "caption"} <= set(reader.tags)
    assert page.count("<tr") == len(THRESHOLDS) + 1


def test_the_page_names_nobody() -> None:
    people = {f"secret-{number}": block for number, block in enumerate(crowd(5, 2, apart=1, within=0.1).values())}
    measured = measure(people)

    page = drawn(measured, propose(measured, Wish()), notes(measured, of_gallery=False), made_at=NINE)

    assert "secret" not in page


def test_the_curve_stays_within_its_axes() -> None:
    points = measure(crowd(100, 3, apart=0.5, within=0.3)).points

    laid = chart(points, 0.45)

    places = [
        tuple(map(float, place.split(",")))
        for curve in (laid.fmr, laid.fnmr)
        for place in f"{curve.line} {curve.band}".split()
    ]
    assert len(places) == 2 * 3 * len(THRESHOLDS)
    assert all(70 <= x <= 700 and 20 <= y <= 364 for x, y in places)
    assert laid.proposed == pytest.approx(sum(tick.at for tick in (laid.thresholds[0], laid.thresholds[-1])) / 2)


def test_a_rate_that_was_not_measured_is_not_drawn() -> None:
    points = [Point(threshold=one, fmr=rate(0, 9), fnmr=Rate(errors=0, n=0, low=0, high=1)) for one in THRESHOLDS]

    laid = chart(points, None)

    assert (bool(laid.fmr.line), bool(laid.fnmr.line), laid.proposed) == (True, False, None)


@pytest.mark.enable_socket
@pytest.mark.parametrize("width", [1280, 360])
def test_in_a_browser_nothing_is_wider_than_the_page(chromium: Browser, page: str, width: int) -> None:
    view = chromium.new_page(viewport={"width": width, "height": 800}, java_script_enabled=True)
    view.set_content(page)

    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.get_by_role("img", name="Error rates by threshold").is_visible()
    assert view.get_by_role("row").count() == len(THRESHOLDS) + 1
    view.close()


def test_the_page_says_when_it_was_made(page: str) -> None:
    assert f"{NINE:%Y-%m-%d %H:%M}" in page
