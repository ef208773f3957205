"""The station puts the kiosk together: it looks, lets the desk decide, shows, keeps and sends."""

import logging
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Condition, Event, Thread
from typing import Protocol
from uuid import UUID

import cv2
import httpx2

from attendance.direction import Direction
from kiosk import registration
from kiosk.asking import GatewayError, GatewayRefuses, gateway_client
from kiosk.broker import Connect, PahoConnection
from kiosk.clock import ClockState, KioskClock
from kiosk.desk import Answer, Desk
from kiosk.faces import DlibFaces, FaceEngine, FaceEngineMissing
from kiosk.gallery import Gallery
from kiosk.identity import Identity
from kiosk.look import Look, Sighting
from kiosk.outbox import FILE as OUTBOX
from kiosk.outbox import Outbox, OutboxError
from kiosk.roster import RosterBook
from kiosk.settings import KioskSettings
from kiosk.source import Camera, Folder, Frame, Source, Trouble
from kiosk.uplink import Backoff, Uplink

log = logging.getLogger(__name__)

ERRANDS = timedelta(seconds=60)
"""Between two questions to the gateway; what is urgent is announced over the uplink."""
RETRY = Backoff(first=timedelta(seconds=2), longest=ERRANDS)
PRUNING = timedelta(hours=1)
BLINK = timedelta(seconds=1)
"""Before looking again after a fault."""
JOIN = 15  # seconds
SHOWN = 50  # answers that a screen may still ask for
WIDEST = 960  # pixels of the picture on the screen
REVOKED = "device-revoked"
GALLERY = "gallery.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the station is."""

    running: bool
    online: bool
    roster_good_until: datetime | None
    waiting: int
    faces: bool
    trouble: str | None


class Eye(Protocol):
    """What the station needs of a `Look`."""

    def see(self, frame: Frame, faces_allowed_for: frozenset[str], *, at: float) -> list[Sighting]: ...


class Answers:
    """The last answers, for screens that wait for the next one."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._answers: deque[Answer] = deque(maxlen=SHOWN)
        self._open = True

    def add(self, answer: Answer) -> None:
        with self._changed:
            self._answers.append(answer)
            self._changed.notify_all()

    def wait(self, after: int, timeout: float) -> list[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while there are none."""
        with self._changed:
            self._changed.wait_for(lambda: self._newer(after) or not self._open, timeout)
            return self._newer(after)

    def close(self) -> None:
        """Let everybody go who waits."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def record_number(self, record_id: UUID) -> int | None:
        """Say which number a record has that was told lately."""
        with self._changed:
            records = [record for answer in self._answers for record in answer.records]
        return next((record.seq for record in records if record.id == record_id), None)

    def _newer(self, after: int) -> list[Answer]:
        return [answer for answer in self._answers if answer.number > after]


class Station:
    """One check-in station; `frame_time` is monotonic, in seconds, and goes with the frames of the source."""

    def __init__(
        self,
        identity: Identity,
        *,
        folder: Path,
        source: Source,
        clock: KioskClock,
        look: Eye | None = None,
        gallery: Gallery | None = None,
        outbox: Outbox | None = None,
        client: httpx2.Client | None = None,
        connect: Connect = PahoConnection,
        frame_time: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._identity, self._folder, self._source = identity, folder, source
        self._clock = replace(clock, state=self._clock_state)
        self._machine_clock, self._clock_vouched_for = clock, False
        self._has_faces = gallery is not None
        self._gallery = gallery or Gallery(None, identity.gallery_key)
        self._look = look or Look(None, self._gallery)
        self._client = client or gateway_client(identity.gateway)
        self._frame_time, self._luck = frame_time, luck
        self._stopping, self._errand = Event(), Event()
        self._frame: Frame | None = None
        self._trouble: dict[str, str] = {}
        self._was_offline = False
        self._pruned_at: datetime | None = None
        self._threads: list[Thread] = []
        self.answers = Answers()
        self.outbox = outbox or Outbox(folder / OUTBOX, stream=identity.stream)
        self.book = RosterBook(folder, now=clock.now)
        self.uplink = Uplink(
            identity,
            self.outbox,
            account=lambda: self._identity.account,
            now=clock.now,
            on_config=self._hear_of_roster,
            connect=connect,
            luck=luck,
        )
        self.desk = Desk(self.book, self.outbox, self._clock, online=lambda: self.uplink.connected)

    def start(self) -> None:
        """Begin to look, ask and send; returns at once."""
        self._threads = [
            Thread(target=self._watch, name="eye", daemon=True),
            Thread(target=self._run_errands, name="errands", daemon=True),
        ]
        self.uplink.start()
        for thread in self._threads:
            thread.start()

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

    def choose(self, direction: Direction) -> None:
        """Take the learner's word for the direction that was asked for last."""
        self._told(lambda: self.desk.answer_direction(direction))

    def wait(self, after: int, timeout: float) -> list[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while there are none."""
        return self.answers.wait(after, timeout)

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
        small = cv2.resize(frame.image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()

    def status(self) -> Status:
        """Say how the station is."""
        day = self.book.day()
        return Status(
            running=not self._stopping.is_set(),
            online=self.uplink.connected,
            roster_good_until=day.good_until if day else None,
            waiting=self._waiting(),
            faces=self._has_faces and day is not None and day.faces,
            trouble=next(iter(dict(self._trouble).values()), None),
        )

    def refresh(self) -> None:
        """Ask the gateway now instead of at the next errand."""
        self._errand.set()

    def _end(self) -> None:
        self._stopping.set()
        self._errand.set()
        self._source.close()
        self.answers.close()
        self.uplink.stop()
        for thread in self._threads:
            thread.join(JOIN)
        self._client.close()
        self._gallery.close()

    def _told(self, decide: Callable[[], Answer | None]) -> Answer | None:
        try:
            answer = decide()
        except OutboxError:
            log.exception("a check-in was not recorded, and nobody was told that it was")
            self._note_trouble("outbox", "outbox_failed")
            return None
        if answer is not None and answer.record:
            self._note_trouble("outbox", None)
            self.uplink.wake()
        if answer is not None:
            self.answers.add(answer)
            self._look_up(answer)
        return answer

    def _look_up(self, answer: Answer) -> None:
        # The badge, or the place on the roster, may be newer than what we pulled last; the next try then knows.
        if answer.code == "not_on_roster":
            self.refresh()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                for seen in self._source.frames():
                    self._take(seen)
                return  # a folder that was played to its end
            except Exception:
                # A picture that upsets a decoder must not close the door for the rest of the day.
                log.exception("looking failed and begins anew")
                self._stopping.wait(BLINK.total_seconds())

    def _take(self, seen: Frame | Trouble) -> None:
        if self._stopping.is_set():
            return
        if isinstance(seen, Trouble):
            log.warning("%s: %s", seen.where, seen.why)
            self._note_trouble("camera", "camera_lost")
            self._frame = None  # the last one may show somebody who has long gone
            return
        self._note_trouble("camera", None)
        self._frame = seen
        for sighting in self._look.see(seen, self.book.faces(), at=self._frame_time()):
            self.sight(sighting)

    def _run_errands(self) -> None:
        failed = 0
        while not self._stopping.is_set():
            self._errand.clear()
            failed = 0 if self._go() else failed + 1
            pause = RETRY.wait(failed - 1, luck=self._luck()) if failed else ERRANDS
            self._errand.wait(pause.total_seconds())

    def _go(self) -> bool:
        """Do every errand once; False if one of them should be tried again soon."""
        done = [self._do(self._stand), self._do(self._pull), self._do(self._prune)]
        self._was_offline = not self.uplink.connected
        self._note_trouble("room", "no_badge_keys" if self.book.room is None else None)
        return all(done) and not self._was_offline

    def _do(self, errand: Callable[[], None]) -> bool:
        try:
            errand()
        except GatewayRefuses as refusal:
            log.warning("%s", refusal)
            self._heed(refusal)
            return False
        except GatewayError as error:
            log.info("%s", error)
            return False
        except Exception:
            log.exception("an errand failed")
            return False
        return True

    def _note_trouble(self, of: str, trouble: str | None) -> None:
        if trouble:
            self._trouble[of] = trouble
        else:
            self._trouble.pop(of, None)

    def _stand(self) -> None:
        """Ask for the broker account, if there is none or the one that we have does not get us in.

        Each answer makes a new password; so an uplink that is only about to connect is left in peace.
        """
        if self._identity.account is not None and (self.uplink.connected or not self._was_offline):
            return
        identity = registration.standing(self._identity, self._client, at=self._clock.now())
        if identity is not self._identity:
            identity.save(self._folder)
            self._identity = identity

    def _pull(self) -> None:
        if self._identity.account is None:
            return  # nobody has confirmed this device yet
        if self.book.pull(self._client, self._identity):
            self._forget_withdrawn()
        # The gateway takes no request whose time is minutes off, and its answer was signed for this one.
        self._clock_vouched_for = True
        self._note_trouble("gateway", None)

    def _forget_withdrawn(self) -> None:
        day = self.book.day()
        if day is None:
            return
        for learner_id in self._gallery.people():
            if learner_id in day.learners and day.learners[learner_id].face_consent is None:
                self._gallery.forget(learner_id)

    def _prune(self) -> None:
        now = self._clock.now()
        # A clock that nobody set may be years ahead.
        if self._clock.state() == "unknown" or (self._pruned_at and now - self._pruned_at < PRUNING):
            return
        self.outbox.prune(at=now)
        self._pruned_at = now

    def _heed(self, refusal: GatewayRefuses) -> None:
        """Show what the gateway itself said; a kiosk that it revoked forgets everybody."""
        if refusal.kind is None:
            return
        self._note_trouble("gateway", refusal.kind.replace("-", "_"))
        if refusal.kind != REVOKED:
            return
        self.book.forget()
        for learner_id in self._gallery.people():
            self._gallery.forget(learner_id)

    def _hear_of_roster(self, version: str) -> None:
        day = self.book.day()
        if day is None or day.version != version:
            self.refresh()

    def _waiting(self) -> int:
        try:
            return self.outbox.standing().count
        except OutboxError:
            return 0

    def _clock_state(self) -> ClockState:
        state = self._machine_clock.state()
        return "free_running" if state == "unknown" and self._clock_vouched_for else state


def open_station(settings: KioskSettings, clock: KioskClock) -> Station:
    """Put a station together from its settings; raises IdentityError, OutboxError or GalleryLocked."""
    identity = Identity.load(settings.data)
    if settings.gateway:
        identity = identity.model_copy(update={"gateway": settings.gateway})
    engine = _installed_engine()
    source = open_source(settings.source)
    if engine is None:
        return Station(identity, folder=settings.data, source=source, clock=clock)
    gallery = Gallery(settings.data / GALLERY, identity.gallery_key)
    look = Look(engine, gallery, threshold=settings.threshold, margin=settings.margin)
    return Station(identity, folder=settings.data, source=source, clock=clock, look=look, gallery=gallery)


def open_source(text: str) -> Source:
    """Open what the setting `source` names."""
    kind, _, where = text.partition(":")
    if kind == "camera":
        return Camera(int(where))
    if kind == "folder":
        return Folder(Path(where), repeat=True)
    return Camera(text)


def _installed_engine() -> FaceEngine | None:
    try:
        return DlibFaces()
    except FaceEngineMissing:
        log.info("no face engine is installed: this station works by badge")
        return None
