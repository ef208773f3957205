"""Takes files in and reads them one at a time, on a thread that is there as long as there is something to read.

* Full              too many files wait already
"""

import logging
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from gateway.clock import Clock
from gateway.import_limits import MOST_BYTES, PIECE
from gateway.import_plan import Importer
from gateway.import_reading import read
from ledger import imports
from ledger.database import Ledger
from ledger.import_tables import ImportRow

log = logging.getLogger(__name__)

MOST_WAITING = 8
LOST = timedelta(minutes=15)
"""After which nobody believes any more that another process is still reading."""


class Full(Exception):
    """Too many files wait to be read; try again in a minute."""


class TooLarge(Exception):
    """The file is larger than anything that is read; bring it in in parts."""


@dataclass(frozen=True, slots=True)
class _Job:
    import_id: str
    kind: str
    file: IO[bytes]
    importer: Importer


class Desk:
    """Where files are handed in; `stop` it before the ledger is closed."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger, self._clock = ledger, clock
        self._waiting: deque[_Job] = deque()
        self._reading: _Job | None = None
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._worker: threading.Thread | None = None

    def take(self, kind: str, source: IO[bytes], *, by: str, regions: Sequence[str] | None) -> str:
        """Take a file in and return the id of its import; reading begins at once. Raises Full or TooLarge."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING or self._stopping.is_set():
                raise Full(Full.__doc__)
        # It has no name, so that nothing of it is left when this process ends, however it ends.
        file = tempfile.TemporaryFile()  # noqa: SIM115  the job closes it
        try:
            size = _copied(source, file)
            with self._ledger.begin() as db:
                import_id = imports.begin(db, kind, size=size, made_by=by, now=self._clock()).id
        except BaseException:
            file.close()
            raise
        self._put(_Job(import_id, kind, file, Importer(by=by, regions=regions, now=self._clock())))
        return import_id

    def is_lost(self, row: ImportRow) -> bool:
        """Say whether an import says that it is being read, and nobody reads it: a restart came in between."""
        with self._lock:
            ours = {job.import_id for job in (*self._waiting, self._reading) if job}
        if row.state != "reading" or row.id in ours:
            return False
        # SQLite allows one process; on PostgreSQL another one may be reading.
        alone = self._ledger.url.get_backend_name() == "sqlite"
        return alone or self._clock() - row.made_at >= LOST

    def stop(self) -> None:
        """Leave the import in hand as it is, and those that wait."""
        with self._lock:
            self._stopping.set()
            jobs = list(self._waiting)
            self._waiting.clear()
            worker = self._worker
        for job in jobs:
            job.file.close()
        if worker:
            worker.join()

    def finish(self) -> None:
        """Wait until everything that has been handed in is read."""
        with self._lock:
            worker = self._worker
        if worker:
            worker.join()

    def _put(self, job: _Job) -> None:
        with self._lock:
            if self._stopping.is_set():
                job.file.close()
                return
            self._waiting.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="imports")
                self._worker.start()

    def _work(self) -> None:
        while job := self._next():
            try:
                self._read(job)
            except Exception:
                log.exception("import %s cannot be read", job.import_id)
                self._give_up(job)
            finally:
                job.file.close()

    def _next(self) -> _Job | None:
        with self._lock:
            self._reading = self._waiting.popleft() if self._waiting else None
            if self._reading is None:
                self._worker = None
            return self._reading

    def _read(self, job: _Job) -> None:
        read(
            self._ledger,
            job.import_id,
            job.kind,
            job.file,
            job.importer,
            clock=self._clock,
            stopping=self._stopping.is_set,
        )

    def _give_up(self, job: _Job) -> None:
        """Say that it is no fault of the file; without a database not even that can be said."""
        try:
            with self._ledger.begin() as db:
                told = {"state": "wrong", "wrong": 1, "errors": [[0, "", "fault", {}]], "ended_at": self._clock()}
                imports.report(db, job.import_id, **told)
        except Exception:
            log.exception("import %s stays as it is", job.import_id)


def _copied(source: IO[bytes], file: IO[bytes]) -> int:
    size = 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLarge(TooLarge.__doc__)
        file.write(piece)
    return size
