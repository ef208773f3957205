"""A camera by its number or address, watched: it may go away, hang, or give pictures that are none."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from threading import Condition, Event, Thread
from typing import Any, Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np

from kiosk.picture import Image, Unreadable, as_frame
from kiosk.source import CAMERA_LOST, PULSE, Frame, Trouble

log = logging.getLogger(__name__)

OPENING = timedelta(seconds=10)
"""Some cameras take seconds to begin."""
AGAIN = timedelta(seconds=2)
MOST_HANGING = 3
"""Threads that are given up on: no thread can be ended from outside, and each holds a camera's memory."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

AWAY = "the camera gives no picture: is it plugged in, switched on, and free?"
HANGS = "the camera has stopped without a word: if this stays, unplug it and plug it in again"


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that a camera needs."""

    def isOpened(self) -> bool: ...  # noqa: N802  # so it is called there

    def read(self) -> tuple[bool, Any]: ...

    def release(self) -> None: ...


class Camera:
    """The newest picture of a camera, again and again; it is opened anew for as long as it stays away."""

    lost_code = CAMERA_LOST

    def __init__(
        self,
        which: int | str,
        *,
        open_capture: Callable[[], Capture],
        rotate: int = 0,
        patience: timedelta = PULSE,
        opening: timedelta = OPENING,
        again: timedelta = AGAIN,
    ) -> None:
        self._where = f"camera {shown(which)}"
        self._open = open_capture
        self._rotate = rotate
        self._patience, self._opening, self._again = (span.total_seconds() for span in (patience, opening, again))
        self._closed = Event()
        self._reading: _Reading | None = None
        self._left: list[_Reading] = []

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            why = HANGS
            self._left = [reading for reading in self._left if reading.goes_on]
            if len(self._left) < MOST_HANGING:
                try:
                    for image in self._until_it_fails():
                        yield Frame(image=image, number=number)
                        number += 1
                    why = HANGS if self._left[-1].goes_on else AWAY
                except Unreadable as error:
                    why = str(error)
            if not self._closed.is_set():
                yield Trouble(where=self._where, why=why)
                self._closed.wait(self._again)

    def close(self) -> None:
        self._closed.set()
        if self._reading is not None:
            self._reading.leave()

    def _until_it_fails(self) -> Iterator[Image]:
        reading = self._reading = _Reading(self._open)
        patience = self._opening
        try:
            while not self._closed.is_set() and (raw := reading.newest(patience)) is not None:
                yield _turned(as_frame(raw), self._rotate)
                patience = self._patience
        finally:
            reading.leave()
            self._left.append(reading)


class _Reading:
    """One opening of a camera, on a thread of its own, because a driver may hang in it for good."""

    def __init__(self, open_capture: Callable[[], Capture]) -> None:
        self._open = open_capture
        self._news = Condition()
        self._newest: Any = None
        self._over = False
        self._left = False
        Thread(target=self._run, name="camera", daemon=True).start()

    @property
    def goes_on(self) -> bool:
        """Say whether the driver has not come back yet."""
        return not self._over

    def newest(self, patience: float) -> Any:
        """Wait for a picture that nobody has taken yet; None if there is none."""
        with self._news:
            self._news.wait_for(lambda: self._newest is not None or self._over or self._left, patience)
            newest, self._newest = self._newest, None
            return newest

    def leave(self) -> None:
        """Let the thread end as soon as the driver lets go of it."""
        with self._news:
            self._left = True
            self._news.notify_all()

    def _run(self) -> None:
        try:
            # What goes wrong in a driver is written down by OpenCV itself.
            with suppress(cv2.error):
                self._read(self._open())
        except Exception:
            log.exception("the camera failed and is opened anew")
        finally:
            # Whatever it was: a thread that is not over counts as one that hangs, and three of them end the camera.
            with self._news:
                self._over = True
                self._news.notify_all()

    def _read(self, capture: Capture) -> None:
        try:
            while not self._left and capture.isOpened():
                there, raw = capture.read()
                # Some drivers say yes and hand over nothing while the camera is being unplugged.
                if not there or raw is None:
                    return
                with self._news:
                    self._newest = raw
                    self._news.notify_all()
        finally:
            capture.release()


def device(number: int, *, width: int, height: int) -> Capture:
    """Open a camera of this machine."""
    capture = _capture()
    if capture.open(number, cv2.CAP_V4L2):
        # Raw pictures of this size do not fit through USB 2 at more than ten a second.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def stream(address: str, *, patience: timedelta = PULSE) -> Capture:
    """Open a network camera by FFmpeg alone: it takes limits of time, and says no more of an address than the host."""
    capture = _capture()
    limit = round(patience.total_seconds() * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
    capture.open(address, cv2.CAP_FFMPEG, limits)
    return capture


def _capture() -> cv2.VideoCapture:
    # Of a camera that stays away OpenCV would write two warnings at every trial, for days.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return cv2.VideoCapture()


def shown(which: int | str) -> str:
    """Name a camera so that a log may say it: the user, password, path and query of an address may all be secrets."""
    if isinstance(which, int):
        return str(which)
    parts = urlsplit(which)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _turned(image: Image, degrees: int) -> Image:
    return np.asarray(cv2.rotate(image, TURNS[degrees]), np.uint8) if degrees else image
