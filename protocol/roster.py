"""What a kiosk has to know of the day: its room's sessions, who is on them, and which badges are no longer good."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

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
    partners: tuple[Id, ...] = ()
    """With whom they learn in pairs, of those on a roster here."""
    number: str | None = None
    """The personnel number, by which pictures for enrolment are named; only of who has consented."""


class RosterStaff(Wire):
    """Somebody who may check people in by name here, with a staff badge."""

    id: Id
    name: str
    badges: tuple[UUID, ...]


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
    share_faces: bool = False
    """Whether this kiosk may share faces with others now."""
    withdrawn: tuple[str, ...] = ()
    """Consents to face recognition that ended lately, also of people who are on no roster: their faces go."""
    sessions: tuple[RosterSession, ...]
    learners: tuple[RosterLearner, ...]
    revoked: tuple[UUID, ...] = ()
    badge_keys: tuple[BadgeKey, ...]
    staff: tuple[RosterStaff, ...] = ()
    staff_pin: bool = False
    """Whoever shows a staff badge types their PIN as well, as long as the gateway is in reach to check it."""


class StaffPin(Wire):
    """A PIN that was typed after a staff badge; only the gateway can say whether it is right."""

    v: Literal[1] = 1
    badge: UUID
    pin: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]


class StaffPinAnswer(Wire):
    """What the gateway makes of a PIN."""

    v: Literal[1] = 1
    right: bool
    wait: Annotated[int, Field(ge=0)] = 0
    """Seconds until the next try counts, after too many wrong ones."""
