"""What people are told, and the last of it for screens that wait for the next."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from threading import Condition
from typing import Literal
from uuid import UUID

from attendance.direction import Direction
from attendance.reasons import Code
from kiosk.memory import Whereabouts
from protocol.records import KioskRecord

Kind = Literal["green", "amber", "red", "ask_badge", "ask_direction", "look_here", "one_badge", "not_a_badge", "staff"]

SHOWN = 50  # answers that a screen may still ask for


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Where somebody is with whom the person learns in a pair, as far as this kiosk knows."""

    name: str
    whereabouts: Whereabouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one person is told."""

    number: int
    kind: Kind
    at: datetime
    code: Code | None = None
    """The reason of a "no", or what else the person should know."""
    learner_id: str | None = None
    name: str | None = None
    role: str | None = None
    session_id: str | None = None
    title: str | None = None
    title_zh: str | None = None
    room_name: str | None = None
    """Where the session is, when it is not here."""
    direction: Direction | None = None
    partners: tuple[Partner, ...] = ()
    """Those who are on the same session's roster."""
    records: tuple[KioskRecord, ...] = ()
    """What was kept: one record, two at a change between sessions, none for a question."""

    @property
    def record(self) -> KioskRecord | None:
        return self.records[-1] if self.records else None


class Answers:
    """The last answers; may be used from any thread."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._answers: deque[Answer] = deque(maxlen=SHOWN)
        self._open = True
        self._stirred = 0

    def add(self, answer: Answer) -> None:
        with self._changed:
            self._answers.append(answer)
            self._changed.notify_all()

    def wait(self, after: int, timeout: float) -> list[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._newer(after) or not self._open, timeout)
            return self._newer(after)

    def watch(self, after: int, timeout: float) -> list[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while nothing changes."""
        with self._changed:
            stirred = self._stirred
            self._changed.wait_for(lambda: self._newer(after) or self._stirred != stirred or not self._open, timeout)
            return self._newer(after)

    def stir(self) -> None:
        """Let everybody go who watches: something else has changed that a screen shows."""
        with self._changed:
            self._stirred += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody go who waits."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def record_number(self, record_id: UUID) -> int | None:
        """Say which number a record has that was told lately."""
        with self._changed:
            records = [record for answer in self._answers for record in answer.records]
        return next((record.seq for record in records if record.id == record_id), None)

    def _newer(self, after: int) -> list[Answer]:
        return [answer for answer in self._answers if answer.number > after]
