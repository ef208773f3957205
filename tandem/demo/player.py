"""Plays the sample day part by part, and writes down what people were told."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway import watch
from kiosk.answers import Answer
from kiosk.picture import Image
from tandem.demo import deeds, pictures
from tandem.demo.clock import DayClock
from tandem.demo.company import PEOPLE, Company
from tandem.demo.day import DAY, Call, Deed, Event, Part, Scene
from tandem.demo.deeds import Browsers, Called
from tandem.demo.door import Door
from tandem.up import Machine

ANSWER = 15
"""Seconds within which a kiosk has to answer somebody who stands before it."""
ONLINE = 15
"""Seconds within which a kiosk has to be back with the gateway."""
ASIDE = 0.6
"""Seconds without anybody; a face that stays in view is one person to the kiosk."""

Watcher = Callable[[Part, Answer | None], None]


@dataclass(slots=True)
class Played:
    """What was seen from before the screens, and nothing else."""

    answers: list[tuple[Scene, Answer | None]] = field(default_factory=list)
    calls: list[tuple[Call, datetime, Called]] = field(default_factory=list)
    """With the moment of the scan."""

    @property
    def greens(self) -> list[Answer]:
        """The check-ins that people were told are recorded."""
        return [answer for _, answer in self.answers if answer and answer.kind in ("green", "amber")]

    @property
    def receipts(self) -> list[tuple[Call, datetime, str]]:
        """The check-ins by phone that have a receipt."""
        return [(part, at, called.check_in) for part, at, called in self.calls if called.check_in]

    @property
    def unexpected(self) -> list[str]:
        """What did not go as it should."""
        scenes = [f"{scene.at} {scene.told}: {_outcome(a)}" for scene, a in self.answers if _outcome(a) != scene.expect]
        calls = [(call, called) for call, _, called in self.calls if call.forwarded == bool(called.check_in)]
        return scenes + [f"{call.at} {call.told}: {called.status}" for call, called in calls]


class Player:
    """The hand that moves the clock and the people; `pace` is how many seconds each scene stays at least."""

    def __init__(self, machine: Machine, door: Door, company: Company, clock: DayClock, *, pace: float) -> None:
        self._machine, self._door, self._company, self._clock, self._pace = machine, door, company, clock, pace
        self._browsers = Browsers(machine, company, clock)
        self.played = Played()

    def play(self, watcher: Watcher) -> Played:
        """Play the whole day."""
        for seed, part in enumerate(DAY, 1):
            self._clock.jump(self._company.at(part.at))
            answer = self._play(part, seed)
            # So that what time makes true comes true part by part, however fast the day is played.
            watch.tick(self._machine.ledger, now=self._clock.now())
            watcher(part, answer)
        self._browsers.close()
        until_sent(self._door)
        return self.played

    def _play(self, part: Part, seed: int) -> Answer | None:
        match part:
            case Scene():
                answer = self._act(part, seed)
                self.played.answers.append((part, answer))
                return answer
            case Call():
                at = self._clock.now()
                self.played.calls.append((part, at, deeds.call(self._browsers, part)))
            case Deed():
                deeds.do(self._browsers, part)
            case Event():
                self._happen(part)
        time.sleep(self._pace)
        return None

    def _act(self, scene: Scene, seed: int) -> Answer | None:
        """Show somebody to the camera until the screen has answered."""
        began = time.monotonic()
        answer = self._answer(lambda: self._door.easel.show(self._picture(scene, seed)))
        if answer and answer.kind == "ask_direction" and scene.chooses:
            number, direction = answer.number, scene.chooses
            answer = self._answer(lambda: self._door.station.choose(number, direction))
        time.sleep(max(0.0, began + self._pace - time.monotonic()))
        self._door.easel.show(pictures.empty_frame(0))
        time.sleep(ASIDE if scene.picture != "badge" else 0.1)
        return answer

    def _answer(self, act: Callable[[], object]) -> Answer | None:
        before = max((answer.number for answer in self._door.station.wait(0, 0)), default=0)
        act()
        answers = self._door.station.wait(before, ANSWER)
        return answers[0] if answers else None

    def _happen(self, event: Event) -> None:
        door = self._door
        match event.what:
            case "network cut":
                door.cut()
                _wait(lambda: not door.station.status().online)
            case "power cut":
                door.power_cut()
            case "network mended":
                door.mend()
                if door.station.status().running:
                    until_ready(door)
                    until_sent(door)
            case "power back":
                door.power_up()
                until_ready(door)
                until_sent(door)

    def _picture(self, scene: Scene, seed: int) -> Image:
        if scene.picture == "badge":
            who = scene.badge.partition(",")[0]
            text = self._company.badges[scene.badge]
            return pictures.badge_frame(text, seed=seed, name_hint=PEOPLE.get(who, ("",))[0])
        return pictures.face_frame(scene.picture, seed=seed)


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


def _outcome(answer: Answer | None) -> str:
    if answer is None:
        return "no answer"
    return str(answer.code) if answer.kind == "red" else answer.kind
