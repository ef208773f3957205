"""Takes messages off the broker: commit first, then acknowledge, then send the receipt."""

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import paho.mqtt.client as mqtt
from nacl.signing import SigningKey
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy.exc import OperationalError

from gateway.intake import Message, take_in
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
WAITING = 2000
"""Messages between the network and the database; one more is left to the kiosk to send again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is, and the gateway's own account there."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)


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
        if self._worker.ident:
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
        client.on_subscribe = self._on_subscribe
        return client

    def _on_connect(self, client: mqtt.Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        self._connection += 1
        if reason.is_failure:
            log.error("the broker refused the gateway: %s", reason)
            return
        client.subscribe([(topics.EVERY_UP, 1), (topics.EVERY_STATE, 1)])

    def _on_subscribe(self, _: mqtt.Client, __: Any, ___: Any, reasons: Sequence[Any], ____: Any) -> None:
        # A broker may take the connection and still keep the topics back; then nothing would ever arrive.
        if any(reason.is_failure for reason in reasons):
            log.error("the broker does not let the gateway read its devices: %s", ", ".join(map(str, reasons)))
            return
        self.subscribed.set()

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
            try:
                if group := self._group():
                    self._until_committed(group)
            except Exception:
                # Nothing was acknowledged: the kiosks send it again. A thread that died here would take in no more.
                log.exception("a group could not even be kept as dead letters")

    def _group(self) -> list[Message]:
        """Wait for a message, then a moment for others."""
        try:
            group = [self._waiting.get(timeout=0.2)]
        except queue.Empty:
            return []
        end, size = time.monotonic() + GATHER, len(group[0].payload)
        while len(group) < GROUP and size < GROUP_BYTES and (left := end - time.monotonic()) > 0:
            try:
                group.append(self._waiting.get(timeout=left))
            except queue.Empty:
                break
            size += len(group[-1].payload)
        return group

    def _until_committed(self, group: Sequence[Message], *, singly: bool = False) -> None:
        while not self._stopping.is_set():
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
                self._acknowledge(group)
                self._publish(receipts)
                return

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
