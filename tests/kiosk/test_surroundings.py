"""Claims about the passive cue: what surroundings score that stand or move along, and what cannot be scored."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest

from kiosk.faces.landmarks import Points
from kiosk.faces.liveness import Challenge
from kiosk.faces.surroundings import Surroundings
from kiosk.picture import Image
from tandem.demo.scene.portrait import Who
from tests.kiosk.face_actors import PACE, Camera, Chance, Sway
from tests.kiosk.face_scenes import Field, Moment, flat, head_of, over, person, room, sheet_of

PEOPLE: tuple[Who, Who] = ("astronaut", "hopper")
STANDS = -0.6  # no person that was drawn lay above, and no flat sheet in a hand below

Drawn = Callable[[Who, Moment], Image]


def before_the_room(which: Who, held: Moment) -> Image:
    return over(person(which, held), room())


def before_a_bare_wall(which: Who, held: Moment) -> Image:
    return over(person(which, held), np.full_like(room(), 190))


def on_a_sheet(which: Who, held: Moment) -> Image:
    return over(flat(printed(which), held), room())


@lru_cache(maxsize=2)
def printed(which: Who) -> Image:
    return sheet_of(before_the_room(which, Moment()), rim=10, colour=245)


def scored(drawn: Drawn, which: Who, *, size: float) -> float | None:
    """Show a face that sways by so many pixels, found as exactly as a landmark model does."""
    chance, around = np.random.default_rng(3), Surroundings()
    sway, camera = Sway(chance, Moment(x=size, y=size / 2)), Camera(chance)
    for at in np.arange(16) * PACE:
        held = sway.at(at)
        image = camera.take(drawn(which, held), at)
        around.see(image, found(which, held, chance), at=at)
    return around.along


def found(which: Who, held: Moment, chance: Chance) -> Points:
    points: Field = head_of(which).points + np.array([held.x, held.y]) + chance.normal(0, 0.7, (68, 2))
    return points.astype(np.float32)


@pytest.mark.parametrize("which", PEOPLE)
def test_the_room_behind_a_person_stands(which: Who) -> None:
    along = scored(before_the_room, which, size=25)

    assert along is not None
    assert along < STANDS


@pytest.mark.parametrize("which", PEOPLE)
def test_what_is_printed_around_a_face_moves_along(which: Who) -> None:
    along = scored(on_a_sheet, which, size=25)

    assert along is not None
    assert along > STANDS


@pytest.mark.parametrize(
    "drawn, size", [(before_a_bare_wall, 25.0), (on_a_sheet, 0.5)], ids=["a bare wall", "a face that keeps still"]
)
def test_surroundings_that_cannot_tell_have_no_score(drawn: Drawn, size: float) -> None:
    assert scored(drawn, "astronaut", size=size) is None


@pytest.mark.parametrize("place", [(-400.0, 0.0), (0.0, -400.0), (500.0, 500.0)], ids=["left", "above", "right"])
def test_a_face_half_out_of_the_picture_does_no_harm(place: tuple[float, float]) -> None:
    around = Surroundings()
    for step in range(12):
        points = head_of("hopper").points + np.array(place) + 9.0 * np.sin(step)
        around.see(room(), points.astype(np.float32), at=step * PACE)

    assert around.along is None


def test_a_challenge_scores_its_frames_and_decides_nothing_by_it() -> None:
    challenge = Challenge(lambda: 0.5, 0.0)

    for at in (*(np.arange(16) * PACE), 30.0):
        held = Moment(x=9 * np.sin(4 * at))
        challenge.see(on_a_sheet("hopper", held), found("hopper", held, np.random.default_rng(1)), at=at)

    assert challenge.outcome is not None
    assert challenge.outcome.failure == "too_slow"
    assert challenge.outcome.scores.along is not None
    assert "along=" in challenge.outcome.scores.line()
