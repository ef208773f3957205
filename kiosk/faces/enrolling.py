"""Enrolment at the kiosk: staff has chosen somebody, and the next good frames before the camera are kept as theirs."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import Literal, TypeAlias

from kiosk.faces.engine import FaceEngine
from kiosk.faces.enrolment import GOOD_FRAMES, Enrolled, Enrolment, Reason, Rules, keep, refusal
from kiosk.faces.gallery import MARGIN, THRESHOLD, Gallery
from kiosk.faces.portraits import Flaw
from kiosk.picture import Image
from protocol.roster import RosterLearner

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=20)
"""For three good frames; whoever tries for longer needs a hint, not more time."""

End: TypeAlias = Literal["enrolled", "not_kept", "too_slow"] | Reason
"""How it ended; `not_kept`: the disk has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an enrolment is."""

    learner_id: str
    name: str
    good: int = 0
    of: int = GOOD_FRAMES
    flaw: Flaw | None = None
    """What stands in the way now."""
    end: End | None = None
    others: tuple[str, ...] = ()
    """Who is enrolled with such a face already."""


@dataclass(slots=True, kw_only=True)
class _Run:
    learner: RosterLearner
    rules: Rules
    enrolment: Enrolment
    until: float
    progress: Progress
    lock: Lock = field(default_factory=Lock)  # staff may stop it while a frame is looked at


class Enrolling:
    """The one enrolment that runs; `time` is that of the frames, monotonic, in seconds."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        *,
        time: Callable[[], float],
        threshold: float = THRESHOLD,
        margin: float = MARGIN,
    ) -> None:
        self._engine, self._gallery, self._time = engine, gallery, time
        self._threshold, self._margin = threshold, margin
        self._run: _Run | None = None

    @property
    def progress(self) -> Progress | None:
        """Say how far it is, also when it has ended; None when nobody is being enrolled."""
        run = self._run
        if run and run.progress.end is None and self._time() >= run.until:
            self._end(run, "too_slow")
        return run.progress if run else None

    @property
    def wants_frames(self) -> bool:
        """Say whether whoever stands before the camera is there to be enrolled."""
        progress = self.progress
        return progress is not None and progress.end is None

    def begin(self, learner: RosterLearner, *, faces: bool, anyway: bool, within: timedelta) -> None:
        """Look at the next frames for this person, in place of anybody before; for 20 seconds at most."""
        rules = Rules(faces=faces, threshold=self._threshold, margin=self._margin, anyway=anyway)
        no = refusal(learner, faces=faces)
        self._run = _Run(
            learner=learner,
            rules=rules,
            enrolment=Enrolment(self._engine, threshold=self._threshold),
            until=self._time() + min(within, PATIENCE).total_seconds(),
            progress=Progress(learner_id=learner.id, name=learner.name, end=no.reason if no else None),
        )

    def stop(self) -> None:
        """Leave it, and forget what was seen."""
        run, self._run = self._run, None
        if run:
            self._end(run, "too_slow")

    def see(self, image: Image, *, at: float) -> None:
        """Take in a frame."""
        run = self._run
        if run is None or run.progress.end is not None:
            return
        step = run.enrolment.see(image, at=at)
        with run.lock:
            if run.progress.end is not None:
                return
            run.progress = replace(run.progress, good=step.good, flaw=step.flaw)
            if step.done:
                self._keep(run)

    def _keep(self, run: _Run) -> None:
        end, others = self._outcome(run)
        run.enrolment.encodings.clear()
        run.progress = replace(run.progress, end=end, others=others)
        log.info("enrolment: learner=%s result=%s alike=%d", run.learner.id, end, len(others))

    def _outcome(self, run: _Run) -> tuple[End, tuple[str, ...]]:
        try:
            outcome = keep(self._gallery, run.learner, run.enrolment.encodings, rules=run.rules)
        except sqlite3.Error:
            log.exception("a face could not be kept")
            return "not_kept", ()
        end: End = "enrolled" if isinstance(outcome, Enrolled) else outcome.reason
        return end, tuple(pair.learner_ids[1] for pair in outcome.alike)

    def _end(self, run: _Run, end: End) -> None:
        with run.lock:
            run.enrolment.encodings.clear()
            if run.progress.end is None:
                run.progress = replace(run.progress, flaw=None, end=end)
