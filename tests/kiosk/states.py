"""Every state of the kiosk's screen, and how a real station gets there; only gateway, broker and eye are stand-ins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import UUID

import numpy as np

from kiosk.faces.engine import Encoding, Face
from kiosk.faces.enrolling import Enrolling
from kiosk.faces.gallery import Gallery
from kiosk.faces.landmarks import Points
from kiosk.faces.liveness import Guide
from kiosk.faces.quality import FaceBox
from kiosk.identity import Identity
from kiosk.look import Look
from kiosk.picture import Image
from kiosk.sightings import HolderSeen, OtherSeen, Sighting, StrangerSeen
from kiosk.source import Frame, Seen, Trouble
from kiosk.station import Station
from kiosk.unregistered import Unregistered
from protocol.messages import Receipt
from protocol.roster import Roster, RosterLearner
from tandem.demo.pictures import badge_frame, face_frame, two_badges_frame
from tests.kiosk.cast import (
    ANNS_BADGE,
    BOS_BADGE,
    IDENTITY,
    MINUTE,
    STREAM,
    TINAS_BADGE,
    ZOES_BADGE,
    GatewayStandIn,
    Hands,
    a_roster,
    a_session,
    eventually,
    shows,
)
from tests.kiosk.painted_faces import MARKS
from tests.kiosk.stand_in_broker import RECEIPT, BrokerStandIn

TEN = UUID(int=10)
NEXT_DOOR = "room-2"
HEAD: FaceBox = (150, 760, 470, 500)  # top, right, bottom, left: where the drawn figure has its head


def a_full_roster() -> Roster:
    """List Ann and Bo as ever, Cy who comes to the room next door, and Dee who looks like Bo."""
    here = a_session(title="Order entry 101", title_zh="订单录入 101", learners=("ann", "bo", "dee"))
    there = a_session("stock-7", room=NEXT_DOOR, room_name="Room 2", learners=("cy",), title="Stock planning")
    people = (
        *pair(),
        RosterLearner(id="cy", name="Cy Zhao", role="clerk", badges=(TEN,)),
        RosterLearner(id="dee", name="Dee Wang", role="clerk", face_consent="consent-2"),
    )
    return a_roster(here, there, learners=people)


def pair() -> tuple[RosterLearner, RosterLearner]:
    """Let Ann and Bo learn together."""
    ann, bo = a_roster().learners
    return ann.model_copy(update={"partners": ("bo",)}), bo.model_copy(update={"partners": ("ann",)})


@cache
def somebody() -> Image:
    """Draw a figure without a face before the camera."""
    return face_frame("hopper", seed=11, silhouette=True)


@cache
def holding(badge: UUID, *, staff: bool = False) -> Image:
    """Draw a figure that holds up a badge."""
    return badge_frame(shows(badge, kind="staff" if staff else "learner").text, seed=badge.int % 97)


class Camera:
    """A source that plays what it is handed."""

    def __init__(self, *, lost_code: str = "camera_lost") -> None:
        self.lost_code = lost_code
        self._playing: Queue[Seen | None] = Queue()

    def frames(self) -> Iterator[Seen]:
        while (seen := self._playing.get()) is not None:
            yield seen
            self._playing.task_done()

    @property
    def is_through(self) -> bool:
        """Say whether everything was taken in."""
        return self._playing.unfinished_tasks == 0

    def close(self) -> None:
        self._playing.put(None)

    def plays(self, *seen: Image | Seen) -> None:
        for one in seen:
            self._playing.put(Frame(image=one, number=0) if isinstance(one, np.ndarray) else one)


class Eye(Look):
    """Reads the codes of its frames as ever; what it makes of faces a test says."""

    def __init__(self, sign: Guide | None = None, *sightings: Sighting) -> None:
        super().__init__(None, Gallery(None, IDENTITY.gallery_key))
        self._sign, self.next = sign, list(sightings)

    @property
    def guide(self) -> Guide | None:
        return self._sign

    def see(self, frame: Frame, faces_allowed_for: object, *, at: float) -> list[Sighting]:
        seen, self.next = self.next, []
        return [*super().see(frame, (), at=at), *seen]


@dataclass
class OneFace:
    """An engine that sees one good face, whose it is told; in an empty room it sees nobody."""

    whose: float = 0.0
    there: bool = True
    name = "dlib"

    def find(self, image: Image) -> list[Face]:
        return [Face(box=HEAD, quality=0.9)] if self.there else []

    def landmarks(self, image: Image, face: Face) -> Points:
        top, right, bottom, left = face.box
        return np.asarray(MARKS * (right - left, bottom - top) + (left, top), np.float32)

    def encode(self, image: Image, face: Face) -> Encoding:
        return np.asarray([self.whose, *np.zeros(127)], np.float32)


@dataclass
class Stage:
    """A station, and everything around it."""

    folder: Path
    time: Hands = field(default_factory=Hands)
    gateway: GatewayStandIn = field(default_factory=lambda: GatewayStandIn(roster=a_full_roster()))
    broker: BrokerStandIn = field(default_factory=BrokerStandIn)
    camera: Camera = field(default_factory=Camera)
    scanner: Camera | None = None
    eye: Look = field(default_factory=lambda: Eye())
    engine: OneFace = field(default_factory=OneFace)
    gallery: Gallery = field(default_factory=lambda: Gallery(None, IDENTITY.gallery_key))
    identity: Identity = IDENTITY
    view: Station | Unregistered = field(init=False)

    def begin(self, *, at_once: bool = True) -> Station:
        """Start the station; at once, or when the roster is there and the line is up."""
        self.view = station = Station(
            self.identity,
            folder=self.folder,
            sources=[self.camera, *([self.scanner] if self.scanner else [])],
            clock=self.time.kiosk_clock(),
            look=self.eye,
            gallery=self.gallery,
            enrolling=Enrolling(self.engine, self.gallery, time=self.frame_time),
            client=self.gateway.client(),
            connect=self.broker,
            frame_time=self.frame_time,
            luck=lambda: 0.01,
        )
        station.start()
        if not at_once:
            assert eventually(lambda: station.status().online and station.book.day() is not None)
        return station

    @property
    def station(self) -> Station:
        assert isinstance(self.view, Station)
        return self.view

    def frame_time(self) -> float:
        return self.time.kiosk_clock().monotonic()

    def end(self) -> None:
        self.view.stop()

    def passes(self, span: timedelta, image: Image | None = None) -> None:
        """Let time pass; the camera sees one frame afterwards, and it is gone through when this returns."""
        self.time.now += span
        self.camera.plays(somebody() if image is None else image)
        assert eventually(lambda: self.camera.is_through)

    def sits(self, face: float) -> None:
        """Let somebody sit before the camera until three good frames are taken."""
        self.engine.whose = face
        for _ in range(3):
            self.passes(timedelta(milliseconds=400))

    def is_told(self, kind: str) -> None:
        assert eventually(lambda: any(answer.kind == kind for answer in self.station.wait(0, 0))), kind


Reach = Callable[[Stage], Iterator[None]]
"""Yields once there is a station that a screen can be opened for, and goes on with the page open."""


def waiting(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False)
    yield
    stage.camera.plays(somebody())


def waiting_for_badges(stage: Stage) -> Iterator[None]:
    stage.gateway.roster = a_full_roster().model_copy(update={"faces": False})
    return waiting(stage)


def signed(sign: Guide) -> Reach:
    def reach(stage: Stage) -> Iterator[None]:
        stage.eye = Eye(sign)
        return waiting(stage)

    return reach


def seen(image: Callable[[], Image], kind: str) -> Reach:
    def reach(stage: Stage) -> Iterator[None]:
        stage.begin(at_once=False)
        yield
        stage.camera.plays(image())
        stage.is_told(kind)

    return reach


green = seen(lambda: holding(ANNS_BADGE), "green")


def delivered(stage: Stage) -> Iterator[None]:
    yield from green(stage)
    stage.broker.says(RECEIPT, Receipt(stream=STREAM, epoch=STREAM, number=1, upto=1))
    assert eventually(lambda: stage.station.status().waiting == 0)


def late(stage: Stage) -> Iterator[None]:
    stage.time.now += 20 * MINUTE
    yield from green(stage)


def with_a_partner(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False)
    stage.station.sight(shows(BOS_BADGE))
    yield
    stage.camera.plays(holding(ANNS_BADGE))
    assert eventually(lambda: any(answer.name == "Ann Li" for answer in stage.station.wait(0, 0)))


def after_a_power_cut(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False).power_cut()
    stage.gateway.refusal, stage.broker.away, stage.camera = (503, "away"), True, Camera()
    stage.gallery = Gallery(None, IDENTITY.gallery_key)
    stage.begin()
    yield
    stage.camera.plays(somebody())


def amber(stage: Stage) -> Iterator[None]:
    yield from after_a_power_cut(stage)
    stage.camera.plays(holding(ANNS_BADGE))
    stage.is_told("amber")


def stranger(stage: Stage) -> Iterator[None]:
    stage.eye = Eye(None, StrangerSeen())
    stage.begin(at_once=False)
    yield
    stage.camera.plays(somebody())
    stage.is_told("ask_badge")


def asked(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False)
    stage.station.sight(shows(ANNS_BADGE))
    stage.time.now += 60 * MINUTE
    yield
    stage.camera.plays(holding(ANNS_BADGE))
    stage.is_told("ask_direction")


staff = seen(lambda: holding(TINAS_BADGE, staff=True), "staff")


def asked_for_a_pin(stage: Stage) -> Iterator[None]:
    stage.gateway.roster = stage.gateway.roster.model_copy(update={"staff_pin": True})
    return staff(stage)


def asked_for_a_face(stage: Stage) -> Iterator[None]:
    """Show Bo's badge where a session wants his face beside it."""
    strict = a_session(title="Order entry 101", title_zh="订单录入 101", least_assurance="badge+face")
    stage.gateway.roster = a_full_roster().model_copy(update={"sessions": (strict,)})
    stage.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")
    stage.begin(at_once=False)
    yield
    stage.camera.plays(holding(BOS_BADGE))
    stage.is_told("look_here")


def holder_seen(stage: Stage) -> Iterator[None]:
    stage.eye = eye = Eye()
    yield from asked_for_a_face(stage)
    eye.next = [HolderSeen(learner_id="bo", distance=0.2)]
    stage.camera.plays(somebody())
    stage.is_told("green")


def another_seen(stage: Stage) -> Iterator[None]:
    stage.eye = eye = Eye()
    yield from asked_for_a_face(stage)
    eye.next = [OtherSeen()]
    stage.camera.plays(somebody())
    stage.is_told("red")


def staff_of_an_empty_room(stage: Stage) -> Iterator[None]:
    stage.gateway.roster = a_full_roster().model_copy(update={"sessions": ()})
    return staff(stage)


def enrolling(stage: Stage) -> Iterator[None]:
    yield from staff(stage)
    stage.engine.there = False
    assert stage.station.staff_mode.enrol("bo", anyway=False)
    stage.passes(timedelta(seconds=1))


def enrolling_in_vain(stage: Stage) -> Iterator[None]:
    yield from enrolling(stage)
    stage.passes(timedelta(seconds=20))


def enrolled(stage: Stage) -> Iterator[None]:
    yield from staff(stage)
    assert stage.station.staff_mode.enrol("bo", anyway=False)
    stage.sits(1.0)


def resembling(stage: Stage) -> Iterator[None]:
    stage.gallery.enrol("dee", [np.zeros(128, np.float32)], consent="consent-2")
    yield from staff(stage)
    assert stage.station.staff_mode.enrol("bo", anyway=False)
    stage.sits(0.1)


def offline(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False)
    stage.broker.away = True
    stage.broker.breaks()
    assert eventually(lambda: not stage.station.status().online)
    yield
    stage.camera.plays(holding(ANNS_BADGE))
    stage.is_told("green")


def in_trouble(trouble: Trouble, *, beside: bool, of_camera: bool = True) -> Reach:
    def reach(stage: Stage) -> Iterator[None]:
        stage.scanner = Camera() if beside else None
        yield from waiting(stage)
        source = stage.camera if of_camera else stage.scanner
        assert source
        source.plays(trouble)

    return reach


def disk_full(stage: Stage) -> Iterator[None]:
    stage.begin(at_once=False)
    disk = stage.station.outbox._db
    [pages] = disk.execute("PRAGMA page_count").fetchone()
    disk.execute(f"PRAGMA max_page_count = {pages}")
    while stage.station.sight(shows(ANNS_BADGE)):
        pass
    yield
    stage.camera.plays(somebody())


def outbox_failed(stage: Stage) -> Iterator[None]:
    yield from waiting(stage)
    stage.station.outbox._db.execute("PRAGMA query_only = ON")
    stage.camera.plays(holding(ANNS_BADGE))


def refused(status: int, problem: str) -> Reach:
    def reach(stage: Stage) -> Iterator[None]:
        stage.gateway.refusal = (status, problem)
        stage.begin()
        yield
        stage.camera.plays(somebody())

    return reach


def unregistered(stage: Stage) -> Iterator[None]:
    stage.view = Unregistered(stage.folder)
    yield


def unconfirmed(stage: Stage) -> Iterator[None]:
    stage.identity, stage.gateway.account = IDENTITY.model_copy(update={"account": None}), None
    stage.begin()
    yield
    stage.camera.plays(somebody())


def with_an_old_roster(stage: Stage) -> Iterator[None]:
    yield from waiting(stage)
    assert eventually(lambda: stage.station.status().roster_good_until is not None)
    stage.gateway.refusal = (503, "away")
    stage.time.now += timedelta(hours=24)


CAMERA_LOST = Trouble(where="camera 0", why="unplugged")
SCANNER_LOST = Trouble(where="scanner", why="unplugged", code="scanner_lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state: how to get there, which view the page then shows, and words of it."""

    reach: Reach
    view: str
    says: str


STATES = {
    "waiting": State(reach=waiting, view="waiting", says="Show your badge or look here"),
    "waiting-for-badges": State(reach=waiting_for_badges, view="waiting", says="Show your badge"),
    "look-here": State(reach=signed("look_here"), view="guiding", says="Look here, please"),
    "hold-still": State(reach=signed("hold_still"), view="guiding", says="Hold still"),
    "closer": State(reach=signed("closer"), view="guiding", says="Come a little closer"),
    "blink": State(reach=signed("blink"), view="guiding", says="Blink"),
    "turn-left": State(reach=signed("turn_left"), view="guiding", says="to your left"),
    "turn-right": State(reach=signed("turn_right"), view="guiding", says="to your right"),
    "green": State(reach=green, view="green", says="Recorded here"),
    "green-delivered": State(reach=delivered, view="green", says="Recorded and received"),
    "green-partner": State(reach=with_a_partner, view="green", says="Your partner Bo Wang is here"),
    "green-late": State(reach=late, view="green", says="you are late"),
    "amber": State(reach=amber, view="amber", says="Recorded, to be confirmed"),
    "red": State(reach=seen(lambda: holding(ZOES_BADGE), "red"), view="red", says="ask the trainer to add you"),
    "red-wrong-room": State(reach=seen(lambda: holding(TEN), "red"), view="red", says="Please go to Room 2"),
    "ask-badge": State(reach=stranger, view="hint", says="Please show your badge"),
    "one-badge": State(
        reach=seen(lambda: two_badges_frame([shows(ANNS_BADGE).text, shows(ZOES_BADGE).text], seed=3), "one_badge"),
        view="hint",
        says="One badge at a time",
    ),
    "not-a-badge": State(
        reach=seen(lambda: badge_frame("HTTPS://EXAMPLE.COM", seed=5), "not_a_badge"),
        view="hint",
        says="not a training badge",
    ),
    "badge-then-face": State(reach=asked_for_a_face, view="hint", says="Now look here, please"),
    "badge-and-face": State(reach=holder_seen, view="green", says="Recorded here"),
    "badge-of-another": State(reach=another_seen, view="red", says="needs a surer proof"),
    "ask-direction": State(reach=asked, view="ask_direction", says="arriving or leaving"),
    "staff": State(reach=staff, view="staff", says="Ann Li"),
    "staff-pin": State(reach=asked_for_a_pin, view="staff", says="Type your PIN"),
    "staff-nobody": State(reach=staff_of_an_empty_room, view="staff", says="No session is open"),
    "enrolling": State(reach=enrolling, view="enrolment", says="Step in front of the camera"),
    "enrolled": State(reach=enrolled, view="enrolment", says="The face is enrolled"),
    "enrolled-not": State(reach=enrolling_in_vain, view="enrolment", says="no three good pictures in time"),
    "resembles": State(reach=resembling, view="enrolment", says="It is enrolled for: Dee Wang"),
    "offline": State(reach=offline, view="green", says="Waiting to be sent: 1"),
    "camera-lost": State(reach=in_trouble(CAMERA_LOST, beside=False), view="trouble", says="The camera is not working"),
    "camera-lost-scanner": State(
        reach=in_trouble(CAMERA_LOST, beside=True), view="waiting", says="Please use the scanner"
    ),
    "scanner-lost": State(
        reach=in_trouble(SCANNER_LOST, beside=True, of_camera=False), view="waiting", says="Please use the camera"
    ),
    "disk-full": State(reach=disk_full, view="trouble", says="no room for check-ins"),
    "outbox-failed": State(reach=outbox_failed, view="trouble", says="cannot record check-ins"),
    "revoked": State(reach=refused(403, "device-revoked"), view="trouble", says="out of service"),
    "no-badge-keys": State(reach=refused(503, "away"), view="trouble", says="which badges are good"),
    "not-registered": State(reach=unregistered, view="setup", says="not registered yet"),
    "not-confirmed": State(reach=unconfirmed, view="setup", says="not confirmed yet"),
    "no-roster": State(reach=after_a_power_cut, view="waiting", says="No roster yet"),
    "old-roster": State(reach=with_an_old_roster, view="waiting", says="The roster is out of date"),
}


@contextmanager
def staged(folder: Path, **given: Any) -> Iterator[Stage]:
    """Set a stage, and clear it in the end."""
    stage = Stage(folder, **given)
    try:
        yield stage
    finally:
        stage.end()
