"""The desk turns a sighting into check-ins, keeps them, and only then says what the person is told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from threading import Lock
from uuid import UUID

from attendance import direction as directions
from attendance.admission import BAD_CREDENTIALS, Admitted, Verdict, admit
from attendance.assurance import FACE_METHODS, Method
from attendance.direction import Ask, Change, Choice, Direction, Enter, Leave, choose
from attendance.reasons import Code, Flag, Hint, Reason, Refused
from attendance.session import Session
from kiosk.answers import Answer, Kind, Partner
from kiosk.clock import KioskClock
from kiosk.credentials import credential_of, named, signed_in
from kiosk.memory import MEMORY, Memory
from kiosk.outbox import Outbox
from kiosk.roster import Day, RosterBook
from kiosk.scan import MILLISECOND, Scan, new_id
from kiosk.sightings import BadgeSeen, FaceSeen, HolderSeen, OtherSeen, Sighting, StrangerSeen, TwoBadges
from kiosk.staff import VOUCHED, Listed, OnDuty, StaffList, listed, on_duty
from protocol import badge
from protocol.badge import Badge, DynamicBadge, Forged, NotABadge
from protocol.records import KioskRecord

HINTS: tuple[Kind, ...] = ("ask_badge", "one_badge", "not_a_badge")
"""Said beside what is open; a poster in view must not end it."""
MOST_FORGED, FORGED_WITHIN = 20, timedelta(minutes=1)
PATIENCE = timedelta(seconds=20)
"""After this a question on the screen is no longer meant for whoever stands there."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A badge whose holder's face is still to be seen."""

    scan: Scan
    choice: Choice


@dataclass(frozen=True, slots=True)
class _Question:
    number: int
    """Of the answer that put it."""
    scan: Scan
    session: Session


class Desk:
    """Decides one sighting after the other.

    `online` says whether the gateway is in reach now, `knows_face` whether this kiosk could recognise a person.
    """

    def __init__(
        self,
        book: RosterBook,
        outbox: Outbox,
        clock: KioskClock,
        *,
        online: Callable[[], bool] = lambda: True,
        knows_face: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._book, self._outbox, self._clock = book, outbox, clock
        self._online, self._knows_face = online, knows_face
        self._lock = Lock()  # the loop decides while the screen's thread answers a question
        self._number = 0
        self._question: _Question | None = None
        self._awaited: _Awaited | None = None
        self._on_duty: OnDuty | None = None
        self._forged_at: list[int] = []
        self._memory = Memory(outbox.since(clock.now() - MEMORY))

    def decide(self, sighting: Sighting) -> Answer | None:
        """Answer a sighting, or None when it adds nothing to a question that is open.

        Raises OutboxError if the check-in cannot be kept; then nobody is told that it was.
        """
        with self._lock:
            match sighting:
                case BadgeSeen(text=text):
                    return self._badge(text)
                case FaceSeen() | StrangerSeen() if self._duty():
                    return None  # whoever holds the list stands before the camera
                case HolderSeen(learner_id=learner_id):
                    return self._confirmed(learner_id)
                case OtherSeen():
                    return self._unconfirmed()
                case FaceSeen() | StrangerSeen() if self._awaited:
                    return None  # it was taken before the badge was
                case FaceSeen(learner_id=learner_id):
                    return self._face(learner_id)
                case StrangerSeen():
                    return None if self._open_question() else self._say("ask_badge")
                case TwoBadges():
                    return self._say("one_badge")

    def answer_direction(self, number: int, direction: Direction) -> Answer | None:
        """Take the learner's word for the question of this answer; None if it is not open any more."""
        with self._lock:
            question = self._open_question()
            # A late touch must not answer for the next person who is asked.
            if question is None or question.number != number:
                return None
            self._question = None
            choice = Enter(question.session) if direction == "in" else Leave(question.session)
            return self._settle(question.scan, choice)

    def awaited(self) -> str | None:
        """Name the learner whose badge was shown, and whose face has to be seen beside it."""
        awaited = self._awaited
        return awaited.scan.who if awaited else None

    def lapse(self) -> Answer | None:
        """Give up a face that did not come; None while there is time. Raises OutboxError if that cannot be kept."""
        with self._lock:
            awaited = self._awaited
            return self._unconfirmed() if awaited and not self._is_recent(awaited.scan) else None

    def staff_list(self) -> StaffList | None:
        """Give what staff mode shows; None when nobody of the staff has shown a badge within the last minute."""
        with self._lock:
            duty = self._duty()
            if duty is None:
                return None
            return StaffList(
                name=duty.name,
                left=duty.left(self._monotonic_ms()),
                learners=() if duty.locked else self._listed(),
                locked=duty.locked,
            )

    def staff_badge(self) -> str | None:
        """Name the staff badge whose PIN the screen asks for; None if it asks for none."""
        with self._lock:
            duty = self._duty()
            return duty.badge if duty and duty.locked else None

    def staff_unlock(self, badge: str, *, checked: bool) -> None:
        """Open the list to whoever shows this badge: the gateway found the PIN right, or (False) is out of reach."""
        with self._lock:
            duty = self._duty()
            # Between the question and the gateway's answer somebody else may have shown a badge.
            if duty and duty.badge == badge:
                self._on_duty = duty.unlocked(checked=checked)

    def staff_choose(self, learner_id: str, session_id: str, direction: Direction) -> Answer | None:
        """Check in or out, by the word of the member of staff; None if staff mode is over or this is not on its list.

        Raises OutboxError if the check-in cannot be kept.
        """
        with self._lock:
            duty, day = self._duty(), self._book.day()
            if duty is None or duty.locked or day is None:
                return None
            if (learner_id, session_id) not in {(row.learner_id, row.session_id) for row in self._listed()}:
                return None
            session = next(session for session in day.sessions if session.id == session_id)
            scan = replace(self._scan("staff"), learner=day.learners[learner_id], staff=duty)
            return self._settle(scan, Enter(session) if direction == "in" else Leave(session))

    def staff_end(self) -> None:
        """End staff mode before its time."""
        with self._lock:
            self._on_duty = None

    def _listed(self) -> tuple[Listed, ...]:
        return listed(self._book.day(), self._room(), self._memory, at=self._clock.now())

    def _duty(self) -> OnDuty | None:
        duty = self._on_duty
        # The revocation may have come while the list was open.
        if duty is None or self._book.is_revoked(UUID(duty.badge)):
            return None
        return duty if duty.left(self._monotonic_ms()) else None

    def _badge(self, text: str) -> Answer:
        scan = self._scan("static_badge")
        match badge.verify(text, self._book.badge_keys):
            case NotABadge():
                return self._say("not_a_badge")
            case Forged(digest):
                return self._forged(replace(scan, badge=digest))
            case Badge(kind="staff") as shown:
                return self._staff(replace(scan, method="staff", badge=shown.id.hex), shown)
            case Badge() as shown:
                return self._holder(self._vouched(named(scan, shown, self._book)))
            case DynamicBadge() as shown:
                return self._holder(signed_in(scan, shown, self._book.day()))

    def _forged(self, scan: Scan) -> Answer:
        """Keep what nobody has signed, but not all that a display can play: it would fill the disk."""
        since = scan.monotonic_ms - FORGED_WITHIN // MILLISECOND
        recent = [at for at in self._forged_at if at > since]
        if len(recent) >= MOST_FORGED:
            return self._say("red", scan, code="unknown_badge")
        self._forged_at = [*recent, scan.monotonic_ms]
        return self._refuse(scan, "unknown_badge")

    def _staff(self, scan: Scan, shown: Badge) -> Answer:
        """Open staff mode; a staff badge checks nobody in by itself."""
        credential, day = credential_of(shown, scan, self._book), self._book.day()
        if credential != "good":
            return self._refuse(scan, BAD_CREDENTIALS[credential])
        member = day.staff.get(shown.id) if day else None
        if day is not None and member is None:
            return self._refuse(scan, "staff_elsewhere")
        self._on_duty = self._begun(scan, shown.id.hex, member.name if member else None)
        return replace(self._say("staff"), at=scan.at, name=self._on_duty.name)

    def _begun(self, scan: Scan, badge: str, name: str | None) -> OnDuty:
        before, day = self._duty(), self._book.day()
        if before and before.badge == badge:
            return before.again(scan.monotonic_ms)
        asks = day is not None and day.staff_pin
        return on_duty(badge, name, at_ms=scan.monotonic_ms, asks_pin=asks, offline=scan.offline)

    def _vouched(self, scan: Scan) -> Scan:
        duty = self._duty()
        return replace(scan, method=VOUCHED[scan.method], staff=duty) if duty and not duty.locked else scan

    def _face(self, learner_id: str) -> Answer | None:
        question, day = self._open_question(), self._book.day()
        if question and question.scan.who == learner_id:
            return None
        learner = day.learners.get(learner_id) if day else None
        if learner is None or learner.face_consent is None:
            return None if question else self._say("ask_badge")
        return self._holder(replace(self._scan("face"), learner=learner))

    def _holder(self, scan: Scan) -> Answer:
        """Answer somebody whose badge is genuine or whose face is known."""
        if scan.credential != "good":
            return self._refuse(scan, BAD_CREDENTIALS[scan.credential])
        day = self._book.day()
        if day is None:
            return self._unplaced(scan)
        choice = self._again(scan, day) or self._choose(scan, day)
        if isinstance(choice, Refused) and scan.uncertain:
            return self._unplaced(scan)
        return self._settle(scan, choice)

    def _choose(self, scan: Scan, day: Day) -> Choice:
        known = self._memory.of(scan.who)
        return choose(
            day.sessions,
            scan.who,
            room_id=self._room(),
            inside=known.inside if known else None,
            at=scan.at,
            setting=self._book.setting,
            seen=known.seen if known else frozenset(),
        )

    def _again(self, scan: Scan, day: Day) -> Choice | None:
        """Take a second scan for the first one said again, instead of asking."""
        known = self._memory.of(scan.who)
        if known is None or not known.said_at(scan.at):
            return None
        session = next((session for session in day.sessions if session.id == known.session), None)
        if session is None:
            return None
        return Enter(session) if known.direction == "in" else Leave(session)

    def _settle(self, scan: Scan, choice: Choice) -> Answer:
        if self._needs_face(scan, choice):
            answer = self._say("look_here", scan)
            self._awaited = _Awaited(scan, choice)
            return answer
        match choice:
            case Refused(reason):
                return self._refuse(scan, reason)
            case Ask(session):
                return self._ask(scan, session)
            case Enter(session):
                return self._check_in(scan, session, "in", hint=self._hint(scan, choice))
            case Leave(session):
                return self._check_in(scan, session, "out", hint=self._hint(scan, choice))
            case Change(leave, enter):
                left = self._check_in(scan, leave, "out", hint=None)
                entered = self._check_in(scan.again(), enter, "in", hint=None)
                return replace(entered, records=left.records + entered.records)

    def _needs_face(self, scan: Scan, choice: Choice) -> bool:
        """Say whether the holder of this badge gets in with their face beside it, and not without."""
        # The code of a phone is gone when the face is seen: only a printed badge can be held to it.
        can = scan.badge is not None and scan.who in self._book.faces() and self._knows_face(scan.who)
        if not can or scan.method in FACE_METHODS:
            return False
        with_face = replace(scan, method="badge+face")
        return any(
            isinstance(_admitted(scan, session, direction), Refused)
            and isinstance(_admitted(with_face, session, direction), Admitted)
            for session, direction in _ways(choice)
        )

    def _confirmed(self, learner_id: str) -> Answer | None:
        """Check in whose badge was shown, now that their face was seen."""
        awaited = self._awaited
        if awaited is None or awaited.scan.who != learner_id or not self._is_recent(awaited.scan):
            return None
        self._awaited = None
        return self._settle(replace(awaited.scan, method="badge+face"), awaited.choice)

    def _unconfirmed(self) -> Answer | None:
        """Keep that a badge was shown by somebody whose face is another's, or by nobody at all."""
        awaited, self._awaited = self._awaited, None
        return self._refuse(awaited.scan, "assurance_too_low") if awaited else None

    def _hint(self, scan: Scan, choice: Enter | Leave) -> Hint | None:
        known = self._memory.of(scan.who)
        hint = directions.hint(choice, known.inside if known else None)
        # Whoever has left already and shows the badge again has not forgotten to come.
        return None if hint == "not_in" and known and choice.session.id in known.seen else hint

    def _check_in(self, scan: Scan, session: Session, direction: Direction, *, hint: Hint | None) -> Answer:
        scan = scan.as_allowed(session)
        verdict = _admitted(scan, session, direction)
        if isinstance(verdict, Refused):
            return self._refuse(scan, verdict.reason)
        known = self._memory.of(scan.who)
        is_back = known is not None and session.id in known.seen
        record = self._keep(scan, session=session.id, direction=direction)
        code = hint or _note(verdict, is_back=is_back)
        kind: Kind = "amber" if scan.uncertain else "green"
        answer = self._say(kind, scan, session=session.id, direction=direction, code=code, record=record)
        return replace(answer, partners=self._partners(scan, session))

    def _partners(self, scan: Scan, session: Session) -> tuple[Partner, ...]:
        day = self._book.day()
        return tuple(
            Partner(name=day.learners[id].name, whereabouts=self._memory.whereabouts(id, session.id))
            for id in (scan.learner.partners if scan.learner else ())
            if day and id in session.roster and id in day.learners
        )

    def _refuse(self, scan: Scan, reason: Reason) -> Answer:
        """Keep what happened, also when it is a "no"."""
        record = self._keep(scan, refused=reason)
        session = self._meant(scan) if reason == "wrong_room" else None
        return self._say("red", scan, session=session, code=reason, record=record)

    def _unplaced(self, scan: Scan) -> Answer:
        """Keep a genuine badge although roster or clock cannot say what it is for; the gateway will."""
        direction: Direction | None = None if self._book.setting == "auto" else self._book.setting
        record = self._keep(scan, direction=direction, amber=True)
        code: Code | None = "time_uncertain" if scan.uncertain else None
        return self._say("amber", scan, direction=direction, code=code, record=record)

    def _ask(self, scan: Scan, session: Session) -> Answer:
        answer = self._say("ask_direction", scan, session=session.id)
        self._question = _Question(answer.number, scan, session)
        return answer

    def _open_question(self) -> _Question | None:
        # By the clock that nobody sets: a question must not stay open for as long as the wall clock was put back.
        question = self._question
        return question if question and self._is_recent(question.scan) else None

    def _is_recent(self, scan: Scan) -> bool:
        return self._monotonic_ms() - scan.monotonic_ms <= PATIENCE // MILLISECOND

    def _keep(
        self,
        scan: Scan,
        *,
        session: str | None = None,
        direction: Direction | None = None,
        refused: Reason | None = None,
        amber: bool = False,
    ) -> KioskRecord:
        said = partial(scan.record, session=session, direction=direction, refused=refused, amber=amber)
        record = self._outbox.put(lambda seq: said(stream=self._outbox.stream, seq=seq))
        self._memory.remember(record)
        return record

    def _say(
        self,
        kind: Kind,
        scan: Scan | None = None,
        *,
        session: str | None = None,
        direction: Direction | None = None,
        code: Code | None = None,
        record: KioskRecord | None = None,
    ) -> Answer:
        if kind not in HINTS:
            self._leave_open_ends(scan)
        self._number += 1
        day, learner = self._book.day(), scan.learner if scan else None
        told = day.titles.get(session) if day and session else None
        return Answer(
            number=self._number,
            kind=kind,
            at=scan.at if scan else self._clock.now(),
            code=code,
            learner_id=learner.id if learner else None,
            name=learner.name if learner else None,
            role=learner.role if learner else None,
            session_id=session,
            title=told.title if told else None,
            title_zh=told.title_zh if told else None,
            room_name=told.room_name if told and told.room != self._room() else None,
            direction=direction,
            records=(record,) if record else (),
        )

    def _leave_open_ends(self, scan: Scan | None) -> None:
        """Let what is said now stand where the question stood; a badge whose face did not come is kept as refused."""
        before, self._awaited, self._question = self._awaited, None, None
        if before and (scan is None or scan.who != before.scan.who):
            self._keep(before.scan, refused="assurance_too_low")

    def _meant(self, scan: Scan) -> str | None:
        """Find the session in another room that the learner is looking for."""
        day = self._book.day()
        choice = choose(day.sessions, scan.who, room_id=None, inside=None, at=scan.at, setting="in") if day else None
        return choice.session.id if isinstance(choice, Enter) else None

    def _scan(self, method: Method) -> Scan:
        now = self._clock.now()
        # The wire carries milliseconds: what the desk decides by is what the gateway will read.
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._memory.fade(at=at)
        return Scan(
            id=new_id(at),
            at=at,
            monotonic_ms=self._monotonic_ms(),
            boot=self._clock.boot,
            clock=self._clock.state(),
            offline=not self._online(),
            room=self._room(),
            method=method,
        )

    def _monotonic_ms(self) -> int:
        return int(self._clock.monotonic() * 1000)

    def _room(self) -> str | None:
        return self._book.room.room if self._book.room else None


def _admitted(scan: Scan, session: Session, direction: Direction) -> Verdict:
    return admit(scan.as_check_in(session, direction), session)


def _ways(choice: Choice) -> tuple[tuple[Session, Direction], ...]:
    """List what a choice comes to, session by session; a refusal or a question comes to nothing yet."""
    match choice:
        case Enter(session):
            return ((session, "in"),)
        case Leave(session):
            return ((session, "out"),)
        case Change(leave, enter):
            return ((leave, "out"), (enter, "in"))
        case _:
            return ()


def _note(verdict: Admitted, *, is_back: bool) -> Code | None:
    """Choose the one thing worth saying beside a yes; who comes back from a walk is not told to be late."""
    worth: tuple[Flag, ...] = ("time_uncertain", "offline") if is_back else ("time_uncertain", "late", "offline")
    return next((flag for flag in worth if flag in verdict.flags), None)
