"""The people before the camera: whom the kiosk serves, what it asks of them, and who they are."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from kiosk.faces.engine import Face, FaceEngine
from kiosk.faces.gallery import Gallery, Match
from kiosk.faces.landmarks import ALL, Points
from kiosk.faces.liveness import Challenge, Guide, Outcome
from kiosk.faces.quality import LEAST_WIDTH, FaceBox, Fault, fault_of
from kiosk.faces.search import Search
from kiosk.faces.tracks import Track, jump, moved_along
from kiosk.picture import Image
from kiosk.sightings import FaceSeen, FaceSighting, HolderSeen, OtherSeen, StrangerSeen

log = logging.getLogger(__name__)

GONE = timedelta(seconds=2)  # a person who stays away this long may be told again
SEARCH_REST = timedelta(
    milliseconds=190
)  # between two searches while something moves: every other frame at 10 a second
SEARCH_AGAIN = timedelta(seconds=1)  # even if nothing seems to move
PATIENCE = timedelta(seconds=6)  # who stands for so long without one good picture is asked for a badge
TRIES, TRIES_WITHIN = 2, timedelta(minutes=10)  # a challenge must not be tried until chance asks for the right thing
MOST_JUMP = 0.05  # of a face's width, from one frame to the next, for which its points can be followed
BACKGROUND = 0.5  # a face this much narrower than the nearest one is behind it, or on the wall

GUIDES: dict[Fault, Guide] = {
    "too_small": "closer",
    "blurred": "hold_still",
    "turned": "look_here",
    "dark": "look_here",
    "bright": "look_here",
}


@dataclass(slots=True, kw_only=True)
class _Trial:
    """A challenge that runs, and the face it is put to."""

    track: Track
    match: Match
    challenge: Challenge
    points: Points | None = None


class Crowd:
    """Follows faces and tells each person once; with `challenge`, only after a proof that somebody is here."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        *,
        threshold: float,
        margin: float,
        challenge: bool,
        luck: Callable[[], float],
    ) -> None:
        self._engine, self._gallery = engine, gallery
        self._threshold, self._margin = threshold, margin
        self._challenge, self._luck = challenge, luck
        self._tracks: list[Track] = []
        self._search = Search(engine)
        self._trial: _Trial | None = None
        self._recent: dict[str, float] = {}
        self._failed: defaultdict[str, list[float]] = defaultdict(list)
        self._expected: str | None = None
        self._has_answered = False

    @property
    def guide(self) -> Guide | None:
        """Say what the person before the camera should do now."""
        if self._trial:
            return self._trial.challenge.guide
        front = next(iter(self._served()), None)
        if front is None or front.told or self._has_answered:
            return None
        return GUIDES[front.fault] if front.fault else "look_here"

    @property
    def focus(self) -> FaceBox | None:
        """Say whose face the guide is for."""
        front = self._trial.track if self._trial else next(iter(self._served()), None)
        return front.face.box if front else None

    def expect(self, learner_id: str | None) -> None:
        """From now on, compare the nearest face with this person only; None to recognise anybody again."""
        if learner_id == self._expected:
            return
        self._expected, self._has_answered, self._trial = learner_id, False, None
        for track in self._tracks:
            # An answer to the one question is none to the other; but nobody is told twice for standing there.
            if learner_id is not None or not track.told:
                track.begin_anew()

    def see(self, image: Image, among: Collection[str], *, at: float) -> list[FaceSighting]:
        """Tell what is new in this frame; `among` are the people whose faces may be compared."""
        self._recent = {who: seen for who, seen in self._recent.items() if at - seen < GONE.total_seconds()}
        self._tracks = self._search.follow(self._tracks, image, at=at)
        if self._trial:
            return self._try(self._trial, image, among, at)
        told = self._verify(image, among, at) if self._expected else self._identify(image, among, at)
        for track in self._tracks:
            if track.who:
                self._recent[track.who] = at
        return told

    def _served(self) -> list[Track]:
        """Order those that are served now, the nearest first; who is told waits until the others are served."""
        people = [track for track in self._tracks if track.stirred or not self._challenge]
        nearest = max((track.width for track in people), default=0)
        near = [track for track in people if track.width >= BACKGROUND * nearest]
        return sorted(near, key=lambda track: (track.told, -track.width))

    def _identify(self, image: Image, among: Collection[str], at: float) -> list[FaceSighting]:
        # One encoding for each frame, the nearest person's first: a crowd must not keep the next badge waiting.
        for track in self._served():
            if track.wants_encoding(at) and self._is_good(image, track):
                track.encoded_at = at
                track.matches.append(self._match(image, track.face, among))
                break
        told = [self._tell(track, at) for track in self._served() if not track.told]
        return [sighting for sighting in told if sighting]

    def _tell(self, track: Track, at: float) -> FaceSeen | StrangerSeen | None:
        """Say who this is as soon as it is certain, on a person or on nobody."""
        match = track.agreed()
        if match is None:
            is_waiting = track.width >= LEAST_WIDTH and at - track.begun_at >= PATIENCE.total_seconds()
            return self._ask_badge(track) if (track.is_hopeless() or is_waiting) and track.stands(at) else None
        if match.learner_id in self._recent:
            # A person who moved so fast that a new track began is still the same person.
            track.told, track.who = True, match.learner_id
            return None
        if self._challenge:
            return self._begin_trial(track, match, at)
        log.info("face known: learner=%s distance=%.3f", match.learner_id, match.distance)
        return self._known(track, match, at)

    def _known(self, track: Track, match: Match, at: float) -> FaceSeen:
        track.told, track.who = True, match.learner_id
        self._recent[match.learner_id] = at
        return FaceSeen(learner_id=match.learner_id, distance=match.distance)

    def _ask_badge(self, track: Track) -> StrangerSeen:
        track.told = True
        return StrangerSeen()

    def _begin_trial(self, track: Track, match: Match, at: float) -> StrangerSeen | None:
        if self._trial:
            return None  # one at a time; the next one is asked when this one is served
        tries = [one for one in self._failed[match.learner_id] if at - one < TRIES_WITHIN.total_seconds()]
        self._failed[match.learner_id] = tries
        if len(tries) >= TRIES:
            log.info("face not taken: learner=%s reason=too_many_tries distance=%.3f", match.learner_id, match.distance)
            return self._ask_badge(track)
        self._trial = _Trial(track=track, match=match, challenge=Challenge(self._luck, at))
        return None

    def _try(self, trial: _Trial, image: Image, among: Collection[str], at: float) -> list[FaceSighting]:
        challenge, track = trial.challenge, trial.track
        if track not in self._tracks:
            self._log(trial, "gone")
            self._end_trial(trial, failed=challenge.has_asked, at=at)
            return []
        points = self._points(trial, image, at)
        if points is None:
            return []
        if len(points) != ALL:
            self._log(trial, "no_landmarks")
            self._end_trial(trial, failed=False, at=at)
            return [self._ask_badge(track)]
        challenge.see(image, points, at=at)
        if challenge.wants_encoding() and track.may_encode(at) and fault_of(image, track.face.box, points) is None:
            track.encoded_at = at
            match = self._match(image, track.face, among)
            challenge.bind(match is not None and match.learner_id == trial.match.learner_id, at=at)
        return [self._judged(trial, challenge.outcome, at)] if challenge.outcome else []

    def _judged(self, trial: _Trial, outcome: Outcome, at: float) -> FaceSeen | StrangerSeen:
        self._log(trial, outcome.failure or "here")
        self._end_trial(trial, failed=outcome.failure is not None, at=at)
        if outcome.failure:
            return self._ask_badge(trial.track)
        return self._known(trial.track, trial.match, at)

    def _end_trial(self, trial: _Trial, *, failed: bool, at: float) -> None:
        self._trial = None
        if failed:
            self._failed[trial.match.learner_id].append(at)

    def _points(self, trial: _Trial, image: Image, at: float) -> Points | None:
        """Find the points of the face, and keep its box on it between two searches; None where they are not sure."""
        track, before = trial.track, trial.points
        points = trial.points = self._engine.landmarks(image, track.face)
        if track.seen_at == at or before is None:
            return points
        moved = moved_along(track.face, before, points)
        # Beside the face, the points show whatever they please: it is found again after a quick movement.
        far = jump(track.face, moved) > MOST_JUMP
        track.face = moved
        if not far:
            return points
        trial.points = self._engine.landmarks(image, track.face) if self._search.again(track, image, at=at) else None
        return trial.points

    def _verify(self, image: Image, among: Collection[str], at: float) -> list[FaceSighting]:
        """Compare the nearest face with the person whose badge was shown."""
        track = max(self._tracks, key=lambda one: one.width, default=None)
        if track is None or self._has_answered or self._expected is None or self._expected not in among:
            return []
        if track.wants_encoding(at) and self._is_good(image, track):
            track.encoded_at = at
            encoding = self._engine.encode(image, track.face)
            answer = self._gallery.verify(self._expected, encoding, threshold=self._threshold)
            track.matches.append(answer if isinstance(answer, Match) else None)
        if match := track.agreed():
            self._has_answered, track.told, track.who = True, True, self._expected
            log.info("face compared: learner=%s same=yes distance=%.3f", self._expected, match.distance)
            return [HolderSeen(learner_id=match.learner_id, distance=match.distance)]
        if not track.is_hopeless():
            return []
        self._has_answered, track.told = True, True
        log.info("face compared: learner=%s same=no", self._expected)
        return [OtherSeen()]

    def _is_good(self, image: Image, track: Track) -> bool:
        track.fault = fault_of(image, track.face.box, self._engine.landmarks(image, track.face))
        return track.fault is None

    def _match(self, image: Image, face: Face, among: Collection[str]) -> Match | None:
        encoding = self._engine.encode(image, face)
        answer = self._gallery.match(encoding, among, threshold=self._threshold, margin=self._margin)
        return answer if isinstance(answer, Match) else None

    def _log(self, trial: _Trial, result: str) -> None:
        """Write down what was decided and by which scores; no picture, no name, no template."""
        outcome = trial.challenge.outcome
        scores = outcome.scores if outcome else None
        log.info(
            "face challenged: learner=%s result=%s distance=%.3f asked=%s %s",
            trial.match.learner_id,
            result,
            trial.match.distance,
            "+".join(trial.challenge.asked),
            scores.line() if scores else "",
        )
