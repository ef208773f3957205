"""What every part of a drawn scene is painted with."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas: TypeAlias = NDArray[np.float32]  # blue-green-red, 0 to 255
Mask: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = tuple[float, float, float]  # blue, green, red
Point: TypeAlias = tuple[float, float]

WIDTH, HEIGHT = 1280, 720
FINE = 4  # binary digits behind the point when drawing, for smooth edges


def polygon(points: Sequence[Point]) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.array(points) * 2**FINE).astype(np.int32)], 255, cv2.LINE_AA, FINE)
    return mask


def ellipse(middle: Point, radii: Point) -> Mask:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    points = np.column_stack([middle[0] + radii[0] * np.cos(turn), middle[1] + radii[1] * np.sin(turn)])
    return polygon([(float(x), float(y)) for x, y in points])


def capsule(joints: Sequence[tuple[Point, float]]) -> Mask:
    """Draw a limb: discs of changing size along a line."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for (start, first), (end, last) in pairwise(joints):
        for part in np.linspace(0, 1, 2 + int(np.hypot(end[0] - start[0], end[1] - start[1]) / 4)):
            x, y = np.array(start) * (1 - part) + np.array(end) * part
            radius = round((first * (1 - part) + last * part) * 2**FINE)
            cv2.circle(mask, (round(x * 2**FINE), round(y * 2**FINE)), radius, 255, -1, cv2.LINE_AA, FINE)
    return mask


def smooth(points: Sequence[Point], *, closed: bool = False) -> list[Point]:
    """Bend a line of points into a Catmull-Rom curve through all of them."""
    ring = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    p = np.array(ring, np.float64)
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    curve = [
        ((2 * b) + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return [(float(x), float(y)) for x, y in np.concatenate([*curve, p[-2:-1]])]


def flat(canvas: Canvas, mask: Mask, colour: Colour, strength: float = 1.0) -> None:
    canvas += (np.array(colour, np.float32) - canvas) * (mask[..., None] * np.float32(strength / 255))


def moulded(canvas: Canvas, mask: Mask, colour: Colour, depth: float) -> None:
    """Paint a shape as if it were round, lit by the window at the left."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width or not height:
        return
    solid = mask[y : y + height, x : x + width] * np.float32(1 / 255)
    there = canvas[y : y + height, x : x + width]
    light = 1 + _relief(solid, depth) + np.linspace(0.07, -0.10, height, dtype=np.float32)[:, None]
    there += (light[..., None] * np.array(colour, np.float32) - there) * solid[..., None]


def _relief(solid: Canvas, depth: float) -> Canvas:
    """Take a shape for a cushion and say how much light each point turns towards or away from."""
    # A wide blur needs no fine picture. The rim is repeated because a body goes on below the frame.
    framed = cv2.copyMakeBorder(solid, 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    small = cv2.resize(framed, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cushion = cv2.GaussianBlur(small, (0, 0), depth / 2, borderType=cv2.BORDER_REPLICATE)
    slope = 0.8 * cv2.Sobel(cushion, cv2.CV_32F, 1, 0) + 0.6 * cv2.Sobel(cushion, cv2.CV_32F, 0, 1)
    wide = cv2.resize(slope, (solid.shape[1] + 16, solid.shape[0] + 16), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(wide[8:-8, 8:-8] * np.float32(depth * 0.11), -0.42, 0.34), np.float32)


def shadow(canvas: Canvas, mask: Mask, offset: tuple[int, int], strength: float, soft: float = 20) -> None:
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    moved = cv2.warpAffine(small, np.array([(1, 0, offset[0] / 4), (0, 1, offset[1] / 4)]), (WIDTH // 4, HEIGHT // 4))
    shade = cv2.resize(cv2.GaussianBlur(moved, (0, 0), soft / 4), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    canvas *= 1 - shade[..., None] * np.float32(strength / 255)


def darker(colour: Colour, gain: float) -> Colour:
    return (colour[0] * gain, colour[1] * gain, colour[2] * gain)


def blurred(canvas: Canvas, sigma: float) -> Canvas:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
