"""Where pictures come from: a camera, a folder that plays as one, or a player that hands them over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Protocol

import cv2

from kiosk.picture import Image, Unreadable, pictures_in, read_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture of the scene: height x width x 3, blue-green-red, eight bits."""

    image: Image
    number: int  # counts the frames of one source from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a source has to say instead of a frame; it goes on playing."""

    where: str
    why: str


class Source(Protocol):
    """Anything that yields frames until it is closed."""

    def frames(self) -> Iterator[Frame | Trouble]: ...

    def close(self) -> None: ...


class Folder:
    """Plays the pictures of a folder, in the order of their names, as if it were a camera."""

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


class Easel:
    """Shows whatever picture it was handed last, frame after frame, until it gets another one."""

    def __init__(self, *, pace: timedelta = timedelta(milliseconds=50)) -> None:
        self._pace = pace.total_seconds()
        self._image: Image | None = None
        self._closed = Event()

    def show(self, image: Image) -> None:
        self._image = image

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            image = self._image
            if image is not None:
                yield Frame(image=image, number=number)
                number += 1
            self._closed.wait(self._pace)

    def close(self) -> None:
        self._closed.set()


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that a camera needs."""

    def isOpened(self) -> bool: ...  # noqa: N802  # so it is called there

    def read(self) -> tuple[bool, Image | None]: ...

    def release(self) -> None: ...


class Camera:
    """A camera by its number or address; it is opened again for as long as it stays away."""

    def __init__(
        self,
        which: int | str,
        *,
        open_capture: Callable[[int | str], Capture] | None = None,
        again: timedelta = timedelta(seconds=2),
    ) -> None:
        self._which = which
        self._open = open_capture or open_video
        self._again = again.total_seconds()
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            for image in self._until_it_fails():
                yield Frame(image=image, number=number)
                number += 1
            if not self._closed.is_set():
                yield Trouble(where=f"camera {self._which}", why="the camera gives no picture")
                self._closed.wait(self._again)

    def close(self) -> None:
        self._closed.set()

    def _until_it_fails(self) -> Iterator[Image]:
        capture = self._open(self._which)
        try:
            while capture.isOpened() and not self._closed.is_set():
                there, image = capture.read()
                # Some drivers say yes and hand over nothing while the camera is being unplugged.
                if not there or image is None or not image.size:
                    return
                yield image
        finally:
            capture.release()


def open_video(which: int | str) -> Capture:
    """Open a camera so that a read gives the newest picture, not one that waited in a queue."""
    capture = cv2.VideoCapture()
    if isinstance(which, str):
        capture.open(which)
    else:
        capture.open(which)
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, 1280)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, 720)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture  # type: ignore[return-value]  # read() is typed as any array; a video frame is eight bits BGR


def open_source(text: str) -> Source:
    """Open what the setting `source` names."""
    kind, _, where = text.partition(":")
    if kind == "camera":
        return Camera(int(where))
    if kind == "folder":
        return Folder(Path(where), repeat=True)
    return Camera(text)
