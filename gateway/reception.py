"""Takes envelopes off the broker: commit first, then acknowledge, then send the receipt."""

import json
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import paho.mqtt.client as mqtt
import sqlalchemy as sa
from nacl.signing import SigningKey
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

from gateway.ingest import Arrival, Conflict, ingest
from ledger import check_ins, dead_letters
from ledger.database import Ledger
from ledger.feed import epoch
from ledger.tables import DeviceRow, StreamRow
from protocol import envelope, messages, topics
from protocol.messages import Receipt, Rejected, State
from protocol.registration import verify_key
from protocol.signing import BadSignature, Malformed, TooLarge, Unreadable
from protocol.wire import new_id

log = logging.getLogger(__name__)

GROUP = 500
"""Messages in one commit, at most."""
GATHER = 0.02
"""Seconds to wait for a group to grow."""
WAITING = 2000
"""Messages between the network and the database; one more is left to the kiosk to send again."""
REASONS: dict[type[Unreadable], str] = {
    TooLarge: "too_large",
    BadSignature: "bad_signature",
    Malformed: "malformed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is, and the gateway's own account there."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker handed over; `connection` counts, so that an old one is never acknowledged on a new one."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes


class Refusal(Exception):
    """A message that is kept as a dead letter; the text is its reason."""


@dataclass(slots=True)
class Batch:
    """What one group of messages comes to: arrivals for the door, and the streams that are owed a receipt."""

    arrivals: list[Arrival] = field(default_factory=list)
    streams: dict[UUID, str] = field(default_factory=dict)
    """Stream -> the topic of its receipt."""


class Reception:
    """One MQTT client and one thread that commits; run as many processes of it as PostgreSQL allows."""

    def __init__(self, ledger: Ledger, key: SigningKey, broker: BrokerAddress, clock: Callable[[], datetime]) -> None:
        self._ledger, self._key, self._broker, self._clock = ledger, key, broker, clock
        self._waiting: queue.Queue[Message] = queue.Queue(WAITING)
        self._connection = 0
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._work, name="ingest")
        self._client = self._make_client()
        self.subscribed = threading.Event()
        self.left_out = 0
        """Messages that found the queue full; their kiosks send them again."""

    def start(self) -> None:
        """Connect, subscribe and begin to commit."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=30)
        self._client.loop_start()
        self._worker.start()

    def stop(self) -> None:
        """Finish the group in hand and leave."""
        self._stopping.set()
        self._worker.join(10)
        self._client.disconnect()
        self._client.loop_stop()

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"gateway-{new_id()}", manual_ack=True)
        client.username_pw_set(self._broker.username, self._broker.password)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._on_connect
        client.on_socket_open = _send_at_once
        client.on_message = self._on_message
        client.on_subscribe = lambda *_: self.subscribed.set()
        return client

    def _on_connect(self, client: mqtt.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        self._connection += 1
        if reason.is_failure:
            log.error("the broker refused the gateway: %s", reason)
            return
        client.subscribe([(topics.EVERY_UP, 1), (topics.EVERY_STATE, 1)])

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        # An exception here would end paho's thread without a word, and with it everything.
        try:
            received = Message(self._connection, message.mid, message.qos, message.topic, bytes(message.payload))
            self._waiting.put_nowait(received)
        except queue.Full:
            self.left_out += 1
        except Exception:
            log.exception("a message could not be taken in")

    def _work(self) -> None:
        while not self._stopping.is_set():
            if group := self._group():
                self._until_committed(group)

    def _group(self) -> list[Message]:
        """Wait for a message, then a moment for others."""
        try:
            group = [self._waiting.get(timeout=0.2)]
        except queue.Empty:
            return []
        end = time.monotonic() + GATHER
        while len(group) < GROUP and (left := end - time.monotonic()) > 0:
            try:
                group.append(self._waiting.get(timeout=left))
            except queue.Empty:
                break
        return group

    def _until_committed(self, group: Sequence[Message]) -> None:
        while not self._stopping.is_set():
            try:
                receipts = take_in(self._ledger, group, self._key, self._clock())
            except OperationalError:
                log.exception("the database does not answer; the kiosks keep what they have")
                self._stopping.wait(1)
            except Exception:
                log.exception("a group failed; trying its messages one by one")
                self._one_by_one(group)
                return
            else:
                self._acknowledge(group)
                self._publish(receipts)
                return

    def _one_by_one(self, group: Sequence[Message]) -> None:
        for message in group:
            try:
                receipts = take_in(self._ledger, [message], self._key, self._clock())
            except Exception:
                log.exception("a message failed twice and is kept as a dead letter")
                receipts = []
                with self._ledger.begin() as db:
                    _bury(db, message, "failed", self._clock())
            self._acknowledge([message])
            self._publish(receipts)

    def _acknowledge(self, group: Iterable[Message]) -> None:
        # After a reconnect the broker numbers from 1 again: an old number would acknowledge another message.
        for message in group:
            if message.connection == self._connection:
                self._client.ack(message.mid, message.qos)

    def _publish(self, receipts: Iterable[tuple[str, bytes]]) -> None:
        for topic, data in receipts:
            self._client.publish(topic, data, qos=1, retain=True)


def _send_at_once(_: mqtt.Client, __: Any, connection: Any) -> None:
    # Otherwise a receipt waits up to 40 ms for the acknowledgement of the packet before it.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def take_in(ledger: Ledger, group: Sequence[Message], key: SigningKey, now: datetime) -> list[tuple[str, bytes]]:
    """Commit a group in one transaction; return the receipts (topic, data) to send after it."""
    with ledger.begin() as db:
        devices = _devices(db, group)
        batch = Batch()
        for message in group:
            try:
                _open(db, message, devices, batch, now)
            except Refusal as refusal:
                _bury(db, message, str(refusal), now)
        for arrival, outcome in zip(batch.arrivals, ingest(db, batch.arrivals, received_at=now), strict=True):
            if isinstance(outcome, Conflict):
                _bury_record(db, arrival, outcome.reason, now)
        db.flush()
        return [_receipt(db, stream, topic, key) for stream, topic in batch.streams.items()]


def _open(db: Db, message: Message, devices: dict[str, DeviceRow], batch: Batch, now: datetime) -> None:
    """Check one message as its sender's and take it apart; raises Refusal."""
    site, device_id, leaf = topics.parts(message.topic) or ("", "", "")
    device = devices.get(device_id)
    if device is None or device.site != site:
        raise Refusal("unknown_device")
    if device.revoked_at is not None or device.confirmed_at is None:
        raise Refusal("revoked_device" if device.revoked_at else "unconfirmed_device")
    try:
        if leaf == "state":
            _hear(device, messages.read(State, message.payload, verify_key(device.signing_key)), now)
        else:
            _take_apart(db, message, device, batch, now)
    except Unreadable as error:
        raise Refusal(REASONS[type(error)]) from error


def _hear(device: DeviceRow, state: State, now: datetime) -> None:
    device.seen_at = now
    device.state = state.model_dump(mode="json")


def _take_apart(db: Db, message: Message, device: DeviceRow, batch: Batch, now: datetime) -> None:
    found = envelope.unseal(message.payload, verify_key(device.signing_key))
    stream = db.get(StreamRow, found.header.stream)
    if found.header.device != device.id or stream is None or stream.device_id != device.id:
        raise Refusal("not_its_stream")
    device.seen_at = now
    batch.streams[stream.id] = topics.topic(device.site, device.id, "receipt")
    for line in found.lines:
        try:
            batch.arrivals.append(Arrival(record=found.record(line), line=line, device_id=device.id))
        except Malformed:
            _bury_line(db, message, line, stream.id, now)


def _bury(db: Db, message: Message, reason: str, now: datetime) -> None:
    device_id = (topics.parts(message.topic) or ("", None, ""))[1]
    dead_letters.bury(
        db, message.payload, id=new_id(), topic=message.topic, reason=reason, received_at=now, device_id=device_id
    )


def _bury_line(db: Db, message: Message, line: bytes, stream: UUID, now: datetime) -> None:
    device_id = (topics.parts(message.topic) or ("", None, ""))[1]
    seq = _seq_of(line)
    dead_letters.bury(
        db, line, id=new_id(), topic=message.topic, reason="malformed", received_at=now, device_id=device_id,
        place=(stream, seq) if seq else None,
    )  # fmt: skip


def _bury_record(db: Db, arrival: Arrival, reason: str, now: datetime) -> None:
    dead_letters.bury(
        db, arrival.line, id=new_id(), topic="", reason=reason, received_at=now, device_id=arrival.device_id,
        place=(arrival.record.stream, arrival.record.seq),
    )  # fmt: skip


def _seq_of(line: bytes) -> int | None:
    """Read nothing but the number out of a line that cannot be read as a record, so that its place is not a hole."""
    try:
        seq = json.loads(line)["seq"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return seq if type(seq) is int and 0 < seq < 2**53 else None


def _receipt(db: Db, stream: UUID, topic: str, key: SigningKey) -> tuple[str, bytes]:
    rejected = dead_letters.rejected(db, stream)
    row = check_ins.advance(db, stream, rejected.keys())
    receipt = Receipt(
        stream=stream,
        epoch=epoch(db),
        number=row.receipts,
        upto=row.upto,
        extra=tuple(check_ins.above(db, row)),
        rejected=tuple(Rejected(seq=seq, reason=reason) for seq, reason in sorted(rejected.items())[-100:]),
    )
    return topic, messages.post(receipt, key)


def _devices(db: Db, group: Iterable[Message]) -> dict[str, DeviceRow]:
    ids = {found[1] for message in group if (found := topics.parts(message.topic))}
    return {row.id: row for row in db.scalars(sa.select(DeviceRow).where(DeviceRow.id.in_(ids)))}
