"""Backups: the ledger as it is at one moment, with the keys and files that belong to it, in one file; and back again.

* BackupError
  + NotWhole        the file is damaged, or is no backup of ours
  + TargetTaken     there is something already where a backup would be restored
  + ToolFailed      PostgreSQL's own program did not do its work
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from gateway import settings
from gateway.settings import GatewaySettings
from ledger import feed
from ledger.database import Ledger

MANIFEST = "manifest.json"
SQLITE, DUMP = "ledger.sqlite", "ledger.dump"
LEFT_OUT = ("ledger.sqlite", "mosquitto", "control")
"""Beginnings of names that are not copied as they are: the database comes as one snapshot, the rest is made anew."""
PIECE = 1024 * 1024

Moved = Callable[[int], None]
"""Is told how many bytes have come further."""


class BackupError(Exception):
    """A backup could not be made or restored."""


class NotWhole(BackupError):
    """The file is damaged, or no backup of Tandem's; take another one."""


class TargetTaken(BackupError):
    """There is something already where the backup would go; nothing was changed."""


class ToolFailed(BackupError):
    """PostgreSQL's own program failed; its words follow."""


def size(data: Path) -> int:
    """Say about how many bytes a backup of this data folder will hold; a PostgreSQL database is not counted."""
    ledger = data / SQLITE
    files = sum(path.stat().st_size for path in _files(data))
    return files + (ledger.stat().st_size if ledger.is_file() else 0)


def create(data: Path, target: Path, *, now: datetime, moved: Moved = lambda _: None) -> Path:
    """Write a backup beside a running system and return its file; `target` is a folder, or the file itself.

    It appears under its name when it is whole and on disk. Raises BackupError.
    """
    read = settings.read(data=data)
    path = target / f"tandem-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target
    if path.exists():
        raise TargetTaken(f"{path} is there already")
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb", opener=_private) as file, tempfile.TemporaryDirectory(dir=path.parent) as draft:
            # The database first: a file that it speaks of is there by then, and none is ever taken away.
            _write(file, _snapshot(read, Path(draft)), data, moved)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def restore(file: Path, data: Path, *, now: datetime, actor: str, moved: Moved = lambda _: None) -> str:
    """Put a backup into a data folder that is not there yet and begin a new epoch; return the epoch.

    Kiosks then send again what the backup lacks. A PostgreSQL database, named as always, has to be empty. Raises
    BackupError; what was there before is never touched.
    """
    if data.exists() and any(data.iterdir()):
        raise TargetTaken(f"{data} is not empty: name a folder that is not there yet, or move this one away")
    part = data.with_name(data.name + ".restoring")
    shutil.rmtree(part, ignore_errors=True)
    try:
        _unpack(file, part, moved)
        epoch = _begin_epoch(_database(part), now, actor)
        # Not before: a folder under its own name is one that can be started.
        data.parent.mkdir(parents=True, exist_ok=True)
        if data.exists():
            data.rmdir()
        part.rename(data)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return epoch


def _database(folder: Path) -> str:
    """Say where the ledger of an unpacked backup is, once it is there."""
    if not (folder / DUMP).exists():
        # Whatever else the settings name: that is the ledger that was backed up, not the backup.
        return f"sqlite:///{folder / SQLITE}"
    read = settings.read(data=folder)
    _fill(read, folder / DUMP)
    (folder / DUMP).unlink()
    return read.database_url


def _begin_epoch(url: str, now: datetime, actor: str) -> str:
    with closing(Ledger(url)) as ledger, ledger.begin() as db:
        return str(feed.begin_epoch(db, actor=actor, now=now))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _files(data: Path) -> Iterator[Path]:
    """Walk over what is copied as it is."""
    for path in sorted(data.rglob("*")):
        inside = path.relative_to(data)
        if path.is_file() and not path.is_symlink() and not inside.parts[0].startswith(LEFT_OUT):
            yield path


# Writing


def _write(file: IO[bytes], snapshot: Path, data: Path, moved: Moved) -> None:
    digests: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w|") as tar:
        digests[snapshot.name] = _add(tar, snapshot, snapshot.name, moved)
        for path in _files(data):
            name = path.relative_to(data).as_posix()
            digests[name] = _add(tar, path, name, moved)
        manifest = json.dumps({"tandem": 1, "sha256": digests}).encode()
        with tempfile.TemporaryFile() as draft:
            draft.write(manifest)
            _put(tar, draft, MANIFEST)


def _add(tar: tarfile.TarFile, path: Path, name: str, moved: Moved) -> str:
    """Add a file as it is now and return its digest; one that is replaced meanwhile stays as it was opened."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        _put(tar, source, name)
        moved(source.tell())
    return digest


def _put(tar: tarfile.TarFile, source: IO[bytes], name: str) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = source.seek(0, os.SEEK_END), 0o600
    source.seek(0)
    tar.addfile(member, source)


def _snapshot(read: GatewaySettings, folder: Path) -> Path:
    """Write the database down as it is at one moment; nobody waits for it."""
    if read.database_url.startswith("sqlite"):
        return _copied(Path(sa.make_url(read.database_url).database or ""), folder / SQLITE)
    made = folder / DUMP
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={made}"], read.database_url)
    return made


def _copied(ledger: Path, made: Path) -> Path:
    if not ledger.is_file():
        raise BackupError(f"there is no ledger in {ledger.parent}: name the right folder with --data")
    # Only reading, so that it is safe beside the process that writes: whoever only reads never checkpoints.
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        db.execute("VACUUM INTO ?", (str(made),))
    with closing(sqlite3.connect(f"file:{made}?mode=ro", uri=True)) as db:
        [health] = db.execute("PRAGMA quick_check(1)").fetchone()
    if health != "ok":
        raise NotWhole(f"the ledger itself is damaged: {health}")
    return made


# Reading


def _unpack(file: Path, folder: Path, moved: Moved) -> None:
    folder.mkdir(mode=0o700, parents=True)
    digests: dict[str, str] = {}
    manifest: Mapping[str, Any] = {}
    with _opened(file) as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isfile() else None
            if source is None:
                raise NotWhole(f"{file} holds something that is no file: {member.name}")
            if member.name == MANIFEST:
                manifest = json.loads(source.read())
                continue
            digests[member.name] = _keep(source, _inside(folder, member.name))
            moved(member.size)
    if manifest.get("tandem") != 1 or manifest.get("sha256") != digests:
        raise NotWhole(f"{file}: what it holds is not what its list says; it is damaged or was changed")


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r|") as tar:
            yield tar
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise NotWhole(f"{file}: {error}; it is damaged, or no backup of Tandem's") from error


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NotWhole(f"it would write outside of its folder: {name}")
    _make_folder(path.parent)
    return path


def _make_folder(path: Path) -> None:
    """Make a folder and those above it; `parents=True` would leave those open to others."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(mode=0o700)


def _keep(source: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "xb", opener=_private) as file:
        while piece := source.read(PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


# PostgreSQL


def _fill(read: GatewaySettings, dump: Path) -> None:
    engine = sa.create_engine(read.database_url, poolclass=sa.NullPool)
    if engine.dialect.name != "postgresql":
        raise BackupError("the backup is of a PostgreSQL database: name an empty one in TANDEM_GATEWAY_DATABASE")
    with closing(engine.connect()) as connection:
        if sa.inspect(connection).get_table_names():
            raise TargetTaken(f"the database {engine.url.database} is not empty: name one that is")
    _run(["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", str(dump)], read.database_url)


def _run(command: list[str], database: str) -> None:
    """Run a program of PostgreSQL's; the password never stands in the list of processes."""
    url = sa.make_url(database)
    address = url.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    try:
        done = subprocess.run(
            [*command, f"--dbname={address}"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise ToolFailed(f"{command[0]} is not installed: Debian's package is postgresql-client") from None
    if done.returncode:
        raise ToolFailed(f"{command[0]}: {done.stderr.strip() or done.returncode}")
