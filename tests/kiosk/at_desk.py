"""A desk with its book, outbox and clock, for tests that show it things."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance.direction import Direction
from kiosk.answers import Answer
from kiosk.desk import Desk
from kiosk.look import Sighting
from kiosk.outbox import FILE, Outbox
from kiosk.roster import RosterBook
from protocol.records import KioskRecord
from tests.kiosk.cast import STREAM, Hands, a_roster


class Kiosk:
    """A desk with its book, outbox and clock."""

    def __init__(self, folder: Path) -> None:
        self.time = Hands()
        self.online = True
        self.last = 0
        self.book = RosterBook(folder, now=self.time)
        self.book.take(a_roster())
        self.outbox = Outbox(folder / FILE, stream=STREAM)
        self.restart()

    def restart(self) -> None:
        self.desk = Desk(self.book, self.outbox, self.time.kiosk_clock(), online=lambda: self.online)

    def sees(self, sighting: Sighting, *, after: timedelta = timedelta(0)) -> Answer:
        self.time.now += after
        answer = self.desk.decide(sighting)
        assert answer is not None
        self.last = answer.number
        return answer

    def chooses(self, direction: Direction) -> Answer | None:
        return self.desk.answer_direction(self.last, direction)

    def kept(self) -> list[KioskRecord]:
        return [KioskRecord.read(row.line) for row in self.outbox.due(100)]


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(tmp_path)
    with closing(kiosk.outbox):
        yield kiosk


def said(answer: Answer) -> tuple[Any, ...]:
    return (answer.kind, answer.code, answer.direction)
