"""Enrolment: a face becomes known here, with a recorded consent, at the camera with staff beside or from a folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from attendance.reasons import Text
from kiosk.faces.engine import Encoding, Face, FaceEngine
from kiosk.faces.gallery import MARGIN, THRESHOLD, Gallery, LookAlikes
from kiosk.faces.portraits import Flaw, Portrait, named, portrait, the_face
from kiosk.faces.quality import fault_of
from kiosk.picture import Image
from protocol.roster import RosterLearner

GOOD_FRAMES = 3
APART = timedelta(milliseconds=300)
"""Nearer frames show the same moment twice."""
SAME_PERSON = 0.6
"""Pictures of one folder that are further apart show two people; years and glasses alone seldom do that."""

Reason: TypeAlias = Literal["faces_off", "not_on_roster", "no_consent", "no_picture", "two_people", "resembles"]

REASONS: Final[dict[Reason, Text]] = {
    "faces_off": Text("face recognition is switched off for this kiosk", "本机未启用人脸识别"),
    "not_on_roster": Text(
        "nobody with this number is on a roster of the next 24 hours with a consent to face recognition",
        "未来24小时的名单中没有此工号的、同意人脸识别的学员",
    ),
    "no_consent": Text("there is no recorded consent to face recognition", "没有人脸识别的同意记录"),
    "no_picture": Text("there is no picture that is good enough", "没有合格的照片"),
    "two_people": Text("the pictures show different people", "照片不是同一个人"),
    "resembles": Text("this face is already enrolled for somebody else", "此人脸已登记在他人名下"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The templates are kept."""

    learner_id: str
    templates: int
    alike: tuple[LookAlikes, ...] = ()
    """Who looks so much like them that both are asked for a badge from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnrolled:
    """Nothing was kept."""

    reason: Reason
    alike: tuple[LookAlikes, ...] = ()
    """Who is enrolled with such a face already, if that is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an enrolment goes by."""

    faces: bool
    """Whether face recognition is switched on for this kiosk."""
    threshold: float = THRESHOLD
    margin: float = MARGIN
    anyway: bool = False
    """Staff has looked at a face that is already enrolled for somebody else, and wants it to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a frame came to: how many are good by now, or what the person before the camera should do."""

    good: int
    flaw: Flaw | None = None

    @property
    def done(self) -> bool:
        return self.good >= GOOD_FRAMES


def refusal(learner: RosterLearner | None, *, faces: bool) -> NotEnrolled | None:
    """Say why this person's face must not be looked at; None if they have consented."""
    if not faces:
        return NotEnrolled(reason="faces_off")
    if learner is None:
        return NotEnrolled(reason="not_on_roster")
    return None if learner.face_consent else NotEnrolled(reason="no_consent")


def keep(
    gallery: Gallery, learner: RosterLearner, encodings: Sequence[Encoding], *, rules: Rules
) -> Enrolled | NotEnrolled:
    """Enrol somebody; a face that is near to somebody else's only if staff has decided so."""
    if no := refusal(learner, faces=rules.faces):
        return no
    alike = tuple(gallery.like(learner.id, encodings, within=rules.threshold + rules.margin))
    if any(other.distance <= rules.threshold for other in alike) and not rules.anyway:
        return NotEnrolled(reason="resembles", alike=alike)
    gallery.enrol(learner.id, encodings, consent=learner.face_consent or "")
    return Enrolled(learner_id=learner.id, templates=len(encodings), alike=alike)


class Enrolment:
    """One person before the camera, frame by frame until three are good; it keeps encodings, never a picture."""

    def __init__(self, engine: FaceEngine, *, threshold: float = THRESHOLD) -> None:
        self._engine, self._threshold = engine, threshold
        self._last = float("-inf")
        self.encodings: list[Encoding] = []

    def see(self, image: Image, *, at: float) -> Step:
        """Take in a frame; `at` is monotonic, in seconds. Once the step is `done`, hand `encodings` to `keep`."""
        if len(self.encodings) >= GOOD_FRAMES or at - self._last < APART.total_seconds():
            return self._step()
        face = the_face(self._engine.find(image))
        if not isinstance(face, Face):
            return self._step(face)
        if fault := fault_of(image, face.box, self._engine.landmarks(image, face)):
            return self._step(fault)
        self._last = at
        return self._take(self._engine.encode(image, face))

    def _take(self, encoding: Encoding) -> Step:
        # Somebody else has stepped in: what is kept must be one person's, so it begins again with them.
        if any(np.linalg.norm(encoding - other) > self._threshold for other in self.encodings):
            self.encodings = [encoding]
            return self._step("other_face")
        self.encodings.append(encoding)
        return self._step()

    def _step(self, flaw: Flaw | None = None) -> Step:
        return Step(good=len(self.encodings), flaw=flaw)


# From a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person of the folder: what came of it, and of each picture."""

    person: str
    """As the folder or the file is named."""
    outcome: Enrolled | NotEnrolled
    pictures: tuple[Portrait, ...] = ()


def enrol_all(
    people: Mapping[str, Sequence[Path]],
    learners: Iterable[RosterLearner],
    gallery: Gallery,
    engine: FaceEngine,
    *,
    rules: Rules,
) -> Iterator[Entry]:
    """Enrol whom the roster knows by this name and who has consented; nobody else's pictures are opened."""
    known = _by_number(learners)
    for person, paths in people.items():
        yield _entry(person, paths, known.get(person), gallery, engine, rules)


def _entry(
    person: str,
    paths: Iterable[Path],
    learner: RosterLearner | None,
    gallery: Gallery,
    engine: FaceEngine,
    rules: Rules,
) -> Entry:
    no = refusal(learner, faces=rules.faces)
    if no or learner is None:
        return Entry(person=person, outcome=no or NotEnrolled(reason="not_on_roster"))
    pictures = tuple(portrait(person, path, engine, only_good=True) for path in paths)
    return Entry(person=person, outcome=_kept(gallery, learner, pictures, rules), pictures=pictures)


def _kept(
    gallery: Gallery, learner: RosterLearner, pictures: Iterable[Portrait], rules: Rules
) -> Enrolled | NotEnrolled:
    encodings = [picture.found for picture in pictures if picture.found is not None]
    if not encodings:
        return NotEnrolled(reason="no_picture")
    # Which of them is the wrong one cannot be told from here.
    if any(np.linalg.norm(one - other) > SAME_PERSON for one, other in combinations(encodings, 2)):
        return NotEnrolled(reason="two_people")
    return keep(gallery, learner, encodings, rules=rules)


def _by_number(learners: Iterable[RosterLearner]) -> dict[str, RosterLearner]:
    """Find learners by personnel number or id; not by name, which somebody who is on no roster today may have too."""
    everybody = list(learners)
    by_id = {learner.id: learner for learner in everybody}
    return by_id | {named(learner.number): learner for learner in everybody if learner.number}
