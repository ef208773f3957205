"""The faces this kiosk knows: templates in memory for matching, sealed on disk, never a picture."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from numpy.typing import NDArray

from kiosk.faces import ENCODING_LENGTH, Encoding

THRESHOLD = 0.45
MARGIN = 0.05

# A forgotten template must not stay readable in free pages or in a log beside the file: both settings see to that.
PRAGMAS = ("secure_delete=ON", "journal_mode=DELETE", "synchronous=FULL")
SCHEMA = "CREATE TABLE IF NOT EXISTS templates (learner_id TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID"


class GalleryLocked(Exception):
    """The stored faces cannot be opened with this kiosk's key: enrol again after removing gallery.db."""

    def __str__(self) -> str:
        return type(self).__doc__ or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One person is near enough, and nobody else is nearly as near."""

    learner_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Somebody is near enough, and somebody else is almost as near."""

    learner_ids: tuple[str, str]
    distances: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """No person is near enough; the distance is that of the nearest, if there is one."""

    distance: float | None = None


Answer: TypeAlias = Match | Unsure | Nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class _LineUp:
    """The templates of some people in one block, person after person."""

    among: Collection[str] = frozenset()
    people: tuple[str, ...] = ()
    block: Encoding = field(default_factory=lambda: np.zeros((0, ENCODING_LENGTH), np.float32))
    squares: Encoding = field(default_factory=lambda: np.zeros(0, np.float32))  # each template's length, squared
    starts: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    def distances(self, encoding: Encoding) -> NDArray[np.float32]:
        """Measure how far each person's nearest template is from the encoding."""
        # |a - b|^2 = |a|^2 + |b|^2 - 2ab: one product instead of a difference per template.
        apart = self.squares - 2 * (self.block @ encoding) + encoding @ encoding
        return np.sqrt(np.maximum(np.minimum.reduceat(apart, self.starts), 0))


class Gallery:
    """The enrolled people; `path` None keeps them in memory only."""

    def __init__(self, path: Path | None, key: bytes) -> None:
        self._box = SecretBox(key)
        self._lock = Lock()  # the loop matches while the screen's thread enrols
        self._line_up = _LineUp()
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._templates = self._open_all()
        except (sqlite3.DatabaseError, CryptoError):
            self._db.close()
            raise GalleryLocked from None

    def people(self) -> frozenset[str]:
        return frozenset(self._templates)

    def enrol(self, learner_id: str, encodings: Sequence[Encoding], *, consent: str) -> None:
        """Keep a person's templates in place of earlier ones; `consent` is the id of the recorded consent."""
        if not consent.strip():
            raise ValueError("nobody is enrolled without a recorded consent")
        templates = _checked(encodings)
        sealed = self._box.encrypt(_packed(learner_id, consent, templates))
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO templates VALUES (?, ?)", (learner_id, sealed))
            self._templates = {**self._templates, learner_id: templates}
            self._line_up = _LineUp()

    def forget(self, learner_id: str) -> None:
        """Remove a person from memory at once and from the disk; it is no error when there was nothing."""
        with self._lock:
            self._templates = {known: kept for known, kept in self._templates.items() if known != learner_id}
            self._line_up = _LineUp()
            self._db.execute("DELETE FROM templates WHERE learner_id = ?", (learner_id,))

    def match(
        self, encoding: Encoding, among: Collection[str], *, threshold: float = THRESHOLD, margin: float = MARGIN
    ) -> Answer:
        """Say whose face this is among the given people; both bounds are inclusive."""
        line_up = self._lined_up(among)
        if not line_up.people:
            return Nobody()
        distances = line_up.distances(np.asarray(encoding, np.float32))
        return _judged(line_up.people, distances, threshold=threshold, margin=margin)

    def close(self) -> None:
        self._db.close()

    def _lined_up(self, among: Collection[str]) -> _LineUp:
        """Build the block for these people, or take the last one: a roster stays the same for hours."""
        with self._lock:
            if self._line_up.among is not among or not isinstance(among, frozenset):
                self._line_up = _lined_up(self._templates, among)
            return self._line_up

    def _open_all(self) -> dict[str, Encoding]:
        for pragma in PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(SCHEMA)
        rows: Iterable[tuple[str, bytes]] = self._db.execute("SELECT learner_id, sealed FROM templates")
        return {learner_id: self._opened(learner_id, sealed) for learner_id, sealed in rows}

    def _opened(self, learner_id: str, sealed: bytes) -> Encoding:
        owner, templates = _unpacked(self._box.decrypt(sealed))
        # The id stands inside the seal as well, so that nobody can lend a face to another id.
        if owner != learner_id:
            raise CryptoError
        return templates


def _lined_up(templates: Mapping[str, Encoding], among: Collection[str]) -> _LineUp:
    people = tuple(sorted(templates.keys() & among))
    if not people:
        return _LineUp(among=among)
    blocks = [templates[learner_id] for learner_id in people]
    block = np.concatenate(blocks)
    starts = np.cumsum([0, *(len(one) for one in blocks[:-1])])
    return _LineUp(among=among, people=people, block=block, squares=np.sum(block**2, axis=1), starts=starts)


def _judged(people: Sequence[str], distances: NDArray[np.float32], *, threshold: float, margin: float) -> Answer:
    best = int(np.argmin(distances))
    nearest = float(distances[best])
    if nearest > threshold:
        return Nobody(distance=nearest)
    others = np.delete(distances, best)
    if others.size and float(others.min()) - nearest < margin:
        second = int(np.argmin(others))
        rival = people[second + (second >= best)]
        return Unsure(learner_ids=(people[best], rival), distances=(nearest, float(others[second])))
    return Match(learner_id=people[best], distance=nearest)


def _checked(encodings: Sequence[Encoding]) -> Encoding:
    templates = np.asarray(encodings, np.float32)
    if templates.ndim != 2 or templates.shape[1] != ENCODING_LENGTH or not len(templates):
        raise ValueError(f"a template has {ENCODING_LENGTH} numbers, and at least one is needed")
    if not np.isfinite(templates).all():
        raise ValueError("a template holds numbers only")
    return templates


def _packed(learner_id: str, consent: str, templates: Encoding) -> bytes:
    header = json.dumps({"learner_id": learner_id, "consent": consent})
    return header.encode() + b"\n" + templates.astype("<f4").tobytes()


def _unpacked(packed: bytes) -> tuple[str, Encoding]:
    header, _, numbers = packed.partition(b"\n")
    templates = np.frombuffer(numbers, "<f4").reshape(-1, ENCODING_LENGTH)
    return str(json.loads(header)["learner_id"]), templates.astype(np.float32)
