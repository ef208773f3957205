"""A line-up: the templates of some people in one block, who among them a face is, and who of them look alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kiosk.faces.engine import ENCODING_LENGTH, Encoding

THRESHOLD = 0.45
MARGIN = 0.05

TILE = 64
"""Templates that are multiplied at once: up to here the linear algebra stays on one core. Past it a busy machine, and
a kiosk that encodes faces is one, waits hundred times as long for its cores to meet as they calculate."""
ROWS = 256
"""Templates that are compared with all others at once: 30,000 times as many distances take 30 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One person is near enough, and nobody else is nearly as near."""

    learner_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Somebody is near enough, but somebody else is almost as near, or their look-alike: ask for a badge."""

    learner_ids: tuple[str, str]
    distances: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No person is near enough; the distance is that of the nearest, if there is one."""

    distance: float | None = None


Answer: TypeAlias = Match | Unsure | Nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAlikes:
    """Two people whose nearest templates are this far apart."""

    learner_ids: tuple[str, str]
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """For each template of a line-up the nearest one of anybody else."""

    people: NDArray[np.intp]
    distances: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class LineUp:
    """Some people, and their templates one person after the other."""

    people: tuple[str, ...] = ()
    count: int = 0
    tiles: Encoding = field(default_factory=lambda: _tiled(0))
    starts: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    nearest: dict[int, tuple[int, float]] = field(default_factory=dict)
    """What was found so far: to whom a person is nearest, by number, and how near."""

    @cached_property
    def block(self) -> Encoding:
        """All templates, one below the other."""
        return self.tiles.reshape(-1, ENCODING_LENGTH)[: self.count]

    @cached_property
    def squares(self) -> Encoding:
        """Each template's length, squared."""
        return np.asarray(np.sum(self.block**2, axis=1), np.float32)

    @cached_property
    def owners(self) -> NDArray[np.intp]:
        """Each template's person, by number."""
        counts = np.diff([*self.starts, len(self.block)])
        return np.repeat(np.arange(len(self.people)), counts)

    def distances(self, encoding: Encoding) -> NDArray[np.float32]:
        """Measure how far each person's nearest template is from the encoding."""
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab: products instead of a difference per template.
        products = (self.tiles @ encoding).reshape(-1)[: self.count]
        apart = self.squares - 2 * products + encoding @ encoding
        return np.asarray(np.sqrt(np.maximum(np.minimum.reduceat(apart, self.starts), 0)), np.float32)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Whom each template is nearest to, of everybody else; nobody is infinitely far away."""
        people, nearest = np.zeros(len(self.block), np.intp), np.full(len(self.block), np.inf, np.float32)
        if len(self.people) > 1:
            for begin, apart in self._blocks():
                rows = slice(begin, begin + len(apart))
                columns = np.argmin(apart, axis=1)
                people[rows] = self.owners[columns]
                nearest[rows] = np.sqrt(np.maximum(apart[np.arange(len(apart)), columns] + self.squares[rows], 0))
        return Neighbours(people=people, distances=nearest)

    def look_alikes(self, within: float) -> list[LookAlikes]:
        """Tell everybody who is nearer than this to somebody else, each with the one they are nearest to."""
        # Per person and not per pair: were everybody alike, there would be millions of pairs.
        found = {alike.learner_ids: alike for alike in map(self._nearest_to, range(len(self.people)))}
        near = (alike for alike in found.values() if alike.distance < within)
        return sorted(near, key=lambda alike: (alike.distance, alike.learner_ids))

    def look_alike_of(self, person: int, within: float) -> int | None:
        """Find who is nearest to a person, by number, if nearer than this."""
        # Only of who stands at the door: to compare everybody with everybody would keep thousands of people waiting.
        if person not in self.nearest:
            self.nearest[person] = self._nearest(person)
        other, distance = self.nearest[person]
        return other if distance < within else None

    def _nearest(self, person: int) -> tuple[int, float]:
        rows = self._rows(person)
        apart = self.squares[rows, None] + self.squares - 2 * (self.block[rows] @ self.block.T)
        apart[:, rows] = np.inf
        column = int(np.argmin(apart.min(axis=0)))
        return int(self.owners[column]), float(np.sqrt(max(0.0, float(apart[:, column].min()))))

    def _nearest_to(self, person: int) -> LookAlikes:
        row = self._nearest_row(person)
        one, two = sorted((self.people[person], self.people[self.neighbours.people[row]]))
        return LookAlikes(learner_ids=(one, two), distance=float(self.neighbours.distances[row]))

    def _nearest_row(self, person: int) -> int:
        rows = self._rows(person)
        return int(rows.start + np.argmin(self.neighbours.distances[rows]))

    def _rows(self, person: int) -> slice:
        end = self.starts[person + 1] if person + 1 < len(self.starts) else len(self.block)
        return slice(int(self.starts[person]), int(end))

    def _blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Compare some templates at a time with all others; the squares of the rows are left for later to add."""
        columns = np.concatenate([self.block, self.squares[:, None]], axis=1).T
        for begin in range(0, len(self.block), ROWS):
            rows = self.block[begin : begin + ROWS]
            apart = np.concatenate([-2 * rows, np.ones((len(rows), 1), np.float32)], axis=1) @ columns
            for row, owner in enumerate(self.owners[begin : begin + ROWS]):
                apart[row, self._rows(int(owner))] = np.inf
            yield begin, apart


def lined_up(templates: Mapping[str, Encoding]) -> LineUp:
    """Put people in a line-up, each with one template or more."""
    people = tuple(sorted(templates))
    if not people:
        return LineUp()
    blocks = [templates[learner_id] for learner_id in people]
    *starts, count = np.cumsum([0, *map(len, blocks)])
    tiles = _tiled(count)
    np.concatenate(blocks, out=tiles.reshape(-1, ENCODING_LENGTH)[:count])
    return LineUp(people=people, count=int(count), tiles=tiles, starts=np.array(starts))


def _tiled(count: int) -> Encoding:
    return np.zeros((-(-count // TILE), TILE, ENCODING_LENGTH), np.float32)


def judged(line_up: LineUp, encoding: Encoding, *, threshold: float, margin: float) -> Answer:
    """Say who among the people of a line-up this is; both bounds are inclusive."""
    if not line_up.people or not np.isfinite(encoding).all():
        return Nobody()
    distances = line_up.distances(np.asarray(encoding, np.float32))
    best = int(np.argmin(distances))
    nearest = float(distances[best])
    if nearest > threshold:
        return Nobody(distance=nearest)
    rival = _rival(line_up, distances, best, threshold=threshold, margin=margin)
    if rival is None:
        return Match(learner_id=line_up.people[best], distance=nearest)
    pair = line_up.people[best], line_up.people[rival]
    return Unsure(learner_ids=pair, distances=(nearest, float(distances[rival])))


def _rival(
    line_up: LineUp, distances: NDArray[np.float32], best: int, *, threshold: float, margin: float
) -> int | None:
    """Find who else it may be: the second-best if almost as near, or a look-alike however far this time."""
    if len(distances) > 1:
        second = _second(distances, best)
        if float(distances[second]) - float(distances[best]) < margin:
            return second
    return line_up.look_alike_of(best, threshold + margin)


def _second(distances: NDArray[np.float32], best: int) -> int:
    others = distances.copy()
    others[best] = np.inf
    return int(np.argmin(others))
