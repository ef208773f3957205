"""A passive cue, a score for the log: whether what is around a face moves along with it, as on a sheet in a hand."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.faces.gesture import FIRM
from kiosk.faces.landmarks import LEFT_EYE, RIGHT_EYE, Points
from kiosk.picture import Image

Grey: TypeAlias = NDArray[np.float32]

REST = timedelta(milliseconds=190)  # every other frame at ten a second is enough for a score
EYES_APART = 16  # pixels, about; surroundings are compared at a size at which it costs little
APART = timedelta(milliseconds=500)  # between two frames that are compared
MOVED, ENOUGH = 1.0, 3  # pixels by which a face must have moved, and pairs of frames in which it must
STRUCTURE = 1.5  # of 255; below, there is only noise
# Left of the face, right of it and above it, in eye distances: the way there from between the eyes, width and height.
BESIDE = ((-2.05, -0.5, 0.9, 2.0), (2.05, -0.5, 0.9, 2.0), (0.0, -2.5, 2.6, 0.8))


@dataclass(slots=True)
class Surroundings:
    """Watches them over the frames of one face; it was not measured on real cameras, so it does not decide."""

    _seen_at: float = float("-inf")
    _shrink: int = 0
    _seen: deque[tuple[float, Grey, Points]] = field(default_factory=deque)
    _pairs: int = 0
    _unlike: Grey = field(default_factory=lambda: np.zeros((len(BESIDE), 2), np.float32))  # if it stood, if it moved

    def see(self, image: Image, points: Points, *, at: float) -> None:
        """Take the next frame, and where the face is in it."""
        if at - self._seen_at < REST.total_seconds():
            return
        self._seen_at, apart = at, _apart(points)
        self._shrink = self._shrink or max(1, round(apart / EYES_APART))
        self._compare(_small(image, self._shrink), points * np.float32(1 / self._shrink), at)

    @property
    def along(self) -> float | None:
        """Say whether all around the face moves along with it (towards 1) or some of it stands (towards -1)."""
        stood, moved = self._unlike.T
        # Hair before a bare wall moves along as a sheet would: so each part has to tell.
        if self._pairs < ENOUGH or (stood + moved).min() < STRUCTURE * self._pairs:
            return None
        return float(((stood - moved) / (stood + moved)).min())

    def _compare(self, small: Grey, points: Points, at: float) -> None:
        self._seen.append((at, small, points))
        while len(self._seen) > 1 and at - self._seen[1][0] >= APART.total_seconds():
            self._seen.popleft()
        _, before, were = self._seen[0]
        way = (points - were)[list(FIRM)].mean(axis=0)
        if np.hypot(*way) < MOVED:
            return
        self._pairs += 1
        eyes, apart = were[RIGHT_EYE.start : LEFT_EYE.stop].mean(axis=0), _apart(were)
        for part, (x, y, wide, high) in zip(self._unlike, BESIDE, strict=True):
            size, place = (round(wide * apart), round(high * apart)), eyes + np.array([x, y], np.float32) * apart
            first = cv2.getRectSubPix(before, size, place)
            part += [_unlike(first, cv2.getRectSubPix(small, size, now)) for now in (place, place + way)]


def _apart(points: Points) -> float:
    return max(1.0, float(np.hypot(*(points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)))))


def _small(image: Image, shrink: int) -> Grey:
    # A whole number is reduced five times as fast as a fraction.
    height, width = (length // shrink for length in image.shape[:2])
    grey = cv2.cvtColor(image[: height * shrink, : width * shrink], cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.0), np.float32)


def _unlike(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs((one - one.mean()) - (other - other.mean())).mean())
