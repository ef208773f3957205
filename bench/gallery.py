"""Measures the gallery: who among so many a face is, beside `face_recognition.face_distance` on the same templates."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import spending
from bench.measured import RUNS, Measured, Target, ratio, timed
from bench.stage import Stage
from kiosk.faces.engine import installed_recognition
from kiosk.faces.gallery import MARGIN, THRESHOLD, Gallery, Match
from kiosk.faces.line_up import lined_up

SIZES = (200, 10_000, 100_000)
SPREAD = 0.1
"""Of each number of a template: about that of real ones."""
TARGETS = {10_000: Target("at most", 0.3)}
KEY = bytes(32)
EACH = 3
"""Templates of a person, where people are counted."""

Block = NDArray[np.floating[Any]]


def measure(stage: Stage) -> Iterator[Measured]:
    """Match among more and more people, and do what is done once: look for look-alikes, open the file."""
    for full in SIZES:
        yield from _matching(stage.sized(full, least=20))
    people = stage.sized(10_000, least=20)
    yield _look_alikes(people)
    yield _opening(people)


def _matching(n: int) -> Iterator[Measured]:
    block = _templates(n)
    gallery = Gallery(None, KEY)
    for number, template in enumerate(block):
        gallery.enrol(f"p{number}", [template], consent="consent-1")
    among, face = gallery.people(), block[n // 2] + np.float32(0.01)

    def ours() -> None:
        answer = gallery.match(face, among)
        if not isinstance(answer, Match) or answer.learner_id != f"p{n // 2}":
            raise AssertionError(f"the wrong answer: {answer}")

    recognition = installed_recognition()
    yield from _beside(n, ours, _plainly(recognition.face_distance, block, face) if recognition else None)


def _plainly(face_distance: Callable[[Block, Block], Block], block: Block, face: Block) -> Callable[[], None]:
    """Do the same as its users do with face_recognition."""
    wide = block.astype(np.float64)  # as face_recognition itself gives them

    def match() -> None:
        distances = face_distance(wide, face)
        best = int(np.argmin(distances))
        margin = np.partition(distances, 1)[1] - distances[best]
        if best != len(block) // 2 or distances[best] > THRESHOLD or margin < MARGIN:
            raise AssertionError("the wrong answer")

    return match


def _beside(n: int, ours: Callable[[], None], theirs: Callable[[], None] | None) -> Iterator[Measured]:
    turn = max(20, 2_000_000 // n)
    ours()
    with spending() as spent:
        # Each one for itself: on a busy machine a mean would be that of whoever else is at work.
        values = tuple(median(1000 * timed(ours) for _ in range(turn)) for _ in range(RUNS))
    yield Measured(
        name=f"faces: one among {n:,} templates", n=n, value=median(values), unit="ms", values=values,
        target=TARGETS.get(n), cpu_seconds=spent, note=f"each run is the median of {turn:,}",
    )  # fmt: skip
    if theirs is None:
        return
    value, values = ratio(theirs, ours, turn=max(3, turn // 10))
    yield Measured(
        name=f"faces: one among {n:,}, against face_distance", n=n, value=value, unit="x", values=values,
        note=f"face_distance takes {1000 * timed(theirs):.3g} ms",
    )  # fmt: skip


def _look_alikes(people: int) -> Measured:
    crowd = {f"p{number}": block for number, block in enumerate(_templates(people * EACH).reshape(people, EACH, 128))}
    values = tuple(timed(lambda: lined_up(crowd).look_alikes(THRESHOLD + MARGIN)) for _ in range(RUNS))
    name = f"faces: all look-alikes of {people:,} people, {EACH} templates each"
    return Measured(name=name, n=people, value=median(values), unit="s", values=values)


def _opening(people: int) -> Measured:
    with TemporaryDirectory(prefix="tandem-bench-") as folder:
        path = Path(folder) / "gallery.db"
        with closing(Gallery(path, KEY)) as gallery:
            gallery._db.execute("BEGIN")
            for number, templates in enumerate(_templates(people * EACH).reshape(people, EACH, 128)):
                gallery.enrol(f"p{number}", list(templates), consent="consent-1")
            gallery._db.execute("COMMIT")
        values = tuple(timed(lambda: Gallery(path, KEY).close()) for _ in range(RUNS))
    name = f"faces: open the file of {people:,} people, {EACH} templates each"
    return Measured(name=name, n=people, value=median(values), unit="s", values=values)


def _templates(n: int) -> Block:
    return np.random.default_rng(1).normal(0, SPREAD, (n, 128)).astype(np.float32)
