"""The QR codes of a picture, and of frame after frame."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import cv2
import numpy as np

from kiosk.picture import Image
from kiosk.qr.decoder import HAS_ZXING, Box, Code, by_opencv, by_zxing
from kiosk.qr.finder import Cut, Place, cut, promising
from kiosk.qr.passes import BENDS, PASSES, Bend, flat, unrolled

__all__ = ["HAS_ZXING", "Box", "Code", "Reader", "codes"]

EXTRA_PASSES = 12  # for each frame, each over one place: about eight milliseconds
MOST_BROKEN = 3
SAME_PLACE = 0.3  # of two places; a badge in a hand moves on between frames
LOOK_SIDE = 24  # pixels
STILL = 6.0  # of 255; less than this is the camera's noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A place that may hold a code, and the ways in which it may be read."""

    place: Place
    look: Image  # small, to tell whether anything moved there
    ways: Sequence[Callable[[], Code | None]]


@dataclass(slots=True, kw_only=True)
class _Tried:
    """How far a promise was tried."""

    promise: Promise
    next: int = 0
    left: int

    def go_on(self) -> Code | None:
        """Try the next way; one that works is the first on the next frame."""
        code = self.promise.ways[self.next]()
        if code:
            self.left = len(self.promise.ways)
        else:
            self.left, self.next = self.left - 1, (self.next + 1) % len(self.promise.ways)
        return code

    def continues(self, promise: Promise) -> bool:
        alike = len(self.promise.ways) == len(promise.ways)
        return alike and self.promise.place.common(promise.place) >= SAME_PLACE

    def saw(self, look: Image) -> bool:
        return float(cv2.absdiff(self.promise.look, look).mean()) < STILL


def codes(image: Image) -> list[Code]:
    """Read every QR code of one picture, from left to right, trying all that may help."""
    return Reader(extra_passes=1000).read(image)


class Reader:
    """Reads frame after frame; what one frame has no time for is tried on the next."""

    def __init__(self, *, extra_passes: int = EXTRA_PASSES) -> None:
        self._extra_passes = extra_passes
        self._tried: list[_Tried] = []
        self.spent = 0
        """How many extra passes the last frame took."""

    def read(self, image: Image) -> list[Code]:
        """Read the codes of the next frame, from left to right."""
        if not HAS_ZXING:
            return _in_order(by_opencv(image))
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        found, broken = by_zxing(grey)
        # A promise that this frame does not make is forgotten, so that the memory stays small.
        self._tried = [self._remember(promise) for promise in promises(grey, found, broken)]
        return _in_order(found + self._try_harder({code.text for code in found}))

    def _try_harder(self, known: set[str]) -> list[Code]:
        """Take turns among the promises, so that one that is never kept does not keep another waiting."""
        waiting, found = deque(tried for tried in self._tried if tried.left), list[Code]()
        self.spent = 0
        while waiting and self.spent < self._extra_passes:
            self.spent += 1
            tried = waiting.popleft()
            code = tried.go_on()
            if code and code.text not in known:
                known.add(code.text)
                found.append(code)
            if code:
                waiting = deque(other for other in waiting if not other.promise.place.holds(tried.promise.place))
            elif tried.left:
                waiting.append(tried)
        return found

    def _remember(self, promise: Promise) -> _Tried:
        """Go on where the last frame stopped; where everything failed, wait until something moves."""
        ways = len(promise.ways)
        for tried in self._tried:
            if tried.continues(promise):
                still = tried.saw(promise.look)
                # The older look stays, else a slow movement would never be one.
                kept = replace(promise, look=tried.promise.look if still else promise.look)
                return _Tried(promise=kept, next=tried.next, left=tried.left if still else ways)
        return _Tried(promise=promise, left=ways)


def promises(grey: Image, found: Sequence[Code], broken: Sequence[Box]) -> list[Promise]:
    """Say where else a code may be read: where a code was seen but not understood, and where it looks like one."""
    read = [_place(code.box) for code in found]
    unread = [box for box in broken if not any(_place(box).holds(other) for other in read)]
    bent = [_bent(grey, box) for box in unread[:MOST_BROKEN]]
    return bent + [_busy(grey, place) for place in promising(grey, read)]


def _bent(grey: Image, box: Box) -> Promise:
    """Promise a code that has errors: it may lie around something round."""
    seen = flat(grey, np.array(box, np.float32))

    def read(bend: Bend) -> Code | None:
        found, _ = by_zxing(unrolled(seen, bend))
        return replace(found[0], box=box) if found else None

    return Promise(place=_place(box), look=_look(seen), ways=[partial(read, bend) for bend in BENDS])


def _busy(grey: Image, place: Place) -> Promise:
    """Promise a place that looks like a code."""

    @cache
    def piece() -> Cut:
        return cut(grey, place)

    def read(prepare: Callable[[Image], Image]) -> Code | None:
        found, _ = by_zxing(prepare(piece().image))
        return replace(found[0], box=piece().outside(found[0].box)) if found else None

    look = _look(cut(grey, place, LOOK_SIDE).image)
    return Promise(place=place, look=look, ways=[partial(read, prepare) for prepare in PASSES.values()])


def _in_order(found: list[Code]) -> list[Code]:
    return sorted(found, key=lambda code: (min(code.box), code.text))


def _look(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (LOOK_SIDE, LOOK_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _place(box: Box) -> Place:
    xs, ys = zip(*box, strict=True)
    return Place(left=min(xs), top=min(ys), right=max(xs), bottom=max(ys))
