"""Claims about scanners: what the kernel says of their keys becomes text, whatever happens to the cable."""

import os
import pty
import tty
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.source import Ready, Scanned, Seen, Trouble
from kiosk.sources.scanner import (
    DROPPED,
    EVENT,
    HELD,
    KEY,
    KEYS,
    LOST,
    MOST_CHARACTERS,
    PRESSED,
    RELEASED,
    SYNC,
    UNKNOWN,
    Keyboard,
    Lines,
    Scanner,
    Typing,
)
from tests.kiosk.cast import ANNS_BADGE, shows

SHIFT, ENTER, CAPITAL_A, ESCAPE, NUM_LOCK = 42, 28, 30, 1, 69
MISC, REPEATED = 4, 2
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SOON = timedelta(milliseconds=20)
PLACE = {character: (code, shifted) for code, pair in reversed(KEYS.items()) for shifted, character in enumerate(pair)}
"""Which key types a character, and whether with shift; the main block's before the keypad's."""


def event(kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(1_790_000_000, 4711, kind, code, value)


def pressed(code: int) -> bytes:
    """Press a key as a real keyboard does: the scan code, the key, the end of the report, and all of it again."""
    down = event(MISC, 4, 0x70000 + code) + event(KEY, code, PRESSED) + event(SYNC, 0, 0)
    return down + event(KEY, code, RELEASED) + event(SYNC, 0, 0)


def typed(text: str) -> bytes:
    """Type as a scanner with the US layout does."""
    return b"".join(_one(*PLACE[character]) for character in text)


def _one(code: int, shifted: int) -> bytes:
    if not shifted:
        return pressed(code)
    down, up = event(KEY, SHIFT, PRESSED) + event(SYNC, 0, 0), event(KEY, SHIFT, RELEASED) + event(SYNC, 0, 0)
    return down + pressed(code) + up


class Socket:
    """A place where a scanner is plugged in: a path that leads to a terminal, which carries the kernel's bytes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "usb-Scanner-event-kbd"
        self._cable = self._device = -1
        self._saying = Thread()

    def plug_in(self) -> None:
        self._cable, self._device = pty.openpty()
        tty.setraw(self._device)
        self.path.symlink_to(os.ttyname(self._device))

    def says(self, data: bytes) -> None:
        """Say it on a thread: a terminal holds less than a badge, and the test has to read meanwhile."""
        self._saying = Thread(target=os.write, args=(self._cable, data))
        self._saying.start()

    def unplug(self) -> None:
        if self._saying.ident:
            self._saying.join()
        self.path.unlink()
        os.close(self._cable)
        os.close(self._device)


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Socket]:
    there = Socket(tmp_path)
    there.plug_in()
    yield there
    there.unplug()


@pytest.fixture
def scanner(socket: Socket) -> Iterator[Scanner]:
    """Read from the socket; a terminal is no keyboard that could be grabbed."""
    opened = Scanner(socket.path, grab=lambda device: None, again=SOON)
    yield opened
    opened.close()


def told(seen: Iterable[Seen], count: int = 1) -> list[str]:
    return [one.text for one in islice((one for one in seen if isinstance(one, Scanned)), count)]


def test_a_badge_comes_in_as_it_was_issued(scanner: Scanner, socket: Socket) -> None:
    text = shows(ANNS_BADGE).text
    playing = scanner.frames()
    ready = next(playing)

    socket.says(typed(text + "\n"))

    assert ready == Ready(where="scanner usb-Scanner-event-kbd")
    assert told(playing) == [text]


def test_every_character_of_a_badge_has_its_key(scanner: Scanner, socket: Socket) -> None:
    playing = scanner.frames()
    next(playing)

    socket.says(typed(BASE45 + "\n"))

    assert told(playing) == [BASE45]


def test_every_character_that_can_be_typed_has_its_key() -> None:
    printable = "".join(chr(code) for code in range(32, 127))

    assert Keyboard().typed(typed(printable)) == printable


def test_two_badges_in_a_row_are_two_scans(scanner: Scanner, socket: Socket) -> None:
    playing = scanner.frames()
    next(playing)

    socket.says(typed("T1:ANN\nT1:BO\n"))

    assert told(playing, 2) == ["T1:ANN", "T1:BO"]


def test_a_scanner_that_is_unplugged_is_reported_and_comes_back(scanner: Scanner, socket: Socket) -> None:
    playing = scanner.frames()
    next(playing)
    socket.says(typed("bo\nhal") + event(KEY, SHIFT, PRESSED))
    assert told(playing) == ["bo"]

    socket.unplug()
    gone = next(one for one in playing if isinstance(one, Trouble))
    away = next(one for one in playing if isinstance(one, Trouble))
    socket.plug_in()
    back = next(one for one in playing if isinstance(one, Ready))
    socket.says(typed("ann\n"))

    assert (gone.code, away.code) == (LOST, LOST)
    assert gone.why == "the scanner was unplugged"
    assert away.why == "the scanner is not there: plug it in"
    assert back == Ready(where="scanner usb-Scanner-event-kbd")
    assert told(playing) == ["ann"], "what was half typed, and a shift that was held, have gone with the cable"


def test_a_device_that_cannot_be_had_for_ourselves_is_refused(socket: Socket) -> None:
    seen = next(Scanner(socket.path).frames())

    assert isinstance(seen, Trouble)
    assert seen.why == "this is no keyboard, and no scanner that types as one"


def refuse(_: int) -> None:
    raise BlockingIOError(16, "Device or resource busy")


def test_a_scanner_that_another_program_has_is_reported(socket: Socket) -> None:
    seen = next(Scanner(socket.path, grab=refuse).frames())

    assert isinstance(seen, Trouble)
    assert seen.why == "another program has the scanner"


def test_a_closed_scanner_ends(scanner: Scanner) -> None:
    playing = scanner.frames()
    next(playing)

    scanner.close()

    assert list(playing) == []


@pytest.mark.parametrize(
    "events, text",
    [
        (event(KEY, CAPITAL_A, PRESSED) + event(KEY, CAPITAL_A, REPEATED) * 3, "a"),
        (event(KEY, NUM_LOCK, PRESSED) + pressed(CAPITAL_A), "a"),
        (pressed(ESCAPE), UNKNOWN),
        (event(KEY, 700, PRESSED), UNKNOWN),
        (event(SYNC, DROPPED, 0) + pressed(CAPITAL_A), UNKNOWN + "a"),
        (event(KEY, SHIFT, PRESSED) + event(SYNC, DROPPED, 0) + pressed(CAPITAL_A), UNKNOWN + "a"),
        (event(KEY, SHIFT, PRESSED) + event(KEY, 54, PRESSED) + event(KEY, 54, RELEASED) + pressed(CAPITAL_A), "A"),
        (event(2, CAPITAL_A, PRESSED), ""),
    ],
    ids=[
        "a key held down",
        "a lock",
        "a key without a character",
        "a key that no keyboard has",
        "lost events",
        "a shift whose release was lost",
        "two shifts",
        "a mouse",
    ],
)
def test_what_a_keyboard_may_also_say(events: bytes, text: str) -> None:
    assert Keyboard().typed(events) == text


@pytest.mark.parametrize("size", [1, 7, EVENT.size - 1, EVENT.size + 1])
def test_events_that_come_in_pieces_are_put_together(size: int) -> None:
    keyboard, data = Keyboard(), typed("T1:ANN")

    pieces = [keyboard.typed(data[start : start + size]) for start in range(0, len(data), size)]

    assert "".join(pieces) == "T1:ANN"


EVENTS = st.builds(event, st.integers(0, 4), st.integers(0, 127) | st.integers(0, 65535), st.integers(-1, 3))


@given(st.lists(EVENTS | st.binary(max_size=60)))
def test_whatever_a_device_says_becomes_text_of_a_bounded_length(said: list[bytes]) -> None:
    keyboard, typing = Keyboard(), Typing(timedelta(seconds=2))

    told = [line for data in said for line in typing.lines(keyboard.typed(data), 0)]

    assert all(0 < len(line) <= MOST_CHARACTERS and "\n" not in line for line in told)


# Lines


def lines(*parts: tuple[float, str]) -> list[str]:
    typing = Typing(timedelta(seconds=2))
    return [line for at, characters in parts for line in typing.lines(characters, at)]


@pytest.mark.parametrize(
    "parts, expected",
    [
        ([(0, "T1:"), (1, "ANN\n")], ["T1:ANN"]),
        ([(0, "T1:"), (3, "T1:BO\n")], ["T1:BO"]),
        ([(0, "\n\r\n\n")], []),
        ([(0, "T1:ANN\r\n")], ["T1:ANN"]),
        ([(0, " T1:ANN \n")], [" T1:ANN "]),
        ([(0, "a\n"), (1, "a\n"), (2.5, "a\n")], ["a"]),
        ([(0, "a\n"), (HELD.total_seconds() + 0.1, "a\n")], ["a", "a"]),
        ([(0, "a\n"), (1, "b\n"), (1.5, "a\n")], ["a", "b", "a"]),
        ([(0, "x" * 10_000 + "\ny\n")], ["x" * MOST_CHARACTERS, "y"]),
    ],
    ids=[
        "in two parts",
        "broken off and begun again",
        "empty lines",
        "the other end of line",
        "blanks belong to a code",
        "held over a badge",
        "shown again later",
        "another badge between",
        "too long",
    ],
)
def test_lines_are_told_whole_bounded_and_once(parts: list[tuple[float, str]], expected: list[str]) -> None:
    assert lines(*parts) == expected


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    typing = Typing(timedelta(seconds=2))

    for _ in range(100):
        assert list(typing.lines("x" * 1000, 0)) == []

    assert len(typing._line) == MOST_CHARACTERS


# What another program hands over


@pytest.fixture
def pipe() -> Iterator[tuple[int, Callable[[bytes | None], Any]]]:
    reading, writing = os.pipe()

    def say(data: bytes | None) -> None:
        if data is None:
            os.close(writing)
        else:
            os.write(writing, data)

    yield reading, say
    os.close(reading)
    with suppress(OSError):
        os.close(writing)


def test_lines_come_in_and_the_end_is_reported(pipe: tuple[int, Callable[[bytes | None], Any]]) -> None:
    reading, say = pipe
    say(b"T1:ANN\nT1:B")
    say("O\n签\n".encode()[:4])
    say("O\n签\n".encode()[4:] + b"\xff\n")
    say(None)

    seen = list(Lines(reading).frames())

    assert seen == [
        Ready(where="stdin"),
        Scanned(text="T1:ANN"),
        Scanned(text="T1:BO"),
        Scanned(text="签"),
        Scanned(text=UNKNOWN),
        Trouble(where="stdin", why="nothing more comes in: the other program has ended", code=LOST),
    ]


def test_closed_lines_end(pipe: tuple[int, Callable[[bytes | None], Any]]) -> None:
    source = Lines(pipe[0])
    playing = source.frames()
    next(playing)

    source.close()

    assert list(playing) == []
