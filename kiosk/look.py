"""What the kiosk makes of a frame: sightings of badges and faces, each told once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from kiosk.codes import Box, codes
from kiosk.faces import Face, FaceEngine
from kiosk.gallery import MARGIN, THRESHOLD, Gallery, Match
from kiosk.picture import Image
from kiosk.source import Frame
from protocol.badge import PREFIX as BADGE

GONE = timedelta(seconds=2)  # a badge or a person that stays away this long may be told again
TRACK_LOST = timedelta(milliseconds=500)  # a new person may stand in the same place after this
APART = timedelta(milliseconds=150)  # nearer frames show the same grimace twice
MOST_ENCODED = 3
MUST_AGREE = 2
GOOD_ENOUGH = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeSeen:
    """A code was held up; whether it is a badge is for others to say."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSeen:
    """Two encodings of one face agreed on a person."""

    learner_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerSeen:
    """A face that is nobody's for certain: ask for a badge, store nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoBadges:
    """Several different codes at once: ask to show one."""

    count: int


Sighting: TypeAlias = BadgeSeen | FaceSeen | StrangerSeen | TwoBadges


@dataclass(slots=True, kw_only=True)
class _Track:
    """One face over several frames."""

    box: tuple[int, int, int, int]
    seen_at: float
    encoded_at: float = float("-inf")
    matches: list[Match | None] = field(default_factory=list)  # None: nobody for certain
    told: bool = False

    def wants_encoding(self, face: Face, at: float) -> bool:
        enough = self.told or len(self.matches) >= MOST_ENCODED
        return not enough and face.quality >= GOOD_ENOUGH and at - self.encoded_at >= APART.total_seconds()

    def verdict(self) -> FaceSeen | StrangerSeen | None:
        """Say who this is as soon as two encodings agree, on a person or on nobody."""
        by_person: defaultdict[str | None, list[float]] = defaultdict(list)
        for match in self.matches:
            by_person[match.learner_id if match else None].append(match.distance if match else 1.0)
        for learner_id, distances in by_person.items():
            if learner_id is not None and len(distances) >= MUST_AGREE:
                return FaceSeen(learner_id=learner_id, distance=min(distances))
        hopeless = len(by_person[None]) >= MUST_AGREE or len(self.matches) >= MOST_ENCODED
        return StrangerSeen() if hopeless else None


class Look:
    """Looks at frame after frame; without an engine it reads codes only."""

    def __init__(
        self, engine: FaceEngine | None, gallery: Gallery, *, threshold: float = THRESHOLD, margin: float = MARGIN
    ) -> None:
        self._engine = engine
        self._gallery = gallery
        self._threshold = threshold
        self._margin = margin
        self._last_seen: dict[object, float] = {}
        self._tracks: list[_Track] = []

    def see(self, frame: Frame, faces_allowed_for: Collection[str], *, at: float) -> list[Sighting]:
        """Tell what is new in this frame; `at` is monotonic, in seconds."""
        self._last_seen = {key: seen for key, seen in self._last_seen.items() if at - seen < GONE.total_seconds()}
        boxes = {code.text: code.box for code in codes(frame.image)}
        badges = {text: box for text, box in boxes.items() if text.startswith(BADGE)}
        if badges:  # who holds up a badge wants to be read by it, and finding faces costs twenty times as much
            return self._badges(badges, at)
        # The code of a poster on the wall is told as what it is, and then stands in nobody's way.
        others = [BadgeSeen(text=text, box=box) for text, box in boxes.items() if self._is_new(("code", text), at)]
        if others or self._engine is None:
            return list(others)
        return self._faces(self._engine, frame.image, faces_allowed_for, at)

    def _badges(self, boxes: dict[str, Box], at: float) -> list[Sighting]:
        if len(boxes) == 1:
            [(text, box)] = boxes.items()
            return [BadgeSeen(text=text, box=box)] if self._is_new(("badge", text), at) else []
        # A badge told before stays told while another one is beside it; the others are told when they are alone.
        for text in boxes:
            if ("badge", text) in self._last_seen:
                self._last_seen["badge", text] = at
        return [TwoBadges(count=len(boxes))] if self._is_new("two badges", at) else []

    def _faces(self, engine: FaceEngine, image: Image, among: Collection[str], at: float) -> list[Sighting]:
        self._tracks = [track for track in self._tracks if at - track.seen_at < TRACK_LOST.total_seconds()]
        followed = [(self._follow(face, at), face) for face in engine.find(image)]
        # One for each frame, the nearest person first: a crowd must not keep the next badge waiting for seconds.
        for track, face in followed:
            if track.wants_encoding(face, at):
                track.encoded_at = at
                track.matches.append(self._match(engine, image, face, among))
                break
        told = [self._tell(track, at) for track, _ in followed]
        return [sighting for sighting in told if sighting]

    def _follow(self, face: Face, at: float) -> _Track:
        """Find the track that this face continues, or begin one."""
        # A track continues once per frame, else two people close together would share their encodings.
        free = [track for track in self._tracks if track.seen_at < at and overlap(track.box, face.box) > 0.2]
        if not free:
            self._tracks.append(_Track(box=face.box, seen_at=at))
            return self._tracks[-1]
        track = max(free, key=lambda one: overlap(one.box, face.box))
        track.box, track.seen_at = face.box, at
        return track

    def _match(self, engine: FaceEngine, image: Image, face: Face, among: Collection[str]) -> Match | None:
        encoding = engine.encode(image, face)
        answer = self._gallery.match(encoding, among, threshold=self._threshold, margin=self._margin)
        return answer if isinstance(answer, Match) else None

    def _tell(self, track: _Track, at: float) -> FaceSeen | StrangerSeen | None:
        verdict = track.verdict()
        if verdict is None:
            return None
        # A person who moved so fast that a new track began is still the same person; strangers are told per track.
        new = self._is_new(("face", verdict.learner_id), at) if isinstance(verdict, FaceSeen) else True
        fresh, track.told = new and not track.told, True
        return verdict if fresh else None

    def _is_new(self, key: object, at: float) -> bool:
        new = key not in self._last_seen
        self._last_seen[key] = at
        return new


def overlap(one: Sequence[int], other: Sequence[int]) -> float:
    """Say how much of two boxes (top, right, bottom, left) is common: intersection over union."""
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[1], other[1]) - max(one[3], other[3])
    common = max(0, height) * max(0, width)
    return common / (_area(one) + _area(other) - common or 1)


def _area(box: Sequence[int]) -> int:
    return (box[2] - box[0]) * (box[1] - box[3])
