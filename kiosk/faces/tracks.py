"""One face over several frames: where it was, who it seemed to be, and whether it ever stirred."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from kiosk.faces.engine import Face
from kiosk.faces.gallery import Match
from kiosk.faces.landmarks import Points
from kiosk.faces.quality import FaceBox, Fault
from kiosk.faces.stir import Seen

TRACK_LOST = timedelta(milliseconds=600)  # a new person may stand in the same place after this
APART = timedelta(milliseconds=150)  # nearer frames show the same grimace twice
STANDS = timedelta(milliseconds=1000)  # who only walks by is gone, or has moved on, by then
MOST_ENCODED, MUST_AGREE = 3, 2
SAME_PLACE = 0.2  # intersection over union


@dataclass(slots=True, kw_only=True, eq=False)
class Track:
    """One face; `matches` holds whom each encoding showed, None for nobody for certain."""

    face: Face
    begun_at: float
    seen_at: float
    first: Seen
    began_in: FaceBox
    encoded_at: float = float("-inf")
    matches: list[Match | None] = field(default_factory=list)
    told: bool = False
    stirred: bool = False
    fault: Fault | None = None
    who: str | None = None  # whom it was told to be

    @property
    def width(self) -> int:
        return self.face.box[1] - self.face.box[3]

    def may_encode(self, at: float) -> bool:
        return at - self.encoded_at >= APART.total_seconds()

    def wants_encoding(self, at: float) -> bool:
        # Between two searches the face may have moved out of its box; what is there then is nobody.
        is_here = self.seen_at == at
        return is_here and not self.told and len(self.matches) < MOST_ENCODED and self.may_encode(at)

    def agreed(self) -> Match | None:
        """Say whom two encodings agree on, with the lesser distance."""
        by_person: defaultdict[str, list[Match]] = defaultdict(list)
        for match in self.matches:
            if match:
                by_person[match.learner_id].append(match)
        agreeing = [found for found in by_person.values() if len(found) >= MUST_AGREE]
        return min(agreeing[0], key=lambda match: match.distance) if agreeing else None

    def is_hopeless(self) -> bool:
        """Say whether two encodings agree on nobody, or all of them differ."""
        return self.matches.count(None) >= MUST_AGREE or (len(self.matches) >= MOST_ENCODED and self.agreed() is None)

    def stands(self, at: float) -> bool:
        """Say whether somebody waits here, and does not just walk by."""
        near = overlap(self.began_in, self.face.box) > 0 or at - self.begun_at > 2 * STANDS.total_seconds()
        return near and at - self.begun_at >= STANDS.total_seconds()

    def begin_anew(self) -> None:
        """Forget who this seemed to be."""
        self.matches, self.told, self.who, self.encoded_at = [], False, None, float("-inf")


def followed(tracks: Sequence[Track], faces: Iterable[Face], now: Seen, *, at: float) -> list[Track]:
    """Say which track each face continues, or begins; the tracks that no face continues are not in the answer."""
    free, result = list(tracks), list[Track]()
    for face in faces:
        near = [track for track in free if overlap(track.face.box, face.box) > SAME_PLACE]
        if not near:
            result.append(Track(face=face, begun_at=at, seen_at=at, first=now, began_in=face.box))
            continue
        # A track continues once per frame, else two people close together would share their encodings.
        track = max(near, key=lambda one: overlap(one.face.box, face.box))
        free.remove(track)
        track.face, track.seen_at = face, at
        result.append(track)
    return result


def moved_along(face: Face, before: Points, after: Points) -> Face:
    """Move a face as its points moved: cheaper than to find it again."""
    right, down = (float(way) for way in after.mean(axis=0) - before.mean(axis=0))
    x, y = round(right), round(down)
    box = face.box[0] + y, face.box[1] + x, face.box[2] + y, face.box[3] + x
    return replace(face, box=box, marks=tuple((across + right, lower + down) for across, lower in face.marks))


def jump(face: Face, moved: Face) -> float:
    """Say how far a face moved, in widths of it."""
    down, right, _, left = (there - here for here, there in zip(face.box, moved.box, strict=True))
    return math.hypot(down, (right + left) / 2) / max(1, face.box[1] - face.box[3])


def overlap(one: Sequence[int], other: Sequence[int]) -> float:
    """Say how much of two boxes (top, right, bottom, left) is common: intersection over union."""
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[1], other[1]) - max(one[3], other[3])
    common = max(0, height) * max(0, width)
    return common / (_area(one) + _area(other) - common or 1)


def _area(box: Sequence[int]) -> int:
    return (box[2] - box[0]) * (box[1] - box[3])
