"""The question whether learners are still there, as pages show it while it waits for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session as Db

from ledger import phones, presence
from ledger.phones import Sitting
from ledger.tables import PresenceCheckRow


@dataclass(frozen=True, slots=True)
class Question:
    """A presence check that is open now."""

    check: PresenceCheckRow
    sitting: Sitting
    left: int
    """Whole seconds until it is over."""

    @property
    def zone(self) -> ZoneInfo:
        """Return whose clock the times are read by."""
        return ZoneInfo(self.sitting.row.zone)


def question_to(db: Db, person_id: str, *, now: datetime) -> Question | None:
    """Return what a learner is asked now; of several, what has waited longest."""
    return _first(db, presence.asked_of(db, person_id, now=now), now)


def question_in(db: Db, session_id: str, *, now: datetime) -> Question | None:
    """Return what the learners of a session are asked now; of several, what was asked last."""
    return _first(db, presence.asked(db, [session_id], now=now)[::-1], now)


def _first(db: Db, checks: Sequence[PresenceCheckRow], now: datetime) -> Question | None:
    sitting = phones.sitting(db, checks[0].session_id) if checks else None
    return Question(checks[0], sitting, int((checks[0].answer_until - now).total_seconds())) if sitting else None
