"""What the kiosk can see: badges, and faces that are somebody's, nobody's, or not the badge's."""

from dataclasses import dataclass
from typing import TypeAlias

from kiosk.qr.codes import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class BadgeSeen:
    """A code was held up; whether it is a badge is for others to say."""

    text: str
    box: Box | None = None
    """None: a scanner has read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoBadges:
    """Several different codes at once: ask to show one."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSeen:
    """Two encodings of one face agreed on a person, who did what was asked for if a challenge is demanded."""

    learner_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerSeen:
    """Somebody stands there whose face is not enough: ask for a badge, store nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderSeen:
    """The face is that of the person who was expected."""

    learner_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSeen:
    """The face is not that of the person who was expected."""


FaceSighting: TypeAlias = FaceSeen | StrangerSeen | HolderSeen | OtherSeen
Sighting: TypeAlias = BadgeSeen | TwoBadges | FaceSighting
