"""Where and when faces are looked for: in the whole picture now and then, near the known ones in between."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np

from kiosk.faces.engine import Face, FaceEngine, face_at
from kiosk.faces.quality import FaceBox
from kiosk.faces.stir import Seen
from kiosk.faces.tracks import SAME_PLACE, TRACK_LOST, Track, followed, overlap
from kiosk.picture import Image

REST = timedelta(milliseconds=190)  # while something moves: every other frame at ten a second
EVERYWHERE = timedelta(milliseconds=690)  # a newcomer beside somebody who is served waits for no longer than this
UNMOVED = timedelta(seconds=2)  # even if nothing seems to move
NEAR_WIDTH = 56  # pixels of a known face; the detector needs 40
AROUND = 0.6  # of a face's width, on each side of it


class Search:
    """Keeps tracks on the faces that they follow, with as little looking as that takes."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self._kept: Seen | None = None
        self._at = self._everywhere_at = float("-inf")

    def follow(self, tracks: Sequence[Track], image: Image, *, at: float) -> list[Track]:
        """Bring tracks to this frame; those that were not seen for too long are dropped."""
        now = Seen.of(image)
        moved = self._kept is None or self._kept.differs(now)
        if not moved:
            self._stay(tracks, at)
        tracks = [track for track in tracks if at - track.seen_at < TRACK_LOST.total_seconds()]
        if at - self._at >= (REST if moved else UNMOVED).total_seconds():
            tracks = self._searched(tracks, image, now, at)
        for track in tracks:
            track.stirred = track.stirred or track.first.face_moved(now, track.began_in, image.shape)
        return list(tracks)

    def again(self, track: Track, image: Image, *, at: float) -> bool:
        """Look for one face anew, near where it is thought to be."""
        near = [face for face in self._near(image, track.face.box) if overlap(face.box, track.face.box) > SAME_PLACE]
        if near:
            track.face, track.seen_at = near[0], at
        return bool(near)

    def _searched(self, tracks: Sequence[Track], image: Image, now: Seen, at: float) -> list[Track]:
        self._kept, self._at = now, at
        if not tracks or at - self._everywhere_at >= EVERYWHERE.total_seconds():
            self._everywhere_at = at
            found = followed(tracks, self._engine.find(image), now, at=at)
            return found + [track for track in tracks if track not in found]
        for track in tracks:
            self.again(track, image, at=at)
        return list(tracks)

    def _stay(self, tracks: Sequence[Track], at: float) -> None:
        """Take it that nobody has left: nothing has moved since the search that found them."""
        for track in tracks:
            if track.seen_at >= self._at:
                track.seen_at = at

    def _near(self, image: Image, box: FaceBox) -> list[Face]:
        top, right, bottom, left = box
        rim = round((right - left) * AROUND)
        y, x = max(0, top - rim), max(0, left - rim)
        cut = image[y : max(0, bottom + rim), x : max(0, right + rim)]
        scale = NEAR_WIDTH / max(1, right - left)
        size = round(cut.shape[1] * scale), round(cut.shape[0] * scale)
        if min(size) < NEAR_WIDTH:
            return []
        small = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
        found = [_enlarged(face, 1 / scale, x, y) for face in self._engine.find(small)]
        return [replace(face_at(image, face.box), marks=face.marks) for face in found]


def _enlarged(face: Face, scale: float, x: int, y: int) -> Face:
    top, right, bottom, left = (round(edge * scale) for edge in face.box)
    marks = tuple((across * scale + x, down * scale + y) for across, down in face.marks)
    return replace(face, box=(top + y, right + x, bottom + y, left + x), marks=marks)
