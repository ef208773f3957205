"""Takes messages off the broker: opens them, commits first, then acknowledges, then sends the receipts."""

import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
from nacl.signing import SigningKey
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy.exc import OperationalError

from gateway.intake import Message, take_in
from gateway.opening import Opener
from ledger.database import Ledger
from protocol import topics
from protocol.wire import new_id

log = logging.getLogger(__name__)

GROUP = 500
"""Messages in one commit, at most."""
GATHER = 0.02
"""Seconds to wait for a group to grow."""
GROUP_BYTES = 1024 * 1024
"""No group grows past this: a backlog's envelopes hold a hundred records each, and all wait for the one commit."""
IN_FLIGHT = 1000
"""Messages that a broker of MQTT 5 may send ahead of their acknowledgement; the others wait there.

mosquitto 2.0.11 keeps to it until the first acknowledgement, and then sends up to four times as many.
"""
WAITING = 2 * IN_FLIGHT
"""Messages between the network and the database: what a lost connection left, and what the next one brings."""
AHEAD = GROUP
"""Messages that are opened before their turn in the database."""
HOLD = 5.0
"""Seconds that the network may wait for room in the queue, well within the broker's patience (45 s)."""
STALLED = 60.0
"""Seconds without a commit while messages wait, after which somebody should look."""
LOOK = 5.0
"""Seconds between two looks at whether there is progress."""
PATIENCE = 5.0
"""Seconds that a broker may take to say which version it speaks."""
RETRY = 1.0
TRIES = 3
SHARED = "$share/tandem/"
"""Of all receptions that subscribe so, the broker gives each message to one."""
ASK_FOR_5 = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"
"""The shortest CONNECT of MQTT 5. A broker of 3.1.1 alone can read it to its end; a longer one leaves amqtt waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is, and the gateway's own account there."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: bool = False
    ca: str = ""
    """Who must have signed the broker's certificate (PEM); empty for whoever this system trusts."""
    is_old: bool = False
    """It is known to speak MQTT 3.1.1 alone; any other one is asked."""

    def context(self) -> ssl.SSLContext:
        """Say whom a TLS connection trusts."""
        return ssl.create_default_context(cadata=self.ca or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a reception is doing; the counts are since its start."""

    connected: bool
    generation: int
    """Connections so far."""
    waiting: int
    """Messages between the network and the database."""
    left_out: int
    groups: int
    messages: int
    seconds: float
    """Spent on commits."""
    last_size: int
    last_seconds: float
    last_commit_at: datetime | None
    stalled: bool
    """Messages wait, and nothing was committed for a minute."""


class Reception:
    """One MQTT client, a thread that opens and one that commits; PostgreSQL allows any number of processes."""

    def __init__(self, ledger: Ledger, key: SigningKey, broker: BrokerAddress, clock: Callable[[], datetime]) -> None:
        self._ledger, self._key, self._broker, self._clock = ledger, key, broker, clock
        self._waiting: queue.Queue[Message] = queue.Queue(WAITING)
        self._opened: queue.Queue[Message] = queue.Queue(AHEAD)
        self._connection = 0
        self._connected = False
        self._is_full = False
        self._stopping = threading.Event()
        self._opener = threading.Thread(target=self._open_all, name="ingest-opening")
        self._worker = threading.Thread(target=self._work, name="ingest")
        self._watcher = threading.Thread(target=self._watch, name="ingest-progress")
        self._client: mqtt.Client | None = None
        self._in_hand = 0
        self._moved = time.monotonic()
        self._groups, self._messages, self._seconds = 0, 0, 0.0
        self._last: tuple[int, float, datetime | None] = (0, 0.0, None)
        self.subscribed = threading.Event()
        self.left_out = 0
        """Messages that found the queue full; their kiosks send them again."""

    def start(self) -> None:
        """Connect, subscribe and begin to commit; returns at once, whether or not the broker is there."""
        for thread in self._threads():
            thread.start()

    def stop(self) -> None:
        """Finish the group in hand and leave."""
        self._stopping.set()
        for thread in self._threads():
            if thread.ident:
                thread.join(10)
        if self._client:
            self._client.disconnect()
            self._client.loop_stop()

    def standing(self) -> Standing:
        """Say how it is doing; may be asked from any thread."""
        size, seconds, at = self._last
        return Standing(
            connected=self._connected,
            generation=self._connection,
            waiting=self._in_line(),
            left_out=self.left_out,
            groups=self._groups,
            messages=self._messages,
            seconds=self._seconds,
            last_size=size,
            last_seconds=seconds,
            last_commit_at=at,
            stalled=self._is_stalled(),
        )

    def _in_line(self) -> int:
        return self._waiting.qsize() + self._opened.qsize()

    def _threads(self) -> tuple[threading.Thread, ...]:
        return self._opener, self._worker, self._watcher

    # The connection, on paho's thread

    def _connect(self, version: MQTTProtocolVersion) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"gateway-{new_id()}", manual_ack=True, protocol=version
        )
        client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(self._broker.context())
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_socket_open = _send_at_once
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        if version == MQTTProtocolVersion.MQTTv5:
            client.connect_async(
                self._broker.host, self._broker.port, keepalive=30, clean_start=True, properties=_window()
            )
        else:
            client.connect_async(self._broker.host, self._broker.port, keepalive=30)
        client.loop_start()
        return client

    def _on_connect(self, client: mqtt.Client, _: Any, __: Any, reason: Any, properties: Any) -> None:
        self._connection += 1
        if reason.is_failure:
            log.error("the broker refused the gateway: %s", reason)
            return
        self._connected = True
        # MQTT 5 alone says whether subscriptions can be shared; it is silent when they can.
        is_5 = client.protocol == MQTTProtocolVersion.MQTTv5
        is_shared = is_5 and getattr(properties, "SharedSubscriptionAvailable", 1) == 1
        wanted = (topics.EVERY_UP, topics.EVERY_STATE)
        client.subscribe([(SHARED + topic if is_shared else topic, 1) for topic in wanted])

    def _on_disconnect(self, *_: Any) -> None:
        self._connected = False

    def _on_subscribe(self, _: mqtt.Client, __: Any, ___: Any, reasons: Sequence[Any], ____: Any) -> None:
        # A broker may take the connection and still keep the topics back; then nothing would ever arrive.
        if any(reason.is_failure for reason in reasons):
            log.error("the broker does not let the gateway read its devices: %s", ", ".join(map(str, reasons)))
            return
        self.subscribed.set()

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        # An exception here would end paho's thread without a word, and with it everything.
        try:
            received = Message(self._connection, message.mid, message.qos, message.topic, bytes(message.payload))
            # Nothing is read meanwhile, so the others wait on their way here. Not for longer: pings wait too.
            self._waiting.put(received, timeout=0.001 if self._is_full else HOLD)
            self._is_full = False
        except queue.Full:
            # Kept unacknowledged it would hold one of the broker's places for good. Given back it is not lost: its
            # kiosk has no receipt, and sends it again.
            self._is_full = True
            self.left_out += 1
            client.ack(message.mid, message.qos)
        except Exception:
            log.exception("a message could not be taken in")

    # The signatures, on a thread that is done with the next group while this one is in the database

    def _open_all(self) -> None:
        opener = Opener(self._ledger)
        while not self._stopping.is_set():
            with suppress(queue.Empty):
                message = self._waiting.get(timeout=0.2)
                self._hand_on(replace(message, opened=opener.open(message.topic, message.payload)))

    def _hand_on(self, message: Message) -> None:
        while not self._stopping.is_set():
            try:
                self._opened.put(message, timeout=0.2)
            except queue.Full:
                continue
            return

    # The commits, on a thread of our own

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._client is None:
                    self._client = self._connect(self._version())
                if group := self._group():
                    self._until_committed(group)
            except OSError as error:
                log.error("the broker at %s:%d is not reached: %s", self._broker.host, self._broker.port, error)
                self._stopping.wait(RETRY)
            except Exception:
                # Nothing was acknowledged: the kiosks send it again. A thread that died here would take in no more.
                log.exception("a group could not even be kept as dead letters")

    def _version(self) -> MQTTProtocolVersion:
        """Find out which version the broker speaks; raises OSError when it is not reached."""
        if self._broker.is_old:
            return MQTTProtocolVersion.MQTTv311
        # One that hangs up may only be about to end. If it goes on so, the older version is safe with every broker.
        answers = (self._answer() for _ in range(TRIES))
        answer = next((answer for answer in answers if len(answer) == 4), b"")
        # The fourth byte is the reason; 1 is what 3.1.1 says to a version that it does not know.
        is_5 = answer != b"" and answer[3] != 1
        return MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311

    def _answer(self) -> bytes:
        """Ask for MQTT 5 without signing in, and return the beginning of the answer, if there is one."""
        answer = b""
        with self._open() as asked, suppress(ConnectionError, TimeoutError):
            asked.sendall(ASK_FOR_5)
            while len(answer) < 4 and (more := asked.recv(4 - len(answer))):
                answer += more
        return answer

    def _open(self) -> socket.socket:
        plain = socket.create_connection((self._broker.host, self._broker.port), PATIENCE)
        if not self._broker.tls:
            return plain
        try:
            return self._broker.context().wrap_socket(plain, server_hostname=self._broker.host)
        except BaseException:
            plain.close()
            raise

    def _group(self) -> list[Message]:
        """Wait for a message, then a moment for others."""
        self._in_hand = 0
        try:
            group = [self._opened.get(timeout=0.2)]
        except queue.Empty:
            self._moved = time.monotonic()
            return []
        end, size = time.monotonic() + GATHER, len(group[0].payload)
        while len(group) < GROUP and size < GROUP_BYTES and (left := end - time.monotonic()) > 0:
            try:
                group.append(self._opened.get(timeout=left))
            except queue.Empty:
                break
            size += len(group[-1].payload)
        self._in_hand = len(group)
        return group

    def _until_committed(self, group: Sequence[Message], *, singly: bool = False) -> None:
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                receipts = take_in(self._ledger, group, self._key, self._clock(), singly=singly)
            except OperationalError:
                log.exception("the database does not answer; the kiosks keep what they have")
                self._stopping.wait(1)
            except Exception:
                if singly:
                    raise
                log.exception("a group failed; taking its records one by one")
                self._until_committed(group, singly=True)
                return
            else:
                self._count(len(group), time.monotonic() - begun)
                self._acknowledge(group)
                self._publish(receipts)
                return

    def _count(self, size: int, seconds: float) -> None:
        self._moved, self._last = time.monotonic(), (size, seconds, self._clock())
        self._groups, self._messages, self._seconds = (
            self._groups + 1, self._messages + size, self._seconds + seconds,
        )  # fmt: skip

    def _acknowledge(self, group: Iterable[Message]) -> None:
        # After a reconnect the broker numbers from 1 again: an old number would acknowledge another message.
        for message in group:
            if self._client and message.connection == self._connection:
                self._client.ack(message.mid, message.qos)

    def _publish(self, receipts: Iterable[tuple[str, bytes]]) -> None:
        for topic, data in receipts:
            if self._client:
                # A command is repeated for as long as it is needed, so the next kiosk to come need not find an old one.
                self._client.publish(topic, data, qos=1, retain=not topic.endswith("/command"))

    # The progress, on a thread that waits for neither

    def _watch(self) -> None:
        told = False
        while not self._stopping.wait(LOOK):
            if (stalled := self._is_stalled()) and not told:
                log.error(
                    "%d messages wait and nothing was committed for %d s: see whether the database is locked or slow",
                    self._in_hand + self._in_line(), STALLED,
                )  # fmt: skip
            told = stalled

    def _is_stalled(self) -> bool:
        return time.monotonic() - self._moved > STALLED and bool(self._in_hand + self._in_line())


def _window() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = IN_FLIGHT
    return properties


def _send_at_once(_: mqtt.Client, __: Any, connection: Any) -> None:
    # Otherwise a receipt waits up to 40 ms for the acknowledgement of the packet before it.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
