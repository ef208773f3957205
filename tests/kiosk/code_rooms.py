"""What a camera at a door sees when nobody holds up a badge: people, posters, shirts, walls."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib.resources import as_file, files
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.picture import Image, read_picture

Canvas: TypeAlias = NDArray[np.float32]
Chance: TypeAlias = np.random.Generator

WIDTH, HEIGHT = 1280, 720
WORDS = ("ORDER", "STOCK", "LEARN", "IN PAIRS", "ROOM 101", "WELCOME", "EXIT")


def a_room(chance: Chance) -> Canvas:
    """Show any of the rooms."""
    return ROOMS[str(chance.choice(list(ROOMS)))](chance)


def _scenery(chance: Chance, name: str) -> Canvas:
    """Show a part of a photograph, larger or smaller, either way round."""
    whole = _photograph(name)
    part = chance.uniform(0.5, 1) * min(whole.shape[1] / WIDTH, whole.shape[0] / HEIGHT)
    width, height = int(WIDTH * part), int(HEIGHT * part)
    left, top = (int(chance.integers(0, room + 1)) for room in (whole.shape[1] - width, whole.shape[0] - height))
    seen = cv2.resize(whole[top : top + height, left : left + width], (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return _lit(np.asarray(seen[:, :: int(chance.choice([-1, 1]))], np.uint8), chance)


def _wall(chance: Chance) -> Image:
    """Show a painted wall with light falling on it from one side."""
    shades = chance.uniform(90, 230, (2, 2, 3)).astype(np.float32)
    return np.asarray(cv2.resize(shades, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)


def _person(chance: Chance) -> Canvas:
    """Show a face before a wall, as large as a person two steps away."""
    room, side = _wall(chance), int(chance.integers(380, 700))
    face = cv2.resize(_photograph("astronaut.png"), (side, side), interpolation=cv2.INTER_AREA)
    left = int(chance.integers(0, WIDTH - side))
    room[HEIGHT - side :, left : left + side] = face
    return _lit(room, chance)


def _poster(chance: Chance) -> Canvas:
    """Show a wall with a printed page and lines of large type."""
    room = _wall(chance)
    page = _page(chance)
    scale = chance.uniform(0.6, 1.2)
    height, width = min(int(page.shape[0] * scale), HEIGHT - 20), min(int(page.shape[1] * scale), WIDTH - 20)
    left, top = int(chance.integers(0, WIDTH - width)), int(chance.integers(0, HEIGHT - height))
    room[top : top + height, left : left + width] = cv2.resize(page, (width, height), interpolation=cv2.INTER_AREA)
    for line in range(int(chance.integers(2, 6))):
        at = (int(chance.integers(20, 800)), 90 + 120 * line)
        size, ink = chance.uniform(1.2, 3.2), chance.uniform(0, 90, 3)
        cv2.putText(room, str(chance.choice(WORDS)), at, cv2.FONT_HERSHEY_DUPLEX, size, ink.tolist(), 5, cv2.LINE_AA)
    return _lit(room, chance)


def _page(chance: Chance) -> Image:
    """Print a page of small type, as notices on doors are."""
    page = np.full((560, 400, 3), chance.integers(215, 250), np.uint8)
    for y in range(40, 540, int(chance.integers(18, 30))):
        line = " ".join(chance.choice(WORDS, 4)).lower()
        cv2.putText(page, line, (20, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return page


def _shirt(chance: Chance, *, stripes: int) -> Canvas:
    """Show cloth close up: squares or stripes of two colours, drawn over folds."""
    pitch = chance.uniform(7, 40)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    folds = chance.uniform(0, 12) * np.sin(y / chance.uniform(60, 160)) + chance.uniform(-0.4, 0.4) * y
    across, down = (x + folds) // pitch % 2, (y + folds[:, ::-1] * 0.3) // pitch % 2
    woven = across if stripes else np.abs(across - down)
    light, dark = chance.uniform(140, 250, 3), chance.uniform(10, 110, 3)
    return _lit((woven[..., None] * (light - dark) + dark).astype(np.float32), chance)


def _shelf(chance: Chance) -> Canvas:
    """Show books back to back: upright edges and small type."""
    room, left = np.full((HEIGHT, WIDTH, 3), 60, np.uint8), 0
    while left < WIDTH:
        width = int(chance.integers(14, 60))
        top = int(chance.integers(0, 120))
        cv2.rectangle(room, (left, top), (left + width - 3, HEIGHT), chance.uniform(20, 240, 3).tolist(), -1)
        for y in range(top + 40, HEIGHT, int(chance.integers(40, 150))):
            cv2.putText(room, "A7 B1", (left + 2, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
        left += width
    return _lit(room, chance)


def _lit(room: Image | Canvas, chance: Chance) -> Canvas:
    return np.asarray(room.astype(np.float32) * np.float32(chance.uniform(0.6, 1.1)), np.float32)


@lru_cache(maxsize=16)
def _photograph(name: str) -> Image:
    with as_file(files("skimage") / "data" / name) as path:
        return read_picture(path)


ROOMS: Mapping[str, Callable[[Chance], Canvas]] = {
    "wall": lambda chance: _lit(_wall(chance), chance),
    "person": _person,
    "poster": _poster,
    "checked shirt": partial(_shirt, stripes=False),
    "striped shirt": partial(_shirt, stripes=True),
    "books": _shelf,
    **{
        name: partial(_scenery, name=f"{name}.png")
        for name in ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "motorcycle_left", "text")
    },
}
