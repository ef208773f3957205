"""Where a check-in is safe: it is on disk before the screen turns green, and stays until the gateway has it.

* OutboxError
  + OutboxFull      the disk is full; nothing can be recorded
  + OutboxUnsafe    the file cannot keep the promise, or belongs to another kiosk or program
"""

import fcntl
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import IO
from uuid import UUID

from protocol.messages import BootTime, Command, Receipt
from protocol.records import KioskRecord
from protocol.signing import Unreadable

log = logging.getLogger(__name__)

FILE = "outbox.sqlite"
KEEP = timedelta(days=14)
"""Longer than the time between two backups of the gateway: what a restored backup lacks is still here."""
BOOTS = 8
"""Of so many boots it is remembered when they began."""
TRIAL = 16 * 1024
"""Bytes, more than a record can need: without room for them nothing is recorded."""
VERSION = 1
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000")
SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    last_assigned INTEGER NOT NULL,
    epoch TEXT NOT NULL DEFAULT '',
    number INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    line BLOB NOT NULL,
    delivered_at TEXT,
    rejected TEXT
);
CREATE TABLE IF NOT EXISTS boots (id TEXT PRIMARY KEY, began_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trial (filling BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS waiting ON records (seq) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS quarantine ON records (seq) WHERE rejected IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_delivery ON records (delivered_at) WHERE delivered_at IS NOT NULL;
"""


class OutboxError(Exception):
    """The check-in could not be recorded: the kiosk's storage has failed."""


class OutboxFull(OutboxError):
    """The kiosk's disk is full: nothing is recorded until there is room."""


class OutboxUnsafe(OutboxError):
    """The kiosk's outbox cannot keep check-ins safe."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record's number and its line as it was committed."""

    seq: int
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that the gateway keeps but cannot enter; it stays here for a person to look at."""

    seq: int
    reason: str
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of this stream the gateway has not confirmed yet."""

    first_unreceipted: int | None
    last_assigned: int
    count: int


class Outbox:
    """The records of one stream in one SQLite file, through one connection; may be used from any thread."""

    def __init__(self, path: Path, *, stream: UUID) -> None:
        self.stream = stream
        self.disagrees = False
        """A receipt held numbers that were not given out here: there is a copy of this kiosk, or the disk has lied."""
        self._lock = Lock()
        self._guard = _alone(path)
        try:
            self._db = _opened(path, stream)
        except (sqlite3.Error, OSError) as error:
            self._guard.close()
            raise OutboxUnsafe(f"{path} cannot be opened: {error}; do not delete it, it may hold check-ins") from error
        except OutboxError:
            self._guard.close()
            raise

    def put(self, make: Callable[[int], KioskRecord]) -> KioskRecord:
        """Give the record the next number and keep it; once this returns it survives a power cut."""
        with self._transaction() as db:
            [seq] = db.execute("UPDATE stream SET last_assigned = last_assigned + 1 RETURNING last_assigned").fetchone()
            record = make(seq)
            if (record.stream, record.seq) != (self.stream, seq):
                raise ValueError("a record carries the stream and the number that its outbox gave it")
            db.execute("INSERT INTO records (seq, at, line) VALUES (?, ?, ?)", (seq, _text(record.at), record.line()))
        return record

    def due(self, limit: int, *, but_not: Collection[int] = frozenset(), above: int = 0) -> list[Row]:
        """Return the first records that wait for a receipt, without those that are on their way already."""
        query = "SELECT seq, line FROM records WHERE delivered_at IS NULL AND seq > ? ORDER BY seq"
        with self._reading() as db:
            waiting = db.execute(query, (above,))
            rows: list[Row] = []
            while len(rows) < limit and (found := waiting.fetchone()) is not None:
                if found[0] not in but_not:
                    rows.append(Row(*found))
            waiting.close()
            return rows

    def delivered(self, receipt: Receipt, *, at: datetime) -> bool:
        """Mark what the gateway has; returns False for a receipt that says nothing new."""
        if receipt.stream != self.stream:
            return False
        with self._transaction() as db:
            epoch, number = db.execute("SELECT epoch, number FROM stream").fetchone()
            # Epochs are in order of time. A broker may hold a receipt back: neither an epoch nor a number comes again.
            if (str(receipt.epoch), receipt.number) <= (epoch, number):
                return False
            db.execute("UPDATE stream SET epoch = ?, number = ?", (str(receipt.epoch), receipt.number))
            if str(receipt.epoch) != epoch:
                _reopen(db, receipt.upto)
            _mark(db, receipt, _text(at))
            last = _skip(db, max([receipt.upto, *receipt.extra, *(rejected.seq for rejected in receipt.rejected)]))
        if last is not None:
            self.disagrees = True
            log.error(
                "the gateway holds check-ins above %d, which this kiosk has not made: is there a copy of it?", last
            )
        return True

    def send_again(self, command: Command) -> int | None:
        """Let these records wait for a receipt once more; returns how many, or None for a command that is no news."""
        if command.stream != self.stream:
            return None
        again = "UPDATE records SET delivered_at = NULL WHERE seq BETWEEN ? AND ? AND rejected IS NULL"
        with self._transaction() as db:
            epoch, number = db.execute("SELECT epoch, number FROM stream").fetchone()
            # A new epoch begins with a receipt: a command of another one speaks of a ledger that is not this one.
            if str(command.epoch) != epoch or command.number <= number:
                return None
            db.execute("UPDATE stream SET number = ?", (command.number,))
            return db.execute(again, (command.first, command.last)).rowcount

    def standing(self) -> Standing:
        """Say what the heartbeat says."""
        with self._reading() as db:
            first, count = db.execute("SELECT min(seq), count(*) FROM records WHERE delivered_at IS NULL").fetchone()
            [last] = db.execute("SELECT last_assigned FROM stream").fetchone()
            return Standing(first_unreceipted=first, last_assigned=last, count=count)

    def is_delivered(self, seq: int) -> bool:
        """Say whether the gateway has entered this record: the second tick on the screen."""
        query = "SELECT 1 FROM records WHERE seq = ? AND delivered_at IS NOT NULL AND rejected IS NULL"
        with self._reading() as db:
            return db.execute(query, (seq,)).fetchone() is not None

    def quarantine(self) -> list[Rejected]:
        """Return what the gateway rejected; no code of an error ever deletes a record."""
        with self._reading() as db:
            rows = db.execute("SELECT seq, rejected, line FROM records WHERE rejected IS NOT NULL ORDER BY seq")
            return [Rejected(seq=seq, reason=reason, line=line) for seq, reason, line in rows]

    def since(self, at: datetime) -> list[KioskRecord]:
        """Return the records made since then, so that a restarted kiosk knows who is in.

        One that this version cannot read is left out here; it is sent all the same.
        """
        with self._reading() as db:
            rows = db.execute("SELECT line FROM records WHERE at >= ? ORDER BY seq", (_text(at),)).fetchall()
        return [record for (line,) in rows if (record := _readable(line))]

    def prune(self, *, at: datetime, keep: timedelta = KEEP) -> int:
        """Forget what was delivered long ago; returns how many records that were."""
        query = "DELETE FROM records WHERE delivered_at < ? AND rejected IS NULL"
        with self._transaction() as db:
            return db.execute(query, (_text(at - keep),)).rowcount

    def note_boot(self, boot: UUID, began_at: datetime) -> None:
        """Remember when a boot began, as a synced clock says; the times of its earlier records follow from that."""
        forget = "DELETE FROM boots WHERE id IN (SELECT id FROM boots ORDER BY began_at DESC LIMIT -1 OFFSET ?)"
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO boots (id, began_at) VALUES (?, ?)", (str(boot), _text(began_at)))
            db.execute(forget, (BOOTS,))

    def boots(self) -> tuple[BootTime, ...]:
        """Return when the last boots began, so far as is known."""
        with self._reading() as db:
            rows = db.execute("SELECT id, began_at FROM boots ORDER BY began_at").fetchall()
        return tuple(BootTime(boot=UUID(id), began_at=datetime.fromisoformat(began_at)) for id, began_at in rows)

    def try_out(self) -> None:
        """Write as much as a record may need, and forget it; raises OutboxError if nothing could be recorded now."""
        with self._transaction() as db:
            db.execute("INSERT INTO trial (filling) VALUES (zeroblob(?))", (TRIAL,))
        with self._transaction() as db:
            db.execute("DELETE FROM trial")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()
            self._guard.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._begin()
                yield self._db
                self._commit()
            except sqlite3.Error as error:
                raise _fault(error) from error
            finally:
                self._roll_back()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as error:
                raise _fault(error) from error

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self._db.execute("COMMIT")

    def _roll_back(self) -> None:
        """Undo what was not committed, so that the next record finds a clean connection."""
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _fault(error) from error


def _alone(path: Path) -> IO[bytes]:
    """Hold a lock beside the file: SQLite below 3.51.3 can damage a WAL file that two connections write."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        guard = path.with_suffix(".lock").open("ab")
    except OSError as error:
        raise OutboxUnsafe(f"{path.parent} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        guard.close()
        raise OutboxUnsafe(f"another program uses {path}: only one kiosk may run on it") from None
    return guard


def _opened(path: Path, stream: UUID) -> sqlite3.Connection:
    # SQLite gives the files that it adds the mode of this one.
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        _assert_durable(db, path)
        _prepare(db, stream)
        _assert_ours(db, path, stream)
    except BaseException:
        db.close()
        raise
    return db


def _assert_durable(db: sqlite3.Connection, path: Path) -> None:
    [journal] = db.execute("PRAGMA journal_mode").fetchone()
    [synchronous] = db.execute("PRAGMA synchronous").fetchone()
    if journal != "wal" or synchronous != 2:
        raise OutboxUnsafe(f"{path} does not allow safe commits (journal {journal}, synchronous {synchronous})")
    [health] = db.execute("PRAGMA quick_check(1)").fetchone()
    if health != "ok":
        raise OutboxUnsafe(f"{path} is damaged: {health}; keep the file and register the kiosk anew")


def _prepare(db: sqlite3.Connection, stream: UUID) -> None:
    [version] = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise OutboxUnsafe("the outbox was written by a newer version of this program")
    db.executescript(SCHEMA)
    db.execute("INSERT OR IGNORE INTO stream (only, id, last_assigned) VALUES (1, ?, 0)", (str(stream),))
    db.execute(f"PRAGMA user_version = {VERSION}")


def _assert_ours(db: sqlite3.Connection, path: Path, stream: UUID) -> None:
    found, last = db.execute("SELECT id, last_assigned FROM stream").fetchone()
    if found != str(stream):
        raise OutboxUnsafe(f"{path} holds the check-ins of another registration: move it away, do not delete it")
    [highest] = db.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
    if highest > last:
        raise OutboxUnsafe(f"{path} would give out number {last + 1} twice: it has been tampered with")


def _reopen(db: sqlite3.Connection, upto: int) -> None:
    """Send again all that a restored database may lack."""
    db.execute("UPDATE records SET delivered_at = NULL, rejected = NULL WHERE seq > ?", (upto,))


def _mark(db: sqlite3.Connection, receipt: Receipt, at: str) -> None:
    mark = "UPDATE records SET delivered_at = ? WHERE delivered_at IS NULL AND seq"
    db.execute(f"{mark} <= ?", (at, receipt.upto))
    db.executemany(f"{mark} = ?", [(at, seq) for seq in receipt.extra])
    refuse = "UPDATE records SET delivered_at = coalesce(delivered_at, ?), rejected = ? WHERE seq = ?"
    db.executemany(refuse, [(at, rejected.reason, rejected.seq) for rejected in receipt.rejected])


def _skip(db: sqlite3.Connection, highest: int) -> int | None:
    """Never give out a number that the gateway has; returns the last one of ours if it has others."""
    [last] = db.execute("SELECT last_assigned FROM stream").fetchone()
    if highest <= last:
        return None
    db.execute("UPDATE stream SET last_assigned = ?", (highest,))
    return int(last)


def _readable(line: bytes) -> KioskRecord | None:
    try:
        return KioskRecord.read(line)
    except Unreadable:
        return None


def _text(at: datetime) -> str:
    """Write an instant so that texts sort as times do."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _fault(error: sqlite3.Error) -> OutboxError:
    # Errors of Python's own sqlite3 module, such as a closed connection, have no code.
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return OutboxFull(OutboxFull.__doc__)
    return OutboxError(f"{OutboxError.__doc__} ({error})")
