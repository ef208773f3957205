"""A scanner that types: a USB scanner, read from the kernel as the keyboard it claims to be, or lines that come in."""

import codecs
import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from kiosk.source import PULSE, Ready, Scanned, Trouble

MOST_CHARACTERS = 4096
"""What is longer is cut, and answered as what it then is: no badge."""
PAUSE = timedelta(seconds=2)
"""A line whose next character does not come for so long was broken off."""
HELD = timedelta(seconds=2)
"""A scanner that is held over a badge reads it again and again; that is one scan."""
AGAIN = timedelta(seconds=2)
LOOK_UP = 200  # milliseconds between two looks whether it is time to stop
LOST = "scanner_lost"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""In place of what cannot be told, so that the text is no badge instead of a wrong one."""

# From linux/input.h and linux/input-event-codes.h.
EVENT = struct.Struct("@llHHi")
GRAB = 0x40044590
SYNC, KEY = 0x00, 0x01
DROPPED = 3
PRESSED, RELEASED = 1, 0
SHIFTS = frozenset({42, 54})
SILENT = SHIFTS | {29, 56, 58, 69, 70, 97, 100, 125, 126}  # Ctrl, Alt, the locks and the logo
ROWS = {
    2: ("1234567890-=", "!@#$%^&*()_+"),
    16: ("qwertyuiop[]\n", "QWERTYUIOP{}\n"),
    30: ("asdfghjkl;'`", 'ASDFGHJKL:"~'),
    43: ("\\zxcvbnm,./", "|ZXCVBNM<>?"),
    55: ("*", "*"),
    57: (" ", " "),
    71: ("789-456+1230.", "789-456+1230."),
    96: ("\n", "\n"),
    98: ("/", "/"),
}
"""What a US keyboard types, by the code of the first key of a row; without and with shift."""
KEYS = {first + step: pair for first, row in ROWS.items() for step, pair in enumerate(zip(*row, strict=True))}

WHY = {
    errno.ENOENT: "the scanner is not there: plug it in",
    errno.ENODEV: "the scanner was unplugged",
    errno.EIO: "the scanner was unplugged",
    errno.EACCES: "the kiosk may not read the scanner: its user has to be in the group that owns the device",
    errno.EBUSY: "another program has the scanner",
    errno.ENOTTY: "this is no keyboard, and no scanner that types as one",
    errno.EINVAL: "this is no keyboard, and no scanner that types as one",
}


def grab(device: int) -> None:
    """Take the keyboard for ourselves alone: otherwise every badge is typed into the screen and the console too."""
    fcntl.ioctl(device, GRAB, 1)


class Scanner:
    """A scanner that the kernel takes for a keyboard with the US layout; it may be unplugged and come back."""

    lost_code = LOST

    def __init__(
        self, path: Path, *, grab: Callable[[int], None] = grab, again: timedelta = AGAIN, pause: timedelta = PAUSE
    ) -> None:
        self._path = path
        self._grab = grab
        self._again = again.total_seconds()
        self._pause = pause
        self._closed = Event()

    def frames(self) -> Iterator[Scanned | Ready | Trouble]:
        where = f"scanner {self._path.name}"
        while not self._closed.is_set():
            try:
                with self._opened() as device:
                    # What was begun before it was unplugged is gone with it.
                    yield from _scans(device, where, Keyboard().typed, pause=self._pause, closed=self._closed)
            except OSError as error:
                yield Trouble(where=where, why=WHY.get(error.errno or 0, str(error.strerror)), code=LOST)
                self._closed.wait(self._again)

    def close(self) -> None:
        self._closed.set()

    @contextmanager
    def _opened(self) -> Iterator[int]:
        device = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            self._grab(device)
            yield device
        finally:
            os.close(device)


class Lines:
    """Codes that another program hands over, one a line; once the other end has closed, nothing comes any more."""

    lost_code = LOST

    def __init__(self, device: int = 0, *, pause: timedelta = PAUSE) -> None:
        self._device = device
        self._pause = pause
        self._closed = Event()

    def frames(self) -> Iterator[Scanned | Ready | Trouble]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            yield from _scans(self._device, "stdin", decoder.decode, pause=self._pause, closed=self._closed)
        except OSError:
            yield Trouble(where="stdin", why="nothing more comes in: the other program has ended", code=LOST)

    def close(self) -> None:
        self._closed.set()


class Keyboard:
    """Turns the kernel's events into what a US keyboard would have typed."""

    def __init__(self) -> None:
        self._rest = b""
        self._held = set[int]()

    def typed(self, data: bytes) -> str:
        """Say what these bytes type; half an event waits for its other half."""
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        return "".join(self._one(kind, code, value) for *_, kind, code, value in EVENT.iter_unpack(data[:whole]))

    def _one(self, kind: int, code: int, value: int) -> str:
        if (kind, code) == (SYNC, DROPPED):  # the kernel could not keep them all
            self._held.clear()
            return UNKNOWN
        if kind != KEY:
            return ""
        if code in SHIFTS:
            (self._held.discard if value == RELEASED else self._held.add)(code)
        if value != PRESSED or code in SILENT:
            return ""
        return KEYS.get(code, (UNKNOWN, UNKNOWN))[bool(self._held)]


class Typing:
    """Lines while they are typed: bounded, ended by Enter, forgotten when broken off, and told once while repeated."""

    def __init__(self, pause: timedelta) -> None:
        self._pause = pause.total_seconds()
        self._line = ""
        self._typed_at = 0.0
        self._told = "", float("-inf")

    def lines(self, characters: str, at: float) -> Iterator[str]:
        """Take in what was typed; `at` is monotonic, in seconds."""
        if at - self._typed_at > self._pause:
            self._line = ""
        self._typed_at = at
        for character in characters:
            if character not in "\r\n":
                self._line += character if len(self._line) < MOST_CHARACTERS else ""
            elif self._line:
                line, self._line = self._line, ""
                if self._is_new(line, at):
                    yield line

    def _is_new(self, line: str, at: float) -> bool:
        last, told_at = self._told
        self._told = line, at
        return line != last or at - told_at > HELD.total_seconds()


def _scans(
    device: int, where: str, typed: Callable[[bytes], str], *, pause: timedelta, closed: Event
) -> Iterator[Scanned | Ready]:
    """Read until the device is gone, which raises OSError, or the source is closed."""
    typing, poll = Typing(pause), select.poll()
    poll.register(device, select.POLLIN)
    said_at = float("-inf")
    while not closed.is_set():
        now = time.monotonic()
        if now - said_at >= PULSE.total_seconds():
            yield Ready(where=where)
            said_at = now
        if poll.poll(LOOK_UP):
            for line in typing.lines(typed(_read(device)), time.monotonic()):
                yield Scanned(text=line)


def _read(device: int) -> bytes:
    data = os.read(device, 64 * EVENT.size)
    if not data:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return data
