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
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from pydantic_core import to_json
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
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


def insert(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, in their order; PostgreSQL takes them by COPY."""
    if not rows:
        return
    db.flush()
    if db.get_bind().dialect.name == "postgresql":
        _copy(db, table.__table__, rows)
    else:
        db.execute(sa.insert(table), rows)


def _copy(db: Db, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    binders = _binders(db, table, rows[0])
    connection: Any = db.connection().connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(binders)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([bind(row[name]) if bind else row[name] for name, bind in binders.items()])


def insert_or_nothing(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]], returning: Any) -> set[Any]:
    """Insert the rows that are new and return one column of just those; all have the same columns.

    The database decides which rows are new: two writers that look first and insert then would both find nothing.
    """
    if not rows:
        return set()
    db.flush()
    column = table.__table__.c[returning.key]
    if _goes_at_once(db, column, rows) and _insert_all(db, column.table, rows):
        return {row[column.key] for row in rows}
    statement, values = _insertion(db, table, rows)
    statement = statement.on_conflict_do_nothing().returning(column)
    if values is None and column.name in rows[0]:
        return _new(db, statement.cte(), column, rows)
    return set(db.scalars(statement, values).all())


def _new(db: Db, entered: Any, column: sa.Column[Any], rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Ask PostgreSQL only how many rows were new, if all are: to read thousands of ids takes as long as the insert."""
    count, ids = sa.func.count(), sa.func.array_agg(entered.c[column.name], type_=postgresql.ARRAY(column.type))
    found = db.execute(sa.select(count, sa.case((count < len(rows), ids))).select_from(entered)).one()
    return {row[column.name] for row in rows} if found[0] == len(rows) else set(found[1] or ())


def _goes_at_once(db: Db, returning: sa.Column[Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    if db.get_bind().dialect.name != "sqlite" or len(rows) == 1 or returning.name not in rows[0]:
        return False
    return all(column.default is None or column.name in rows[0] for column in returning.table.c)


def _insert_all(db: Db, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Insert rows into SQLite if all are new, and otherwise none; to have each one say so takes three times as long."""
    connection, binders = db.connection(), _binders(db, table, rows[0])
    sides = [[bind(row[name]) if bind else row[name] for row in rows] for name, bind in binders.items()]
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, binders))
    places = ", ".join("?" * len(binders))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  our names
    with connection.begin_nested() as savepoint:
        done = connection.exec_driver_sql(statement, list(zip(*sides, strict=True))).rowcount
        if done < len(rows):
            savepoint.rollback()
    return done == len(rows)


def _binders(db: Db, table: sa.Table, names: Iterable[str]) -> dict[str, Any]:
    """Say how the values of these columns are written for the driver; None where they are as they are."""
    dialect = db.get_bind().dialect
    return {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}


def _insertion(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Make the statement and its values; PostgreSQL takes many rows as one document."""
    # Of the table, not of the mapped class: what the class adds costs more than the insert itself.
    into = table.__table__
    if db.get_bind().dialect.name != "postgresql" or len(rows) == 1:
        return _insert(db)(into), rows
    columns = [into.c[name] for name in rows[0]]
    _refuse_naive(columns, rows)
    document = sa.cast(sa.literal(to_json(rows, bytes_mode="hex").decode()), postgresql.JSON)
    given = sa.func.json_to_recordset(document).table_valued(*(sa.column(c.name, _in_json(c)) for c in columns))
    values = given.render_derived(with_types=True).c
    read = [sa.func.decode(values[c.name], "hex") if _is_binary(c) else values[c.name] for c in columns]
    return postgresql.insert(into).from_select(columns, sa.select(*read)), None


def _refuse_naive(columns: Iterable[sa.Column[Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what UtcDateTime refuses: a document goes past it, and PostgreSQL would take any zone for meant."""
    names = [column.name for column in columns if isinstance(column.type, UtcDateTime)]
    if any((value := row[name]) is not None and value.tzinfo is None for row in rows for name in names):
        raise ValueError("a naive datetime cannot be stored")


def _in_json(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    return sa.Text() if _is_binary(column) else column.type


def _is_binary(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def among(db: Db, column: Any, values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Choose the rows of which a column is one of these; PostgreSQL takes many values as one array."""
    if db.get_bind().dialect.name == "postgresql":
        # Each value as a parameter of its own makes another statement for every number of them.
        found: sa.ColumnElement[bool] = column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))
        return found
    return sa.and_(column.in_(values))


def upsert(db: Db, table: type[Any], rows: list[dict[str, Any]], *, keys: list[str], update: Any) -> None:
    """Insert rows, no two with the same keys, or where the keys exist set what `update(excluded)` says."""
    if rows:
        db.flush()
        statement, values = _insertion(db, table, rows)
        db.execute(statement.on_conflict_do_update(index_elements=keys, set_=update(statement.excluded)), values)


def insert_from(db: Db, table: type[Any], chosen: sa.Select[Any], *, keys: list[str], update: Any) -> None:
    """Insert what a query with a WHERE gives, in the order of the table's columns; existing keys as in `upsert`."""
    columns = [column.name for column in table.__table__.columns]
    statement = _insert(db)(table).from_select(columns, chosen)
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=update(statement.excluded)))


def _insert(db: Db) -> Any:
    return postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
