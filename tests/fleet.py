"""A gateway's reception, a real broker and kiosks that scan, on one machine, with a bad network between them."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa

from gateway.devices import password_hash
from gateway.reception import BrokerAddress, Reception
from kiosk.broker import Message, PahoConnection
from kiosk.identity import Identity, new_seeds
from kiosk.uplink import Uplink
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeviceRow, StreamRow
from protocol import envelope
from protocol.messages import Receipt
from protocol.records import KioskRecord
from protocol.registration import BrokerAccount, public
from protocol.wire import new_id
from tandem.broker import EmbeddedBroker, Mosquitto
from tandem.embedded import GATEWAY
from tandem.simulate import Fleet, Network, SimulatedKiosk
from tests.cast import ANNS_BADGE, BOOT, GATEWAY_KEY, NINE, SITE
from tests.fault_proxy import FaultProxy

SECRET = "a kiosk's secret"
Broker = Mosquitto | EmbeddedBroker
MakeBroker = Callable[[Callable[[], Mapping[str, str]], Path], Broker]
Model = dict[tuple[UUID, int], bytes]
"""Stream and number -> the digest of the line: what turned green."""


class Part(Protocol):
    """Something that is started, and stopped in the end."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


T = TypeVar("T", bound=Part)


class SmallQueue(Mosquitto):
    """mosquitto that keeps only so many messages for a gateway that takes none, and drops the rest without a word."""

    queue = 1000  # mosquitto's own default

    def _configuration(self) -> str:
        told = super()._configuration().replace("max_inflight_messages 1000", "max_inflight_messages 20")
        return told.replace("max_queued_messages 0", f"max_queued_messages {self.queue}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that runs."""

    ledger: Ledger
    broker: Broker
    folder: Path
    kiosks_line: FaultProxy
    """From the kiosks to the broker."""
    gateways_line: FaultProxy
    fleet: Fleet
    model: Model = field(default_factory=Model)

    def scan(self, kiosk: SimulatedKiosk) -> None:
        """Scan once, and remember what turned green."""
        record = kiosk.scan()
        self.model[record.stream, record.seq] = hashlib.sha256(record.line()).digest()

    def kill_broker(self) -> None:
        """End mosquitto without a word; `broker.refresh()` starts it again."""
        os.kill(int((self.folder / "mosquitto" / "mosquitto.pid").read_text()), signal.SIGKILL)

    def log(self) -> str:
        """Read what mosquitto said."""
        return (self.folder / "mosquitto" / "mosquitto.log").read_text()


@contextmanager
def site(
    folder: Path,
    ledger: Ledger,
    *,
    kiosks: int,
    broker: MakeBroker = Mosquitto,
    through: Collection[Literal["kiosks", "gateway"]] = ("kiosks", "gateway"),
    pace: float = 1.0,
    uplink: Callable[..., Uplink] = Uplink,
    connect: Callable[..., PahoConnection] | None = None,
) -> Iterator[Site]:
    """Run it all on a ledger with the cast; the kiosks' monotonic clocks run `pace` times as fast.

    Who goes `through` a proxy reaches the broker only by it.
    """
    with ExitStack() as stack:
        stack.callback(ledger.close)
        identities = _enter(ledger, kiosks)
        runs = _begun(stack, broker(partial(_accounts, identities), folder / "mosquitto"))
        lines = [_begun(stack, FaultProxy(runs.port, seed=seed)) for seed in (1, 2)]
        ports = [
            line.port if who in through else runs.port for who, line in zip(("kiosks", "gateway"), lines, strict=True)
        ]
        address = BrokerAddress(host="127.0.0.1", port=ports[1], username=GATEWAY, password=SECRET)
        reception = _begun(stack, Reception(ledger, GATEWAY_KEY, address, _now))
        assert reception.subscribed.wait(10)
        network = _network(connect)
        make = partial(_kiosk, folder=folder, network=network, uplink=uplink, pace=pace)
        fleet = Fleet([make(_at_port(identity, ports[0])) for identity in identities], network, seed=1)
        fleet.connect()
        stack.callback(fleet.close)
        yield Site(ledger=ledger, broker=runs, folder=folder, kiosks_line=lines[0], gateways_line=lines[1], fleet=fleet)


def _begun(stack: ExitStack, thing: T) -> T:
    """Start something, and have it stopped when the stack is closed."""
    thing.start()
    stack.callback(thing.stop)
    return thing


def _network(connect: Callable[..., PahoConnection] | None) -> Network:
    network = Network()
    if connect:
        network.connect = connect  # type: ignore[method-assign]
    return network


def _kiosk(
    identity: Identity, *, folder: Path, network: Network, uplink: Callable[..., Uplink], pace: float
) -> SimulatedKiosk:
    return SimulatedKiosk(
        identity, folder / identity.device, scan=anns_badge, now=_now, network=network,
        uplink=partial(uplink, monotonic=lambda: time.monotonic() * pace),
    )  # fmt: skip


def anns_badge(stream: UUID, seq: int) -> KioskRecord:
    """Let Ann show her badge at nine: a check-in that the gateway admits."""
    return KioskRecord(
        id=UUID(new_id()), stream=stream, seq=seq, at=NINE, monotonic_ms=seq, boot=BOOT, clock="synced",
        method="static_badge", direction="in", session="order-101", room="room-1", learner="ann",
        badge=ANNS_BADGE.hex,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What the ledger has, beside what turned green."""

    green: int
    missing: int
    strange: int
    """In the ledger, or with bytes, that no kiosk has made."""
    incomplete_streams: int
    """Whose records the gateway has not confirmed to the last."""

    @property
    def is_equal(self) -> bool:
        """Say whether nothing is lost, made up or still to come."""
        return not (self.missing or self.strange or self.incomplete_streams)


def compared(site: Site) -> Compared:
    """Compare the ledger with the model."""
    with site.ledger.read() as db:
        rows = db.execute(sa.select(CheckInRow.stream, CheckInRow.seq, CheckInRow.digest)).all()
        upto = {row.id: row.upto for row in db.execute(sa.select(StreamRow.id, StreamRow.upto))}
    held = {(stream, seq): digest for stream, seq, digest in rows if stream and seq}
    last = {kiosk.outbox.stream: kiosk.outbox.standing().last_assigned for kiosk in site.fleet.kiosks}
    return Compared(
        green=len(site.model),
        missing=len(site.model.keys() - held.keys()),
        strange=sum(site.model.get(place) != digest for place, digest in held.items()) + len(rows) - len(held),
        incomplete_streams=sum(upto[stream] != number for stream, number in last.items()),
    )


def until(reached: Callable[[], bool], seconds: float = 100) -> bool:
    """Wait for something, with a bound that only a fault reaches."""
    end = time.monotonic() + seconds
    while not (there := reached()) and time.monotonic() < end:
        time.sleep(0.05)
    return there


# The twin


class TrustingConnection(PahoConnection):
    """A connection that says which of its messages the broker has acknowledged."""

    def __init__(self, *given: Any) -> None:
        self._sent: dict[int, bytes] = {}
        super().__init__(*given)
        self._client.on_publish = self._on_publish

    def publish(self, topic: str, payload: bytes) -> None:
        sent = self._client.publish(topic, payload, qos=1)
        if topic.endswith("/up"):
            self._sent[sent.mid] = payload

    def _on_publish(self, _: Any, __: Any, mid: int, *___: Any) -> None:
        if payload := self._sent.pop(mid, None):
            self._came_in.append(Message("puback", payload))


class TrustingUplink(Uplink):
    """The sabotaged twin: it takes the broker's acknowledgement for the gateway's receipt."""

    _numbers = 0

    def hear(self, message: Message) -> None:
        if message.topic != "puback":
            super().hear(message)
            return
        found = envelope.unseal(message.payload, self._key.verify_key)
        seqs = tuple(found.record(line).seq for line in found.lines)
        self._numbers += 1
        # Of an epoch after every other, so that no true receipt is heard any more.
        self._receive(
            Receipt(stream=self._outbox.stream, epoch=UUID(int=2**128 - 1), number=self._numbers, upto=0, extra=seqs)
        )


def _enter(ledger: Ledger, count: int) -> list[Identity]:
    identities = [_identity() for _ in range(count)]
    with ledger.begin() as db:
        for identity in identities:
            row = DeviceRow(
                id=identity.device, site=SITE, room_id="room-1", name="Door", signing_key=public(identity.key),
                sealing_key=public(identity.sealing_key), fingerprint="", registered_at=NINE, confirmed_at=NINE,
            )  # fmt: skip
            db.add(row)
        db.flush()
        db.add_all(StreamRow(id=identity.stream, device_id=identity.device) for identity in identities)
    return identities


def _accounts(identities: Sequence[Identity]) -> Mapping[str, str]:
    hash = password_hash(SECRET, salt=b"123456789012")
    return dict.fromkeys([GATEWAY, *(identity.device for identity in identities)], hash)


def _identity() -> Identity:
    signing, sealing = new_seeds()
    return Identity(
        device=new_id(), site=SITE, stream=uuid4(), gateway="http://gateway.test", gateway_key=public(GATEWAY_KEY),
        signing_seed=signing, sealing_seed=sealing,
    )  # fmt: skip


def _at_port(identity: Identity, port: int) -> Identity:
    account = BrokerAccount(host="127.0.0.1", port=port, tls=False, username=identity.device, password=SECRET)
    return identity.model_copy(update={"account": account})


def _now() -> datetime:
    return datetime.now(UTC)
