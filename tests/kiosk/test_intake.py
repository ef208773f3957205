"""Claims about a station with several sources: each goes its own way, and none takes the others along."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pytest

from kiosk import settings
from kiosk.intake import Intake
from kiosk.source import Frame, Ready, Scanned, Source, Trouble
from kiosk.sources import open_sources
from tests.kiosk.cast import eventually
from tests.kiosk.states import Camera

FRAME = Frame(image=np.zeros((4, 4, 3), np.uint8), number=0)
UNPLUGGED = Trouble(where="camera 0", why="unplugged")
SCANNER_GONE = Trouble(where="scanner", why="unplugged", code="scanner_lost")


class Taken:
    """What a station would get, and what it would hear of."""

    def __init__(self) -> None:
        self.seen: list[Frame | Scanned] = []
        self.lost: list[str] = []

    def take(self, seen: Frame | Scanned) -> None:
        if isinstance(seen, Scanned) and seen.text == "what upsets it":
            raise ValueError("what is this?")
        self.seen.append(seen)


@contextmanager
def reading(*sources: Source) -> Iterator[tuple[Intake, Taken]]:
    taken = Taken()
    intake = Intake(sources, take=taken.take, lost=taken.lost.append)
    intake.start()
    try:
        yield intake, taken
    finally:
        intake.end()
        intake.join(5)


def test_a_quiet_source_does_not_keep_the_other_waiting() -> None:
    camera, scanner = Camera(), Camera()
    with reading(camera, scanner) as (_, taken):
        scanner.plays(Scanned(text="T1:ANN"))

        assert eventually(lambda: taken.seen == [Scanned(text="T1:ANN")])


def test_a_lost_source_is_told_once_for_each_time_it_says_so_and_the_other_goes_on() -> None:
    camera, scanner = Camera(), Camera()
    with reading(camera, scanner) as (intake, taken):
        camera.plays(UNPLUGGED)
        assert eventually(lambda: intake.lost == ("camera_lost",))
        assert not intake.is_blind

        scanner.plays(SCANNER_GONE)
        assert eventually(lambda: intake.is_blind)

        assert set(intake.lost) == {"camera_lost", "scanner_lost"}
        assert taken.lost == ["camera_lost", "scanner_lost"]


@pytest.mark.parametrize("sign", [FRAME, Scanned(text="T1:ANN"), Ready(where="scanner")], ids=["frame", "scan", "word"])
def test_any_sign_of_life_ends_the_trouble(sign: Frame | Scanned | Ready) -> None:
    source = Camera()
    with reading(source) as (intake, _):
        source.plays(UNPLUGGED)
        assert eventually(lambda: intake.is_blind)

        source.plays(sign)

        assert eventually(lambda: intake.lost == ())


def test_the_log_has_a_lost_source_once_however_often_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="kiosk.intake")
    source = Camera()
    with reading(source) as (intake, taken):
        for _ in range(3):
            source.plays(UNPLUGGED)
        assert eventually(lambda: len(taken.lost) == 3)
        source.plays(FRAME)
        assert eventually(lambda: intake.lost == ())

    assert [record.getMessage() for record in caplog.records] == ["camera 0: unplugged", "camera_lost is over"]


def test_what_upsets_the_station_does_not_end_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.intake.BLINK", timedelta(0))
    source = Camera()
    with reading(source) as (intake, taken):
        source.plays(Scanned(text="what upsets it"))
        assert eventually(lambda: intake.is_blind)

        source.plays(Scanned(text="T1:BO"))

        assert eventually(lambda: taken.seen == [Scanned(text="T1:BO")])
        assert intake.lost == ()


def test_a_fault_behind_a_scanner_is_not_the_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.intake.BLINK", timedelta(0))
    camera, scanner = Camera(), Camera(lost_code="scanner_lost")
    with reading(camera, scanner) as (intake, taken):
        scanner.plays(Scanned(text="what upsets it"))

        assert eventually(lambda: intake.lost == ("scanner_lost",))
        assert taken.lost == ["scanner_lost"]


@pytest.mark.parametrize(
    "text, code",
    [
        ("camera:0", "camera_lost"),
        ("http://192.0.2.7/door.mjpg", "camera_lost"),
        ("folder:/pictures", "camera_lost"),
        ("video:/door.mp4", "camera_lost"),
        ("scanner:/dev/input/scanner", "scanner_lost"),
        ("stdin", "scanner_lost"),
    ],
)
def test_every_source_says_what_is_lost_with_it(text: str, code: str) -> None:
    [source] = open_sources(settings.read(source=text))

    assert source.lost_code == code


def test_a_source_that_says_nothing_for_long_does_not_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Camera()
    with reading(source) as (intake, _):
        assert intake.gets_on

        monkeypatch.setattr("kiosk.intake.SILENT", timedelta(seconds=-1))
        assert not intake.gets_on


def test_a_source_that_has_come_to_its_end_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Camera()
    with reading(source) as (intake, _):
        source.close()
        intake.join(5)

        monkeypatch.setattr("kiosk.intake.SILENT", timedelta(seconds=-1))
        assert intake.gets_on
        assert not intake.is_blind
