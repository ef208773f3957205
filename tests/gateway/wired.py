"""Kiosks with their outboxes, a real mosquitto, and what the two sides hold in the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.devices import password_hash
from gateway.reception import BrokerAddress, Reception
from kiosk.identity import Identity, new_seeds
from kiosk.outbox import Outbox
from kiosk.uplink import Backoff, Uplink
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeviceRow, StreamRow
from protocol import envelope, topics
from protocol.records import KioskRecord
from protocol.registration import BrokerAccount, public
from protocol.wire import new_id
from tandem.broker import EmbeddedBroker, Mosquitto
from tandem.embedded import GATEWAY, GATEWAYS
from tests.cast import BOOT, GATEWAY_KEY, SITE, at

SECRET = "everybody's"
PACE = 60
"""So much faster do the kiosks' clocks run: what waits for half a minute waits for half a second."""

Broker = EmbeddedBroker | Mosquitto


class ManyGateways(Mosquitto):
    """mosquitto that lets several clients in with the gateway's account, each under its own client id."""

    def _configuration(self) -> str:
        return super()._configuration().replace("use_username_as_clientid true\n", "")


def now() -> datetime:
    """Say the time."""
    return datetime.now(UTC)


def wait(reached: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait until something is so; returns whether it came to that."""
    end = time.monotonic() + seconds
    while not (there := reached()) and time.monotonic() < end:
        time.sleep(0.01)
    return there


@dataclass
class Kiosk:
    """A device that records check-ins."""

    identity: Identity
    outbox: Outbox
    uplink: Uplink

    def scan(self, times: int = 1) -> None:
        """Record check-ins of Ann."""
        for _ in range(times):
            self.outbox.put(lambda seq: record(self.outbox.stream, seq))
        self.uplink.wake()

    def lines(self) -> dict[tuple[UUID, int], bytes]:
        """Return what it holds; nothing of it has been pruned."""
        return {
            (self.outbox.stream, held.seq): held.line() for held in self.outbox.since(datetime.min.replace(tzinfo=UTC))
        }

    def waits(self) -> int:
        """Count the rows without a receipt."""
        return self.outbox.standing().count


def record(stream: UUID, seq: int) -> KioskRecord:
    """Make a record of Ann's."""
    return KioskRecord(
        id=UUID(new_id()), stream=stream, seq=seq, at=at("09:00"), monotonic_ms=0, boot=BOOT, clock="synced",
        method="static_badge", direction="in", session="order-101", room="room-1", learner="ann",
    )  # fmt: skip


@dataclass
class Line:
    """A broker with kiosks on it."""

    broker: Broker
    identities: Sequence[Identity]
    kiosks: list[Kiosk] = field(default_factory=list)

    @property
    def address(self) -> BrokerAddress:
        """Say where the gateway connects."""
        return BrokerAddress(host=self.broker.host, port=self.broker.port, username=GATEWAY, password=SECRET)

    def held(self) -> dict[tuple[UUID, int], bytes]:
        """Return what all kiosks hold."""
        return {place: line for kiosk in self.kiosks for place, line in kiosk.lines().items()}

    def waits(self) -> int:
        """Count the rows without a receipt at all kiosks."""
        return sum(kiosk.waits() for kiosk in self.kiosks)


@contextmanager
def line(
    folder: Path, ledger: Ledger, *, kiosks: int, broker: type[Broker] = Mosquitto, pace: float = PACE
) -> Iterator[Line]:
    """Run a broker with so many kiosks that a ledger with the cast knows."""
    hash = password_hash(SECRET, salt=b"123456789012")
    identities = [_identity(number) for number in range(kiosks)]
    accounts = dict.fromkeys([*GATEWAYS, *(identity.device for identity in identities)], hash)
    runs = (
        EmbeddedBroker(lambda: accounts)
        if issubclass(broker, EmbeddedBroker)
        else broker(lambda: accounts, folder / "broker")
    )
    with ExitStack() as stack:
        runs.start()
        stack.callback(runs.stop)
        _enter(ledger, identities)
        made = Line(runs, identities)
        made.kiosks += [_kiosk(identity, folder, made, stack, pace) for identity in identities]
        yield made


@contextmanager
def receiving(ledger: Ledger, address: BrokerAddress, kind: type[Reception] = Reception) -> Iterator[Reception]:
    """Run a reception for as long as the block lasts."""
    reception = kind(ledger, GATEWAY_KEY, address, now)
    reception.start()
    try:
        assert reception.subscribed.wait(10)
        yield reception
    finally:
        reception.stop()


def missing(ledger: Ledger, held: dict[tuple[UUID, int], bytes]) -> tuple[int, int]:
    """Count what kiosks hold and the ledger lacks or has with other bytes, and what it has more than once."""
    with ledger.read() as db:
        rows = db.execute(sa.select(CheckInRow.stream, CheckInRow.seq, CheckInRow.line)).all()
    entered = {(stream, seq): line for stream, seq, line in rows}
    return sum(entered.get(place) != line for place, line in held.items()), len(rows) - len(entered)


def envelopes(identity: Identity, numbers: Sequence[int], *, size: int = 1) -> list[bytes]:
    """Sign records as this device does, so many in an envelope."""
    lines = [record(identity.stream, seq).line() for seq in numbers]
    return [
        envelope.seal(lines[start : start + size], device=identity.device, stream=identity.stream, key=identity.key)
        for start in range(0, len(lines), size)
    ]


def up(identity: Identity) -> str:
    """Name the topic that a device sends on."""
    return topics.topic(SITE, identity.device, "up")


def _identity(number: int) -> Identity:
    signing, sealing = new_seeds()
    return Identity(
        device=f"kiosk{number:011}", site=SITE, stream=uuid4(), gateway="", gateway_key=public(GATEWAY_KEY),
        signing_seed=signing, sealing_seed=sealing,
    )  # fmt: skip


def _enter(ledger: Ledger, identities: Sequence[Identity]) -> None:
    with ledger.begin() as db:
        for identity in identities:
            db.add(
                DeviceRow(
                    id=identity.device, site=SITE, room_id="room-1", name="Door", signing_key=public(identity.key),
                    sealing_key="", fingerprint="", registered_at=now(), confirmed_at=now(),
                )
            )  # fmt: skip
        db.flush()
        db.add_all(StreamRow(id=identity.stream, device_id=identity.device) for identity in identities)


def _kiosk(identity: Identity, folder: Path, line: Line, stack: ExitStack, pace: float) -> Kiosk:
    account = BrokerAccount(
        host=line.broker.host, port=line.broker.port, tls=False, username=identity.device, password=SECRET
    )
    outbox = Outbox(folder / identity.device / "outbox.sqlite", stream=identity.stream)
    stack.callback(outbox.close)
    uplink = Uplink(
        identity, outbox, account=lambda: account, now=now, monotonic=lambda: time.monotonic() * pace,
        backoff=Backoff(longest=Backoff().first / 10),
    )  # fmt: skip
    uplink.start()
    stack.callback(uplink.stop)
    return Kiosk(identity, outbox, uplink)


@contextmanager
def asking_nothing() -> Iterator[None]:
    """Let gateways of this process ask no kiosk for what it takes for delivered: they would mend what a twin breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.intake._command", lambda *_: None)
        yield
