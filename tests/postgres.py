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
from tests.sqlite import IN_MEMORY

SERVER = "postgres"
MIGRATED = "migrated"
# Nothing here has to survive; without fsync a database is made in a few milliseconds.
SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


# A database of a few tables is eight megabytes of catalogue, and a disk would be busy with that.
MEMORY = "/dev/shm"  # noqa: S108  mkdtemp makes the name in it
ENOUGH = 2**30  # bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs for as long as a block."""

    make: Callable[..., str]
    """Makes an empty ledger and returns its address."""
    drop: Callable[[str], None]
    """Throws the ledger at an address away."""
    pid: int


@pytest.fixture(scope="session")
def postgres_server(program: Callable[[str], str]) -> Iterator[Server]:
    """Run a server, in memory where there is enough of it."""
    place = MEMORY if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > ENOUGH else None
    with running(program("initdb"), program(SERVER), place=place) as server:
        yield server


@pytest.fixture(scope="session")
def postgres(postgres_server: Server) -> Callable[..., str]:
    """Make an empty ledger with each call, and return its address; it stays until the server ends."""
    return postgres_server.make


@contextmanager
def running(
    initdb: str, server: str, settings: Sequence[str] = SETTINGS, *, place: str | None = None
) -> Iterator[Server]:
    """Run a server in a folder of its own until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-", dir=place))
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
        yield Server(*_ledgers(folder, child), child.pid)
    finally:
        # At once: SIGTERM would wait for every connection that a failed test has left open.
        child.send_signal(signal.SIGINT)
        child.wait(20)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an empty ledger; a test that asks for it runs on both engines."""
    if request.param == "sqlite":
        yield IN_MEMORY
        return
    server: Server = request.getfixturevalue("postgres_server")
    made = server.make()
    yield made
    server.drop(made)


def _ledgers(folder: Path, child: "subprocess.Popen[bytes]") -> tuple[Callable[..., str], Callable[[str], None]]:
    """Return what makes ledgers, as copies of one that was migrated once, and what drops them."""
    server = sa.create_engine(_address(folder, SERVER), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    _wait_for(server, child, folder / "log")
    numbers = itertools.count(1)

    def make(source: str = MIGRATED) -> str:
        name = f"ledger_{next(numbers)}"
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {source}"))
        return _address(folder, name)

    def drop(url: str) -> None:
        with server.connect() as connection:
            # By force: a failed test may have left a connection open.
            connection.execute(sa.text(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)"))

    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {MIGRATED}"))
    Ledger(_address(folder, MIGRATED)).close()
    return make, drop


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
