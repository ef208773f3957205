"""Claims about sources that work side by side, and about the watchdog, which knows when one is stuck."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import cv2
import numpy as np
import pytest

from kiosk import intake
from kiosk.identity import MACHINE, this_machine
from kiosk.intake import Intake
from kiosk.outbox import FILE, Outbox
from kiosk.source import CAMERA_LOST, Frame, Ready, Scanned, Seen, Trouble
from kiosk.sources.scanner import LOST
from tests.kiosk.cast import IDENTITY, eventually

PICTURE = np.full((90, 160, 3), 90, np.uint8)
FRAME = Frame(image=PICTURE, number=0)


class Handed:
    """A source that says what a test hands it, and nothing else; None ends it."""

    lost_code = CAMERA_LOST

    def __init__(self) -> None:
        self.seen = SimpleQueue[Seen | None]()

    def frames(self) -> Iterator[Seen]:
        while (seen := self.seen.get()) is not None:
            yield seen

    def close(self) -> None:
        self.seen.put(None)


@pytest.fixture
def opened() -> Iterator[Callable[..., Intake]]:
    made = list[Intake]()

    def make(*sources: Handed, take: Callable[[Frame | Scanned], None] = lambda seen: None) -> Intake:
        made.append(Intake(sources, take=take, lost=lambda code: None))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.end()
        one.join(5)


def test_a_scan_does_not_wait_for_a_frame_that_takes_long(opened: Callable[..., Intake]) -> None:
    camera, scanner, go_on, scanned = Handed(), Handed(), Event(), Event()

    def take(seen: Frame | Scanned) -> None:
        if isinstance(seen, Frame):
            go_on.wait(30)
        else:
            scanned.set()

    opened(camera, scanner, take=take)
    camera.seen.put(FRAME)
    scanner.seen.put(Scanned(text="T1:ANN"))

    assert scanned.wait(5)
    go_on.set()


def test_a_lost_scanner_is_noted_until_it_is_back(opened: Callable[..., Intake]) -> None:
    camera, scanner = Handed(), Handed()
    station = opened(camera, scanner)

    scanner.seen.put(Trouble(where="scanner", why="unplugged", code=LOST))
    assert eventually(lambda: station.lost == (LOST,))
    assert not station.is_blind
    scanner.seen.put(Ready(where="scanner"))

    assert eventually(lambda: station.lost == ())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SILENT", timedelta(milliseconds=50))


@pytest.mark.usefixtures("impatient")
def test_a_source_that_says_nothing_is_stuck(opened: Callable[..., Intake]) -> None:
    camera, scanner = Handed(), Handed()
    station = opened(camera, scanner)

    def camera_only() -> bool:
        camera.seen.put(Ready(where="camera"))
        return not station.gets_on

    assert eventually(camera_only)


@pytest.mark.usefixtures("impatient")
def test_a_frame_that_is_looked_at_for_ever_is_stuck(opened: Callable[..., Intake]) -> None:
    camera, looking, go_on = Handed(), Event(), Event()

    def take(seen: Frame | Scanned) -> None:
        looking.set()
        go_on.wait(30)

    station = opened(camera, take=take)
    camera.seen.put(FRAME)
    assert looking.wait(5)

    assert eventually(lambda: not station.gets_on)
    go_on.set()


@pytest.mark.usefixtures("impatient")
def test_a_source_that_has_ended_is_not_waited_for(opened: Callable[..., Intake]) -> None:
    camera, lines = Handed(), Handed()
    station = opened(camera, lines)

    lines.seen.put(None)
    camera.seen.put(None)

    assert eventually(lambda: not any(thread.is_alive() for thread in station._threads))
    assert station.gets_on


def test_a_station_that_hears_of_its_sources_gets_on(opened: Callable[..., Intake]) -> None:
    assert opened(Handed(), Handed()).gets_on


@pytest.mark.enable_socket
def test_a_kiosk_that_runs_says_so_and_ends_politely(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    IDENTITY.model_copy(update={"gateway": "http://127.0.0.1:9"}).save(data)
    (data / MACHINE).write_bytes(this_machine())
    Outbox(data / FILE, stream=IDENTITY.stream).close()
    cv2.imwrite(str(tmp_path / "room.png"), PICTURE)
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000", "PATH": os.environ["PATH"]}
    program = [sys.executable, "-c", "from tandem.cli import app; app()", "kiosk", "run", "--data", str(data)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(told["NOTIFY_SOCKET"])
        manager.settimeout(60)
        sources = ["--source", f"folder:{tmp_path}", "--screen-port", "0"]
        kiosk = subprocess.Popen([*program, *sources], env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        said = [manager.recv(100) for _ in range(3)]
        kiosk.terminate()
        last = next(word for word in iter(lambda: manager.recv(100), b"") if word != b"WATCHDOG=1")
        code = kiosk.wait(60)

    assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert (last, code) == (b"STOPPING=1", 0)
