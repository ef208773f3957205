"""The stage that measurements run on: how large they are, their databases, and the bars that show how far they are."""

import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ledger.database import Ledger
from tandem.collector import look_less
from tests.postgres import Server, running

PLACES = (os.environ.get("PATH", ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True))
DURABLE = ("listen_addresses=", "shared_buffers=1GB", "max_wal_size=4GB", "wal_compression=on")
"""As an administrator sets a server up: everything that keeps commits safe is on."""


@dataclass(frozen=True, slots=True)
class Store:
    """An empty ledger on one engine."""

    engine: str
    ledger: Ledger
    server: int | None
    """The process of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What every measurement is given."""

    scale: float
    progress: Progress
    _open: ExitStack
    _servers: list[Server] = field(default_factory=list)

    def sized(self, full: int, *, least: int = 1) -> int:
        """Shrink a number as the run is shrunk."""
        return max(least, round(full * self.scale))

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar for as long as the block runs; yields what moves it."""
        task = self.progress.add_task(what, total=total)
        try:
            yield lambda steps: self.progress.advance(task, steps)
        finally:
            self.progress.remove_task(task)

    @contextmanager
    def store(self, engine: str) -> Iterator[Store]:
        """Open an empty ledger that is gone afterwards."""
        if engine == "postgresql":
            server = self._server()
            ledger, pid = Ledger(server.make()), server.pid
            try:
                yield Store(engine, ledger, pid)
            finally:
                ledger.close()
            return
        with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
            ledger = Ledger(f"sqlite:///{folder}/tandem.db")
            try:
                yield Store(engine, ledger, None)
            finally:
                ledger.close()

    def _server(self) -> Server:
        """Start PostgreSQL with the first measurement that needs it."""
        if not self._servers:
            initdb, server = (program(name) or name for name in ("initdb", "postgres"))
            self._servers.append(self._open.enter_context(running(initdb, server, DURABLE)))
        return self._servers[0]


@contextmanager
def staged(scale: float) -> Iterator[Stage]:
    """Set the stage, and end everything on it when the block ends."""
    look_less()  # as a running gateway does
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), transient=True)
    with ExitStack() as opened, progress:
        yield Stage(scale, progress, opened)


def program(name: str) -> str | None:
    """Find a program of PostgreSQL; Debian keeps them out of a user's PATH."""
    return shutil.which(name, path=":".join(PLACES))
