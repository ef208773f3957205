"""Claims about what is done for codes that one pass over the frame does not read."""

from functools import cache

import cv2
import numpy as np
import pytest

from kiosk.picture import Image
from kiosk.qr.codes import Reader, codes
from kiosk.qr.decoder import by_zxing
from kiosk.qr.finder import cut, promising
from kiosk.qr.passes import BENDS, PASSES, flat, unrolled
from tests.kiosk.code_scenes import CONDITIONS, Scene, scene

FEW = 8
HELPED_BY = {"even": "dark", "sharp": "out of focus", "soft": "noisy", "plain": "far", "crisp": "shadowed"}


drawn = cache(scene)


def few(condition: str, count: int = FEW) -> list[Scene]:
    return [drawn(condition, number) for number in range(count)]


def grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def texts(image: Image) -> set[str]:
    """Read with one pass."""
    return {code.text for code in by_zxing(image)[0]}


def unread(condition: str) -> list[Scene]:
    return [one for one in few(condition) if texts(grey(one.image)) != one.badges]


def speckles(*, left: int = 500, seed: int = 0) -> Image:
    """Show a card with modules on it that are no code: it promises, and never keeps."""
    frame = np.full((720, 1280, 3), 200, np.uint8)
    modules = np.random.default_rng(seed).choice(np.array([30, 200], np.uint8), (41, 41))
    frame[300:464, left : left + 164] = np.kron(modules, np.ones((4, 4), np.uint8))[..., None]
    return frame


def spent(reader: Reader, *frames: Image) -> list[int]:
    """Say how many extra passes each frame took."""
    taken = []
    for frame in frames:
        reader.read(frame)
        taken.append(reader.spent)
    return taken


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_reads_badges_that_one_pass_over_the_frame_does_not(name: str) -> None:
    helped = []
    for one in unread(HELPED_BY[name]):
        whole = grey(one.image)
        pieces = [cut(whole, place).image for place in promising(whole)]
        helped.append(any(texts(PASSES[name](piece)) & one.badges for piece in pieces))

    assert any(helped)


def test_a_bent_badge_is_unrolled() -> None:
    unrolls = []
    for one in unread("curved"):
        whole = grey(one.image)
        seen = [flat(whole, np.array(box, np.float32)) for box in by_zxing(whole)[1]]
        unrolls.append(any(texts(unrolled(piece, bend)) == one.badges for piece in seen for bend in BENDS))

    assert sum(unrolls) >= 2


@pytest.mark.parametrize("condition", ["dark", "noisy", "curved", "faint", "shadowed"])
def test_a_frame_is_read_at_least_as_well_as_by_one_pass_and_some_better(condition: str) -> None:
    by_one_pass = [texts(grey(one.image)) == one.badges for one in few(condition)]
    by_reader = [{code.text for code in Reader().read(one.image)} == one.badges for one in few(condition)]

    assert all(ours for ours, theirs in zip(by_reader, by_one_pass, strict=True) if theirs)
    assert sum(by_reader) > sum(by_one_pass)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_nothing_is_read_that_is_not_there(condition: str) -> None:
    for one in few(condition, 2):
        assert {code.text for code in codes(one.image)} <= one.badges


def test_a_badge_read_by_an_extra_pass_has_its_corners_in_the_frame() -> None:
    lit = drawn("turned", 0).image
    dark = (lit * 0.05).astype(np.uint8)
    [shown] = codes(lit)

    [code] = codes(dark)

    assert texts(grey(dark)) == set()
    assert np.abs(np.array(code.box) - np.array(shown.box)).max() <= 6


@pytest.mark.parametrize("number", range(FEW))
def test_a_frame_that_promises_nothing_takes_no_extra_pass(number: int) -> None:
    frame = few("empty")[number].image
    promised = bool(promising(grey(frame)) or by_zxing(grey(frame))[1])

    [taken] = spent(Reader(), frame)

    assert bool(taken) == promised


def test_hardly_any_room_promises_a_code() -> None:
    promised = [bool(promising(grey(one.image))) for one in few("empty")]

    assert sum(promised) <= FEW // 4


def test_a_badge_that_the_first_pass_reads_takes_no_extra_pass() -> None:
    read = [one.image for one in few("near") if texts(grey(one.image)) == one.badges]

    assert [spent(Reader(), frame) for frame in read].count([0]) >= FEW - 1


def test_no_frame_takes_more_passes_than_its_budget() -> None:
    assert spent(Reader(extra_passes=3), speckles()) == [3]


def test_what_one_frame_has_no_time_for_is_tried_on_the_next_and_then_rests() -> None:
    reader = Reader(extra_passes=3)

    assert spent(reader, *[speckles()] * 4) == [3, len(PASSES) - 3, 0, 0]


def test_what_failed_is_tried_again_when_it_moves() -> None:
    reader = Reader()
    spent(reader, speckles(), speckles())

    assert spent(reader, speckles(left=520), speckles(left=520)) == [len(PASSES), 0]


def test_a_change_of_the_light_alone_is_no_news() -> None:
    reader = Reader()
    spent(reader, speckles())

    assert spent(reader, np.asarray(speckles() + 3, np.uint8)) == [0]


def test_the_way_that_read_a_badge_is_the_first_on_the_next_frame() -> None:
    hard = [one.image for one in unread("shadowed") if codes(one.image)]

    pairs = [spent(Reader(), image, image) for image in hard]

    assert all(second <= first for first, second in pairs)
    assert any(second < first for first, second in pairs)


def test_a_square_that_promises_in_vain_does_not_keep_a_badge_waiting() -> None:
    hard = next(one for one in unread("shadowed") if codes(one.image))
    crowded = np.vstack([speckles()[250:], hard.image])

    read = [code.text for code in Reader().read(crowded)]

    assert read == list(hard.badges)


@pytest.mark.parametrize("corner", [0, 5, -4000, 100_000])
def test_corners_that_span_nothing_are_no_code(corner: int) -> None:
    whole = grey(drawn("near", 0).image)

    seen = flat(whole, np.full((4, 2), corner, np.float32))

    assert [texts(unrolled(seen, bend)) for bend in BENDS] == [set()] * len(BENDS)


def test_frames_may_change_their_size() -> None:
    badge = drawn("near", 0)
    reader = Reader()

    for size in [(1280, 720), (640, 360), (1, 1), (1920, 1080), (30, 700)]:
        found = reader.read(np.asarray(cv2.resize(badge.image, size, interpolation=cv2.INTER_AREA), np.uint8))
        assert {code.text for code in found} <= badge.badges
    assert {code.text for code in reader.read(badge.image)} == badge.badges
