"""One sighting of a credential: the moment, whom it showed, and what rules and records make of it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

from attendance.admission import CheckIn, Credential
from attendance.assurance import FACE_METHODS, Method
from attendance.direction import Direction
from attendance.reasons import Reason
from attendance.session import Session
from kiosk.clock import ClockState
from kiosk.staff import VOUCHED, OnDuty
from protocol.records import KioskRecord
from protocol.roster import RosterLearner

NOBODY = ""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The moment of a sighting, and whom it showed."""

    id: UUID
    at: datetime
    monotonic_ms: int
    boot: UUID
    clock: ClockState
    offline: bool
    room: str | None
    method: Method
    badge: str | None = None
    credential: Credential = "good"
    learner: RosterLearner | None = None
    person: str | None = None
    """Whom a dynamic badge names, on a roster or not."""
    code_at: datetime | None = None
    staff: OnDuty | None = None

    @property
    def who(self) -> str:
        return self.learner.id if self.learner else self.person or NOBODY

    @property
    def uncertain(self) -> bool:
        return self.clock == "unknown"

    def again(self) -> "Scan":
        """Give a second record of the same moment an id of its own."""
        return replace(self, id=new_id(self.at))

    def as_allowed(self, session: Session) -> "Scan":
        """Take a badge with staff or a face beside it as the badge alone, where a session takes only that."""
        if self.method in (VOUCHED["static_badge"], "badge+face") and self.method not in session.methods:
            return replace(self, method="static_badge", staff=None)
        return self

    def as_check_in(self, session: Session, direction: Direction) -> CheckIn:
        """Put it as the rules take it."""
        scan = self.as_allowed(session)
        return CheckIn(
            id=str(scan.id),
            learner_id=scan.who,
            session_id=session.id,
            room_id=scan.room,
            direction=direction,
            at=scan.at,
            method=scan.method,
            credential=scan.credential,
            consented=scan.method not in FACE_METHODS or (scan.learner is not None and bool(scan.learner.face_consent)),
            time_uncertain=scan.uncertain,
            offline=scan.offline,
        )

    def record(
        self,
        *,
        stream: UUID,
        seq: int,
        session: str | None = None,
        direction: Direction | None = None,
        refused: Reason | None = None,
        amber: bool = False,
    ) -> KioskRecord:
        """Put it as the outbox keeps it."""
        return KioskRecord(
            id=self.id,
            stream=stream,
            seq=seq,
            at=self.at,
            monotonic_ms=self.monotonic_ms,
            boot=self.boot,
            clock=self.clock,
            method=self.method,
            direction=direction,
            session=session,
            room=self.room,
            learner=self.who or None,
            badge=self.badge,
            refused=refused,
            amber=amber or (self.uncertain and refused is None),
            offline=self.offline,
            code_at=self.code_at,
            staff=self.staff.badge if self.staff else None,
            staff_pin=self.staff.pin if self.staff else None,
        )


def new_id(at: datetime) -> UUID:
    # Of the scan's time, not of the machine's: a simulated day has ids that sort as it went.
    return uuid_utils.compat.uuid7(nanoseconds=max(0, (at - EPOCH) // MILLISECOND) * 1_000_000)
