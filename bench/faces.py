"""Measures what watching people costs, beside the loop that looks for every face in every frame and encodes it."""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import face_recognition
import numpy as np

from bench.machine import spending
from bench.measured import RUNS, Measured, Target
from bench.stage import Stage
from kiosk.faces.liveness import Guide
from kiosk.look import Look
from kiosk.picture import Image
from kiosk.source import Frame
from tests.kiosk.face_actors import PACE, Genuine
from tests.kiosk.face_proof import PEOPLE, engine, gallery

FRAMES = 30
SHARE = Target("at most", 0.3)


def measure(stage: Stage) -> Iterator[Measured]:
    """Watch one person arrive, be recognised and be asked to turn; and without the challenge."""
    frames = _filmed(stage.sized(FRAMES, least=3))
    with stage.bar("faces", 2 * (RUNS + 1)) as moved:
        for challenge in (True, False):
            with spending() as spent:
                values = tuple(_share(frames, challenge=challenge, moved=moved) for _ in range(RUNS + 1))[1:]
            yield Measured(
                name=f"faces: CPU {'with' if challenge else 'without'} a challenge, of the plain loop's",
                n=len(frames), value=median(values), unit="x", values=values, target=SHARE, cpu_seconds=spent,
                note="frames of 640 x 480, 10 per second; plain: face_locations and face_encodings of each",
            )  # fmt: skip


def _filmed(frames: int) -> Sequence[Image]:
    """Film a person who comes, stands and turns; the signs are timed as the kiosk shows them."""
    actor = Genuine("astronaut", np.random.default_rng(3))
    signs: tuple[Guide, Guide] = ("look_here", "turn_left")
    return [actor.frame(number * PACE, signs[number >= FRAMES // 2]) for number in range(frames)]


def _share(frames: Sequence[Image], *, challenge: bool, moved: Callable[[int], None]) -> float:
    look = Look(engine(), gallery(), challenge=challenge, luck=lambda: 0.5)
    moved(1)
    return _cpu(lambda: _watch(look, frames)) / _cpu(lambda: _plain(frames))


def _watch(look: Look, frames: Sequence[Image]) -> None:
    for number, frame in enumerate(frames):
        look.see(Frame(image=frame, number=number), frozenset(PEOPLE), at=number * PACE)


def _plain(frames: Sequence[Image]) -> None:
    for frame in frames:
        rgb = np.ascontiguousarray(frame[:, :, ::-1])
        face_recognition.face_encodings(rgb, face_recognition.face_locations(rgb))


def _cpu(act: Callable[[], None]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun
