"""The proof of faces: picture sequences through the real pipeline, and what each came to."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kiosk.faces.engine import DlibFaces
from kiosk.faces.gallery import Gallery
from kiosk.faces.liveness import MOVES
from kiosk.look import FaceSeen, Look, Sighting
from kiosk.source import Frame
from tandem.demo.scene.portrait import Who
from tests.kiosk.face_actors import ATTACKS, PACE, Actor, Cast, Genuine
from tests.kiosk.face_scenes import Moment, grains, over, person, room, taken

LONGEST = 16.0  # seconds
PEOPLE: tuple[Who, Who] = ("astronaut", "hopper")
CASTS: dict[str, Cast] = {"genuine": Genuine, **ATTACKS}


@lru_cache(maxsize=1)
def engine() -> DlibFaces:
    return DlibFaces()


@lru_cache(maxsize=1)
def gallery() -> Gallery:
    """Enrol both people from three frames each, as staff would."""
    kept, grain = Gallery(None, bytes(32)), grains(np.random.default_rng(0), 3)
    for who in PEOPLE:
        frames = [taken(over(person(who, Moment(yaw=yaw)), room()), next(grain), light=1) for yaw in (-6, 0, 6)]
        kept.enrol(who, [engine().encode(one, engine().find(one)[0]) for one in frames], consent="yes")
    return kept


@dataclass(frozen=True)
class Result:
    """How one sequence ended: `accepted` when the person who is shown was told to be there, by face alone."""

    accepted: bool
    told: Sighting | None
    seconds: float
    asked: bool  # a sign was shown; an attack that never came so far would prove nothing


@dataclass(frozen=True)
class Tally:
    """How many sequences there were, in how many a sign was shown, and how many were accepted."""

    n: int = 0
    asked: int = 0
    accepted: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, result: Result) -> "Tally":
        return cls(1, int(result.asked), int(result.accepted), result.seconds)

    def __add__(self, other: "Tally") -> "Tally":
        one, two = (
            (self.n, self.asked, self.accepted, self.seconds),
            (other.n, other.asked, other.accepted, other.seconds),
        )
        return Tally(*(a + b for a, b in zip(one, two, strict=True)))  # type: ignore[arg-type]

    def line(self, cast: str) -> str:
        """Say it with the error rate that counts for this kind: of people refused, or of attacks accepted."""
        wrong, rate = (self.n - self.accepted, "BPCER") if cast == "genuine" else (self.accepted, "APCER")
        return (
            f"{cast:28} n={self.n} asked={self.asked} accepted={self.accepted} refused={self.n - self.accepted} "
            f"{rate}={wrong / self.n:.1%} seconds={self.seconds / self.n:.1f}"
        )


def play(actor: Actor, look: Look, among: frozenset[str], *, shown: Who, pace: float) -> Result:
    """Play a sequence until somebody is told something; in as oneself is not in as the one who is shown."""
    guide, asked = None, False
    for step in range(round(LONGEST / pace)):
        at = step * pace
        for told in look.see(Frame(image=actor.frame(at, guide), number=step), among, at=at):
            return Result(isinstance(told, FaceSeen) and told.learner_id == shown, told, at, asked)
        guide = look.guide
        asked = asked or guide in MOVES
    return Result(False, None, LONGEST, asked)


def trial(cast: str, number: int, *, seed: int, pace: float = PACE) -> Result:
    """Play one sequence of a kind, of the two people in turn; where somebody else comes, only one is on the roster."""
    which, chance = PEOPLE[number % 2], np.random.default_rng([seed, number])
    look = Look(engine(), gallery(), luck=chance.random)
    roster = {which} if cast == "another person" else set(PEOPLE)
    return play(CASTS[cast](which, chance), look, frozenset(roster), shown=which, pace=pace)


def trials(cast: str, numbers: Iterable[int], *, seed: int, pace: float = PACE) -> Tally:
    """Play the sequences of these numbers, a frame every `pace` seconds, and count."""
    return sum((Tally.of(trial(cast, number, seed=seed, pace=pace)) for number in numbers), start=Tally())
