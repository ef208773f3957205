"""Admission looks at one check-in, its session and roster, and at nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from attendance.assurance import FACE_METHODS, Method, meets
from attendance.direction import Direction
from attendance.instant import utc, whole_second
from attendance.reasons import Flag, Reason, Refused
from attendance.session import Session

__all__ = ["Admitted", "CheckIn", "Credential", "Refused", "Verdict", "admit", "admit_replanned"]

Credential = Literal["good", "unknown", "revoked", "expired", "elsewhere"]
"""Of a badge or code; `elsewhere`: a good staff badge, but not for this place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    id: str
    learner_id: str | None  # None when the badge or code named nobody
    session_id: str | None
    room_id: str | None  # None for a phone, which is in no room that we know of
    direction: Direction
    at: datetime
    method: Method
    credential: Credential = "good"
    consented: bool = True  # to face recognition; other methods need no consent
    time_uncertain: bool = False
    time_corrected: bool = False
    offline: bool = False
    shared_phone: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))


@dataclass(frozen=True, slots=True)
class Admitted:
    flags: frozenset[Flag] = frozenset()


Verdict = Admitted | Refused

BAD_CREDENTIALS: dict[Credential, Reason] = {
    "unknown": "unknown_badge",
    "revoked": "revoked_badge",
    "expired": "expired_code",
    "elsewhere": "staff_elsewhere",
}


def admit(check_in: CheckIn, session: Session | None) -> Verdict:
    """Say yes or the first reason why not: who comes before which session, where before when, and how comes last."""
    if check_in.credential != "good":
        return Refused(BAD_CREDENTIALS[check_in.credential])
    if session is None:
        return Refused("no_session_now")
    reason = _place_objects(check_in, session) or _time_objects(check_in, session) or _method_objects(check_in, session)
    return Refused(reason) if reason else Admitted(_flags(check_in, session))


def admit_replanned(check_in: CheckIn, plans: Sequence[Session]) -> Verdict:
    """Admit by the plan that holds, or by one that held before: who came as planned then has come.

    `plans` begins with the one that holds. So it does not matter whether a check-in or the change became known first.
    """
    verdict = admit(check_in, plans[0] if plans else None)
    if isinstance(verdict, Admitted) or not plans or plans[0].cancelled:
        return verdict
    earlier = (admit(check_in, plan) for plan in plans[1:])
    return next((found for found in earlier if isinstance(found, Admitted)), verdict)


def _place_objects(check_in: CheckIn, session: Session) -> Reason | None:
    if session.cancelled:
        return "session_cancelled"
    if check_in.room_id is not None and check_in.room_id != session.room_id:
        return "wrong_room"
    return None if check_in.learner_id in session.roster else "not_on_roster"


def _time_objects(check_in: CheckIn, session: Session) -> Reason | None:
    if check_in.time_uncertain:
        # A wrong clock is not the learner's fault: the record is admitted with its flag and a person looks at it.
        return None
    at = whole_second(check_in.at)
    if at < session.opens_at:
        return "too_early"
    # An `out` is never too late, because the learner it belongs to was there.
    return "session_over" if check_in.direction == "in" and at > session.ends_at else None


def _method_objects(check_in: CheckIn, session: Session) -> Reason | None:
    if check_in.method not in session.methods:
        return "method_not_allowed"
    if not meets(check_in.method, session.least_assurance):
        return "assurance_too_low"
    return "no_consent" if check_in.method in FACE_METHODS and not check_in.consented else None


def _flags(check_in: CheckIn, session: Session) -> frozenset[Flag]:
    flags: set[Flag] = set()
    if check_in.time_uncertain:
        flags.add("time_uncertain")
    elif check_in.direction == "in" and whole_second(check_in.at) > session.starts_at + session.grace:
        flags.add("late")
    if check_in.time_corrected:
        flags.add("time_corrected")
    if check_in.shared_phone:
        flags.add("shared_phone")
    if check_in.offline:
        flags.add("offline")
    return frozenset(flags)
