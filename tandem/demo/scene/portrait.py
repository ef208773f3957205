"""The two public-domain people, cut out of the pictures that lie in their wheels."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Literal, TypeAlias

import cv2
import numpy as np

from kiosk.picture import read_picture
from tandem.demo.scene.brush import HEIGHT, WIDTH, Canvas, shadow

Who: TypeAlias = Literal["astronaut", "hopper"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """Where a public-domain picture lies in its wheel, and how its person is cut out."""

    package: str
    path: str
    rows: int  # what lies below is left out: dlib sees a second face on the astronaut's suit
    scale: float
    centre: int  # the column of the face
    perhaps: tuple[tuple[int, int], ...]  # the person lies within this outline
    surely: tuple[tuple[int, int], ...]  # and all of this is the person


PORTRAITS: dict[Who, Portrait] = {
    "astronaut": Portrait(
        package="skimage",
        path="data/astronaut.png",
        rows=334,
        scale=1.8,
        centre=225,
        perhaps=(
            (150, 5),
            (305, 5),
            (315, 130),
            (300, 180),
            (320, 240),
            (365, 290),
            (375, 511),
            (10, 511),
            (20, 300),
            (60, 225),
            (105, 200),
            (110, 150),
            (140, 120),
        ),
        surely=(
            (180, 30),
            (270, 30),
            (285, 100),
            (255, 165),
            (250, 190),
            (290, 230),
            (290, 280),
            (340, 320),
            (345, 500),
            (30, 500),
            (50, 300),
            (100, 240),
            (130, 180),
            (185, 165),
            (170, 100),
        ),
    ),
    "hopper": Portrait(
        package="matplotlib",
        path="mpl-data/sample_data/grace_hopper.jpg",
        rows=432,
        scale=1.42,
        centre=262,
        perhaps=(
            (160, 74),
            (184, 64),
            (203, 38),
            (228, 23),
            (305, 22),
            (335, 50),
            (358, 85),
            (376, 105),
            (382, 180),
            (362, 280),
            (345, 303),
            (331, 306),
            (331, 312),
            (340, 323),
            (360, 340),
            (400, 356),
            (440, 370),
            (470, 381),
            (488, 389),
            (496, 402),
            (511, 450),
            (511, 599),
            (10, 599),
            (30, 400),
            (60, 370),
            (202, 312),
            (198, 296),
            (170, 285),
            (156, 260),
            (151, 170),
            (150, 100),
        ),
        surely=(
            (190, 66),
            (225, 30),
            (290, 30),
            (345, 100),
            (360, 120),
            (360, 200),
            (345, 260),
            (326, 305),
            (329, 322),
            (345, 336),
            (400, 366),
            (470, 392),
            (490, 412),
            (500, 450),
            (511, 590),
            (25, 590),
            (50, 400),
            (200, 325),
            (190, 260),
            (165, 200),
            (165, 110),
        ),
    ),
}


def portrait_of(canvas: Canvas, which: Who, x: float, chance: np.random.Generator) -> None:
    portrait = PORTRAITS[which]
    person = _cut_out(which)
    scale = portrait.scale * chance.uniform(0.95, 1.05)
    large = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    down = HEIGHT - large.shape[0] + chance.uniform(0, 14)
    move = np.array([(1, 0, x - portrait.centre * scale), (0, 1, down)], np.float32)
    placed = np.asarray(cv2.warpAffine(large, move, (WIDTH, HEIGHT)), np.float32)
    mask = np.clip(placed[..., 3], 0, 255)
    shadow(canvas, mask.astype(np.uint8), (26, 12), 0.16)
    canvas += (placed[..., :3] * np.float32(chance.uniform(0.78, 0.95)) - canvas) * (mask[..., None] / 255)


@lru_cache(maxsize=2)
def _cut_out(which: Who) -> Canvas:
    """Cut the person out of the picture that lies in the wheel: blue, green, red and how solid it is."""
    portrait = PORTRAITS[which]
    with as_file(files(portrait.package) / portrait.path) as path:
        picture = read_picture(path)
    mask = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(portrait.perhaps)], cv2.GC_PR_FGD)
    cv2.fillPoly(mask, [np.array(portrait.surely)], cv2.GC_FGD)
    cv2.setRNGSeed(1)  # the cut starts from a clustering that draws lots
    cv2.grabCut(picture, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    solid = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.float32)
    edge = cv2.GaussianBlur(cv2.erode(solid, np.ones((3, 3))), (0, 0), 1.1)
    return np.dstack([picture.astype(np.float32), edge])[: portrait.rows].astype(np.float32)
