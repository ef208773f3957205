"""What the kiosk knows of today: its room's sessions and people, kept in memory for as long as the lease lasts."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import httpx2
from nacl.signing import VerifyKey

from attendance.assurance import METHODS
from attendance.direction import Setting
from attendance.session import Session, Span
from kiosk.asking import ask
from kiosk.clock import Clock
from kiosk.identity import Identity
from kiosk.keeping import keep
from kiosk.recall import Recall
from protocol.registration import verify_key
from protocol.roster import BadgeKey, Roster, RosterLearner, RosterSession, RosterStaff
from protocol.signing import Unreadable
from protocol.wire import Id, Wire

log = logging.getLogger(__name__)

PATH = "/device/v1/roster"
FILE = "room.json"


class Room(Wire):
    """What outlives the lease and a power cut: enough to verify badges, and nothing about people."""

    room: Id
    room_name: str
    direction: Literal["in", "out", "auto"]
    badge_keys: tuple[BadgeKey, ...]
    revoked: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A roster, arranged for the questions that the desk asks."""

    version: str
    made_at: datetime
    good_until: datetime
    faces: bool
    share_faces: bool
    withdrawn: frozenset[str]
    """Consents that have ended, whoever gave them."""
    sessions: tuple[Session, ...]
    titles: Mapping[str, RosterSession]
    learners: Mapping[str, RosterLearner]
    by_badge: Mapping[UUID, RosterLearner]
    staff: Mapping[UUID, RosterStaff]
    """By staff badge: who may check people in by name."""
    staff_pin: bool


@dataclass(frozen=True, slots=True)
class _Keys:
    """A room, with its keys ready for use."""

    room: Room
    badge_keys: Mapping[int, VerifyKey]
    revoked: frozenset[UUID]


class RosterBook:
    """Holds the roster; whoever finds what is written to `folder` after a power cut learns of nobody."""

    def __init__(self, folder: Path, *, now: Clock) -> None:
        self._path = folder / FILE
        self._now = now
        self._lock = Lock()
        self._day: Day | None = None
        self._keys = _read(self._path)
        self._faces: tuple[object, frozenset[str]] = (None, frozenset())
        self._is_kept = True
        self._recall = Recall(folder)
        if recalled := self._recall.roster(now()):
            self._use(recalled)

    @property
    def room(self) -> Room | None:
        return self._keys.room if self._keys else None

    @property
    def badge_keys(self) -> Mapping[int, VerifyKey]:
        return self._keys.badge_keys if self._keys else {}

    @property
    def setting(self) -> Setting:
        return self._keys.room.direction if self._keys else "auto"

    def is_revoked(self, badge: UUID) -> bool:
        return self._keys is not None and badge in self._keys.revoked

    def day(self) -> Day | None:
        """Return what is known of today; past the lease the people are forgotten."""
        with self._lock:
            if self._day is not None and self._now() > self._day.good_until:
                self._day = None
                self._recall.forget()
            return self._day

    def faces(self) -> frozenset[str]:
        """Say whose face may be looked for now: consented, and on the roster of a session that is open in this room.

        The same people are the same object, so that the gallery need not line them up for every frame.
        """
        day, room = self.day(), self.room
        if day is None or room is None or not day.faces:
            return frozenset()
        open_now = tuple(session.id for session in day.sessions if is_open(session, room.room, self._now()))
        key = (day.version, open_now)
        if self._faces[0] != key:
            self._faces = (key, _consenting(day, open_now))
        return self._faces[1]

    def take(self, roster: Roster) -> None:
        """Use a roster from now on."""
        self._use(roster)
        self._recall.keep(roster)

    def _use(self, roster: Roster) -> None:
        room = Room(
            room=roster.room,
            room_name=roster.room_name,
            direction=roster.direction,
            badge_keys=roster.badge_keys,
            revoked=roster.revoked,
        )
        ready, day, before = _ready(room), _arranged(roster), self.room
        # Used before it is kept: what was revoked or withdrawn counts from now on, also where the disk is full.
        with self._lock:
            self._keys, self._day = ready, day
        if room != before or not self._is_kept:
            self._keep(room)

    def _keep(self, room: Room) -> None:
        try:
            keep(self._path, room.line())
        except OSError:
            log.exception("the badge keys cannot be kept for a restart")
            self._is_kept = False
        else:
            self._is_kept = True

    def forget(self) -> None:
        """Drop the people at once, before the lease ends: this kiosk is not trusted any more."""
        with self._lock:
            self._day = None
            self._recall.forget()

    def pull(self, client: httpx2.Client, identity: Identity) -> bool:
        """Ask the gateway for a newer roster and take it; False when there is none. Raises GatewayError."""
        day, now = self.day(), self._now()
        # The same content comes with a new lease; in the second half of the old one that is worth the bytes.
        fresh = day is not None and now < day.made_at + (day.good_until - day.made_at) / 2
        path = f"{PATH}?have={quote(day.version, safe='')}" if day and fresh else PATH
        answer = ask(client, identity, path, at=now)
        if answer is None:
            return False
        self.take(Roster.read(answer))
        return True


def as_rule(session: RosterSession) -> Session:
    """Translate a session of the wire into the value that the rules work on."""
    least = [method for method in METHODS if method == session.least_assurance]
    return Session(
        id=session.id,
        course_id=session.course,
        room_id=session.room,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        zone=session.zone,
        breaks=tuple(Span(pause.starts_at, pause.ends_at) for pause in session.breaks),
        roster=frozenset(session.learners),
        methods=frozenset(method for method in METHODS if method in session.methods),
        # A level that a newer gateway has added is met by the surest way that we know, and by no other.
        least_assurance=least[0] if least else METHODS[-1],
        cancelled=session.cancelled,
    )


def _arranged(roster: Roster) -> Day:
    return Day(
        version=roster.version,
        made_at=roster.made_at,
        good_until=roster.good_until,
        faces=roster.faces,
        share_faces=roster.share_faces,
        withdrawn=frozenset(roster.withdrawn),
        sessions=tuple(as_rule(session) for session in roster.sessions),
        titles={session.id: session for session in roster.sessions},
        learners={learner.id: learner for learner in roster.learners},
        by_badge={badge: learner for learner in roster.learners for badge in learner.badges},
        staff={badge: member for member in roster.staff for badge in member.badges},
        staff_pin=roster.staff_pin,
    )


def _ready(room: Room) -> _Keys:
    return _Keys(room, {key.id: verify_key(key.key) for key in room.badge_keys}, frozenset(room.revoked))


def _read(path: Path) -> _Keys | None:
    try:
        return _ready(Room.read(path.read_bytes()))
    except (OSError, Unreadable):
        # It is only a memory of the last pull: the next one writes it again.
        return None


def is_open(session: Session, room: str | None, at: datetime) -> bool:
    """Say whether people come to this room for this session now."""
    return session.room_id == room and not session.cancelled and session.opens_at <= at <= session.closes_at


def _consenting(day: Day, sessions: tuple[str, ...]) -> frozenset[str]:
    there = {learner_id for session in day.sessions if session.id in sessions for learner_id in session.roster}
    return frozenset(id for id in there if id in day.learners and day.learners[id].face_consent is not None)
