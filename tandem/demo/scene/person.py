"""Somebody faceless."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tandem.demo.scene.brush import Canvas, Colour, Mask, capsule, darker, ellipse, moulded, polygon, shadow, smooth

SKIN = (150.0, 158.0, 172.0)
HAIR = ((58.0, 54.0, 54.0), (72.0, 76.0, 88.0), (96.0, 104.0, 118.0), (48.0, 50.0, 62.0))
CLOTHES = (
    (122.0, 92.0, 62.0),
    (108.0, 112.0, 66.0),
    (84.0, 76.0, 112.0),
    (92.0, 110.0, 120.0),
    (70.0, 70.0, 76.0),
    (132.0, 120.0, 96.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one faceless person looks like."""

    clothes: Colour
    hair: Colour
    style: Literal["short", "bob", "bun"]


STYLES: tuple[Literal["bob"], Literal["short"], Literal["bun"]] = ("bob", "short", "bun")


def a_figure(chance: np.random.Generator) -> Figure:
    return Figure(
        clothes=CLOTHES[chance.integers(len(CLOTHES))],
        hair=HAIR[chance.integers(len(HAIR))],
        style=STYLES[chance.integers(len(STYLES))],
    )


def person(canvas: Canvas, x: float, figure: Figure) -> None:
    shadow(canvas, _torso(x) | ellipse((x, 230), (100, 124)), (26, 12), 0.16)
    if figure.style != "short":
        moulded(canvas, _back_hair(x, figure), figure.hair, 26)
    _pullover(canvas, x, figure)
    moulded(canvas, capsule([((x, 300), 53), ((x, 352), 57)]), darker(SKIN, 0.84), 22)
    moulded(canvas, ellipse((x, 232), (84, 112)), SKIN, 34)
    moulded(canvas, _front_hair(x, figure), figure.hair, 22)


def _torso(x: float) -> Mask:
    right = [(62, 374), (104, 398), (176, 424), (232, 462), (262, 530), (282, 640), (292, 760)]
    return polygon(smooth([(x - dx, y) for dx, y in reversed(right)] + [(x + dx, y) for dx, y in right]))


def _pullover(canvas: Canvas, x: float, figure: Figure) -> None:
    moulded(canvas, _torso(x), figure.clothes, 40)
    for side in (-1, 1):  # the fold between arm and chest
        fold = [((x + side * 196, 560), 2.0), ((x + side * 204, 650), 5.0), ((x + side * 206, 770), 7.0)]
        shadow(canvas, capsule(fold), (0, 0), 0.34, 6)
    moulded(canvas, ellipse((x, 366), (60, 46)), darker(SKIN, 0.84), 22)
    neckline = smooth([(x - 61, 362), (x - 46, 398), (x, 414), (x + 46, 398), (x + 61, 362)])
    thick = 3 + 8 * np.sin(np.linspace(0, np.pi, len(neckline))) ** 0.5
    moulded(canvas, capsule(list(zip(neckline, thick, strict=True))), darker(figure.clothes, 1.1), 8)


def _back_hair(x: float, figure: Figure) -> Mask:
    if figure.style == "bun":
        return ellipse((x, 108), (44, 38))
    return polygon(
        smooth(
            [
                (x - 104, 240),
                (x - 84, 142),
                (x, 104),
                (x + 84, 142),
                (x + 104, 240),
                (x + 110, 346),
                (x + 62, 366),
                (x - 62, 366),
                (x - 110, 346),
            ],
            closed=True,
        )
    )


def _front_hair(x: float, figure: Figure) -> Mask:
    deep = 222 if figure.style == "short" else 250
    return polygon(
        smooth(
            [
                (x - 90, deep),
                (x - 94, 178),
                (x - 62, 122),
                (x, 106),
                (x + 62, 122),
                (x + 94, 178),
                (x + 90, deep),
                (x + 74, 206),
                (x + 46, 170),
                (x - 10, 176),
                (x - 56, 166),
                (x - 76, 206),
            ],
            closed=True,
        )
    )
