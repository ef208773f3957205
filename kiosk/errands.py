"""The station's errands at the gateway: its broker account, the roster, and keeping the outbox small."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import httpx2

from kiosk import registration
from kiosk.asking import GatewayError, GatewayRefuses
from kiosk.clock import ClockState, KioskClock
from kiosk.faces.gallery import Gallery
from kiosk.faces.sharing import Line, Sharing
from kiosk.identity import Identity
from kiosk.outbox import Outbox
from kiosk.roster import RosterBook
from kiosk.uplink import Backoff
from protocol.registration import BrokerAccount
from protocol.requests import FRESH

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)
"""Between two questions to the gateway; what is urgent is announced over the uplink."""
RETRY = Backoff(first=timedelta(seconds=2), longest=EVERY)
PRUNING = timedelta(hours=1)
STEP = timedelta(seconds=1)
"""A clock that is set by less than this is still the same one."""
REVOKED, UNKNOWN = "device-revoked", "device-unknown"

NoteTrouble = Callable[[str, str | None], None]
"""Takes what has trouble, and which; None when it is over."""


class Errands:
    """Runs them one after the other, on one thread."""

    def __init__(
        self,
        identity: Identity,
        client: httpx2.Client,
        *,
        folder: Path,
        book: RosterBook,
        gallery: Gallery,
        outbox: Outbox,
        clock: KioskClock,
        online: Callable[[], bool],
        note_trouble: NoteTrouble,
        sharing: Sharing | None = None,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._identity, self._client, self._folder = identity, client, folder
        self._book, self._gallery, self._outbox, self._sharing = book, gallery, outbox, sharing
        self._clock, self._online, self._note_trouble, self._luck = clock, online, note_trouble, luck
        self._soon = Event()
        self._was_offline = False
        self._vouched_for: datetime | None = None
        self._pruned_at: datetime | None = None
        self._began_at: datetime | None = None

    def run(self, stopping: Event) -> None:
        """Go until `stopping`; whoever sets that calls `hurry` too."""
        failed = 0
        while not stopping.is_set():
            self._soon.clear()
            failed = 0 if self._go() else failed + 1
            pause = RETRY.wait(failed - 1, luck=self._luck()) if failed else EVERY
            self._soon.wait(pause.total_seconds())

    def hurry(self) -> None:
        """Go now instead of at the next turn."""
        self._soon.set()

    def account(self) -> BrokerAccount | None:
        """Give the account at the broker; None until an admin has confirmed this device."""
        return self._identity.account

    def clock_state(self) -> ClockState:
        """Say how far the wall clock can be trusted, after what the gateway made of it."""
        state = self._clock.state()
        return "free_running" if state == "unknown" and self._is_vouched_for() else state

    def _is_vouched_for(self) -> bool:
        """Say whether this is still the clock whose time the gateway has taken, and nobody has set it since."""
        return self._vouched_for is not None and abs(self._clock.boot_began_at() - self._vouched_for) < FRESH

    def _go(self) -> bool:
        """Do every errand once; False if one of them should be tried again soon."""
        errands = (self._note_boot, self._stand, self._pull, self._share, self._prune)
        done = [self._do(errand) for errand in errands]
        self._was_offline = not self._online()
        self._note_trouble("room", "no_badge_keys" if self._book.room is None else None)
        return all(done) and not self._was_offline

    def _do(self, errand: Callable[[], None]) -> bool:
        try:
            errand()
        except GatewayRefuses as refusal:
            log.warning("%s", refusal)
            self._do(partial(self._heed, refusal))
            return False
        except GatewayError as error:
            log.info("%s", error)
            return False
        except Exception:
            log.exception("an errand failed")
            return False
        return True

    def _note_boot(self) -> None:
        """Once the clock is synced, find out when this boot began: it corrects what was recorded before."""
        # The gateway's word for the clock would not do: it is minutes wide.
        if self._clock.state() != "synced":
            return
        began_at = self._clock.boot_began_at()
        if self._began_at is None or abs(began_at - self._began_at) >= STEP:
            self._outbox.note_boot(self._clock.boot, began_at)
            self._began_at = began_at

    def _stand(self) -> None:
        """Ask for the broker account, if there is none or the one that we have does not get us in.

        Each answer makes a new password; so an uplink that is only about to connect is left in peace.
        """
        if self._identity.account is not None and (self._online() or not self._was_offline):
            return
        identity = registration.standing(self._identity, self._client, at=self._clock.now())
        if identity is not self._identity:
            # Used before it is kept: the old password is void already, also where the disk is full.
            self._identity = identity
            identity.save(self._folder)

    def _pull(self) -> None:
        if self._identity.account is None:
            return  # nobody has confirmed this device yet
        self._book.pull(self._client, self._identity)
        # The gateway takes no request whose time is minutes off, and its answer was signed for this one.
        self._vouched_for = self._clock.boot_began_at()
        # Each time: an enrolment that was under way, or a disk that failed, may have kept one too many.
        self._forget_withdrawn()
        self._note_trouble("gateway", None)
        if day := self._book.day():
            self._gallery.renew(day.good_until)

    def _share(self) -> None:
        """Pass faces on to the site's other kiosks and take theirs, after the roster has said who consents."""
        day = self._book.day()
        if self._sharing is not None and self._identity.account is not None and day is not None:
            line = Line(client=self._client, identity=self._identity, now=self._clock.now())
            self._sharing.go(line, day)

    def _forget_withdrawn(self) -> None:
        day = self._book.day()
        if day is None:
            return
        # Who is on no roster now may have withdrawn too; and a new consent does not bring an old face back.
        over = [
            learner_id
            for learner_id, consent in self._gallery.consents().items()
            if (learner_id in day.learners and day.learners[learner_id].face_consent is None)
            or consent in day.withdrawn
        ]
        if over:
            self._gallery.forget(*over)

    def _prune(self) -> None:
        now = self._clock.now()
        # A clock that nobody set may be years ahead.
        if self.clock_state() == "unknown" or (self._pruned_at and now - self._pruned_at < PRUNING):
            return
        self._outbox.prune(at=now)
        self._pruned_at = now

    def _heed(self, refusal: GatewayRefuses) -> None:
        """Show that this device is none any more, and forget everybody if it was revoked.

        Any other refusal is for the log: what people show here is recorded all the same.
        """
        if refusal.kind not in (REVOKED, UNKNOWN):
            return
        self._note_trouble("gateway", refusal.kind.replace("-", "_"))
        if refusal.kind == REVOKED:
            self._book.forget()
            self._gallery.forget(*self._gallery.people())
