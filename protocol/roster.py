"""What a kiosk has to know of the day: its room's sessions, who is on them, and which badges are no longer good."""

from typing import Literal
from uuid import UUID

from protocol.registration import Key
from protocol.wire import Code, Id, Instant, Wire


class Pause(Wire):
    """A break within a session."""

    starts_at: Instant
    ends_at: Instant


class RosterSession(Wire):
    """One session of the kiosk's room, or of another room so that the screen can say where to go."""

    id: Id
    course: Id
    title: str
    title_zh: str
    room: Id | None = None
    room_name: str
    starts_at: Instant
    ends_at: Instant
    zone: str
    breaks: tuple[Pause, ...] = ()
    learners: tuple[Id, ...]
    methods: tuple[Code, ...]
    least_assurance: Code
    cancelled: bool = False


class RosterLearner(Wire):
    """A learner as the kiosk greets them."""

    id: Id
    name: str
    role: str
    badges: tuple[UUID, ...] = ()
    face_consent: str | None = None
    """The id of the consent on record; None keeps the face engine away from this person."""


class BadgeKey(Wire):
    """A public key that badges are verified with."""

    id: int
    key: Key


class Roster(Wire):
    """Everything of one kiosk for the next hours; after `good_until` the kiosk forgets the people in it."""

    v: Literal[1] = 1
    version: str
    """A digest of the content; a kiosk that has it need not pull again."""
    made_at: Instant
    good_until: Instant
    room: Id
    room_name: str
    direction: Literal["in", "out", "auto"] = "auto"
    faces: bool = False
    sessions: tuple[RosterSession, ...]
    learners: tuple[RosterLearner, ...]
    revoked: tuple[UUID, ...] = ()
    badge_keys: tuple[BadgeKey, ...]
