"""Staff mode: for a minute after a staff badge, its holder checks people in by name, or vouches for their badges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
from pydantic import ValidationError

from attendance.assurance import Method
from attendance.session import Session
from kiosk.asking import GatewayAway, ask
from kiosk.identity import Identity
from kiosk.memory import Memory, Whereabouts
from kiosk.roster import Day, is_open
from protocol.roster import RosterLearner, RosterSession, StaffPin, StaffPinAnswer

OPEN_FOR = timedelta(seconds=60)
"""Acts do not prolong it: who walks away leaves the list to the next person for so long and no longer."""
MILLISECOND = timedelta(milliseconds=1)
VOUCHED: Mapping[Method, Method] = {"static_badge": "static_badge+staff"}
"""What a way of checking in becomes with a member of staff beside it; the others are as sure without."""

PIN_PATH = "/device/v1/staff-pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """A member of staff who has shown their badge; times are of the clock that nobody sets."""

    badge: str
    name: str | None
    """None: there is no roster to tell it."""
    since_ms: int
    pin: bool | None = None
    """None: nobody asks for one. False: it has not been checked."""
    locked: bool = False
    """Until it has, or the gateway turned out to be out of reach."""

    def left(self, now_ms: int) -> timedelta:
        """Say how long staff mode stays open."""
        return max(timedelta(0), OPEN_FOR - (now_ms - self.since_ms) * MILLISECOND)

    def unlocked(self, *, checked: bool) -> "OnDuty":
        """Open the list, after the gateway has found the PIN right or turned out to be away."""
        return replace(self, pin=checked, locked=False)

    def again(self, now_ms: int) -> "OnDuty":
        """Begin another minute, without another PIN."""
        return replace(self, since_ms=now_ms)


def on_duty(badge: str, name: str | None, *, at_ms: int, asks_pin: bool, offline: bool) -> OnDuty:
    """Begin staff mode; without a network nobody can check a PIN, so nobody is asked for one."""
    return OnDuty(
        badge=badge, name=name, since_ms=at_ms, pin=False if asks_pin else None, locked=asks_pin and not offline
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Somebody whom a member of staff may check in, for one session."""

    learner_id: str
    name: str
    role: str
    session_id: str
    title: str
    title_zh: str
    whereabouts: Whereabouts
    """As far as this kiosk knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffList:
    """What the screen shows in staff mode."""

    name: str | None
    """Of the member of staff."""
    left: timedelta
    """Until staff mode ends by itself."""
    locked: bool
    """The screen asks for the PIN, and names nobody yet."""
    learners: tuple[Listed, ...]


def check_pin(
    client: httpx2.Client, identity: Identity, badge: str, pin: str, *, at: datetime
) -> StaffPinAnswer | None:
    """Let the gateway check a PIN; None when it cannot be reached. Raises GatewayError where it answers otherwise."""
    try:
        asked = StaffPin(badge=UUID(badge), pin=pin)
    except ValidationError:
        return StaffPinAnswer(right=False)
    try:
        answer = ask(client, identity, PIN_PATH, at=at, body=asked.line())
    except GatewayAway:
        return None
    return StaffPinAnswer.read(answer or b"")


def listed(day: Day | None, room: str | None, memory: Memory, *, at: datetime) -> tuple[Listed, ...]:
    """List the learners of the sessions that are open in this room, by session and name."""
    if day is None:
        return ()
    here = sorted((one for one in day.sessions if is_open(one, room, at)), key=lambda one: (one.starts_at, one.id))
    return tuple(_row(learner, day.titles[one.id], memory) for one in here for learner in _by_name(day, one))


def _by_name(day: Day, session: Session) -> list[RosterLearner]:
    people = (day.learners[id] for id in session.roster if id in day.learners)
    return sorted(people, key=lambda learner: (learner.name, learner.id))


def _row(learner: RosterLearner, told: RosterSession, memory: Memory) -> Listed:
    return Listed(
        learner_id=learner.id,
        name=learner.name,
        role=learner.role,
        session_id=told.id,
        title=told.title,
        title_zh=told.title_zh,
        whereabouts=memory.whereabouts(learner.id, told.id),
    )
