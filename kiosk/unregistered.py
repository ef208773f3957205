"""A kiosk that is not registered yet: its screen says what to do, and it notices when somebody has done it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

from attendance.direction import Direction
from kiosk.answers import Answer
from kiosk.identity import FILE
from kiosk.screen import NOT_REGISTERED

LOOK = timedelta(seconds=1)
"""Between two looks at the data folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How such a kiosk is: there is nothing to it but what is missing."""

    running: bool
    online: bool = False
    roster_good_until: datetime | None = None
    waiting: int = 0
    faces: bool = False
    trouble: str = NOT_REGISTERED
    lost: tuple[str, ...] = ()
    fingerprint: None = None
    guide: None = None
    staff: None = None
    enrolment: None = None


class Unregistered:
    """What a screen sees of it."""

    staff_mode = None

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._stopping = Event()

    def is_over(self) -> bool:
        """Say whether somebody has registered it."""
        return self._path.exists()

    def until_registered(self) -> None:
        """Wait until there is an identity, or somebody interrupts."""
        while not self.is_over() and not self._stopping.wait(LOOK.total_seconds()):
            pass

    def stop(self) -> None:
        """Let the screens go."""
        self._stopping.set()

    def watch(self, after: int, timeout: float) -> list[Answer]:
        """Wait for an answer that does not come."""
        self._stopping.wait(timeout)
        return []

    def picture(self) -> bytes | None:
        return None

    def status(self) -> Status:
        return Status(running=not self._stopping.is_set())

    def choose(self, number: int, direction: Direction) -> bool:
        return False

    def is_delivered(self, record_id: UUID) -> bool:
        return False


def health() -> tuple[dict[str, Any], int]:
    """Say that it cannot take check-ins."""
    return {"status": "failing", "trouble": NOT_REGISTERED, "missing": [], "online": False}, 503
