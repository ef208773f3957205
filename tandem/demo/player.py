"""Plays the sample day: people come to the door one after the other, and what the screen told them is written down."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kiosk.desk import Answer
from tandem.demo import pictures
from tandem.demo.clock import DayClock
from tandem.demo.company import PEOPLE, Company
from tandem.demo.day import DAY, Event, Scene
from tandem.demo.door import Door

ANSWER = 15
"""Seconds within which a kiosk has to answer somebody who stands before it."""
ONLINE = 15
"""Seconds within which a kiosk has to be back with the gateway."""
ASIDE = 0.6
"""Seconds without anybody; a face that stays in view is one person to the kiosk."""

Watcher = Callable[[Scene | Event, Answer | None], None]


@dataclass(slots=True)
class Played:
    """What was seen from before the screen, and nothing else."""

    answers: list[tuple[Scene, Answer | None]] = field(default_factory=list)

    @property
    def greens(self) -> list[Answer]:
        """The check-ins that people were told are recorded."""
        return [answer for _, answer in self.answers if answer and answer.kind in ("green", "amber")]

    @property
    def unexpected(self) -> list[str]:
        """The scenes that did not go as they should."""
        return [f"{scene.at} {scene.told}: {_outcome(a)}" for scene, a in self.answers if _outcome(a) != scene.expect]


def play(door: Door, company: Company, clock: DayClock, *, pace: float, watcher: Watcher) -> Played:
    """Play the whole day; `pace` is how many seconds each scene stays at least."""
    played = Played()
    for seed, part in enumerate(DAY, 1):
        clock.jump(company.at(part.at))
        if isinstance(part, Event):
            _happen(door, part)
            answer = None
        else:
            answer = _act(door, part, _picture(part, company, seed), pace)
            played.answers.append((part, answer))
        watcher(part, answer)
    return played


def _act(door: Door, scene: Scene, picture: np.ndarray, pace: float) -> Answer | None:
    """Show somebody to the camera until the screen has answered."""
    before = max((answer.number for answer in door.station.wait(0, 0)), default=0)
    began = time.monotonic()
    door.easel.show(picture)
    answers = door.station.wait(before, ANSWER)
    time.sleep(max(0.0, began + pace - time.monotonic()))
    door.easel.show(pictures.empty_frame(0))
    time.sleep(ASIDE if scene.picture != "badge" else 0.1)
    return answers[0] if answers else None


def _happen(door: Door, event: Event) -> None:
    if event.mishap == "network cut":
        door.cut()
        _wait(lambda: not door.station.status().online)
    elif event.mishap == "power cut":
        door.power_cut()
    else:
        door.mend()
        door.power_up()
        until_ready(door)


def until_ready(door: Door) -> None:
    """Wait until the kiosk is connected and has its roster."""
    _wait(lambda: door.station.status().online and door.station.status().roster_good_until is not None)


def until_sent(door: Door) -> None:
    """Wait until the gateway has confirmed everything that the kiosk kept."""
    _wait(lambda: door.station.status().waiting == 0)


def _wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + ONLINE
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)


def _picture(scene: Scene, company: Company, seed: int) -> np.ndarray:
    if scene.picture == "badge":
        who = scene.badge.partition(",")[0]
        return pictures.badge_frame(company.badges[scene.badge], seed=seed, name_hint=PEOPLE.get(who, ("",))[0])
    return pictures.face_frame(scene.picture, seed=seed)


def _outcome(answer: Answer | None) -> str:
    if answer is None:
        return "no answer"
    return str(answer.code) if answer.kind == "red" else answer.kind
