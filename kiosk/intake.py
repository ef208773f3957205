"""Every source of a station on a thread of its own: what it takes in is handed on, what ails it is noted."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Event, Thread, current_thread

from kiosk.source import PULSE, Frame, Scanned, Seen, Source, Trouble

log = logging.getLogger(__name__)

BLINK = timedelta(seconds=1)
"""Before looking again after a fault."""

SILENT = 4 * PULSE
"""After this a source hangs that has not ended; a camera that starts slowly is quiet for two pulses."""

Take = Callable[[Frame | Scanned], None]


class Intake:
    """Reads the sources until it is ended; `take`, and `lost` with a trouble's code, are called on their threads."""

    def __init__(self, sources: Sequence[Source], *, take: Take, lost: Callable[[str], None]) -> None:
        self._sources, self._take, self._lose = tuple(sources), take, lost
        self._lost: dict[Source, str] = {}
        self._stopping = Event()
        self._threads: list[Thread] = []
        self._heard: dict[Thread, float] = {}

    @property
    def gets_on(self) -> bool:
        """Say whether no source hangs: each has said something lately, if only that it is in trouble, or has ended."""
        since = time.monotonic() - SILENT.total_seconds()
        return all(self._heard[thread] >= since for thread in self._threads if thread.is_alive())

    @property
    def lost(self) -> tuple[str, ...]:
        """Say what is missing, by the codes of its troubles."""
        return tuple(dict.fromkeys(self._lost.copy().values()))

    @property
    def is_blind(self) -> bool:
        """Say whether nothing comes in any more."""
        return len(self._lost) == len(self._sources)

    def start(self) -> None:
        """Begin to read; returns at once."""
        self._threads = [
            Thread(target=self._read, args=(source,), name=f"source {number}", daemon=True)
            for number, source in enumerate(self._sources)
        ]
        for thread in self._threads:
            self._heard[thread] = time.monotonic()
            thread.start()

    def end(self) -> None:
        """Let the sources go; returns at once."""
        self._stopping.set()
        for source in self._sources:
            source.close()

    def join(self, seconds: float) -> None:
        """Wait for what was in hand."""
        for thread in self._threads:
            thread.join(seconds)

    def _read(self, source: Source) -> None:
        while not self._stopping.is_set():
            try:
                for seen in source.frames():
                    self._heed(source, seen)
                return  # a folder that was played to its end
            except Exception:
                # A picture that upsets a decoder must not close the door for the rest of the day.
                log.exception("looking failed and begins anew")
                self._note_lost(source, source.lost_code)
                self._stopping.wait(BLINK.total_seconds())

    def _heed(self, source: Source, seen: Seen) -> None:
        self._heard[current_thread()] = time.monotonic()
        if self._stopping.is_set():
            return
        if isinstance(seen, Trouble):
            # A camera that is away says so every two seconds; the log has it once.
            if self._lost.get(source) != seen.code:
                log.warning("%s: %s", seen.where, seen.why)
            self._note_lost(source, seen.code)
            return
        if source in self._lost:
            log.info("%s is over", self._lost[source])
        if isinstance(seen, Frame | Scanned):
            self._take(seen)
        self._lost.pop(source, None)

    def _note_lost(self, source: Source, code: str) -> None:
        self._lost[source] = code
        self._lose(code)
