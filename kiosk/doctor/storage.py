"""Whether what the station writes is safe: its identity, its disk, and its outbox."""

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from kiosk.doctor.findings import Finding, Findings, fail, ok, warn
from kiosk.identity import MACHINE, Identity, IdentityError, NotRegistered, this_machine
from kiosk.outbox import FILE, Outbox, OutboxError
from protocol.records import KioskRecord
from protocol.signing import Unreadable

MEGABYTE = 1_000_000
LITTLE, TOO_LITTLE = 1000 * MEGABYTE, 100 * MEGABYTE
SLOW = 50.0  # milliseconds that every green waits for the disk
TRIALS = 10
STALE = timedelta(hours=1)
MOUNTS = Path("/proc/self/mountinfo")
DEVICES = Path("/sys/dev/block")
FORGETFUL = frozenset({"tmpfs", "ramfs", "overlay"})


def identity(data: Path) -> tuple[Identity | None, list[Finding]]:
    """Read who this kiosk is; the rest cannot be asked without it."""
    files = [home(data)] if data.is_dir() else []
    try:
        found = Identity.load(data)
    except NotRegistered:
        todo = "get a code from the gateway and run `tandem kiosk register`"
        return None, [*files, warn("identity", "this kiosk is not registered", todo)]
    except IdentityError as error:
        said, _, todo = str(error).partition(": ")
        return None, [*files, fail("identity", said, todo)]
    return found, [*files, _standing(found)]


def _standing(found: Identity) -> Finding:
    if found.account is None:
        todo = f"if an admin has not done so: tandem gateway device confirm {found.device} {found.fingerprint}"
        return warn("identity", "registered, and not confirmed yet", todo)
    return ok("identity", f"device {found.device}, confirmed")


def home(data: Path, *, user: Callable[[], int] = os.geteuid, machine: Callable[[], bytes] = this_machine) -> Finding:
    """Judge who may get at the keys, and whether they are where they were made."""
    there, mark = data.stat(), data / MACHINE
    if there.st_uid != user():
        return fail("files", f"{data} belongs to another user", "run this as the user that the station runs as")
    if stat.S_IMODE(there.st_mode) & 0o077:
        return warn("files", f"others may look into {data}", f"chmod 700 {data}")
    if mark.exists() and machine() and mark.read_bytes() != machine():
        return fail("files", f"{data} comes from another machine", "register this kiosk anew; never run two copies")
    return ok("files", f"only this user may read {data}")


def disk(data: Path) -> Findings:
    """Judge room, speed and kind of what the data lies on."""
    folder = next(path for path in (data.absolute(), *data.absolute().parents) if path.is_dir())
    yield room(shutil.disk_usage(folder).free)
    try:
        yield speed(_synced(folder))
    except OSError as error:
        yield fail("disk speed", f"{folder} cannot be written: {error.strerror}", "mount it writable for this user")
    yield kind(*mounted(folder, MOUNTS.read_text()))


def room(free: int) -> Finding:
    said = f"{free / MEGABYTE:,.0f} MB free"
    if free < TOO_LITTLE:
        return fail("disk room", said, "make room: without it nothing can be recorded")
    return warn("disk room", said, "make room before it runs out") if free < LITTLE else ok("disk room", said)


def speed(times: list[float]) -> Finding:
    said = f"a commit takes {median(times):.1f} ms, {max(times):.0f} at most"
    if median(times) > SLOW:
        return warn("disk speed", said, "every green waits so long: take a faster card, eMMC or an SSD")
    return ok("disk speed", said)


def kind(system: str, device: str, devices: Path = DEVICES) -> Finding:
    """Say what is left after a power cut."""
    if system in FORGETFUL:
        todo = "put the data on a disk: here a power cut may forget every check-in that is not delivered"
        return (warn if system == "overlay" else fail)("disk kind", f"the data lies on {system}", todo)
    if _is_sd_card(devices / device):
        todo = "use an industrial card, eMMC or an SSD: others may say that they have written, and lose it"
        return warn("disk kind", f"{system} on an SD card", todo)
    return ok("disk kind", system)


def outbox(data: Path, identity: Identity, *, running: bool, now: datetime) -> Findings:
    """Open the outbox as the station does, or beside a running one only look at what waits."""
    path = data / FILE
    if not path.exists():
        if identity.account is None:
            yield ok("outbox", "is made at the first start")
        else:
            yield fail("outbox", f"{path} is missing", "put it back, or register this kiosk anew: it holds the numbers")
    elif data.stat().st_uid != os.geteuid():
        # SQLite would make files beside it that the station may not write.
        yield fail("outbox", "not looked at: it belongs to another user", "run this as the user the station runs as")
    elif running:
        yield from _beside(path, now)
    else:
        yield from _alone(path, identity, now)


def _alone(path: Path, identity: Identity, now: datetime) -> Findings:
    """Open, which checks the file and how it commits, and write as much as a record needs."""
    try:
        with closing(Outbox(path, stream=identity.stream)) as opened:
            opened.try_out()
            standing, oldest = opened.standing(), opened.due(1)
            rejected = len(opened.quarantine())
    except OutboxError as error:
        yield fail("outbox", "cannot record", str(error))
        return
    yield ok("outbox", "opens, commits with synchronous=FULL, and records")
    yield waiting(standing.count, oldest[0].line if oldest else None, now)
    if rejected:
        yield warn(
            "quarantine", f"the gateway rejected {rejected}", "an admin finds them in the gateway's dead letters"
        )


def _beside(path: Path, now: datetime) -> Findings:
    """Read without writing; the running station has asserted synchronous=FULL when it started."""
    waiting_rows = "FROM records WHERE delivered_at IS NULL"
    query = f"SELECT count(*), (SELECT line {waiting_rows} ORDER BY seq LIMIT 1) {waiting_rows}"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as db:
            count, oldest = db.execute(query).fetchone()
    except sqlite3.Error as error:
        yield fail("outbox", f"cannot be read: {error}", "look at the station's log; do not delete the file")
        return
    yield ok("outbox", "is the running station's")
    yield waiting(count, oldest, now)


def waiting(count: int, oldest: bytes | None, now: datetime) -> Finding:
    """Judge what has not been delivered."""
    try:
        age = now - KioskRecord.read(oldest).at if oldest else timedelta(0)
    except Unreadable:
        age = timedelta(0)
    if age > STALE:
        said = f"{count} check-ins wait, the oldest for {age.total_seconds() / 3600:.1f} hours"
        return warn("waiting", said, "they are safe here; see gateway and broker below")
    return ok("waiting", f"{count} check-ins wait for the gateway")


def _synced(folder: Path) -> list[float]:
    """Write and sync like a commit; returns milliseconds."""
    times = list[float]()
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TRIALS):
            began_at = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began_at) * 1000)
    return times


def mounted(folder: Path, mounts: str) -> tuple[str, str]:
    """Find the file system and the device number of a folder; of several mounts the last and longest counts."""
    system, device, longest = "", "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        point = Path(fields[4].replace("\\040", " "))
        if folder.resolve().is_relative_to(point) and len(point.parts) >= longest:
            system, device, longest = right.split()[0], fields[2], len(point.parts)
    return system, device


def _is_sd_card(device: Path) -> bool:
    """Tell a card from soldered eMMC, which has the same driver; a partition lies below its disk."""
    place = device.resolve()
    disk = place.parent if (place / "partition").exists() else place
    try:
        return disk.name.startswith("mmcblk") and (disk / "device" / "type").read_text().strip() == "SD"
    except OSError:
        return disk.name.startswith("mmcblk")
