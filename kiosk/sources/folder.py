"""A folder of pictures, or a video file, that plays as if it were a camera."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import cv2

from kiosk.picture import Image, Unreadable, as_frame, pictures_in, read_picture
from kiosk.source import CAMERA_LOST, Frame, Trouble

AGAIN = timedelta(seconds=2)
USUAL_RATE = 25.0  # pictures a second of a video that does not say its own
FASTEST, SLOWEST = 120.0, 1.0


class Folder:
    """Plays the pictures of a folder in the order of their names."""

    lost_code = CAMERA_LOST

    def __init__(
        self, path: Path, *, each: int = 8, pace: timedelta = timedelta(milliseconds=100), repeat: bool = False
    ) -> None:
        self._path = path
        self._each = each
        self._pace = pace.total_seconds()
        self._repeat = repeat
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            for seen in self._one_round():
                if isinstance(seen, Trouble):
                    yield seen
                    continue
                yield Frame(image=seen, number=number)
                number += 1
                if self._closed.wait(self._pace):
                    return
            # An empty folder would spin without this wait.
            if not self._repeat or self._closed.wait(self._pace):
                return

    def close(self) -> None:
        self._closed.set()

    def _one_round(self) -> Iterator[Image | Trouble]:
        paths = pictures_in(self._path)
        if not paths:
            yield Trouble(where=str(self._path), why="there is no picture in this folder")
        for path in paths:
            try:
                image = read_picture(path)
            except Unreadable as error:
                yield Trouble(where=path.name, why=str(error))
                continue
            for _ in range(self._each):
                yield image


class Video:
    """Plays a video file at its own rate, every picture of it."""

    lost_code = CAMERA_LOST

    def __init__(self, path: Path, *, pace: timedelta | None = None, repeat: bool = False) -> None:
        self._path = path
        self._pace = pace
        self._repeat = repeat
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            before = number
            try:
                for image in self._one_round():
                    yield Frame(image=image, number=number)
                    number += 1
                why = "this is no video that can be played"
            except Unreadable as error:
                why = str(error)
            if number == before and not self._closed.is_set():
                yield Trouble(where=self._path.name, why=why)
                self._closed.wait(AGAIN.total_seconds())
            if not self._repeat:
                return

    def close(self) -> None:
        self._closed.set()

    def _one_round(self) -> Iterator[Image]:
        # An absolute path is never taken for the address of something else.
        capture = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        pace = self._pace_of(capture)
        try:
            while not self._closed.is_set():
                there, raw = capture.read()
                if not there:
                    return
                yield as_frame(raw)
                self._closed.wait(pace)
        finally:
            capture.release()

    def _pace_of(self, capture: cv2.VideoCapture) -> float:
        if self._pace is not None:
            return self._pace.total_seconds()
        rate = capture.get(cv2.CAP_PROP_FPS) or USUAL_RATE
        return 1 / min(FASTEST, max(SLOWEST, rate))
