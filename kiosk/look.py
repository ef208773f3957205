"""What the kiosk makes of a frame: sightings of badges and faces, each told once."""

from collections.abc import Callable, Collection
from datetime import timedelta
from secrets import SystemRandom

from kiosk.faces.crowd import Crowd
from kiosk.faces.engine import FaceEngine
from kiosk.faces.gallery import MARGIN, THRESHOLD, Gallery
from kiosk.faces.liveness import Guide
from kiosk.faces.quality import FaceBox
from kiosk.qr.codes import Box, Reader
from kiosk.sightings import BadgeSeen, FaceSeen, HolderSeen, OtherSeen, Sighting, StrangerSeen, TwoBadges
from kiosk.source import Frame
from protocol.badge import PREFIX as BADGE

__all__ = [
    "BadgeSeen", "FaceSeen", "Guide", "HolderSeen", "Look", "OtherSeen", "Sighting", "StrangerSeen", "TwoBadges",
]  # fmt: skip

GONE = timedelta(seconds=2)  # a badge that stays away this long may be told again
LEFT_BEHIND = timedelta(seconds=30)  # what stays in view for so long is a sticker or was forgotten; nobody holds it up
CHANCE = SystemRandom()  # whoever can foresee what is asked can play it from a screen


class Look:
    """Looks at frame after frame; without an engine it reads codes only.

    `challenge` says whether a face alone has to prove that somebody is here; `luck` in [0, 1) draws what is asked.
    """

    def __init__(
        self,
        engine: FaceEngine | None,
        gallery: Gallery,
        *,
        threshold: float = THRESHOLD,
        margin: float = MARGIN,
        challenge: bool = True,
        luck: Callable[[], float] = CHANCE.random,
    ) -> None:
        self._reader = Reader()
        self._last_seen: dict[object, float] = {}
        self._in_view: dict[str, tuple[float, float]] = {}  # since when, and last when
        self._expecting = False
        self._crowd: Crowd | None = None
        if engine is not None:
            self._crowd = Crowd(engine, gallery, threshold=threshold, margin=margin, challenge=challenge, luck=luck)

    @property
    def guide(self) -> Guide | None:
        """Say what the person before the camera should do now; None when there is nothing to do."""
        return self._crowd.guide if self._crowd else None

    @property
    def focus(self) -> FaceBox | None:
        """Say which face (top, right, bottom, left) the guide is for."""
        return self._crowd.focus if self._crowd else None

    def expect(self, learner_id: str | None) -> None:
        """Compare the nearest face with this person only, once; None to recognise anybody again."""
        self._expecting = learner_id is not None
        if self._crowd:
            self._crowd.expect(learner_id)

    def see(self, frame: Frame, faces_allowed_for: Collection[str], *, at: float) -> list[Sighting]:
        """Tell what is new in this frame; `at` is monotonic, in seconds."""
        self._last_seen = {key: seen for key, seen in self._last_seen.items() if at - seen < GONE.total_seconds()}
        told, shows_badge = self._codes(frame, at)
        # Who holds up a badge wants to be read by it; only when a face is asked for beside it, both are looked at.
        if self._crowd is None or ((shows_badge or told) and not self._expecting):
            return told
        return [*told, *self._crowd.see(frame.image, faces_allowed_for, at=at)]

    def _codes(self, frame: Frame, at: float) -> tuple[list[Sighting], bool]:
        boxes = {code.text: code.box for code in self._reader.read(frame.image)}
        self._note_in_view(boxes, at)
        boxes = {text: box for text, box in boxes.items() if not self._is_left_behind(text, at)}
        badges = {text: box for text, box in boxes.items() if text.startswith(BADGE)}
        if badges:
            return self._badges(badges, at), True
        # The code of a poster on the wall is told as what it is, and then stands in nobody's way.
        return [BadgeSeen(text=text, box=box) for text, box in boxes.items() if self._is_new(("code", text), at)], False

    def _note_in_view(self, texts: Collection[str], at: float) -> None:
        still = {text: seen for text, seen in self._in_view.items() if at - seen[1] < GONE.total_seconds()}
        self._in_view = still | {text: (still.get(text, (at, at))[0], at) for text in texts}

    def _is_left_behind(self, text: str, at: float) -> bool:
        return at - self._in_view[text][0] >= LEFT_BEHIND.total_seconds()

    def _badges(self, boxes: dict[str, Box], at: float) -> list[Sighting]:
        if len(boxes) == 1:
            [(text, box)] = boxes.items()
            return [BadgeSeen(text=text, box=box)] if self._is_new(("badge", text), at) else []
        # A badge told before stays told while another one is beside it; the others are told when they are alone.
        for text in boxes:
            if ("badge", text) in self._last_seen:
                self._last_seen["badge", text] = at
        return [TwoBadges(count=len(boxes))] if self._is_new("two badges", at) else []

    def _is_new(self, key: object, at: float) -> bool:
        new = key not in self._last_seen
        self._last_seen[key] = at
        return new
