"""What has to happen without anybody asking: days are settled, and the feed is numbered."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from ledger import feed
from ledger.database import Ledger
from ledger.settlement import settle

log = logging.getLogger(__name__)


class Watch:
    """A thread that ticks; two of them on one database do no harm."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], *, every: float = 1.0) -> None:
        self._ledger, self._clock, self._every = ledger, clock, every
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="watch")

    def start(self) -> None:
        """Begin to tick."""
        self._worker.start()

    def stop(self) -> None:
        """Finish the tick in hand and leave."""
        self._stopping.set()
        self._worker.join(30)

    def _work(self) -> None:
        while not self._stopping.wait(self._every):
            try:
                tick(self._ledger, now=self._clock())
            except Exception:
                log.exception("a tick failed; the next one tries again")


def tick(ledger: Ledger, *, now: datetime) -> None:
    """Settle every day that is due, each chunk in a transaction of its own, then number the feed."""
    while _settle_some(ledger, now):
        pass
    while _number_some(ledger):
        pass


def _settle_some(ledger: Ledger, now: datetime) -> int:
    with ledger.begin() as db:
        return settle(db, now=now)


def _number_some(ledger: Ledger) -> int:
    with ledger.begin() as db:
        return feed.number(db)
