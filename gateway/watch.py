"""What has to happen without anybody asking: days and months are settled, lags seen, the feed numbered."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session as Db

from ledger import face_boxes, feed
from ledger.chain import chain
from ledger.database import Ledger
from ledger.imports import forget
from ledger.lags import look
from ledger.months import settle_months
from ledger.presence import draw
from ledger.settlement import settle

log = logging.getLogger(__name__)


class Watch:
    """A thread that ticks; two of them on one database do no harm."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], *, every: float = 1.0) -> None:
        self._ledger, self._clock, self._every = ledger, clock, every
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="watch")
        self.moved_at: datetime | None = None
        """When it last got through something, also when there was nothing to do; None before the first time."""

    def start(self) -> None:
        """Begin to tick."""
        self._worker.start()

    def stop(self) -> None:
        """Finish the tick in hand and leave."""
        self._stopping.set()
        if self._worker.ident:
            self._worker.join(30)

    def _work(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                tick(self._ledger, now=self._clock(), moved=self._moved)
            except Exception:
                log.exception("a tick failed; the next one tries again")

    def _moved(self) -> None:
        self.moved_at = self._clock()


def tick(ledger: Ledger, *, now: datetime, moved: Callable[[], None] = lambda: None) -> None:
    """Do everything that is waiting, the days that are due first.

    Each chunk is a transaction of its own, so that check-ins never wait for long; `moved` is called after it.
    """
    for act in (settle, draw, look, settle_months, forget, face_boxes.forget):
        while _some(ledger, partial(act, now=now)):
            moved()
    for place in (feed.number, chain):
        while _some(ledger, place):
            moved()
    moved()


def _some(ledger: Ledger, act: Callable[[Db], int]) -> int:
    with ledger.begin() as db:
        return act(db)
