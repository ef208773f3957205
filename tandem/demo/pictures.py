"""The pictures of the sample day, drawn as the camera at the door of a training room would take them."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from kiosk.picture import Image
from tandem.demo.scene.badge import held_badge
from tandem.demo.scene.brush import HEIGHT, WIDTH, Canvas
from tandem.demo.scene.person import CLOTHES, HAIR, STYLES, Figure, a_figure, person
from tandem.demo.scene.portrait import PORTRAITS, Who, portrait_of
from tandem.demo.scene.room import the_room

__all__ = ["Who", "badge_frame", "empty_frame", "face_frame", "two_badges_frame"]


def badge_frame(text: str, *, seed: int, name_hint: str = "") -> Image:
    """Draw somebody who holds up a badge with this text as its code."""
    chance = np.random.default_rng(seed)
    side = float(chance.choice([-1, 1]))
    canvas = the_room().copy()
    x = WIDTH / 2 - side * chance.uniform(90, 150)
    figure = a_figure(chance)
    person(canvas, x, figure)
    held_badge(canvas, text, name_hint, figure, (x + side * chance.uniform(245, 280), 432), side, chance)
    return _taken(canvas, chance)


def two_badges_frame(texts: Sequence[str], seed: int) -> Image:
    """Draw somebody who holds up a badge in each hand."""
    left, right = texts
    chance = np.random.default_rng(seed)
    canvas = the_room().copy()
    x = WIDTH / 2 + chance.uniform(-40, 40)
    figure = a_figure(chance)
    person(canvas, x, figure)
    for text, side in ((left, -1.0), (right, 1.0)):
        held_badge(canvas, text, "", figure, (x + side * chance.uniform(262, 290), 432), side, chance)
    return _taken(canvas, chance)


def face_frame(which: Who, *, seed: int, silhouette: bool = False) -> Image:
    """Show one of the two public-domain people at the door, or somebody faceless in their place."""
    chance = np.random.default_rng(seed)
    canvas = the_room().copy()
    x = WIDTH / 2 + chance.uniform(-70, 70)
    if silhouette:
        order = sorted(PORTRAITS).index(which)
        person(canvas, x, Figure(clothes=CLOTHES[order], hair=HAIR[1 + order], style=STYLES[order]))
    else:
        portrait_of(canvas, which, x, chance)
    return _taken(canvas, chance)


def empty_frame(seed: int) -> Image:
    """Show the room with nobody in it."""
    return _taken(the_room().copy(), np.random.default_rng(seed))


# The camera


def _taken(canvas: Canvas, chance: np.random.Generator) -> Image:
    """Give the scene what a small camera adds: a lens's softness and shade, an exposure, noise."""
    soft = cv2.GaussianBlur(canvas, (0, 0), chance.uniform(0.45, 0.8))
    exposure = chance.uniform(1.04, 1.2)
    tint = np.array([chance.uniform(0.97, 1.03), 1.0, chance.uniform(0.97, 1.03)])
    light = cv2.merge([_vignette() * float(gain) for gain in exposure * tint])
    lit = cv2.add(cv2.multiply(soft, light), cv2.cvtColor(_grain(chance), cv2.COLOR_GRAY2BGR))
    return np.clip(lit, 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _vignette() -> Canvas:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return np.asarray(1 - 0.13 * (x**2 + y**2), np.float32)


def _grain(chance: np.random.Generator) -> Canvas:
    noise = chance.standard_normal((HEIGHT, WIDTH), np.float32) * np.float32(chance.uniform(2.0, 4.5))
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.5), np.float32)
