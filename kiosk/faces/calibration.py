"""How well a site's own faces tell its people apart: errors by threshold, with their uncertainty, and what follows."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kiosk.faces.engine import Encoding
from kiosk.faces.line_up import MARGIN, ROWS, THRESHOLD, LineUp, lined_up

THRESHOLDS = tuple(hundredths / 100 for hundredths in range(30, 61))
MARGINS = tuple(hundredths / 100 for hundredths in range(31))
Z = 1.96
"""Of 95 %."""

Counts: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many errors of n; the interval is that of 95 %."""

    errors: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        return self.errors / self.n if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a threshold does: strangers let in (FMR), and people sent away (FNMR)."""

    threshold: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was compared."""

    people: int
    templates: int
    points: tuple[Point, ...]
    own: NDArray[np.float32]
    """Of each template with a second one of the same person: the distance to the nearest of those."""
    rival: NDArray[np.float32]
    """And of the same templates: to the nearest of anybody else."""
    rivals: NDArray[np.float32]
    """Of each person: the distance to the nearest of anybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a site wants: of so many strangers' looks this part may be taken for one of `size` people."""

    false_matches: float = 0.01
    size: int | None = None
    """None: as many people as were measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to set, and what it will do; no threshold where too little is known, or none is good enough."""

    size: int
    wanted: float
    needed_fmr: float
    """Per comparison of two templates, so that the wish comes true: 1 - (1 - FMR)^N, N templates."""
    needed_pairs: int
    """Of different people, without one error, to show as much."""
    verdict: Literal["enough", "too_few_pairs", "too_alike"]
    threshold: float | None = None
    margin: float | None = None
    strangers: float | None = None
    """The part of a stranger's looks that are taken for somebody, at the upper end of the interval."""
    mistaken: Rate | None = None
    """Pictures of known people that would be taken for somebody else, were it not for the lists of look-alikes."""
    asked: Rate | None = None
    """Pictures of known people that would be asked for a badge."""
    look_alikes: int | None = None
    """People who would always be asked for a badge, because somebody looks so much like them."""


def measure(templates: Mapping[str, Encoding], told: Callable[[int], None] = lambda _: None) -> Measured:
    """Compare everybody with everybody; `told` hears of the templates that are done."""
    line_up = lined_up(templates)
    false_matches, others = _impostors(line_up, told)
    missed, own_pairs = _genuine(templates.values())
    own = _own(line_up)
    nearest = line_up.neighbours.distances
    return Measured(
        people=len(templates),
        templates=len(line_up.block),
        points=tuple(
            Point(threshold=threshold, fmr=rate(int(wrong), others), fnmr=rate(int(missing), own_pairs))
            for threshold, wrong, missing in zip(THRESHOLDS, false_matches, missed, strict=True)
        ),
        own=own[np.isfinite(own)],
        rival=nearest[np.isfinite(own)],
        rivals=np.minimum.reduceat(nearest, line_up.starts) if len(nearest) else nearest,
    )


def rate(errors: int, n: int) -> Rate:
    """Say how sure a count of errors is: Wilson's interval, but the rule of three where there was none, or no other."""
    if not n:
        return Rate(errors=0, n=0, low=0.0, high=1.0)
    three = min(1.0, 3 / n)
    part, room = errors / n, Z**2 / n
    middle, half = part + room / 2, Z * math.sqrt(part * (1 - part) / n + room / (4 * n))
    low = 0.0 if errors == 0 else max(0.0, (middle - half) / (1 + room))
    high = 1.0 if errors == n else min(1.0, (middle + half) / (1 + room))
    return Rate(errors=errors, n=n, low=1 - three if errors == n else low, high=three if errors == 0 else high)


def propose(measured: Measured, wish: Wish) -> Proposal:
    """Choose a threshold that keeps the wish even at the upper end of its interval, and a margin for it."""
    size = wish.size or measured.people
    compared = max(1, math.ceil(size * measured.templates / max(1, measured.people)))
    needed = -math.expm1(math.log1p(-wish.false_matches) / compared)
    good = [point for point in measured.points if point.fmr.high <= needed]
    least = measured.points[0].fmr
    short = Proposal(
        size=size, wanted=wish.false_matches, needed_fmr=needed, needed_pairs=math.ceil(3 / needed),
        verdict="too_alike" if least.errors and least.n >= 3 / needed else "too_few_pairs",
    )  # fmt: skip
    return _proposal(short, measured, _best(good), compared) if good else short


def _best(good: Sequence[Point]) -> Point:
    """Leave the usual threshold as it is, unless it lets too many in, or a wider one sends fewer people away."""
    missed = [point.fnmr.errors for point in good]
    widening_ends = missed.index(min(missed))
    usual = sum(point.threshold < THRESHOLD for point in good)
    return good[min(max(usual, widening_ends), len(good) - 1)]


def _proposal(short: Proposal, measured: Measured, point: Point, compared: int) -> Proposal:
    margin = _margin(measured, point.threshold)
    own, rival = measured.own, measured.rival
    mistaken = _mistaken(measured, point.threshold, margin)
    asked = (np.minimum(own, rival) > point.threshold) | (np.abs(rival - own) < margin)
    return Proposal(
        size=short.size,
        wanted=short.wanted,
        needed_fmr=short.needed_fmr,
        needed_pairs=short.needed_pairs,
        verdict="enough",
        threshold=point.threshold,
        margin=margin,
        strangers=-math.expm1(math.log1p(-point.fmr.high) * compared),
        mistaken=rate(mistaken, len(own)),
        asked=rate(int(asked.sum()), len(own)),
        look_alikes=int((measured.rivals < point.threshold + margin).sum()),
    )


def _margin(measured: Measured, threshold: float) -> float:
    """Choose the least margin with which nobody is taken for somebody else, but not less than the usual one."""
    enough = (margin for margin in MARGINS if margin >= MARGIN and not _mistaken(measured, threshold, margin))
    return next(enough, MARGINS[-1])


def _mistaken(measured: Measured, threshold: float, margin: float) -> int:
    wrong = (measured.rival <= threshold) & (measured.own - measured.rival >= margin)
    return int((wrong & (measured.own > measured.rival)).sum())


def _impostors(line_up: LineUp, told: Callable[[int], None]) -> tuple[Counts, int]:
    """Count the pairs of different people's templates up to each threshold, and all of them."""
    counts, compared = np.zeros(len(THRESHOLDS), np.int64), 0
    for begin in range(0, len(line_up.block), ROWS):
        rows = slice(begin, begin + ROWS)
        apart = _apart(line_up.block[rows], line_up.block[begin:])
        # People stand one after the other, so this is each pair once, and none of one person's.
        different = line_up.owners[begin:] > line_up.owners[rows, None]
        near = apart[different & (apart <= THRESHOLDS[-1])]
        counts += np.searchsorted(np.sort(near), THRESHOLDS, side="right")
        compared += int(different.sum())
        told(len(apart))
    return counts, compared


def _genuine(people: Iterable[Encoding]) -> tuple[Counts, int]:
    """Count the pairs of one person's templates beyond each threshold, and all of them."""
    counts, compared = np.zeros(len(THRESHOLDS), np.int64), 0
    for block in people:
        pairs = _apart(block, block)[np.triu_indices(len(block), k=1)]
        counts += len(pairs) - np.searchsorted(np.sort(pairs), THRESHOLDS, side="right")
        compared += len(pairs)
    return counts, compared


def _own(line_up: LineUp) -> NDArray[np.float32]:
    """Measure how far each template is from the nearest other one of its person; infinitely, if there is none."""
    nearest = np.full(len(line_up.block), np.inf, np.float32)
    for begin, end in pairwise([*line_up.starts, len(line_up.block)]):
        if end - begin > 1:
            apart = _apart(line_up.block[begin:end], line_up.block[begin:end])
            np.fill_diagonal(apart, np.inf)
            nearest[begin:end] = apart.min(axis=1)
    return nearest


def _apart(rows: Encoding, columns: Encoding) -> NDArray[np.float32]:
    squares = np.sum(rows**2, axis=1)[:, None] + np.sum(columns**2, axis=1)
    return np.asarray(np.sqrt(np.maximum(squares - 2 * rows @ columns.T, 0)), np.float32)
