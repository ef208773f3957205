"""Measures a station without any network: from the frame to the green screen, and the memory that it needs."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Event
from uuid import UUID

import cv2
import numpy as np
import qrcode

from bench.machine import spending
from bench.measured import Measured, Target
from bench.stage import Stage
from kiosk.answers import Answer
from kiosk.clock import KioskClock
from kiosk.faces.engine import DlibFaces
from kiosk.faces.gallery import Gallery
from kiosk.look import Look
from kiosk.picture import Image
from kiosk.source import CAMERA_LOST, Frame, Ready
from kiosk.station import Station
from protocol import badge
from protocol.badge import Badge
from protocol.roster import Roster, RosterLearner
from tandem.demo.scene.portrait import Who
from tests.kiosk.cast import BADGE_KEY, BOOT, IDENTITY, NINE, GatewayStandIn, Hands, a_roster, a_session
from tests.kiosk.code_rooms import a_room
from tests.kiosk.face_scenes import Moment, over, person, room
from tests.kiosk.stand_in_broker import BrokerStandIn

SIZES = ((640, 480), (1280, 720))
BADGES, FACES, FRAMES = 200, 20, 10_000
PACE = 0.1
"""Seconds between two frames of a person who comes nearer."""
REST = 2.5
"""Seconds without that person: who is seen again within two has been told already."""
OFTEN = 50
"""Of so many frames one shows a badge, while memory is watched."""
BADGE_GREEN, FACE_GREEN = Target("at most", 150), Target("at most", 600)
PATIENCE = 20.0
WHO: Who = "astronaut"


class Hand:
    """A camera that shows what it is given, a frame at a time."""

    lost_code = CAMERA_LOST

    def __init__(self) -> None:
        self._frames: Queue[Image] = Queue(1)
        self._closed = Event()

    def show(self, image: Image) -> None:
        """Hand over a frame; waits for the one before to be looked at."""
        self._frames.put(image)

    def frames(self) -> Iterator[Frame | Ready]:
        number = 0
        while not self._closed.is_set():
            try:
                image = self._frames.get(timeout=0.2)
            except Empty:
                yield Ready(where="a hand")
                continue
            yield Frame(image=image, number=number)
            number += 1

    def close(self) -> None:
        self._closed.set()


@dataclass(frozen=True, slots=True)
class Door:
    """A station at work, and the hand that holds things up before it."""

    station: Station
    hand: Hand
    told: list[int] = field(default_factory=lambda: [0])

    def waits(self) -> Answer:
        """Wait for the next answer."""
        answers = self.station.wait(self.told[-1], PATIENCE)
        if not answers:
            raise AssertionError("the station said nothing")
        self.told.append(answers[-1].number)
        return answers[-1]


def measure(stage: Stage) -> Iterator[Measured]:
    """Hold badges and faces up before a station that knows everybody, and never reaches its gateway."""
    for size in SIZES:
        yield from _badges(stage, size)
    yield from _faces(stage)
    yield from _memory(stage)


def _badges(stage: Stage, size: tuple[int, int]) -> Iterator[Measured]:
    n, chance = stage.sized(BADGES, least=10), np.random.default_rng(1)
    holders = tuple(RosterLearner(id=f"p{at}", name="P", role="clerk", badges=(UUID(int=at + 1),)) for at in range(n))
    scenes = [_held_up(holder.badges[0], size, chance) for holder in holders]
    with stage.bar("badges", n) as moved, _door(holders) as door, spending() as spent:
        waited = sorted(_shown(door, scene, moved) for scene in scenes)
    yield from _spread(f"a badge, {size[0]}x{size[1]}: frame to green", waited, BADGE_GREEN, spent, "faces are on, too")


def _shown(door: Door, scene: Image, moved: Callable[[int], None]) -> float:
    begun = time.perf_counter()
    door.hand.show(scene)
    _is_green(door.waits())
    moved(1)
    return (time.perf_counter() - begun) * 1000


def _faces(stage: Stage) -> Iterator[Measured]:
    n, chance = stage.sized(FACES, least=3), np.random.default_rng(1)
    known = (RosterLearner(id="p0", name="P", role="clerk", face_consent="consent-1"),)
    with stage.bar("faces", n) as moved, _door(known, face=True) as door, spending() as spent:
        waited = sorted(_came(door, chance, moved) for _ in range(n))
    note = f"a frame every {PACE:g} s, the first one good; no challenge"
    yield from _spread("a face, 640x480: first good frame to green", waited, FACE_GREEN, spent, note)


def _came(door: Door, chance: np.random.Generator, moved: Callable[[int], None]) -> float:
    """Let a person stand there, swaying a little, until the screen is green."""
    door.station.wait(door.told[-1], REST)
    begun = time.perf_counter()
    while not (answers := door.station.wait(door.told[-1], 0)):
        began = time.perf_counter()
        door.hand.show(_standing(chance))
        door.station.wait(door.told[-1], max(0.0, PACE - (time.perf_counter() - began)))
        if began - begun > PATIENCE:
            raise AssertionError("the face was not recognised")
    waited = (time.perf_counter() - begun) * 1000
    door.told.append(answers[-1].number)
    _is_green(answers[-1])
    moved(1)
    return waited


def _standing(chance: np.random.Generator) -> Image:
    x, y = chance.normal(0, 1.5, 2)
    return over(person(WHO, Moment(x=float(x), y=float(y))), room())


def _is_green(answer: Answer) -> None:
    if answer.kind != "green":
        raise AssertionError(f"{answer.kind}: {answer.code}")


def _memory(stage: Stage) -> Iterator[Measured]:
    frames = stage.sized(FRAMES, least=OFTEN)
    ran = subprocess.run([sys.executable, "-m", __name__, str(frames)], check=True, capture_output=True, text=True)
    rest, after = json.loads(ran.stdout)
    for name, n, value in (("at rest, faces on", 1, rest), (f"after {frames:,} frames", frames, after)):
        yield Measured(
            name=f"a station's memory: {name}", n=n, value=value, unit="MB",
            note=f"resident; a person sways before it, every {OFTEN}th frame shows a badge",
        )  # fmt: skip


def watch_memory(frames: int) -> tuple[float, float]:
    """Return how many megabytes this process holds when a station is ready, and after so many frames."""
    chance = np.random.default_rng(1)
    known = tuple(
        RosterLearner(id=f"p{at}", name="P", role="clerk", badges=(UUID(int=at + 1),), face_consent="consent-1")
        for at in range(20)
    )
    people = [_standing(chance) for _ in range(10)]
    scenes = [_held_up(learner.badges[0], SIZES[0], chance) for learner in known]
    with _door(known, face=True) as door:
        rest = _resident()
        for number in range(frames):
            round_, place = divmod(number, OFTEN)
            door.hand.show(people[number % len(people)] if place else scenes[round_ % len(scenes)])
        return rest, _resident()


def _resident() -> float:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return round(int(line.split()[1]) / 1024, 1)


@contextmanager
def _door(known: tuple[RosterLearner, ...], *, face: bool = False) -> Iterator[Door]:
    """Open a station that has pulled its roster, and then lost its network."""
    engine, gateway, broker, hand = DlibFaces(), GatewayStandIn(roster=_roster(known)), BrokerStandIn(away=True), Hand()
    gallery = Gallery(None, IDENTITY.gallery_key)
    if face:
        image = over(person(WHO, Moment()), room())
        [found] = engine.find(image)[:1]
        gallery.enrol("p0", [engine.encode(image, found)], consent="consent-1")
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        station = Station(
            IDENTITY, folder=Path(folder), sources=[hand], clock=_clock(), look=Look(engine, gallery, challenge=False),
            gallery=gallery, client=gateway.client(), connect=broker,
        )  # fmt: skip
        station.start()
        until = time.monotonic() + PATIENCE
        while station.book.day() is None and time.monotonic() < until:
            time.sleep(0.01)
        gateway.refusal = (503, "away")
        yield Door(station, hand)
        station.stop()


def _roster(known: tuple[RosterLearner, ...]) -> Roster:
    session = a_session(learners=tuple(learner.id for learner in known))
    return a_roster(session, learners=known, direction="in")


def _clock() -> KioskClock:
    hands = Hands()
    return KioskClock(now=hands, monotonic=time.monotonic, boot=BOOT, state=lambda: "synced")


def _held_up(id: UUID, size: tuple[int, int], chance: np.random.Generator) -> Image:
    """Draw a badge, a bit turned, before a room."""
    made = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    made.add_data(badge.issue(Badge(id=id, key_id=1, issued_at=NINE), BADGE_KEY))
    modules = np.asarray(made.get_matrix(), bool)
    width, height = size
    middle, scale = len(modules) / 2, height * 0.45 / len(modules)
    turn = np.asarray(cv2.getRotationMatrix2D((middle, middle), float(chance.uniform(-25, 25)), scale), np.float64)
    turn[:, 2] += np.array([width, height]) * chance.uniform(0.42, 0.58, 2) - middle
    card = np.where(modules, 25, 235).astype(np.uint8)
    drawn = cv2.warpAffine(card, turn, size, flags=cv2.INTER_AREA, borderValue=0)
    solid = cv2.warpAffine(np.full_like(card, 255), turn, size, flags=cv2.INTER_AREA, borderValue=0)[..., None] / 255
    ground = cv2.resize(a_room(chance), size, interpolation=cv2.INTER_AREA)
    seen = drawn[..., None] * solid + ground * (1 - solid) + chance.normal(0, 3, (height, width, 3))
    return np.clip(seen, 0, 255).astype(np.uint8)


def _spread(
    name: str, waited: Sequence[float], target: Target, spent: dict[str, float], note: str
) -> Iterator[Measured]:
    for share in (0.5, 0.95):
        value = waited[math.ceil(len(waited) * share) - 1]
        yield Measured(
            name=f"{name}, p{share * 100:.0f}", n=len(waited), value=value, unit="ms",
            target=target if share == 0.95 else None, cpu_seconds=spent, note=note,
        )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(watch_memory(int(sys.argv[1]))))
