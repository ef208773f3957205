"""What is done to a part of a picture so that a code in it can be read after all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.picture import Image

Corners = NDArray[np.float32]  # x, y of four, clockwise from the code's top left

FLAT_SIDE = 41 * 6  # pixels of an unrolled code: six for each module of a badge
FLAT_MARGIN = 4 * 6


def plain(cut: Image) -> Image:
    """Change nothing: a small code has been enlarged already."""
    return cut


def soft(cut: Image) -> Image:
    """Smooth away noise that is finer than a module."""
    return np.asarray(cv2.blur(cv2.blur(cut, (5, 5)), (5, 5)), np.uint8)


def even(cut: Image) -> Image:
    """Give each part its full contrast, for faint, dark and shadowed codes."""
    return _evened(soft(cut), limit=8, tiles=8)


def sharp(cut: Image) -> Image:
    """Stretch and sharpen, for codes out of focus or in motion."""
    stretched = _stretched(cut)
    around = cv2.blur(cv2.blur(stretched, (9, 9)), (9, 9))
    return np.asarray(cv2.addWeighted(stretched, 4, around, -3, 0), np.uint8)


def crisp(cut: Image) -> Image:
    """Give each part more contrast and keep its finest detail, for reflections and small codes in a shadow."""
    return _evened(cut, limit=4, tiles=4)


PASSES: Mapping[str, Callable[[Image], Image]] = {
    "even": even,
    "sharp": sharp,
    "soft": soft,
    "plain": plain,
    "crisp": crisp,
}
"""In the order in which they read the most of what is left."""


@dataclass(frozen=True, slots=True)
class Bend:
    """A code around a cylinder: how far its edges turn away, in radians, and which way the cylinder lies."""

    edge: float
    upright: bool


BENDS = tuple(Bend(edge, upright) for upright in (True, False) for edge in (0.9, 0.6, 0.3))


def flat(grey: Image, corners: Corners) -> Image:
    """See a code straight from the front, with its quiet zone."""
    near, far = FLAT_MARGIN, FLAT_MARGIN + FLAT_SIDE
    straight = np.array([(near, near), (far, near), (far, far), (near, far)], np.float32)
    to_flat = cv2.getPerspectiveTransform(corners, straight)
    whole = FLAT_SIDE + 2 * FLAT_MARGIN
    seen = cv2.warpPerspective(grey, to_flat, (whole, whole), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def unrolled(seen: Image, bend: Bend) -> Image:
    """Unroll a code that is seen straight from the front."""
    across = (np.arange(len(seen)) + 0.5 - FLAT_MARGIN) / FLAT_SIDE * 2 - 1
    # A point at the angle `a` on a cylinder is seen at sin(a).
    at = np.sin(np.clip(across * bend.edge, -np.pi / 2, np.pi / 2)) / np.sin(bend.edge)
    index = np.clip(np.rint((at + 1) / 2 * FLAT_SIDE + FLAT_MARGIN - 0.5), 0, len(seen) - 1).astype(np.intp)
    return np.ascontiguousarray(seen[:, index] if bend.upright else seen[index])


def _evened(cut: Image, *, limit: float, tiles: int) -> Image:
    # A new one each time: it has buffers of its own, and several kiosks may run in one process.
    return np.asarray(cv2.createCLAHE(limit, (tiles, tiles)).apply(cut), np.uint8)


def _stretched(cut: Image) -> Image:
    darkest, brightest = np.percentile(cut[::4, ::4], (2, 98))
    table = np.clip((np.arange(256) - darkest) * 255 / max(brightest - darkest, 4), 0, 255)
    return np.asarray(cv2.LUT(cut, table.astype(np.uint8)), np.uint8)
