"""The sample day's clock: it runs as fast as any other, and jumps forward from scene to scene."""

import threading
import time
from datetime import datetime


class DayClock:
    """Every program of the demo goes by it."""

    def __init__(self, start: datetime) -> None:
        self._start = self._base = start
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Say the time of the day."""
        with self._lock:
            return self._now()

    def monotonic(self) -> float:
        """Say the seconds since the day began."""
        return (self.now() - self._start).total_seconds()

    def jump(self, to: datetime) -> None:
        """Move forward to a moment; a moment that is over changes nothing."""
        with self._lock:
            self._base = max(to, self._now())
            self._since = time.monotonic()

    def _now(self) -> datetime:
        return self._base.fromtimestamp(self._base.timestamp() + time.monotonic() - self._since, self._base.tzinfo)
