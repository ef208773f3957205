"""Which of the enrolled faces came from other kiosks, and from which: nothing of a face, only whose it is."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kiosk.faces.engine import Encoding
from kiosk.keeping import keep
from protocol.signing import Unreadable
from protocol.wire import Id, Instant, TopicId, Wire

log = logging.getLogger(__name__)

FILE: Final = "shared-faces.json"


class Arrival(Wire):
    """A face that came in a box."""

    learner: Id
    sender: TopicId
    consent: Id
    made_at: Instant
    marks: tuple[str, ...]
    """Of its templates and of those before: a power cut may leave either in the gallery."""


class _Arrivals(Wire):
    arrivals: tuple[Arrival, ...] = ()


class Arrivals:
    """The faces that came, by learner; `key` is a secret of this kiosk."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / FILE
        self._marking: dict[str, Any] = {"key": key, "person": b"tandem-arrivals", "digest_size": 16}
        self._known = _read(self._path)

    def all(self) -> Mapping[str, Arrival]:
        return self._known

    def mark(self, templates: Encoding) -> str:
        """Mark templates so that they are known again; without the key a mark says nothing about them."""
        return hashlib.blake2b(templates.astype("<f4").tobytes(), **self._marking).hexdigest()

    def add(self, arrivals: Iterable[Arrival]) -> None:
        """Note faces, each in place of what was known of its owner; on disk when this returns."""
        self._keep({**self._known, **{arrival.learner: arrival for arrival in arrivals}})

    def drop(self, learners: Iterable[str]) -> None:
        """Forget that these faces came."""
        gone = set(learners)
        if gone & self._known.keys():
            self._keep({learner: arrival for learner, arrival in self._known.items() if learner not in gone})

    def dropped_before(self, made_at: datetime, here: Iterable[str]) -> None:
        """Forget about faces that are not here any more, once no box of theirs can be good."""
        old = {learner for learner, arrival in self._known.items() if arrival.made_at < made_at}
        self.drop(old - set(here))

    def _keep(self, known: Mapping[str, Arrival]) -> None:
        keep(self._path, _Arrivals(arrivals=tuple(known[learner] for learner in sorted(known))).line())
        self._known = known


def _read(path: Path) -> Mapping[str, Arrival]:
    try:
        return {arrival.learner: arrival for arrival in _Arrivals.read(path.read_bytes()).arrivals}
    except FileNotFoundError:
        return {}
    except Unreadable:
        log.exception("%s cannot be read: the faces that came from other kiosks count as enrolled here", path)
        return {}
