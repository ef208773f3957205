"""Where a picture promises a QR code that was not read: busy squares of two tones on a quieter ground."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kiosk.picture import Image
from kiosk.qr.decoder import Box

SEARCH_SIDE = 640  # pixels; a longer picture is searched reduced, which also takes the edge off its noise
CELL = 4  # pixels of the reduced picture
LEAST_CELLS, MOST_CELLS = 6, 88
MOST_SPECKS = 400  # a level that falls apart into more than these shows cloth or gravel, not a code
LEVELS = (5, 10, 16, 24, 40, 64, 100, 150)  # a code before gravel stands out at another level than one before a wall
SURELY_CELLS = 80  # a smaller square may be one by chance
SQUARE_ENOUGH = 0.45
MOST_PLACES = 3

CODE_SIDE = 330  # pixels that a code is brought to: eight for each module of a badge
MARGIN = 0.12
LEAST_CHANGES = 0.2  # from dark to light, of so many neighbours a quarter of a module apart
LEAST_TWO_TONE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    @property
    def side(self) -> int:
        return max(self.right - self.left, self.bottom - self.top)

    def common(self, other: "Place") -> float:
        """Say how much of two places is the same: intersection over union."""
        shared = self._shared(other)
        return shared / max(1, self.area + other.area - shared)

    def holds(self, other: "Place") -> bool:
        """Say whether the other place lies mostly in this one, or this one in the other."""
        return self._shared(other) > 0.5 * min(self.area, other.area)

    def _shared(self, other: "Place") -> int:
        return Place(
            left=max(self.left, other.left), top=max(self.top, other.top),
            right=min(self.right, other.right), bottom=min(self.bottom, other.bottom),
        ).area  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A place cut out with some margin, and brought to one size."""

    image: Image
    left: int
    top: int
    scale: float

    def outside(self, box: Box) -> Box:
        """Say where corners found in the cut are in the whole picture."""
        a, b, c, d = ((round(x / self.scale) + self.left, round(y / self.scale) + self.top) for x, y in box)
        return a, b, c, d


def promising(grey: Image, besides: Sequence[Place] = ()) -> list[Place]:
    """Find where a code probably is besides those that were read, the likeliest place first."""
    squares = (place for place in _squares(grey) if not any(place.holds(other) for other in besides))
    return [place for place in squares if _is_two_toned(cut(grey, place, CODE_SIDE // 4).image)]


def cut(grey: Image, place: Place, side: int = CODE_SIDE) -> Cut:
    """Cut out a place so that a code that fills it gets this size, however large it was."""
    margin = int(place.side * MARGIN) + 8
    left, top = max(0, place.left - margin), max(0, place.top - margin)
    part, scale = grey[top : place.bottom + margin, left : place.right + margin], side / place.side
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sized = cv2.resize(part, None, fx=scale, fy=scale, interpolation=how)
    return Cut(image=np.asarray(sized, np.uint8), left=left, top=top, scale=scale)


def _squares(grey: Image) -> list[Place]:
    """Find compact busy parts by their outline alone."""
    shrunk = max(1.0, max(grey.shape) / SEARCH_SIDE)
    if min(grey.shape) < shrunk * CELL * LEAST_CELLS:
        return []
    size = (round(grey.shape[1] / shrunk), round(grey.shape[0] / shrunk))
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    kept: list[Place] = []
    for _, place in sorted(_compact(_bustle(small), CELL * shrunk), key=lambda found: -found[0]):
        if all(place.common(other) < 0.5 for other in kept):
            kept.append(place)
    return kept[:MOST_PLACES]


def _bustle(small: Image) -> Image:
    """Say for each cell how much goes on in it, sideways as well as up and down: letters and stripes have less."""
    bright = float(np.percentile(small[::4, ::4], 98))
    if bright < 85:  # in a dark room the steps of eight bits would swallow the differences
        small = np.asarray(cv2.convertScaleAbs(small, alpha=255 / max(bright, 8)), np.uint8)
    height, width = ((side - 1) // CELL * CELL for side in small.shape)
    here = small[:height, :width]
    beside, below = small[:height, 1 : width + 1], small[1 : height + 1, :width]
    # Saturated, so that a faint code on a card stands beside a glaring edge of the room.
    cells = [
        cv2.resize(
            cv2.convertScaleAbs(cv2.absdiff(here, other), alpha=8),
            (width // CELL, height // CELL),
            interpolation=cv2.INTER_AREA,
        )
        for other in (beside, below)
    ]
    smooth = np.asarray(cv2.blur(cv2.min(cells[0], cells[1]), (3, 3)), np.uint8)
    noise = np.uint8(np.percentile(smooth, 20))  # what is everywhere is the camera's
    return np.maximum(smooth, noise) - noise


def _compact(bustle: Image, cell: float) -> Iterator[tuple[float, Place]]:
    """Cut the map at every level; yield what comes out nearly square and filled, with a mark for how much so."""
    for level in LEVELS:
        count, _, found, _ = cv2.connectedComponentsWithStats((bustle > level).view(np.uint8), connectivity=4)
        if count > MOST_SPECKS:
            continue
        sides, area = found[1:, 2:4], found[1:, 4]
        shorter, longer = sides.min(axis=1), sides.max(axis=1)
        marks = area / longer**2 * np.minimum(1, area / SURELY_CELLS)
        fit = (shorter >= LEAST_CELLS) & (longer <= MOST_CELLS) & (marks >= SQUARE_ENOUGH)
        for mark, (x, y, width, height, _) in zip(marks[fit].tolist(), found[1:][fit].tolist(), strict=True):
            left, top, right, bottom = (round(edge * cell) for edge in (x, y, x + width, y + height))
            yield mark, Place(left=left, top=top, right=right, bottom=bottom)


def _is_two_toned(code: Image) -> bool:
    """Say whether a small cut changes between dark and light as often as modules do, and has little in between."""
    rows, columns = (slice(side // 6, side - side // 6) for side in code.shape)
    above = (code.astype(np.int16) - cv2.blur(code, (9, 9)))[rows, columns]
    light = above > 0
    changes = min(float((light[:, 1:] != light[:, :-1]).mean()), float((light[1:] != light[:-1]).mean()))
    far = np.abs(above)
    return changes >= LEAST_CHANGES and float(np.median(far)) >= LEAST_TWO_TONE * float(far.mean())
