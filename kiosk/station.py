"""The station puts the kiosk together: it looks, lets the desk decide, shows, keeps and sends."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol
from uuid import UUID

import cv2
import httpx2

from attendance.direction import Direction
from kiosk.answers import Answer, Answers
from kiosk.asking import gateway_client
from kiosk.broker import Connect, PahoConnection
from kiosk.clock import KioskClock
from kiosk.desk import Desk
from kiosk.errands import Errands
from kiosk.faces.enrolling import Enrolling, Progress
from kiosk.faces.gallery import Gallery
from kiosk.faces.sharing import Sharing
from kiosk.identity import Identity
from kiosk.intake import Intake
from kiosk.look import Guide, Look
from kiosk.outbox import FILE as OUTBOX
from kiosk.outbox import Outbox, OutboxError, OutboxFull
from kiosk.roster import RosterBook
from kiosk.sightings import BadgeSeen, Sighting
from kiosk.source import Frame, Scanned, Source
from kiosk.staff import check_pin
from kiosk.staff_mode import StaffMode
from kiosk.uplink import Uplink

log = logging.getLogger(__name__)

MENDING = timedelta(seconds=1)
"""Between two trials of an outbox that has failed: nobody scans at a station that sends people away."""
JOIN = 15  # seconds
WIDEST = 960  # pixels of the picture on the screen
RANKS = ("device_revoked", "outbox_failed", "disk_full", "numbers_differ")
"""Troubles that say most about why nothing works; the others follow, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the station is."""

    running: bool
    online: bool
    roster_good_until: datetime | None
    waiting: int
    faces: bool
    trouble: str | None
    """Why nobody can check in here."""
    lost: tuple[str, ...] = ()
    """What is missing while something else still takes people in."""
    fingerprint: str | None = None
    """What an admin has to compare, for as long as nobody has confirmed this device."""
    guide: Guide | None = None
    """What the person before the camera should do now."""
    staff: timedelta | None = None
    """How long a member of staff has the list open, if so."""
    enrolment: Progress | None = None


class Eye(Protocol):
    """What the station needs of a `Look`."""

    @property
    def guide(self) -> Guide | None: ...

    def expect(self, learner_id: str | None) -> None: ...

    def see(self, frame: Frame, faces_allowed_for: frozenset[str], *, at: float) -> list[Sighting]: ...


class Station:
    """One check-in station; `frame_time` is monotonic, in seconds, and goes with the frames of the source."""

    def __init__(
        self,
        identity: Identity,
        *,
        folder: Path,
        sources: Sequence[Source],
        clock: KioskClock,
        look: Eye | None = None,
        gallery: Gallery | None = None,
        enrolling: Enrolling | None = None,
        sharing: Sharing | None = None,
        outbox: Outbox | None = None,
        client: httpx2.Client | None = None,
        connect: Connect = PahoConnection,
        frame_time: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
        mirror: bool = True,
    ) -> None:
        self._frame_time, self._mirror = frame_time, mirror
        self._identity, self._enrolling = identity, enrolling
        self._has_faces = gallery is not None
        self._gallery = gallery or Gallery(None, identity.gallery_key)
        self._look = look or Look(None, self._gallery)
        self._client = client or gateway_client(identity.gateway)
        self._stopping = Event()
        self._telling = Lock()
        self._frame: Frame | None = None
        self._guide: Guide | None = None
        self._roster_good_until: datetime | None = None
        self._trouble: dict[str, str] = {}
        self._intake = Intake(sources, take=self._take, lost=self._lose_sight)
        self._threads: list[Thread] = []
        self.answers = Answers()
        self.outbox = outbox or Outbox(folder / OUTBOX, stream=identity.stream)
        self.book = RosterBook(folder, now=clock.now)
        self.errands = Errands(
            identity,
            self._client,
            folder=folder,
            book=self.book,
            gallery=self._gallery,
            outbox=self.outbox,
            clock=clock,
            online=self._online,
            note_trouble=self._note_trouble,
            sharing=sharing,
            luck=luck,
        )
        self.uplink = Uplink(
            identity,
            self.outbox,
            account=self.errands.account,
            now=clock.now,
            on_config=self._hear_of_roster,
            trouble=self._what_is_wrong,
            connect=connect,
            luck=luck,
        )
        trusted = replace(clock, state=self.errands.clock_state)
        self.desk = Desk(self.book, self.outbox, trusted, online=self._online, knows_face=self._knows_face)
        self.staff_mode = StaffMode(
            self.desk,
            self.book,
            self._gallery,
            enrolling,
            tell=self._told,
            stir=self.answers.stir,
            check_pin=lambda badge, pin: check_pin(self._client, identity, badge, pin, at=clock.now()),
        )

    @property
    def gets_on(self) -> bool:
        """Say whether frames and scans are still gone through, and errands run."""
        return self._intake.gets_on and all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Begin to look, ask and send; returns at once."""
        self._threads = [
            Thread(target=self.errands.run, args=(self._stopping,), name="errands", daemon=True),
            Thread(target=self._mend, name="storage", daemon=True),
        ]
        self.uplink.start()
        for thread in self._threads:
            thread.start()
        self._intake.start()

    def stop(self) -> None:
        """End in order; what waits for the gateway stays in the outbox."""
        self._end()
        self.outbox.close()

    def power_cut(self) -> None:
        """End as a power cut would: the storage goes first, and nobody gets to finish anything."""
        self.outbox.close()
        self._end()

    def sight(self, sighting: Sighting) -> Answer | None:
        """Let the desk decide a sighting and show the answer."""
        return self._told(lambda: self.desk.decide(sighting))

    def choose(self, number: int, direction: Direction) -> bool:
        """Take the learner's word for the direction that this answer asked for; False if nobody asks any more."""
        return self._told(lambda: self.desk.answer_direction(number, direction)) is not None

    def wait(self, after: int, timeout: float) -> list[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while there are none."""
        return self.answers.wait(after, timeout)

    def watch(self, after: int, timeout: float) -> list[Answer]:
        """Do as `wait`, and come back sooner when the screen has something else to show."""
        return self.answers.watch(after, timeout)

    def is_delivered(self, record_id: UUID) -> bool:
        """Say whether the gateway has a record of a recent answer."""
        number = self.answers.record_number(record_id)
        try:
            return number is not None and self.outbox.is_delivered(number)
        except OutboxError:
            return False

    def picture(self) -> bytes | None:
        """Give the latest frame as JPEG; None before the first one."""
        frame = self._frame
        if frame is None:
            return None
        height, width = frame.image.shape[:2]
        scale = min(1.0, WIDEST / width)
        size = (round(width * scale), max(1, round(height * scale)))
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        if self._mirror:  # people find their badge faster in a mirror than in a window
            small = cv2.flip(small, 1)
        return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()

    def status(self) -> Status:
        """Say how the station is."""
        day = self.book.day()
        if day:
            self._roster_good_until = day.good_until
        return Status(
            running=not self._stopping.is_set(),
            online=self.uplink.connected,
            # Also when its time is over and it is forgotten: it was there, and that is what the screen says.
            roster_good_until=self._roster_good_until,
            waiting=self._waiting(),
            faces=self._has_faces and day is not None and day.faces,
            trouble=self._worst(),
            lost=() if self._intake.is_blind else self._intake.lost,
            fingerprint=None if self.errands.account() else self._identity.fingerprint,
            guide=self._guide,
            staff=self.staff_mode.left,
            enrolment=self.staff_mode.progress,
        )

    def _end(self) -> None:
        self._stopping.set()
        self.errands.hurry()
        self._intake.end()
        self.answers.close()
        self.uplink.stop()
        self._intake.join(JOIN)
        for thread in self._threads:
            thread.join(JOIN)
        self._client.close()
        self._gallery.close()

    def _told(self, decide: Callable[[], Answer | None]) -> Answer | None:
        # A screen asks for what is newer than the last number it saw: a lower one that came after it would be lost.
        with self._telling:
            try:
                answer = decide()
            except OutboxError as error:
                log.exception("a check-in was not recorded, and nobody was told that it was")
                self._note_trouble("outbox", _kind(error))
                return None
            if answer is not None:
                self.answers.add(answer)
        if answer is not None:
            self._follow_up(answer)
        return answer

    def _follow_up(self, answer: Answer) -> None:
        if answer.record:
            self._note_trouble("outbox", None)
            self.uplink.wake()
        # The badge, or the place on the roster, may be newer than what we pulled last; the next try then knows.
        if answer.code == "not_on_roster":
            self.errands.hurry()

    def _mend(self) -> None:
        """Try an outbox that has failed until it can record again."""
        while not self._stopping.wait(MENDING.total_seconds()):
            self._told(self.desk.lapse)
            if "outbox" in self._trouble:
                self._try_outbox()

    def _try_outbox(self) -> None:
        try:
            self.outbox.try_out()
        except OutboxError as error:
            self._note_trouble("outbox", _kind(error))
        else:
            log.info("check-ins can be recorded again")
            self._note_trouble("outbox", None)

    def _take(self, seen: Frame | Scanned) -> None:
        if isinstance(seen, Scanned):
            self.sight(BadgeSeen(text=seen.text))
            return
        self._frame = seen
        if self._enrolling and self._enrolling.wants_frames:
            self._enrolling.see(seen.image, at=self._frame_time())
            self._show_guide(None)
            return
        self._look.expect(self.desk.awaited())
        sightings = self._look.see(seen, self.book.faces(), at=self._frame_time())
        self._show_guide(self._look.guide)
        for sighting in sightings:
            self.sight(sighting)
        self._told(self.desk.lapse)

    def _show_guide(self, guide: Guide | None) -> None:
        # Whoever has the list open stands before the camera, and is not the one to be checked in.
        if self.desk.awaited():
            guide = guide or "look_here"
        elif self.staff_mode.left:
            guide = None
        if guide != self._guide:
            self._guide = guide
            self.answers.stir()

    def _lose_sight(self, code: str) -> None:
        if code == "camera_lost":
            self._frame = None  # the last one may show somebody who has long gone
            self._guide = None

    def _note_trouble(self, of: str, trouble: str | None) -> None:
        if trouble:
            self._trouble[of] = trouble
        else:
            self._trouble.pop(of, None)

    def _worst(self) -> str | None:
        """Say why nobody can check in here, if that is so."""
        troubles = [*self._trouble.copy().values()]  # other threads note theirs meanwhile
        troubles += ["numbers_differ"] if self.outbox.disagrees else []
        troubles += self._intake.lost if self._intake.is_blind else ()
        return min(troubles, key=lambda one: RANKS.index(one) if one in RANKS else len(RANKS), default=None)

    def _what_is_wrong(self) -> str | None:
        return self._worst() or next(iter(self._intake.lost), None)

    def _hear_of_roster(self, version: str) -> None:
        day = self.book.day()
        if day is None or day.version != version:
            self.errands.hurry()

    def _knows_face(self, learner_id: str) -> bool:
        return self._has_faces and learner_id in self._gallery.people()

    def _online(self) -> bool:
        return self.uplink.connected

    def _waiting(self) -> int:
        try:
            return self.outbox.standing().count
        except OutboxError:
            return 0


def _kind(error: OutboxError) -> str:
    return "disk_full" if isinstance(error, OutboxFull) else "outbox_failed"
