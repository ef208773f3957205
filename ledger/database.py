"""The ledger's database: SQLite in one process, or PostgreSQL.

* LedgerError
  + LedgerInUse       another process has this SQLite file open
  + LedgerUnsafe      SQLite does not keep what it was told to keep
  + LedgerUnusable    there is no database under this address, or it is not ours
"""

import fcntl
import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import event
from sqlalchemy.orm import Session as Db
from sqlalchemy.pool import QueuePool, StaticPool

MIGRATING = 0x7A4DE3
"""The advisory lock under which PostgreSQL's schema is changed."""


class LedgerError(Exception):
    """The ledger cannot be used."""


class LedgerInUse(LedgerError):
    """Another process has this ledger open; SQLite allows one. Stop it, or move to PostgreSQL."""


class LedgerUnsafe(LedgerError):
    """SQLite did not take a setting that durability stands on; check the disk and the SQLite library."""


class LedgerUnusable(LedgerError):
    """The database cannot be opened; it is not reached, or what is there is no ledger."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant, on SQLite as well."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive value: nobody can say later which zone was meant."""
        if value is not None and value.utcoffset() is None:
            raise ValueError("a naive datetime cannot be stored")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give SQLite's naive answer its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Exact(sa.types.TypeDecorator[Decimal]):
    """A Decimal that comes back digit for digit; SQLite's own numbers are floats, so there it is text."""

    impl = sa.Numeric()
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Choose the column's type."""
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        """Write the digits."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        """Read the digits."""
        return None if value is None else Decimal(value)


class Written(str):
    """JSON as it stands in another row, to be written as it is."""

    __slots__ = ()


def _as_json(value: Any) -> str:
    return value if isinstance(value, Written) else json.dumps(value)


class Turns:
    """A lock that serves in order of asking.

    A pool of one connection does not: a thread that gives it back and asks again at once can starve all others.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._holder: int | None = None

    def __enter__(self) -> None:
        if self._holder == threading.get_ident():
            raise RuntimeError("this thread has a unit of work open already; it would wait for itself")
        with self._mutex:
            if not self._taken:
                self._taken, self._holder = True, threading.get_ident()
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            self._holder = None
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class Ledger:
    """One database, for as long as a program runs."""

    def __init__(self, url: str) -> None:
        """Open the database and bring its schema up to date; raises LedgerError."""
        self.url = _read_url(url)
        self._lock = _lock_file(self.url)
        self._writer = _sqlite_writer(self.url) if self._is_sqlite else _postgresql(self.url)
        self._reader = self._reading_engine()
        self._turns = Turns() if self._is_sqlite else nullcontext()
        try:
            upgrade(self._writer)
        except (sa.exc.DatabaseError, CommandError) as error:
            self.close()
            raise LedgerUnusable(f"{self.url}: {_first_line(error)}") from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Db]:
        """Open the unit of work: committed at the end of the block, rolled back when it raises."""
        with self._turns, Db(self._writer, expire_on_commit=False) as db, db.begin():
            yield db

    @contextmanager
    def read(self) -> Iterator[Db]:
        """Open a transaction that only reads, and on SQLite never waits for the writer."""
        # A database in memory has one connection, for readers too.
        turns = self._turns if self._reader is self._writer else nullcontext()
        with turns, Db(self._reader, expire_on_commit=False) as db:
            yield db

    def close(self) -> None:
        """Give the connections and the file back."""
        self._reader.dispose()
        self._writer.dispose()
        if self._lock:
            self._lock.close()

    @property
    def engine(self) -> sa.Engine:
        """The writing engine, for migrations and their tests."""
        return self._writer

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def _reading_engine(self) -> sa.Engine:
        if not self._is_sqlite or not _file_of(self.url):
            return self._writer
        engine = sa.create_engine(self.url, poolclass=QueuePool, pool_size=8, max_overflow=24)

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, record: Any) -> None:
            for pragma in ("query_only=ON", "busy_timeout=10000"):
                connection.execute("PRAGMA " + pragma)

        return engine


def upgrade(engine: sa.Engine) -> None:
    """Run every migration that the database has not seen."""
    config = Config()
    config.set_main_option("script_location", str(files("ledger") / "migrations"))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Of several programs that start at once, one makes the tables and the others find them.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _read_url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerUnusable("the database's address is not one: sqlite:///FILE or postgresql://…") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerUnusable(f"a ledger is in SQLite or PostgreSQL, not in {url.get_backend_name()}")
    return url


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def _postgresql(url: sa.URL) -> sa.Engine:
    # Said, and not left to the server: under a stricter level what waits for a lock would then see the past.
    return sa.create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", json_serializer=_as_json)


def _sqlite_writer(url: sa.URL) -> sa.Engine:
    file = _file_of(url)
    # One writing connection per file: SQLite before 3.51.3 can corrupt a WAL that two connections write and checkpoint.
    options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "poolclass": QueuePool} if file else {}
    if not file:
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = sa.create_engine(url, json_serializer=_as_json, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy, not sqlite3, opens transactions.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute("PRAGMA " + pragma)
        if file:
            _assert_durable(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A deferred BEGIN that reads and then writes answers "database is locked" instead of waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _assert_durable(connection: Any) -> None:
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, level) != ("wal", 2):
        raise LedgerUnsafe(f"wanted WAL and synchronous=FULL, got {mode} and {level}")


def _file_of(url: sa.URL) -> Path | None:
    return Path(url.database) if url.database and url.database != ":memory:" else None


def _lock_file(url: sa.URL) -> IO[str] | None:
    file = _file_of(url) if url.get_backend_name() == "sqlite" else None
    if not file:
        return None
    try:
        lock = file.with_name(file.name + ".lock").open("w")
    except OSError as error:
        raise LedgerUnusable(f"{file}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise LedgerInUse(f"{file} is open in another process; SQLite allows one") from None
    return lock
