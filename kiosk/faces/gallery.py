"""The faces this kiosk knows: templates in memory for matching, sealed on disk, never a picture."""

import json
import logging
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

import numpy as np
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from kiosk.clock import Clock
from kiosk.faces.engine import ENCODING_LENGTH, Encoding
from kiosk.faces.line_up import MARGIN, THRESHOLD, Answer, LineUp, LookAlikes, Match, Nobody, Unsure, judged, lined_up

__all__ = ["MARGIN", "THRESHOLD", "Answer", "Gallery", "GalleryLocked", "LookAlikes", "Match", "Nobody", "Unsure"]

log = logging.getLogger(__name__)

FILE = "gallery.db"
LEASE = timedelta(hours=24)
"""Without a word from the gateway for so long, everybody is forgotten."""
FIRST_ENGINE = "dlib"
"""Of templates that do not say which engine has made them."""
LITTLE = timedelta(hours=1)
"""A lease that would grow by less than this is not written again: the gateway is asked every minute."""

# A forgotten template must not stay readable in free pages or in a log beside the file: both settings see to that.
PRAGMAS = ("secure_delete=ON", "journal_mode=DELETE", "synchronous=FULL")
SCHEMA = """
CREATE TABLE IF NOT EXISTS templates (learner_id TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease (only INTEGER PRIMARY KEY CHECK (only = 1), until TEXT NOT NULL);
"""


BROKEN = (sqlite3.Error, CryptoError, KeyError, ValueError)
"""What a file comes to that somebody has changed, or a disk that has failed."""


class GalleryLocked(Exception):
    """The stored faces cannot be opened with this kiosk's key: enrol again after removing gallery.db."""

    def __str__(self) -> str:
        return type(self).__doc__ or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """One person's templates, as they are on the disk."""

    nonce: bytes  # of the seal; another one is another enrolment
    consent: str
    engine: str
    templates: Encoding


class Gallery:
    """The enrolled people; `path` None keeps them in memory only, and without a clock there is no lease.

    Templates that another engine than the named one has made are kept, but match nobody.
    """

    def __init__(self, path: Path | None, key: bytes, *, now: Clock | None = None, engine: str = FIRST_ENGINE) -> None:
        self._box, self._now, self._engine = SecretBox(key), now, engine
        self._lock = Lock()  # the loop matches while the screen's thread enrols
        self._kept: dict[str, _Kept] = {}
        self._to_delete: frozenset[str] = frozenset()  # forgotten, but perhaps still on the disk
        self._until: datetime | None = None
        self._version: int | None = None
        self._is_failing = False
        self._line_up = LineUp()
        self._among: Collection[str] | None = None  # who is lined up; None where that may have changed
        self._db = _opened(path)
        try:
            self._open_all()
        except BROKEN:
            self._db.close()
            raise GalleryLocked from None

    def people(self) -> frozenset[str]:
        return frozenset(self.consents())

    def consents(self) -> Mapping[str, str]:
        """Say under which recorded consent each person was enrolled."""
        with self._lock:
            return {learner_id: kept.consent for learner_id, kept in self._current().items()}

    def templates(self) -> Mapping[str, Encoding]:
        """Give everybody's templates, to measure them against each other."""
        with self._lock:
            return self._comparable()

    def enrol(self, learner_id: str, encodings: Sequence[Encoding], *, consent: str) -> None:
        """Keep a person's templates in place of earlier ones; `consent` is the id of the recorded consent."""
        if not consent.strip():
            raise ValueError("nobody is enrolled without a recorded consent")
        templates = _checked(encodings)
        sealed = self._box.encrypt(_packed(learner_id, consent, self._engine, templates))
        with self._lock:
            self._current()
            self._db.execute("INSERT OR REPLACE INTO templates VALUES (?, ?)", (learner_id, sealed))
            kept = _Kept(nonce=sealed.nonce, consent=consent, engine=self._engine, templates=templates)
            self._to_delete -= {learner_id}
            self._kept[learner_id] = kept
            self._line_up_anew()
            self._begin_lease()

    def forget(self, *learner_ids: str) -> None:
        """Remove people from memory at once and from the disk; it is no error when there was nothing.

        Raises sqlite3.Error if the disk does not take it; what is owed to it is then tried again.
        """
        with self._lock:
            self._to_delete |= {*learner_ids}
            for learner_id in learner_ids:
                self._kept.pop(learner_id, None)
            self._line_up_anew()
            self._delete()

    def renew(self, until: datetime) -> None:
        """Let the lease end at this time; nobody comes back whose lease was over."""
        with self._lock:
            self._current()
            if self._is_over():
                self._forget_everybody()
            if self._until is None or abs(until - self._until) >= LITTLE:
                self._keep_lease(until)

    def match(
        self, encoding: Encoding, among: Collection[str], *, threshold: float = THRESHOLD, margin: float = MARGIN
    ) -> Answer:
        """Say whose face this is among the given people; both bounds are inclusive."""
        return judged(self._lined_up(among), encoding, threshold=threshold, margin=margin)

    def verify(self, learner_id: str, encoding: Encoding, *, threshold: float = THRESHOLD) -> Match | Nobody:
        """Say whether this is the face of the person whose badge was shown."""
        with self._lock:
            kept = self._current().get(learner_id)
        if kept is None or kept.engine != self._engine or not np.isfinite(encoding).all():
            return Nobody()
        distance = float(np.linalg.norm(kept.templates - encoding, axis=1).min())
        return Match(learner_id=learner_id, distance=distance) if distance <= threshold else Nobody(distance=distance)

    def look_alikes(
        self, among: Collection[str] | None = None, *, threshold: float = THRESHOLD, margin: float = MARGIN
    ) -> list[LookAlikes]:
        """Tell staff who, of some people or of all, is always asked for a badge, the most alike first."""
        line_up = self._lined_up(self.people() if among is None else among)
        return line_up.look_alikes(threshold + margin)

    def like(self, learner_id: str, encodings: Sequence[Encoding], *, within: float) -> list[LookAlikes]:
        """Tell who else is enrolled with a face as near as this to that of somebody new, the nearest first."""
        line_up = self._lined_up(self.people() - {learner_id})
        if not line_up.people:
            return []
        distances = np.min([line_up.distances(encoding) for encoding in _checked(encodings)], axis=0)
        near = [(float(distances[person]), line_up.people[person]) for person in np.nonzero(distances < within)[0]]
        return [LookAlikes(learner_ids=(learner_id, other), distance=distance) for distance, other in sorted(near)]

    def close(self) -> None:
        self._db.close()

    def _lined_up(self, among: Collection[str]) -> LineUp:
        """Build the block for these people, or take the last one: a roster stays the same for hours."""
        with self._lock:
            self._current()
            if self._among is not among or not isinstance(among, frozenset):
                templates = self._comparable()
                self._line_up = lined_up({learner_id: templates[learner_id] for learner_id in templates.keys() & among})
                self._among = among
            return self._line_up

    def _comparable(self) -> dict[str, Encoding]:
        known = self._current().items()
        return {learner_id: kept.templates for learner_id, kept in known if kept.engine == self._engine}

    def _line_up_anew(self) -> None:
        # At once, and not with the next match: nothing of a forgotten person stays in memory.
        self._line_up, self._among = LineUp(), None

    def _current(self) -> Mapping[str, _Kept]:
        """Say who is known now: another program may have enrolled somebody, and the lease may be over."""
        try:
            self._catch_up()
            if self._is_over():
                self._forget_everybody()
            if self._to_delete:
                self._delete()
        except BROKEN:
            # The door stays open with what is in memory; what is owed to the disk is tried again the next time.
            if not self._is_failing:
                log.exception("gallery.db failed")
            self._is_failing = True
        else:
            self._is_failing = False
        return self._kept

    def _catch_up(self) -> None:
        [version] = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version  # before reading: what cannot be opened is not tried again for every frame
            self._read()

    def _is_over(self) -> bool:
        return self._now is not None and self._until is not None and self._now() > self._until

    def _forget_everybody(self) -> None:
        log.warning("no word from the gateway before %s: all faces are forgotten", self._until)
        self._kept.clear()
        self._line_up_anew()
        # Only if it is still this lease: another program may have begun a new one since, and enrolled somebody.
        over = (_text(self._until),)
        self._db.execute("DELETE FROM templates WHERE EXISTS (SELECT 1 FROM lease WHERE until = ?)", over)
        # Last: as long as there may be something on the disk, the lease stays over.
        self._db.execute("DELETE FROM lease WHERE until = ?", over)
        self._until = None

    def _delete(self) -> None:
        for learner_id in self._to_delete:
            self._db.execute("DELETE FROM templates WHERE learner_id = ?", (learner_id,))
        self._to_delete = frozenset()

    def _begin_lease(self) -> None:
        if self._now and self._until is None:
            self._keep_lease(self._now() + LEASE)

    def _keep_lease(self, until: datetime) -> None:
        self._db.execute("INSERT OR REPLACE INTO lease VALUES (1, ?)", (_text(until),))
        self._until = until

    def _open_all(self) -> None:
        for pragma in PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)
        self._catch_up()
        if self._kept:
            self._begin_lease()
        self._current()

    def _read(self) -> None:
        """Read what is new on the disk; what is known already need not be opened again."""
        told = self._db.execute("SELECT until FROM lease").fetchone()
        stored = dict(self._db.execute("SELECT learner_id, sealed FROM templates").fetchall())
        there = stored.keys() - self._to_delete
        self._kept = {learner_id: self._opened(learner_id, stored[learner_id]) for learner_id in there}
        self._line_up_anew()
        self._until = datetime.fromisoformat(told[0]).astimezone(UTC) if told else None

    def _opened(self, learner_id: str, sealed: bytes) -> _Kept:
        nonce = sealed[: SecretBox.NONCE_SIZE]
        known = self._kept.get(learner_id)
        if known and known.nonce == nonce:
            return known
        header, templates = _unpacked(self._box.decrypt(sealed))
        # The id stands inside the seal as well, so that nobody can lend a face to another id.
        if header["learner_id"] != learner_id:
            raise CryptoError
        engine = header.get("engine", FIRST_ENGINE)
        return _Kept(nonce=nonce, consent=header["consent"], engine=engine, templates=templates)


def _text(until: datetime | None) -> str:
    return until.astimezone(UTC).isoformat() if until else ""


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        # SQLite gives the journal beside it the mode of this one.
        path.touch(mode=0o600)
    return sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)


def _checked(encodings: Sequence[Encoding]) -> Encoding:
    templates = np.asarray(encodings, np.float32)
    if templates.ndim != 2 or templates.shape[1] != ENCODING_LENGTH or not len(templates):
        raise ValueError(f"a template has {ENCODING_LENGTH} numbers, and at least one is needed")
    if not np.isfinite(templates).all():
        raise ValueError("a template holds numbers only")
    return templates


def _packed(learner_id: str, consent: str, engine: str, templates: Encoding) -> bytes:
    header = json.dumps({"learner_id": learner_id, "consent": consent, "engine": engine})
    return header.encode() + b"\n" + templates.astype("<f4").tobytes()


def _unpacked(packed: bytes) -> tuple[dict[str, str], Encoding]:
    header, _, numbers = packed.partition(b"\n")
    templates = np.frombuffer(numbers, "<f4").reshape(-1, ENCODING_LENGTH)
    return json.loads(header), templates.astype(np.float32)
