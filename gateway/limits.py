"""How often somebody may fail: counted in this process, and forgotten when it ends."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

WINDOW = timedelta(minutes=15)
MOST_NAMES = 10_000
"""Somebody who tries under ever new names must not fill the memory; the oldest name is forgotten."""


@dataclass(slots=True, kw_only=True)
class Limit:
    """At most `most` failures of one name within a window."""

    most: int
    window: timedelta = WINDOW
    _failures: "OrderedDict[str, deque[datetime]]" = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def wait(self, name: str, now: datetime) -> int:
        """Say how many seconds this name has to wait; 0 when it may try."""
        with self._lock:
            times = self._failures.get(name)
            while times and times[0] <= now - self.window:
                times.popleft()
            if not times or len(times) < self.most:
                return 0
            return max(1, int((times[0] + self.window - now).total_seconds()))

    def failed(self, name: str, now: datetime) -> None:
        """Count a failure."""
        with self._lock:
            self._failures.setdefault(name, deque(maxlen=self.most)).append(now)
            self._failures.move_to_end(name)
            if len(self._failures) > MOST_NAMES:
                self._failures.popitem(last=False)

    def passed(self, name: str) -> None:
        """Forget the failures of a name that has proved itself."""
        with self._lock:
            self._failures.pop(name, None)
