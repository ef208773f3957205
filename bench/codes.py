"""Measures the reading of badges: one condition at a time, beside one pass of zxing-cpp and OpenCV's detectors."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import cv2
import numpy as np
from rich.table import Table

from bench.measured import Measured, Target
from bench.stage import Stage
from kiosk.picture import Image
from kiosk.qr.codes import Reader
from kiosk.qr.decoder import by_zxing
from tests.kiosk.code_scenes import CONDITIONS, SEED, scene

FULL = 200
EMPTY = "empty"
OURS, ONE_PASS, OPENCV = "ours", "one zxing-cpp pass", ("QRCodeDetector", "QRCodeDetectorAruco")
MEDIAN, SLOW = Target("at most", 5), Target("at most", 15)


@dataclass(frozen=True, slots=True)
class Tally:
    """What one reader made of the frames of one condition."""

    read: list[bool] = field(default_factory=list)
    """Frame by frame: every badge, and nothing else."""
    milliseconds: list[float] = field(default_factory=list)
    """Of a core."""
    waited: list[float] = field(default_factory=list)
    """By the clock on the wall, beside whatever else the machine does."""
    extra: list[int] = field(default_factory=list)


Tallies = Mapping[str, Mapping[str, Tally]]


def measure(stage: Stage) -> Iterator[Measured]:
    """Read the same frames with every reader; each frame is the first that a reader sees."""
    n, tallies = stage.sized(FULL), dict[str, Mapping[str, Tally]]()
    with stage.bar("QR codes", n * len(CONDITIONS)) as moved:
        for condition in CONDITIONS:
            tallies[condition] = {name: Tally() for name in (OURS, *READERS)}
            for number in range(n):
                _read(condition, number, tallies[condition])
                moved(1)
            yield _rate(condition, tallies[condition], n)
    stage.progress.console.print(_table(tallies, n), width=120, crop=False)
    yield _all_together(tallies)
    yield from _times(tallies)


def _read(condition: str, number: int, tallies: Mapping[str, Tally]) -> None:
    drawn, ours = scene(condition, number), Reader()
    readers = {OURS: lambda image: {code.text for code in ours.read(image)}, **READERS}
    for name, read in readers.items():
        tally, begun, spent = tallies[name], time.perf_counter(), time.process_time()
        texts = read(drawn.image)
        tally.milliseconds.append((time.process_time() - spent) * 1000)
        tally.waited.append((time.perf_counter() - begun) * 1000)
        tally.read.append(texts == drawn.badges)
    tallies[OURS].extra.append(ours.spent)


def _one_pass(image: Image) -> set[str]:
    found, _ = by_zxing(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8))
    return {code.text for code in found}


def _opencv(detector: "cv2.QRCodeDetector | cv2.QRCodeDetectorAruco") -> Callable[[Image], set[str]]:
    def read(image: Image) -> set[str]:
        try:
            found, texts, _, _ = detector.detectAndDecodeMulti(image)
        except (cv2.error, UnicodeDecodeError):  # on some frames they give up
            return set()
        return {text for text in texts if text} if found else set()

    return read


READERS: Mapping[str, Callable[[Image], set[str]]] = {
    ONE_PASS: _one_pass,
    OPENCV[0]: _opencv(cv2.QRCodeDetector()),
    OPENCV[1]: _opencv(cv2.QRCodeDetectorAruco()),
}


def _rate(condition: str, by_reader: Mapping[str, Tally], n: int) -> Measured:
    rates = {name: 100 * sum(tally.read) / n for name, tally in by_reader.items()}
    others = ", ".join(f"{name} {rates[name]:g} %" for name in READERS)
    return Measured(
        name=f"QR, {condition}: frames read rightly", n=n, value=rates[OURS], unit="%",
        target=Target("at least", max(rates[name] for name in OPENCV)), note=f"{others}; seed {SEED}",
    )  # fmt: skip


def _all_together(tallies: Tallies) -> Measured:
    with_code = [by_reader for condition, by_reader in tallies.items() if condition != EMPTY]
    ours, one_pass = (
        list(chain.from_iterable(by_reader[name].read for by_reader in with_code)) for name in (OURS, ONE_PASS)
    )
    lost = sum(first and not second for first, second in zip(one_pass, ours, strict=True))
    return Measured(
        name="QR, all together: frames read beyond one zxing-cpp pass", n=len(ours), value=sum(ours) - sum(one_pass),
        unit="frames", target=Target("at least", 1),
        note=f"ours {sum(ours)}, one zxing-cpp pass {sum(one_pass)}, of these not read by ours: {lost}",
    )  # fmt: skip


def _times(tallies: Tallies) -> Iterator[Measured]:
    ours = {condition: by_reader[OURS] for condition, by_reader in tallies.items()}
    with_code = [tally for condition, tally in ours.items() if condition != EMPTY]
    spent = list(chain.from_iterable(tally.milliseconds for tally in with_code))
    waited = list(chain.from_iterable(tally.waited for tally in with_code))
    yield Measured(
        name="QR, frames with a code: median", n=len(spent), value=float(np.median(spent)), unit="ms of a core",
        target=MEDIAN, note=f"p95 {_p95(spent):.1f} ms; by the clock {np.median(waited):.1f} and {_p95(waited):.1f} ms",
    )  # fmt: skip
    empty = ours[EMPTY]
    yield Measured(
        name="QR, frames without a code: p95", n=len(empty.read), value=_p95(empty.milliseconds), unit="ms of a core",
        target=SLOW, note=f"median {np.median(empty.milliseconds):.1f} ms; by the clock {np.median(empty.waited):.1f} "
        f"and {_p95(empty.waited):.1f} ms; {np.count_nonzero(empty.extra)} frames took extra passes",
    )  # fmt: skip


def _table(tallies: Tallies, n: int) -> Table:
    head = ("condition", "ours", ONE_PASS, "OpenCV's best", "median ms", "p95 ms", "zxing ms", "OpenCV ms", "extra")
    table = Table(*head, title=f"QR codes: frames read rightly, of {n} each (seed {SEED}); ms of a core")
    for condition, by_reader in tallies.items():
        ours = by_reader[OURS]
        rates = {name: 100 * sum(tally.read) / n for name, tally in by_reader.items()}
        best = max(OPENCV, key=rates.__getitem__)
        medians = {name: np.median(tally.milliseconds) for name, tally in by_reader.items()}
        table.add_row(
            condition, f"{rates[OURS]:g} %", f"{rates[ONE_PASS]:g} %", f"{rates[best]:g} %", f"{medians[OURS]:.1f}",
            f"{_p95(ours.milliseconds):.1f}", f"{medians[ONE_PASS]:.1f}", f"{medians[best]:.1f}",
            f"{np.mean(ours.extra):.1f}",
        )  # fmt: skip
    return table


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))
