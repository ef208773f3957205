"""The station puts the kiosk together: it looks, lets the desk decide, shows, keeps and sends."""

import logging
import random
import time
from collections.abc import Callable
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
from kiosk.faces import DlibFaces, FaceEngine, FaceEngineMissing
from kiosk.gallery import Gallery
from kiosk.identity import Identity, stay_here, this_machine
from kiosk.look import Look, Sighting
from kiosk.outbox import FILE as OUTBOX
from kiosk.outbox import Outbox, OutboxError, OutboxFull, OutboxUnsafe
from kiosk.roster import RosterBook
from kiosk.settings import KioskSettings
from kiosk.source import Frame, Source, Trouble, open_source
from kiosk.uplink import Uplink

log = logging.getLogger(__name__)

BLINK = timedelta(seconds=1)
"""Before looking again after a fault."""
MENDING = timedelta(seconds=1)
"""Between two trials of an outbox that has failed: nobody scans at a station that sends people away."""
JOIN = 15  # seconds
WIDEST = 960  # pixels of the picture on the screen
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
        self._source, self._frame_time = source, frame_time
        self._has_faces = gallery is not None
        self._gallery = gallery or Gallery(None, identity.gallery_key)
        self._look = look or Look(None, self._gallery)
        self._client = client or gateway_client(identity.gateway)
        self._stopping = Event()
        self._telling = Lock()
        self._frame: Frame | None = None
        self._trouble: dict[str, str] = {}
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
            luck=luck,
        )
        self.uplink = Uplink(
            identity,
            self.outbox,
            account=self.errands.account,
            now=clock.now,
            on_config=self._hear_of_roster,
            trouble=self._worst,
            connect=connect,
            luck=luck,
        )
        trusted = replace(clock, state=self.errands.clock_state)
        self.desk = Desk(self.book, self.outbox, trusted, online=self._online)

    def start(self) -> None:
        """Begin to look, ask and send; returns at once."""
        self._threads = [
            Thread(target=self._watch, name="eye", daemon=True),
            Thread(target=self.errands.run, args=(self._stopping,), name="errands", daemon=True),
            Thread(target=self._mend, name="storage", daemon=True),
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

    def choose(self, number: int, direction: Direction) -> bool:
        """Take the learner's word for the direction that this answer asked for; False if nobody asks any more."""
        return self._told(lambda: self.desk.answer_direction(number, direction)) is not None

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
        size = (round(width * scale), max(1, round(height * scale)))
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
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
            trouble=self._worst(),
        )

    def _end(self) -> None:
        self._stopping.set()
        self.errands.hurry()
        self._source.close()
        self.answers.close()
        self.uplink.stop()
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

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                for seen in self._source.frames():
                    self._take(seen)
                return  # a folder that was played to its end
            except Exception:
                # A picture that upsets a decoder must not close the door for the rest of the day.
                log.exception("looking failed and begins anew")
                self._lose_sight()
                self._stopping.wait(BLINK.total_seconds())

    def _take(self, seen: Frame | Trouble) -> None:
        if self._stopping.is_set():
            return
        if isinstance(seen, Trouble):
            log.warning("%s: %s", seen.where, seen.why)
            self._lose_sight()
            return
        self._frame = seen
        sightings = self._look.see(seen, self.book.faces(), at=self._frame_time())
        self._note_trouble("camera", None)
        for sighting in sightings:
            self.sight(sighting)

    def _lose_sight(self) -> None:
        self._note_trouble("camera", "camera_lost")
        self._frame = None  # the last one may show somebody who has long gone

    def _note_trouble(self, of: str, trouble: str | None) -> None:
        if trouble:
            self._trouble[of] = trouble
        else:
            self._trouble.pop(of, None)

    def _worst(self) -> str | None:
        troubles = dict(self._trouble)  # other threads note theirs meanwhile
        return next(iter(troubles.values()), "numbers_differ" if self.outbox.disagrees else None)

    def _hear_of_roster(self, version: str) -> None:
        day = self.book.day()
        if day is None or day.version != version:
            self.errands.hurry()

    def _online(self) -> bool:
        return self.uplink.connected

    def _waiting(self) -> int:
        try:
            return self.outbox.standing().count
        except OutboxError:
            return 0


def _kind(error: OutboxError) -> str:
    return "disk_full" if isinstance(error, OutboxFull) else "outbox_failed"


def open_station(settings: KioskSettings, clock: KioskClock) -> Station:
    """Put a station together from its settings; raises IdentityError, OutboxError or GalleryLocked."""
    identity = Identity.load(settings.data)
    stay_here(settings.data, this_machine())
    _assert_not_forgotten(identity, settings.data / OUTBOX)
    if settings.gateway:
        identity = identity.model_copy(update={"gateway": settings.gateway})
    engine = _installed_engine()
    source = open_source(settings.source)
    if engine is None:
        return Station(identity, folder=settings.data, source=source, clock=clock)
    gallery = Gallery(settings.data / GALLERY, identity.gallery_key)
    look = Look(engine, gallery, threshold=settings.threshold, margin=settings.margin)
    return Station(identity, folder=settings.data, source=source, clock=clock, look=look, gallery=gallery)


def _assert_not_forgotten(identity: Identity, path: Path) -> None:
    """Refuse an outbox that is gone: an empty one would begin at 1, and the gateway has other check-ins there."""
    if identity.account is not None and not path.exists():
        raise OutboxUnsafe(f"{path} is missing: put it back, or register this kiosk anew")


def _installed_engine() -> FaceEngine | None:
    try:
        return DlibFaces()
    except FaceEngineMissing:
        log.info("no face engine is installed: this station works by badge")
        return None
