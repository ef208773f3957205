"""Measures the gateway's door: messages that wait at mosquitto are admitted, entered and receipted.

Nothing can wait at the embedded broker: it forgets what is not acknowledged within five seconds.
"""

import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import paho.mqtt.client as mqtt
import sqlalchemy as sa
from nacl.signing import SigningKey
from paho.mqtt.enums import CallbackAPIVersion

from bench.company import analyse
from bench.machine import spending
from bench.measured import RUNS, Measured, Target
from bench.pour import pour
from bench.stage import Stage, Store
from gateway.devices import password_hash
from gateway.intake import Message
from gateway.reception import BrokerAddress, Reception
from ledger.database import Ledger
from ledger.tables import (
    BadgeRow,
    CheckInRow,
    CourseRow,
    DeviceRow,
    PersonRow,
    RegionRow,
    RoomRow,
    RosterRow,
    SessionRow,
    StreamRow,
)
from protocol import envelope, topics
from protocol.records import KioskRecord
from protocol.registration import public
from protocol.wire import new_id
from tandem.embedded import GATEWAY
from tests.gateway.wired import Broker, ManyGateways, wait

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
KIOSKS, ROSTER = 50, 20
BATCH = 80
"""Records of an envelope: of a kiosk's, no more than 85 are within 32 KiB."""
SINGLE = 20_000
ONE_BY_ONE = 500
BATCHED = 500
"""Envelopes of a run; of five times as many, the last would not find room in mosquitto's queue (64 MiB)."""
PASSWORD = "measured"  # noqa: S105  for a broker that runs for a minute
OF_BARE, OF_ONE_BY_ONE = Target("at least", 0.6), Target("at least", 3)
BATCHED_TARGET = {"sqlite": Target("at least", 20_000), "postgresql": Target("at least", 15_000)}
PATIENCE = 300


@dataclass
class Site:
    """A company with its kiosks, its ledger and its broker."""

    store: Store
    broker: Broker
    sender: mqtt.Client
    key: SigningKey
    streams: Sequence[UUID]
    given: list[int] = field(default_factory=lambda: [0] * KIOSKS)

    @property
    def address(self) -> BrokerAddress:
        """Say where the gateway connects."""
        return BrokerAddress(host=self.broker.host, port=self.broker.port, username=GATEWAY, password=PASSWORD)

    def envelopes(self, count: int, size: int) -> list[tuple[str, bytes]]:
        """Sign so many envelopes of so many records, from all kiosks in turn."""
        return [self._envelope(number % KIOSKS, size) for number in range(count)]

    def _envelope(self, kiosk: int, size: int) -> tuple[str, bytes]:
        first = self.given[kiosk] + 1
        self.given[kiosk] += size
        lines = [_record(kiosk, self.streams[kiosk], seq) for seq in range(first, first + size)]
        sealed = envelope.seal(lines, device=_device(kiosk), stream=self.streams[kiosk], key=self.key)
        return topics.topic("site000000000001", _device(kiosk), "up"), sealed


class OneByOne(Reception):
    """Commits each message by itself."""

    def _group(self) -> list[Message]:
        group = [self._opened.get()] if self._opened.qsize() else []
        self._in_hand = len(group)
        return group


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Let messages wait at the broker, and see how fast they are entered, beside who only acknowledges them."""
    with stage.store(engine) as store, _site(store) as site:
        single, one_by_one = stage.sized(SINGLE, least=50), stage.sized(ONE_BY_ONE, least=50)
        batched = stage.sized(BATCHED, least=10)
        bare, grouped, single_commits, many = _Rates(), _Rates(), _Rates(), _Rates()
        for _ in range(RUNS):
            bare.add(_bare(site, single), single)
            grouped.add(_entered(site, single, 1), single)
            single_commits.add(_entered(site, one_by_one, 1, kind=OneByOne), one_by_one)
            many.add(_entered(site, batched, BATCH), batched * BATCH)
        _check(site)
        yield _as_ratio("a bare subscriber", engine, single, grouped, bare, OF_BARE)
        yield _as_ratio("one commit for each message", engine, single, grouped, single_commits, OF_ONE_BY_ONE)
        yield Measured(
            name=f"ingest: a backlog, {BATCH} records an envelope ({engine})", n=batched * BATCH, unit="records/s",
            value=median(many.rates), values=tuple(many.rates), target=BATCHED_TARGET[engine],
            cpu_seconds=many.spent, note=f"{many.cost():.0f} µs of CPU for each record",
        )  # fmt: skip
        if engine == "postgresql":
            yield from _two_processes(site, single, batched)


def _two_processes(site: Site, single: int, batched: int) -> Iterator[Measured]:
    for count, size, what in ((single, 1, "single records"), (batched, BATCH, f"{BATCH} records an envelope")):
        rates = _Rates()
        for _ in range(RUNS):
            rates.add(_entered(site, count, size, beside=True), count * size)
        yield Measured(
            name=f"ingest: two processes, {what} (postgresql)", n=count * size, unit="records/s",
            value=median(rates.rates), values=tuple(rates.rates),
        )  # fmt: skip
    _check(site)


class _Rates:
    """Of one way of doing it, the runs so far."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.spent: Counter[str] = Counter()
        self._count = 0

    def add(self, run: tuple[float, Mapping[str, float]], count: int) -> None:
        seconds, spent = run
        self.rates.append(count / seconds)
        self.spent.update(spent)
        self._count += count

    def cost(self) -> float:
        """Give the microseconds of CPU for each; a busy machine changes them least."""
        return sum(self.spent.values()) / self._count * 1e6


def _as_ratio(beside: str, engine: str, count: int, ours: _Rates, theirs: _Rates, target: Target) -> Measured:
    ratios = tuple(our / their for our, their in zip(ours.rates, theirs.rates, strict=True))
    return Measured(
        name=f"ingest: single records, beside {beside} ({engine})", n=count, unit="×", value=median(ratios),
        values=ratios, target=target, cpu_seconds=ours.spent,
        note=f"{median(ours.rates):.0f} messages/s beside {median(theirs.rates):.0f};"
        f" {ours.cost():.0f} µs of CPU for each beside {theirs.cost():.0f}",
    )  # fmt: skip


def _entered(
    site: Site, count: int, size: int, *, kind: type[Reception] = Reception, beside: bool = False
) -> tuple[float, Mapping[str, float]]:
    """Return how many seconds a backlog takes that waits at the broker, and the CPU seconds by process."""
    sending = site.envelopes(count, size)
    target = _held(site) + count * size
    reception = kind(site.store.ledger, site.key, site.address, lambda: NINE)
    with _second(site) if beside else _nobody():
        reception.start()
        try:
            if not reception.subscribed.wait(10):
                raise AssertionError("the gateway does not reach its broker")
            with _stalled(site.store):
                _publish(site, sending)
                begun = time.perf_counter()
            done = (lambda: _held(site) >= target) if beside else lambda: reception.standing().messages >= count
            with spending(site.store.server) as spent:
                if not wait(done, PATIENCE):
                    raise AssertionError(f"{target - _held(site)} records did not come; {reception.standing()}")
                seconds = time.perf_counter() - begun
            return seconds, spent
        finally:
            reception.stop()


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _second(site: Site) -> Iterator[None]:
    """Run a reception in another process."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    url = site.store.ledger.url.render_as_string(hide_password=False)
    child = context.Process(target=_receive, args=(url, site.address, bytes(site.key), ready, stop))
    child.start()
    try:
        if not ready.wait(30):
            raise AssertionError("the second process does not come up")
        yield
    finally:
        stop.set()
        child.join(20)


def _receive(url: str, address: BrokerAddress, key: bytes, ready: Event, stop: Event) -> None:
    ledger = Ledger(url)
    reception = Reception(ledger, SigningKey(key), address, lambda: NINE)
    reception.start()
    reception.subscribed.wait(10)
    ready.set()
    stop.wait()
    reception.stop()
    ledger.close()


def _bare(site: Site, count: int) -> tuple[float, Mapping[str, float]]:
    """Return how many seconds a subscriber takes that does nothing but acknowledge, and its CPU seconds."""
    sending, go, done, seen = site.envelopes(count, 1), threading.Event(), threading.Event(), [0]
    # These are numbers that the gateway never gets: it must not wait for them.
    site.given = [given - sum(topic.split("/")[3] == _device(kiosk) for topic, _ in sending) for kiosk, given in
                  enumerate(site.given)]  # fmt: skip

    def take(client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        go.wait(PATIENCE)
        client.ack(message.mid, message.qos)
        seen[0] += 1
        if seen[0] == count:
            done.set()

    with _client(site.broker, on_message=take) as client:
        client.subscribe(topics.EVERY_UP, 1)
        time.sleep(0.2)
        _publish(site, sending)
        begun = time.perf_counter()
        with spending() as spent:
            go.set()
            if not done.wait(PATIENCE):
                raise AssertionError(f"{count - seen[0]} messages did not come to the bare subscriber")
            seconds = time.perf_counter() - begun
        return seconds, spent


def _publish(site: Site, sending: Sequence[tuple[str, bytes]]) -> None:
    told = [site.sender.publish(topic, data, qos=1) for topic, data in sending]
    for one in told:
        one.wait_for_publish(PATIENCE)


@contextmanager
def _client(broker: Broker, on_message: Any = None) -> Iterator[mqtt.Client]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{new_id()}", manual_ack=True)
    client.username_pw_set(GATEWAY, PASSWORD)
    client.max_inflight_messages_set(500)
    client.on_message = on_message
    client.connect(broker.host, broker.port)
    client.loop_start()
    wait(client.is_connected)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _stalled(store: Store) -> Iterator[None]:
    """Keep the gateway from committing, so that everything waits."""
    with store.ledger.begin() as db:
        if store.engine == "postgresql":
            db.execute(sa.text("LOCK TABLE devices IN EXCLUSIVE MODE"))
        yield


def _held(site: Site) -> int:
    with site.store.ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(CheckInRow)) or 0


def _check(site: Site) -> None:
    """See that everything was entered once, admitted and receipted."""
    with site.store.ledger.read() as db:
        admitted = db.scalar(sa.select(sa.func.count()).where(CheckInRow.verdict == "admitted"))
        upto = db.scalar(sa.select(sa.func.sum(StreamRow.upto)))
    if not admitted == upto == sum(site.given):
        raise AssertionError(f"{admitted} admitted, {upto} receipted, {sum(site.given)} sent")


@contextmanager
def _site(store: Store) -> Iterator[Site]:
    key, streams = SigningKey.generate(), [uuid4() for _ in range(KIOSKS)]
    with store.ledger.begin() as db:
        for table, rows in _company(key, streams):
            pour(db, table, rows, lambda _: None)
    analyse(store)
    hash = password_hash(PASSWORD, salt=b"123456789012")
    with (
        tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder,
        _broker(hash, folder) as broker,
        _client(broker) as sender,
    ):
        yield Site(store, broker, sender, key, streams)


@contextmanager
def _broker(hash: str, folder: str) -> Iterator[Broker]:
    broker = ManyGateways(lambda: {GATEWAY: hash}, Path(folder))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def _company(key: SigningKey, streams: Sequence[UUID]) -> Iterator[tuple[type[Any], Iterator[dict[str, Any]]]]:
    """Plan a session in each kiosk's room, with people on its roster who have badges."""
    kiosks = range(KIOSKS)
    everybody = [(kiosk, seat) for kiosk in kiosks for seat in range(ROSTER)]
    yield RegionRow, iter([{"id": "r", "name": "Region", "zone": "UTC", "rule": "cn-45"}])
    yield CourseRow, iter([{"id": "c", "title": "Course", "title_zh": "课程"}])
    yield RoomRow, ({"id": f"room-{n}", "region_id": "r", "name": f"Room {n}"} for n in kiosks)
    yield PersonRow, (_person(*one) for one in everybody)
    yield BadgeRow, ({"id": _badge(*one), "person_id": _who(*one), "key_id": 1, "issued_at": NINE} for one in everybody)
    yield SessionRow, (_session(n) for n in kiosks)
    yield RosterRow, ({"session_id": f"s{kiosk}", "person_id": _who(kiosk, seat)} for kiosk, seat in everybody)
    yield DeviceRow, (_row_of_device(n, key) for n in kiosks)
    yield (
        StreamRow,
        (
            {"id": stream, "device_id": _device(n), "upto": 0, "receipts": 0, "assigned": 0}
            for n, stream in enumerate(streams)
        ),
    )


def _record(kiosk: int, stream: UUID, seq: int) -> bytes:
    """Write a line as a kiosk does for a badge."""
    seat = seq % ROSTER
    return KioskRecord(
        id=UUID(new_id()), stream=stream, seq=seq, at=NINE, monotonic_ms=81237123, boot=_badge(0, 0), clock="synced",
        method="static_badge", direction="in", session=f"s{kiosk}", room=f"room-{kiosk}", badge=_badge(kiosk, seat).hex,
    ).line()  # fmt: skip


def _person(kiosk: int, seat: int) -> dict[str, Any]:
    id = _who(kiosk, seat)
    return {"id": id, "region_id": "r", "number": id, "name": id, "role": "clerk", "language": "zh"}


def _session(kiosk: int) -> dict[str, Any]:
    return {
        "id": f"s{kiosk}", "course_id": "c", "region_id": "r", "room_id": f"room-{kiosk}", "trainer_id": None,
        "program_id": None, "starts_at": NINE, "ends_at": NINE + timedelta(hours=3), "zone": "UTC",
        "local_date": NINE.date(), "breaks": [], "methods": ["static_badge"], "least_assurance": "paper",
        "missing_out": "review", "cancelled": False, "series_id": None, "presence_checks": 0,
    }  # fmt: skip


def _row_of_device(kiosk: int, key: SigningKey) -> dict[str, Any]:
    return {
        "id": _device(kiosk), "site": "site000000000001", "room_id": f"room-{kiosk}", "name": "Door",
        "direction": "auto", "faces": False, "signing_key": public(key), "sealing_key": "", "fingerprint": "",
        "registered_at": NINE, "confirmed_at": NINE,
    }  # fmt: skip


def _device(kiosk: int) -> str:
    return f"kiosk{kiosk:011}"


def _who(kiosk: int, seat: int) -> str:
    return f"l{kiosk:03}-{seat:02}"


def _badge(kiosk: int, seat: int) -> UUID:
    return UUID(int=4 << 76 | 2 << 62 | (kiosk * ROSTER + seat + 1))
