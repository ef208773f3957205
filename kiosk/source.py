"""What the kiosk takes in, behind one seam: frames, scanned codes, and word of how a source is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Protocol, TypeAlias

from kiosk.picture import Image

PULSE = timedelta(seconds=5)
"""A source says something at least this often, if only that it is ready: that tells a quiet one from one that hangs."""

CAMERA_LOST = "camera_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture of the scene: height x width x 3, blue-green-red, eight bits."""

    image: Image
    number: int  # counts the frames of one source from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scanner has read a code; whether it is a badge is for others to say."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The source works, and has nothing to tell: a trouble that it had is over."""

    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a source has to say when it cannot do its work; it goes on trying."""

    where: str
    why: str
    code: str = CAMERA_LOST
    """Under which the screen has a sentence for the person in front of it."""


Seen: TypeAlias = Frame | Scanned | Ready | Trouble


class Source(Protocol):
    """Anything that yields what it takes in until it is closed; each is read on a thread of its own."""

    @property
    def lost_code(self) -> str:
        """Name the trouble that it is when this source fails."""
        ...

    def frames(self) -> Iterator[Seen]: ...

    def close(self) -> None: ...


class Easel:
    """Shows whatever picture it was handed last, frame after frame, until it gets another one."""

    lost_code = CAMERA_LOST

    def __init__(self, *, pace: timedelta = timedelta(milliseconds=50)) -> None:
        self._pace = pace.total_seconds()
        self._image: Image | None = None
        self._closed = Event()

    def show(self, image: Image) -> None:
        self._image = image

    def frames(self) -> Iterator[Frame]:
        number = 0
        while not self._closed.is_set():
            image = self._image
            if image is not None:
                yield Frame(image=image, number=number)
                number += 1
            self._closed.wait(self._pace)

    def close(self) -> None:
        self._closed.set()
