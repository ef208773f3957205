"""Where pictures come from: a camera, a folder that plays as one, or a player that hands them over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]

MEGA = 1_000_000
COMFORTABLE_PIXELS = 12 * MEGA
MOST_PIXELS = 100 * MEGA  # an uncompressed picture of this size takes 300 MB, more than a small kiosk can spare
KINDS = (".bmp", ".jpeg", ".jpg", ".png")


class Unreadable(ValueError):
    """The file holds no picture that can be read."""


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

    def read(self) -> tuple[bool, Image]: ...

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
                if not there:
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


def pictures_in(folder: Path) -> list[Path]:
    """List the pictures of a folder by name; a folder that is not there has none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS)


def read_picture(path: Path) -> Image:
    """Read any JPEG, PNG or BMP as eight bits blue-green-red, at most 12 megapixel; raise Unreadable otherwise."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from None
    if not data:
        raise Unreadable(f"{path.name} is empty")
    width, height = _size(data) or (0, 0)
    if not width * height:
        raise Unreadable(f"{path.name} is not a JPEG, PNG or BMP picture")
    if width * height > MOST_PIXELS:
        raise Unreadable(f"{path.name} is too large: {width} x {height}, at most {MOST_PIXELS // MEGA} megapixel")
    return _decode(data, path.name, width * height)


def _decode(data: bytes, name: str, pixels: int) -> Image:
    # Alpha is dropped, grey and CMYK become three channels and 16 bits become eight inside the decoder.
    how = cv2.IMREAD_COLOR if pixels <= COMFORTABLE_PIXELS else cv2.IMREAD_REDUCED_COLOR_2
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise Unreadable(f"{name} is damaged")
    return _comfortable(np.asarray(decoded, np.uint8))


def _comfortable(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = (COMFORTABLE_PIXELS / (width * height)) ** 0.5
    if scale >= 1:
        return image
    size = (int(width * scale), int(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _size(data: bytes) -> tuple[int, int] | None:
    """Say how large a picture claims to be, from its header alone: a small file can unpack to gigabytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(b"BM"):
        height = int.from_bytes(data[22:26], "little", signed=True)  # negative when stored from the top
        return int.from_bytes(data[18:22], "little"), abs(height)
    if data.startswith(b"\xff\xd8"):
        return _size_of_jpeg(data)
    return None


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header, not a table
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
