"""A private PostgreSQL for tests and measurements: the programs of this machine, on a socket file, gone afterwards."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.database import Ledger

SERVER = "postgres"
MIGRATED = "migrated"
# Nothing here has to survive; without fsync a database is made in a few milliseconds.
SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs for as long as a block."""

    make: Callable[..., str]
    """Makes an empty ledger and returns its address."""
    pid: int


@pytest.fixture(scope="session")
def postgres(program: Callable[[str], str]) -> Iterator[Callable[..., str]]:
    """Run a server; each call makes an empty ledger in it and returns its address."""
    with running(program("initdb"), program(SERVER)) as server:
        yield server.make


@contextmanager
def running(initdb: str, server: str, settings: Sequence[str] = SETTINGS) -> Iterator[Server]:
    """Run a server in a folder of its own until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
    # PostgreSQL refuses to run as root.
    dropped = {"user": SERVER, "group": SERVER, "extra_groups": ()} if os.geteuid() == 0 else {}
    if dropped:
        shutil.chown(folder, SERVER, SERVER)
    data = str(folder / "data")
    make = [initdb, "-D", data, "-U", SERVER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(make, check=True, capture_output=True, cwd="/", **dropped)  # type: ignore[call-overload]
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(  # type: ignore[call-overload]
            [server, "-D", data, "-k", str(folder), *options], stdout=log, stderr=log, cwd="/", **dropped
        )
    try:
        yield Server(_ledgers(folder, child), child.pid)
    finally:
        # At once: SIGTERM would wait for every connection that a failed test has left open.
        child.send_signal(signal.SIGINT)
        child.wait(20)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty ledger; a test that asks for it runs on both engines."""
    if request.param == "sqlite":
        return "sqlite://"
    made: str = request.getfixturevalue("postgres")()
    return made


def _ledgers(folder: Path, child: "subprocess.Popen[bytes]") -> Callable[[], str]:
    """Return what makes ledgers: copies of one that was migrated once."""
    server = sa.create_engine(_address(folder, SERVER), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    _wait_for(server, child, folder / "log")
    numbers = itertools.count(1)

    def make(source: str = MIGRATED) -> str:
        name = f"ledger_{next(numbers)}"
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {source}"))
        return _address(folder, name)

    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {MIGRATED}"))
    Ledger(_address(folder, MIGRATED)).close()
    return make


def _wait_for(server: sa.Engine, child: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        try:
            server.connect().close()
        except sa.exc.OperationalError:
            assert child.poll() is None, log.read_text()
            _pause(child)
        else:
            return
    pytest.fail(f"PostgreSQL does not answer: {log.read_text()}")


def _pause(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(0.05)
    except subprocess.TimeoutExpired:
        return


def _address(folder: Path, name: str) -> str:
    return f"postgresql+psycopg://{SERVER}@/{name}?host={folder}"
