"""A gateway that goes back to a backup under its kiosks, and what the ledger then lacks: the proof and its twin."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa

from gateway import settings
from kiosk.asking import gateway_client
from kiosk.identity import Identity
from kiosk.outbox import FILE, Outbox
from kiosk.registration import register, standing
from kiosk.uplink import Backoff, Uplink
from ledger.tables import CheckInRow
from protocol.records import KioskRecord
from protocol.wire import new_id
from tandem import backup
from tandem.broker import free_port
from tandem.up import Machine
from tests.cast import settle_in

Restore = Callable[[Path, Path], object]


def now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


def as_the_command_does(file: Path, data: Path) -> None:
    """Restore with a new epoch."""
    backup.restore(file, data, now=now(), actor="test")


@dataclass
class Kiosk:
    """A kiosk's outbox and uplink; whoever makes scans is the caller."""

    identity: Identity
    folder: Path
    outbox: Outbox
    uplink: Uplink

    def scan(self, count: int) -> None:
        """Let so many screens turn green."""
        for _ in range(count):
            self.outbox.put(lambda seq: _record(self.outbox, seq))

    def ask_for_account(self, url: str) -> None:
        """Ask for a broker account, as an uplink that is not let in has done."""
        with gateway_client(url) as client:
            self.identity = standing(self.identity, client, at=now())


def lost_by_a_restore(
    folder: Path, *, kiosks: int, before: int, after: int, restore: Restore = as_the_command_does, patience: float = 60
) -> set[tuple[str, int]]:
    """Back a ledger up, let more green records come, restore it, and return the green ones that it then lacks."""
    port = free_port("127.0.0.1")
    machine = _machine(folder / "data", port)
    with machine.ledger.begin() as db:
        settle_in(db)
    machine.start()
    doors = [_installed(machine, folder / f"kiosk-{number}") for number in range(kiosks)]
    _scanned(machine, doors, before)
    file = backup.create(folder / "data", folder, now=now())
    _scanned(machine, doors, after)
    machine.stop()

    restore(file, folder / "again")
    machine = _machine(folder / "again", port)
    machine.start()
    for door in doors:
        door.ask_for_account(machine.url)
    green = {(str(door.outbox.stream), seq) for door in doors for seq in range(1, before + after + 1)}
    _wait_until(lambda: not green - _held(machine), patience)
    lost = green - _held(machine)
    for door in doors:
        door.uplink.stop()
        door.outbox.close()
    machine.stop()
    return lost


def _machine(data: Path, port: int) -> Machine:
    return Machine(settings.read(data=data, port=port), now, every=0.1)


def _installed(machine: Machine, folder: Path) -> Kiosk:
    code = machine.acts["device code"](room="room-1")["code"]
    identity = register(machine.url, code, name="door", data_dir=folder)
    machine.acts["device confirm"](device=identity.device, fingerprint=identity.fingerprint)
    outbox = Outbox(folder / FILE, stream=identity.stream)
    door: Kiosk
    quick = Backoff(first=timedelta(milliseconds=50), longest=timedelta(milliseconds=200))
    uplink = Uplink(identity, outbox, account=lambda: door.identity.account, now=now, backoff=quick)
    door = Kiosk(identity, folder, outbox, uplink)
    door.ask_for_account(machine.url)
    uplink.start()
    return door


def _scanned(machine: Machine, doors: list[Kiosk], count: int) -> None:
    """Let every kiosk scan, and wait until the ledger has told them that it holds everything."""
    for door in doors:
        door.scan(count)
        door.uplink.wake()
    _wait_until(lambda: all(door.outbox.standing().count == 0 for door in doors), 120)
    assert [door.outbox.standing().count for door in doors] == [0] * len(doors)


def _held(machine: Machine) -> set[tuple[str, int]]:
    with machine.ledger.read() as db:
        found = db.execute(sa.select(CheckInRow.stream, CheckInRow.seq).where(CheckInRow.stream.is_not(None)))
        return {(str(stream), int(seq or 0)) for stream, seq in found}


def _record(outbox: Outbox, seq: int) -> KioskRecord:
    return KioskRecord(
        id=UUID(new_id()),
        stream=outbox.stream,
        seq=seq,
        at=now(),
        monotonic_ms=seq,
        boot=uuid4(),
        clock="synced",
        method="badge",
        direction="in",
        session="order-101",
        room="room-1",
        learner="ann",
    )


def _wait_until(reached: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)
