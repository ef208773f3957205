"""What reports are made from, for Ann and Bo, Cy who is a clerk without a partner, and Zoe whom no roster knows."""

from datetime import date, timedelta
from typing import Any

from attendance.credit import PRESETS
from attendance.pair import Learner
from attendance.report_facts import Attendance, Sitting
from attendance.report_period import Period
from attendance.session import Session
from tests.attendance.couple import ZONE, at

ANN, BO, CY = Learner("ann", "clerk"), Learner("bo", "reserve_manager"), Learner("cy", "clerk")
LEARNERS = (ANN, BO, CY)
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
END = at("23:59", 30)  # everything in November is over


def sitting(id: str = "order-101", day: int = 2, *, roster: str = "ann bo", **other: Any) -> Sitting:
    """Hold a session at nine, for three hours and on one day of November if nothing else is said."""
    given: dict[str, Any] = {"region_id": "north", "rule": PRESETS["cn-45"]}
    around = {name: other.pop(name) for name in ("region_id", "rule", "program_id") if name in other}
    hours = other.pop("hours", 3)
    starts_at = at(other.pop("start", "09:00"), day)
    told = {"course_id": "orders", "room_id": "room-1", "zone": ZONE, **other}
    session = Session(
        id=id, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), roster=frozenset(roster.split()), **told
    )
    return Sitting(session=session, **(given | around))


def came(who: str, session_id: str = "order-101", **other: Any) -> Attendance:
    """Let somebody attend the whole of a session and get its hours, if nothing else is said."""
    told: dict[str, Any] = {"signed_in": True, "minutes": 180, "credited": True, **other}
    return Attendance(learner_id=who, session_id=session_id, **told)
