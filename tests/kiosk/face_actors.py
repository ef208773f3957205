"""Those who come to the camera: people who do what they are asked, and attackers who do what they can."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np

from kiosk.faces.liveness import MOVES, Guide, Move
from kiosk.picture import Image
from tandem.demo.scene.portrait import Who
from tests.kiosk.face_scenes import Grain, Moment, bent, flat, grains, over, person, room, sheet_of, taken, with_lids

PACE = 0.1  # seconds: ten frames each second
Chance = np.random.Generator


class Actor(Protocol):
    """Somebody, or something, before the camera."""

    def frame(self, at: float, guide: Guide | None) -> Image:
        """Give the picture of this moment; the guide is what the screen has shown since the last one."""


@dataclass
class Sway:
    """What a body or a hand does that nobody asked for: slow waves, different for each angle and place."""

    chance: Chance
    sizes: Moment
    _waves: list[tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        self._waves = [(self.chance.uniform(0.25, 0.7), self.chance.uniform(0, 6.28)) for _ in range(5)]

    def at(self, at: float) -> Moment:
        sizes = (self.sizes.yaw, self.sizes.pitch, self.sizes.roll, self.sizes.x, self.sizes.y)
        yaw, pitch, roll, x, y = (
            size * np.sin(6.28 * pace * at + phase) for size, (pace, phase) in zip(sizes, self._waves, strict=True)
        )
        return Moment(yaw=yaw, pitch=pitch, roll=roll, x=x, y=y, scale=self.sizes.scale)


@dataclass
class Camera:
    """The same camera for all of a sequence."""

    chance: Chance
    _grains: Iterator[Grain] = field(init=False)
    _light: float = field(init=False)
    _drift: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._grains, self._light = grains(self.chance, self.chance.uniform(2, 5)), self.chance.uniform(0.75, 1.1)
        self._drift = self.chance.uniform(0.0, 0.08), self.chance.uniform(0.1, 0.6)

    def take(self, image: Image, at: float, light: float = 1.0) -> Image:
        drift = 1 + self._drift[0] * np.sin(6.28 * self._drift[1] * at)
        return taken(image, next(self._grains), light=light * self._light * drift)


@dataclass
class Reaction:
    """Answers each new sign after the time that a person needs, and once more if the sign stays."""

    chance: Chance
    slow: tuple[float, float] = (0.4, 0.9)
    patience: float = 2.2
    _sign: Guide | None = None
    _from: float = 0.0

    def since(self, at: float, guide: Guide | None) -> tuple[Move | None, float]:
        """Say which movement is being made, and since how many seconds."""
        if guide != self._sign or (at - self._from > self.patience):
            self._sign, self._from = guide, at + self.chance.uniform(*self.slow)
        if guide in ("blink", "turn_left", "turn_right") and at >= self._from:
            return guide, at - self._from
        return None, 0.0


def eased(seconds: float, *, there: float, hold: float, back: float) -> float:
    """Go from 0 to 1, stay, and come back, softly."""
    if seconds < 0 or seconds > there + hold + back:
        return 0.0
    way = min(1.0, seconds / there) if seconds < there + hold else 1 - (seconds - there - hold) / back
    return float(way * way * (3 - 2 * way))


class Genuine:
    """A person who stands before the kiosk, and what is behind it, and does what it asks."""

    def __init__(self, which: Who, chance: Chance, behind: Image | None = None) -> None:
        self.behind = room() if behind is None else behind
        self.which, self.chance, self.camera = which, chance, Camera(chance)
        self.sway = Sway(chance, Moment(yaw=2.0, pitch=1.5, roll=1.5, x=5, y=3, scale=chance.uniform(0.85, 1.1)))
        self.reaction = Reaction(chance)
        self.comes = float(chance.choice([-1, 1])) * chance.uniform(60, 160)
        self.blinks_at = chance.uniform(0.5, 4.0)
        self.angle, self.turn = chance.uniform(16, 32), (chance.uniform(0.3, 0.5), chance.uniform(0.25, 0.6))
        self.nose = float(chance.choice([0.24, 0.28, 0.32, 0.36]))
        self.shut = (chance.uniform(0.1, 0.15), chance.uniform(0.15, 0.35))
        self._begun: tuple[Move | None, float] = (None, 0.0)

    def moment(self, at: float, guide: Guide | None) -> Moment:
        """Say how the head is held now."""
        # A movement that was begun is finished, also when the sign has changed meanwhile.
        move, since = self._begun
        if move is None or at - since > 1.6:
            new, seconds = self.reaction.since(at, guide)
            # Who sees the same sign again turns further.
            self.angle = min(34, self.angle + 6) if new and new == move else self.angle
            self._begun = (new, at - seconds) if new and seconds < 1.0 else (None, 0.0)
            move, since = self._begun
        own = self.sway.at(at)
        arriving = self.comes * max(0.0, 1 - at / 0.7) ** 2
        there, hold = self.turn
        turned = 0.0
        if move in ("turn_left", "turn_right"):
            side = 1 if move == "turn_left" else -1
            turned = side * self.angle * eased(at - since, there=there, hold=hold, back=0.4)
        return replace(own, yaw=own.yaw + turned, x=own.x + arriving, lids=self._lids(move, since, at))

    def _lids(self, move: Move | None, since: float, at: float) -> float:
        if at > self.blinks_at + 0.25:
            self.blinks_at = at + self.chance.uniform(2, 6)
        by_itself = eased(at - self.blinks_at, there=0.08, hold=0.04, back=0.1)
        close, stay = self.shut
        asked = eased(at - since, there=close, hold=stay, back=0.15) if move == "blink" else 0.0
        return max(by_itself, asked)

    def frame(self, at: float, guide: Guide | None) -> Image:
        return self.camera.take(over(person(self.which, self.moment(at, guide), nose=self.nose), self.behind), at)


@lru_cache(maxsize=8)
def _printed(which: Who, rim: int, colour: int) -> Image:
    return sheet_of(over(person(which, Moment()), room()), rim=rim, colour=colour)


class Photo:
    """A print held before the camera by somebody who sees the signs and does what a print allows."""

    def __init__(self, which: Who, chance: Chance, how: str) -> None:
        self.how, self.chance, self.camera = how, chance, Camera(chance)
        self.sheet = _printed(which, *((10, 245) if chance.random() < 0.5 else (0, 0)))
        self.hand = Sway(chance, Moment(yaw=4, pitch=3, roll=3, x=8, y=6, scale=chance.uniform(0.85, 1.1)))
        self.reaction = Reaction(chance)
        self.far, self.quick = chance.uniform(20, 55), chance.uniform(0.15, 0.5)
        self.radius, self.axis = chance.uniform(70, 220), float(chance.choice([0, 0, 90, chance.uniform(-45, 45)]))
        self.beside, self.stays_bent = chance.uniform(-40, 40), chance.random() < 0.5

    def frame(self, at: float, guide: Guide | None) -> Image:
        move, since = self.reaction.since(at, guide)
        much = eased(since, there=self.quick, hold=0.3, back=self.quick) if move else 0.0
        side = {"turn_left": 1.0, "turn_right": -1.0}.get(move or "", 0.0)
        held = self.hand.at(at)
        layer, light = self._held(held, much, side)
        return self.camera.take(over(layer, room()), at, light)

    def _held(self, held: Moment, much: float, side: float) -> tuple[Image, float]:
        if self.how == "moved":
            return flat(self.sheet, replace(held, x=held.x + 90 * side * much, y=held.y + 40 * (not side) * much)), 1.0
        if self.how == "turned":
            nod = self.far * 0.8 * much if not side else 0.0
            return flat(self.sheet, replace(held, yaw=held.yaw + side * self.far * much, pitch=held.pitch + nod)), 1.0
        if self.how == "scaled":
            return flat(self.sheet, replace(held, scale=held.scale * (1 + 0.5 * much))), 1.0
        if self.how == "brightened":
            return flat(self.sheet, held), 1 + (0.8 if self.far > 35 else -0.7) * much
        yaw = side * self.far * much
        radius = self.radius if self.stays_bent else self.radius / max(0.05, much if side or much else 0.05)
        return bent(self.sheet, replace(held, yaw=yaw), radius=radius, axis=self.axis, beside=self.beside), 1.0


class CutOut:
    """A print with holes for the eyes, worn by somebody whose eyes look like the right ones and blink when asked."""

    def __init__(self, which: Who, chance: Chance) -> None:
        self.which, self.chance, self.camera = which, chance, Camera(chance)
        self.hand = Sway(chance, Moment(yaw=4, pitch=3, roll=3, x=8, y=6, scale=chance.uniform(0.85, 1.1)))
        self.reaction = Reaction(chance)
        self.far, self.shut = chance.uniform(20, 45), (chance.uniform(0.1, 0.15), chance.uniform(0.15, 0.35))

    def frame(self, at: float, guide: Guide | None) -> Image:
        move, since = self.reaction.since(at, guide)
        close, stay = self.shut
        shut = eased(since, there=close, hold=stay, back=0.15) if move == "blink" else 0.0
        side = {"turn_left": 1.0, "turn_right": -1.0}.get(move or "", 0.0)
        turned = side * self.far * eased(since, there=0.4, hold=0.5, back=0.4)
        held = self.hand.at(at)
        mask = with_lids(self.which, round(shut * 10))
        return self.camera.take(over(flat(mask, replace(held, yaw=held.yaw + turned)), room()), at)


@dataclass
class Clip:
    """A video of a person who was asked for something else, or for one thing."""

    frames: Sequence[Image]

    @classmethod
    def of(cls, which: Who, chance: Chance, moves: Sequence[Move]) -> "Clip":
        """Film a person who makes these movements, with a second and a half between them."""
        actor, frames = Genuine(which, chance), list[Image]()
        actor.comes = 0.0
        seconds = 1.2 + 2.6 * len(moves)
        for step in range(round(seconds / PACE)):
            at = step * PACE
            number = int((at - 1.2) // 2.6) if at >= 1.2 else -1
            asked: Guide = moves[number] if number >= 0 and (at - 1.2) % 2.6 < 1.5 else "look_here"
            frames.append(over(person(which, actor.moment(at, asked), nose=actor.nose), room()))
        return cls(frames)


class Replay:
    """A clip on a screen: fixed or held by hand; it plays on from its beginning, or the one clip for each sign."""

    def __init__(self, clips: dict[Guide | None, Clip], chance: Chance, *, by_hand: bool) -> None:
        self.clips, self.chance, self.camera = clips, chance, Camera(chance)
        size = 1.0 if by_hand else 0.0
        sway = Moment(
            yaw=4 * size, pitch=3 * size, roll=3 * size, x=8 * size, y=6 * size, scale=chance.uniform(0.9, 1.1)
        )
        self.hand, self.dims = Sway(chance, sway), chance.uniform(0.8, 1.0)
        self.reaction = Reaction(chance, slow=(0.5, 1.0))
        self.shift = int(chance.integers(0, 60))

    def frame(self, at: float, guide: Guide | None) -> Image:
        if set(self.clips) == {None}:
            clip, step = self.clips[None], round(at / PACE) + self.shift
        else:
            move, since = self.reaction.since(at, guide)
            # The clip of one movement begins where the movement does.
            clip = self.clips[move or "look_here"]
            step = round(since / PACE) + 14 if move else round(at / PACE) % 10
        shown = sheet_of(clip.frames[step % len(clip.frames)], rim=14, colour=20)
        return self.camera.take(over(flat(shown, self.hand.at(at)), room()), at, self.dims)


class Swap:
    """The print of one person until a sign is shown, then the live face of another in its place."""

    def __init__(self, photo: Photo, live: Genuine) -> None:
        self.photo, self.live, self._shown = photo, live, False
        self.live.comes = 0.0

    def frame(self, at: float, guide: Guide | None) -> Image:
        self._shown = self._shown or guide in ("blink", "turn_left", "turn_right")
        return self.live.frame(at, guide) if self._shown else self.photo.frame(at, guide)


def wall_with_a_poster(which: Who) -> Image:
    """Hang a picture of somebody on the wall, half as large as life, and large enough to be found."""
    poster = cv2.resize(
        _printed(which, 10, 245)[20:410, 185:455, :3], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA
    )
    wall = room().copy()
    wall[40 : 40 + poster.shape[0], 420 : 420 + poster.shape[1]] = poster[:, : 640 - 420]
    return wall


Cast = Callable[[Who, Chance], Actor]


def replayed(which: Who, chance: Chance, *, by_hand: bool) -> Replay:
    moves = [MOVES[number] for number in chance.permutation(len(MOVES))[:2]]
    return Replay({None: Clip.of(which, chance, moves)}, chance, by_hand=by_hand)


def chosen(which: Who, chance: Chance) -> Replay:
    return Replay(dict(_clips(which)), chance, by_hand=False)


@lru_cache(maxsize=2)
def _clips(which: Who) -> dict[Guide | None, Clip]:
    chance = np.random.default_rng(5)
    clips: dict[Guide | None, Clip] = {"look_here": Clip.of(which, chance, ())}
    return clips | {move: Clip.of(which, chance, (move,)) for move in MOVES}


def other(which: Who) -> Who:
    return "hopper" if which == "astronaut" else "astronaut"


ATTACKS: dict[str, Cast] = {
    **{
        f"photo {how}": (lambda which, chance, how=how: Photo(which, chance, how))  # type: ignore[misc]
        for how in ("moved", "turned", "scaled", "brightened", "bent")
    },
    "cut-out eyes": CutOut,
    "replay": lambda which, chance: replayed(which, chance, by_hand=False),
    "replay by hand": lambda which, chance: replayed(which, chance, by_hand=True),
    "replay, clip for each sign": chosen,
    "photo, then another face": lambda which, chance: Swap(
        Photo(which, chance, "moved"), Genuine(other(which), chance)
    ),
    "another person": lambda which, chance: Genuine(other(which), chance),
}
