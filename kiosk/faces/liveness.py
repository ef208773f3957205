"""Whether a face belongs to somebody who is here: two movements, asked for one after the other, by chance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Literal, TypeAlias

from kiosk.faces.gesture import Gesture, Neutral
from kiosk.faces.landmarks import Points
from kiosk.faces.surroundings import Surroundings
from kiosk.picture import Image

Move: TypeAlias = Literal["blink", "turn_left", "turn_right"]
Guide: TypeAlias = Literal["look_here", "hold_still", "closer", "blink", "turn_left", "turn_right"]
Failure: TypeAlias = Literal["too_slow", "another_move", "unasked", "too_early", "another_face"]

MOVES: tuple[Move, ...] = ("blink", "turn_left", "turn_right")
# One of the two is always a turn: eyes can be cut out of a picture, depth cannot be put in.
CHALLENGES: tuple[tuple[Move, Move], ...] = tuple(permutations(MOVES, 2))
TIME = timedelta(seconds=10)  # two movements take five or six; who has to make one again needs the rest
REACTION = timedelta(milliseconds=250)  # nobody answers a sign on a screen sooner
PAUSE = (timedelta(milliseconds=300), timedelta(milliseconds=900))  # before each sign, by chance
LAST_LOOK = timedelta(seconds=2)  # after the second movement, to see once more whose face it is
TURNED = 0.95  # by two frames in a row: one alone may be a slip of the points
FRAMES_AT_FIRST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a decision was made on, for the log."""

    asked: tuple[Move, Move]
    done: int
    left: float  # the largest turn each way that two frames in a row agreed on
    right: float
    shut: float  # how much less the eyes looked like the open ones than the nose like itself
    opening: float  # the narrowest, beside that at first
    seconds: float
    along: float | None  # the passive cue, which does not decide; None where it could not be measured

    def line(self) -> str:
        """Say it as key=value."""
        return (
            f"done={self.done} left={self.left:.2f} right={self.right:.2f} shut={self.shut:.2f} "
            f"opening={self.opening:.2f} seconds={self.seconds:.1f} "
            f"along={'-' if self.along is None else f'{self.along:.2f}'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a challenge ended; `failure` None means that somebody is here."""

    failure: Failure | None
    scores: Scores


@dataclass(slots=True)
class Challenge:
    """Asks one face for two movements; `luck` in [0, 1) draws which ones, and how long each sign is held back."""

    luck: Callable[[], float]
    begun_at: float
    asked: tuple[Move, Move] = field(init=False)
    outcome: Outcome | None = field(init=False, default=None)
    _neutral: Neutral | None = field(init=False, default=None)
    _first: Neutral | None = field(init=False, default=None)
    _seen: list[Points] = field(init=False, default_factory=list)
    _asked_at: float | None = field(init=False, default=None)  # None: between two signs
    _ask_from: float | None = field(init=False, default=None)
    _done: int = field(init=False, default=0)
    _turns: tuple[float, float] = field(init=False, default=(0.0, 0.0))  # of the last two frames
    _closed: bool = field(init=False, default=False)
    _bound: int = field(init=False, default=0)
    _most: tuple[float, float] = field(init=False, default=(0.0, 0.0))  # left and right
    _shut: float = field(init=False, default=0.0)
    _narrowest: float = field(init=False, default=1.0)
    _around: Surroundings = field(init=False, default_factory=Surroundings)

    def __post_init__(self) -> None:
        self.asked = CHALLENGES[int(self.luck() * len(CHALLENGES))]

    @property
    def has_asked(self) -> bool:
        """Say whether a sign was shown: from then on it can be tried for luck."""
        return self._asked_at is not None or self._done > 0

    @property
    def guide(self) -> Guide:
        """Say what the person should do now."""
        return "look_here" if self._asked_at is None else self.asked[self._done]

    def wants_encoding(self) -> bool:
        """Say whether it should be made sure now that the face is still the same person's: after each movement."""
        return self.outcome is None and self._ask_from is not None and self._bound < self._done

    def bind(self, is_same: bool, *, at: float) -> None:
        """Take the answer of the encoder after a movement."""
        self._bound += 1
        if not is_same:
            self._end("another_face", at)
        elif self._bound == len(self.asked):
            self._end(None, at)

    def see(self, image: Image, points: Points, *, at: float) -> None:
        """Take the next frame of this face."""
        if self.outcome is not None or self._is_late(at):
            return
        self._around.see(image, points, at=at)
        if self._neutral is None:
            self._begin(image, points)
        else:
            self.take(self._neutral.gesture(image, points), at=at)

    def take(self, gesture: Gesture, *, at: float) -> None:
        """Take what the face does in the next frame, measured by its first ones."""
        if self.outcome is not None or self._is_late(at):
            return
        if not gesture.sure:
            return
        self._note(gesture)
        if self._asked_at is None:
            self._between(gesture, at)
        else:
            self._judge(gesture, self.asked[self._done], at - self._asked_at, at)

    def _is_late(self, at: float) -> bool:
        limit = TIME if self._done < len(self.asked) else TIME + LAST_LOOK
        if self.outcome is None and at - self.begun_at >= limit.total_seconds():
            self._end("too_slow", at)
        return self.outcome is not None

    def _begin(self, image: Image, points: Points) -> None:
        """Take the first frames that look alike as what the face looks like."""
        seen = [*self._seen, points]
        if self._first is None or not self._first.gesture(image, points).same:
            self._first, seen = Neutral.of(image, [points]), [points]
        self._seen = seen
        if len(seen) == FRAMES_AT_FIRST:
            self._neutral = Neutral.of(image, seen)

    def _note(self, gesture: Gesture) -> None:
        self._turns = (self._turns[1], gesture.turn)
        self._most = (max(self._most[0], min(self._turns)), max(self._most[1], -max(self._turns)))
        self._shut = max(self._shut, gesture.likeness[2] - max(gesture.likeness[:2]))
        self._narrowest = min(self._narrowest, gesture.opening)

    @property
    def _turned(self) -> Move | None:
        if min(self._turns) >= TURNED:
            return "turn_left"
        return "turn_right" if max(self._turns) <= -TURNED else None

    def _between(self, gesture: Gesture, at: float) -> None:
        """Wait until the face looks straight, then for a moment that nobody can foresee."""
        if self._ask_from is None:
            if gesture.neutral:
                least, most = (limit.total_seconds() for limit in PAUSE)
                self._ask_from = at + least + self.luck() * (most - least)
            return
        if self._turned:
            self._end("unasked", at)
        elif at >= self._ask_from and gesture.neutral and self._bound == self._done:
            self._asked_at, self._ask_from, self._closed = at, None, False

    def _judge(self, gesture: Gesture, asked: Move, waited: float, at: float) -> None:
        early, turned = waited < REACTION.total_seconds(), self._turned
        if turned and turned != asked:
            self._end("another_move", at)
        elif turned:
            self._end("too_early", at) if early else self._pass()
        elif asked == "blink":
            self._judge_blink(gesture, early=early)

    def _judge_blink(self, gesture: Gesture, *, early: bool) -> None:
        # Everybody blinks now and then, so an early one is no deceit; it only does not count.
        if gesture.shut and not early:
            self._closed = True
        elif self._closed and gesture.neutral and gesture.opening > 0.85:
            self._pass()

    def _pass(self) -> None:
        self._done += 1
        self._asked_at = None

    def _end(self, failure: Failure | None, at: float) -> None:
        left, right = self._most
        scores = Scores(
            asked=self.asked,
            done=self._done,
            left=left,
            right=right,
            shut=self._shut,
            opening=self._narrowest,
            seconds=at - self.begun_at,
            along=self._around.along,
        )
        self.outcome = Outcome(failure=failure, scores=scores)
