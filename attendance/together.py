"""Partners who come to a joint session together arrive at about the same time."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attendance.instant import utc, whole_second
from attendance.presence import Presence
from attendance.session import Session

TOGETHER_WITHIN = timedelta(minutes=10)


def together(arrivals: Iterable[datetime | None], *, start: datetime, within: timedelta = TOGETHER_WITHIN) -> bool:
    """Say whether it is joint attendance for all of them; else it is for none, and each keeps the ordinary hours.

    Whoever is early arrives at the start, and whoever has not come (None) is not together with anybody.
    """
    start = utc(start)
    came = [at and max(start, whole_second(utc(at))) for at in arrivals]
    known = [at for at in came if at]
    return len(known) == len(came) > 1 and max(known) - min(known) <= within


def arrival(presence: Presence | None) -> datetime | None:
    """Say when somebody arrived at a session, before any grace; None when they did not, or while it is on review."""
    if presence is None or presence.review:
        return None
    grace = next((step for step in presence.steps if step.name == "grace"), None)
    arrived = dict(grace.values).get("arrived") if grace else None
    return arrived if isinstance(arrived, datetime) else None


def arrival_explained(explanation: Mapping[str, Any]) -> datetime | None:
    """Say the same from an explanation as it was written down."""
    grace: Mapping[str, Any] = next((step for step in explanation["steps"] if step["step"] == "grace"), {})
    return datetime.fromisoformat(grace["arrived"]) if grace.get("arrived") else None


def attended_together(
    presences: Iterable[Presence | None], session: Session, *, within: timedelta = TOGETHER_WITHIN
) -> bool:
    return together([arrival(presence) for presence in presences], start=session.starts_at, within=within)
