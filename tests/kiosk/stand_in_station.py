"""A station that says what a test tells it to say, before a drawn camera."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Condition
from uuid import UUID

import cv2
import numpy as np

from attendance.direction import Direction
from kiosk.answers import Answer
from kiosk.faces.enrolling import Progress
from kiosk.faces.liveness import Guide
from kiosk.staff_mode import StaffMode
from protocol.records import KioskRecord

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    running: bool = True
    online: bool = True
    roster_good_until: datetime | None = NINE + timedelta(hours=24)
    waiting: int = 0
    faces: bool = True
    trouble: str | None = None
    lost: tuple[str, ...] = ()
    fingerprint: str | None = None
    guide: Guide | None = None
    staff: timedelta | None = None
    enrolment: Progress | None = None


def entered(seq: int) -> KioskRecord:
    return KioskRecord(
        id=UUID(int=seq),
        stream=UUID(int=0),
        seq=seq,
        at=NINE,
        monotonic_ms=0,
        boot=UUID(int=0),
        clock="synced",
        method="static_badge",
    )


ANN = Answer(
    number=0,
    at=NINE,
    kind="green",
    name="Ann Lee",
    role="clerk",
    title="Order entry 101",
    title_zh="订单录入 101",
    direction="in",
    records=(entered(1),),
)
STRANGER = Answer(number=0, at=NINE, kind="red", code="not_on_roster", name="Kim Doe", direction="in")


@dataclass(slots=True)
class StandInStation:
    """Keeps what it said; `said` and `delivered` may be filled before and while a screen listens."""

    health: Health = field(default_factory=Health)
    jpeg: bytes | None = None
    said: list[Answer] = field(default_factory=list)
    delivered: set[UUID] = field(default_factory=set)
    chosen: list[Direction] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)
    staff_mode: StaffMode | None = None

    def say(self, answer: Answer) -> Answer:
        with self.changed:
            numbered = replace(answer, number=len(self.said) + 1)
            self.said.append(numbered)
            self.changed.notify_all()
        return numbered

    def stop(self) -> None:
        with self.changed:
            self.health = replace(self.health, running=False)
            self.changed.notify_all()

    def watch(self, after: int, timeout: float) -> Sequence[Answer]:
        with self.changed:
            self.changed.wait_for(lambda: len(self.said) > after or not self.health.running, timeout)
            return self.said[after:]

    def picture(self) -> bytes | None:
        return self.jpeg

    def status(self) -> Health:
        return self.health

    def choose(self, number: int, direction: Direction) -> bool:
        asked = max((answer.number for answer in self.said if answer.kind == "ask_direction"), default=None)
        if number != asked:
            return False
        self.chosen.append(direction)
        return True

    def is_delivered(self, record_id: UUID) -> bool:
        return record_id in self.delivered


def silhouette() -> bytes:
    """Draw somebody, nobody in particular, in a room with a window."""
    height, width = 480, 640
    light = np.linspace(235, 190, height)[:, None, None] * np.array([0.96, 1.0, 1.0])
    scene = np.broadcast_to(light, (height, width, 3)).astype(np.uint8).copy()
    cv2.rectangle(scene, (420, 40), (600, 250), (250, 244, 232), -1)
    cv2.line(scene, (510, 40), (510, 250), (205, 205, 205), 6)
    shade = (122, 108, 92)
    cv2.ellipse(scene, (300, 500), (190, 190), 0, 180, 360, shade, -1)
    cv2.rectangle(scene, (270, 260), (330, 340), shade, -1)
    cv2.ellipse(scene, (300, 205), (82, 104), 0, 0, 360, shade, -1)
    encoded, jpeg = cv2.imencode(".jpg", cv2.GaussianBlur(scene, (5, 5), 0))
    assert encoded
    return jpeg.tobytes()
