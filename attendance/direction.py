"""Which session a sighting belongs to, and whether the learner comes or goes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from attendance.instant import utc, whole_second
from attendance.reasons import Hint, Refused
from attendance.session import Session

Direction = Literal["in", "out"]
Setting = Literal["in", "out", "auto"]

# From here on before the end, whoever was seen before is taken to leave.
LEAVING = timedelta(minutes=15)
# A longer pause between two sessions is a pause: people go out and come back, and scan twice.
LONGEST_CHANGE = timedelta(minutes=15)
# Sessions further away than this say nothing about why somebody stands at the kiosk now.
NEAR = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Enter:
    session: Session


@dataclass(frozen=True, slots=True)
class Leave:
    session: Session


@dataclass(frozen=True, slots=True)
class Change:
    """One scan between back-to-back sessions: out of the first and in to the second."""

    leave: Session
    enter: Session


@dataclass(frozen=True, slots=True)
class Ask:
    """The screen asks the learner whether it is `in` or `out`."""

    session: Session


Choice = Enter | Leave | Change | Ask | Refused


def choose(
    sessions: Iterable[Session],
    learner_id: str,
    *,
    room_id: str | None,
    inside: str | None,
    at: datetime,
    setting: Setting,
    seen: frozenset[str] = frozenset(),
) -> Choice:
    """Choose session and direction from what the kiosk knows.

    `inside` is the session the learner is in now, `seen` those that the learner was in earlier and left;
    a phone has no room (None) and looks at the sessions of all rooms.
    """
    at = whole_second(utc(at))
    sessions = tuple(sessions)
    own = [session for session in _open(sessions, at) if learner_id in session.roster and _is_in(room_id, session)]
    if not own:
        return _refusal(sessions, learner_id, room_id, at)
    session = next((session for session in own if session.id == inside), None)
    if session is None:
        session = _nearest(own, at)
        return _directed(session, at, setting, sighted=session.id in seen)
    following = _following(session, own, at)
    # A kiosk set to `out` stands at the way out: whoever passes it has not come for the next session.
    if following and setting != "out":
        return Change(session, _nearest(following, session.ends_at))
    return _directed(session, at, setting, sighted=True)


def hint(choice: Choice, inside: str | None) -> Hint | None:
    """Say what the screen should add, because the learner may have forgotten an earlier scan."""
    match choice:
        case Enter(session) if session.id == inside:
            return "already_in"
        case Leave(session) if session.id != inside:
            return "not_in"
    return None


def _directed(session: Session, at: datetime, setting: Setting, *, sighted: bool) -> Choice:
    if setting == "in" or (setting == "auto" and not sighted):
        return Enter(session)
    if setting == "out" or at >= session.ends_at - LEAVING:
        return Leave(session)
    return Ask(session)


def _following(session: Session, own: Sequence[Session], at: datetime) -> list[Session]:
    if at < session.ends_at - LEAVING:
        return []
    return [other for other in own if session.ends_at <= other.starts_at <= session.ends_at + LONGEST_CHANGE]


def _open(sessions: Iterable[Session], at: datetime) -> list[Session]:
    return [session for session in sessions if not session.cancelled and session.opens_at <= at <= session.closes_at]


def _is_in(room_id: str | None, session: Session) -> bool:
    return room_id is None or session.room_id == room_id


def _nearest(sessions: Sequence[Session], at: datetime) -> Session:
    return min(sessions, key=lambda session: (abs(session.starts_at - at), session.starts_at, session.id))


def _refusal(sessions: Sequence[Session], learner_id: str, room_id: str | None, at: datetime) -> Refused:
    """Give the reason that helps the learner most: what is meant for them comes before what is not."""
    own = [session for session in sessions if learner_id in session.roster]
    here = [session for session in own if _is_in(room_id, session)]
    if _open(own, at):
        return Refused("wrong_room")
    if any(session.cancelled and session.opens_at <= at <= session.closes_at for session in here):
        return Refused("session_cancelled")
    if any(_is_in(room_id, session) for session in _open(sessions, at)):
        return Refused("not_on_roster")
    held = [session for session in here if not session.cancelled]
    if any(at < session.opens_at <= at + NEAR for session in held):
        return Refused("too_early")
    if any(at - NEAR <= session.closes_at < at for session in held):
        return Refused("session_over")
    return Refused("no_session_now")
