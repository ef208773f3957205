"""What a member of staff can do at the kiosk while their list is open: check people in by name, and enrol faces."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from attendance.direction import Direction
from kiosk.answers import Answer
from kiosk.asking import GatewayError
from kiosk.desk import Desk
from kiosk.faces.enrolling import Enrolling, Progress
from kiosk.faces.gallery import Gallery
from kiosk.roster import RosterBook
from kiosk.staff import Listed
from protocol.roster import StaffPinAnswer

log = logging.getLogger(__name__)

Decide = Callable[[], Answer | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list."""

    listed: Listed
    may_enrol: bool
    enrolled: bool


class StaffMode:
    """Staff mode as the screen uses it; may be used from any thread.

    `tell` shows what a decision came to and says what that was, `stir` lets the screens look again.
    """

    def __init__(
        self,
        desk: Desk,
        book: RosterBook,
        gallery: Gallery,
        enrolling: Enrolling | None,
        *,
        tell: Callable[[Decide], Answer | None],
        stir: Callable[[], None],
        check_pin: Callable[[str, str], StaffPinAnswer | None],
    ) -> None:
        self._desk, self._book, self._gallery, self._enrolling = desk, book, gallery, enrolling
        self._tell, self._stir, self._check_pin = tell, stir, check_pin

    @property
    def left(self) -> timedelta | None:
        """Say how long the list stays open; None when it is not."""
        listed = self._desk.staff_list()
        return listed.left if listed else None

    @property
    def is_locked(self) -> bool:
        """Say whether the PIN comes first."""
        return self._desk.staff_badge() is not None

    def unlock(self, pin: str) -> StaffPinAnswer:
        """Let the gateway check a PIN; where it is out of reach, the list opens without, and the records say so."""
        badge = self._desk.staff_badge()
        if badge is None:
            return StaffPinAnswer(right=False)
        try:
            answer = self._check_pin(badge, pin)
        except GatewayError as error:
            log.warning("a PIN could not be checked: %s", error)
            return StaffPinAnswer(right=False)
        if answer is None or answer.right:
            self._desk.staff_unlock(badge, checked=answer is not None)
            self._stir()
        return answer or StaffPinAnswer(right=True)

    @property
    def progress(self) -> Progress | None:
        """Say how far an enrolment is, or how it ended; with the list it is gone."""
        if self._enrolling is None:
            return None
        if self.left is None:
            self._enrolling.stop()
        return self._enrolling.progress

    def rows(self) -> tuple[Row, ...]:
        """List whom there is to check in."""
        listed = self._desk.staff_list()
        consenting = self._book.faces() if self._enrolling else frozenset()
        known = self._gallery.people()
        return tuple(
            Row(listed=one, may_enrol=one.learner_id in consenting, enrolled=one.learner_id in known)
            for one in (listed.learners if listed else ())
        )

    def choose(self, learner_id: str, session_id: str, direction: Direction) -> bool:
        """Check somebody in or out; False if the list is closed, or it could not be kept."""
        return self._tell(lambda: self._desk.staff_choose(learner_id, session_id, direction)) is not None

    def enrol(self, learner_id: str, *, anyway: bool) -> bool:
        """Begin to enrol somebody of the list; False if it is closed, or they have not consented."""
        left, day = self.left, self._book.day()
        if self._enrolling is None or left is None or day is None:  # what is locked has no rows
            return False
        if not any(row.may_enrol for row in self.rows() if row.listed.learner_id == learner_id):
            return False
        self._enrolling.begin(day.learners[learner_id], faces=day.faces, anyway=anyway, within=left)
        self._stir()
        return True

    def stop_enrolling(self) -> None:
        """Leave an enrolment, or what it came to, and go back to the list."""
        if self._enrolling:
            self._enrolling.stop()
        self._stir()

    def end(self) -> None:
        """Close the list before its time."""
        self._desk.staff_end()
        self.stop_enrolling()

    def name_of(self, learner_id: str) -> str | None:
        """Say who somebody is who looks alike, if today's roster knows."""
        day = self._book.day()
        learner = day.learners.get(learner_id) if day else None
        return learner.name if learner else None
