"""One connection to the broker, from its beginning to its end; a broken one is thrown away, never mended.

* Disconnected    the broker is not reached, or no longer; connect anew
"""

import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from protocol.registration import BrokerAccount

KEEPALIVE = 10  # seconds; a line that is dead without a word is left after twice as long
PATIENCE = 5.0  # seconds for each step of connecting
MOST_QUEUED = 50  # messages that the broker has not acknowledged


class Disconnected(Exception):
    """The broker cannot be reached."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came in."""

    topic: str
    payload: bytes


class Connection(Protocol):
    """What the uplink needs of a broker; `publish` and `wait` raise Disconnected, and then it is of no more use."""

    def publish(self, topic: str, payload: bytes) -> None: ...

    def wait(self, seconds: float) -> list[Message]:
        """Give what has come in; returns early for `wake`."""

    def wake(self) -> None:
        """End a wait, also one that has not begun; may be called from any thread."""

    def close(self) -> None: ...


class Connect(Protocol):
    """Opens a connection that has subscribed to these topics."""

    def __call__(self, account: BrokerAccount, subscribe: Sequence[str]) -> Connection: ...


class PahoConnection:
    """A connection by paho, driven by the caller's own thread.

    Paho's thread would die of an exception without a word and reconnect without jitter; its queue outlives a
    connection and doubles what is sent again. None of it exists here.
    """

    def __init__(self, account: BrokerAccount, subscribe: Sequence[str]) -> None:
        self._came_in: list[Message] = []
        self._connected = False
        self._subscribed = False
        trust = _trust(account)
        self._waker, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._client = self._make_client(account, trust)
        try:
            self._client.connect(account.host, account.port, keepalive=KEEPALIVE)
            # Otherwise a record waits 40 ms for the acknowledgement of the packet before it.
            self._socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._until(lambda: self._connected, "the broker does not answer")
            self._client.subscribe([(topic, 1) for topic in subscribe])
            self._until(lambda: self._subscribed, "the broker does not take the subscription")
        except (OSError, ValueError) as error:
            self.close()
            raise Disconnected(f"{account.host}:{account.port}: {error}") from error
        except BaseException:
            self.close()
            raise

    def publish(self, topic: str, payload: bytes) -> None:
        # A code other than success, a full queue among them, ends this connection; what it still held dies with it.
        _check(self._client.publish(topic, payload, qos=1).rc)

    def wait(self, seconds: float) -> list[Message]:
        end = time.monotonic() + seconds
        while not self._came_in:
            left = max(0.0, end - time.monotonic())
            woken = self._turn(left)
            if woken or left == 0:
                break
        came_in, self._came_in = self._came_in, []
        return came_in

    def wake(self) -> None:
        # A pipe that is full of wakes will wake.
        with suppress(BlockingIOError):
            os.write(self._wake, b"!")

    def close(self) -> None:
        self._client.disconnect()
        if self._wake >= 0:
            os.close(self._waker)
            os.close(self._wake)
            self._waker = self._wake = -1

    def _make_client(self, account: BrokerAccount, trust: ssl.SSLContext | None) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=account.username,
            clean_session=True,  # the outbox makes a session at the broker needless
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(account.username, account.password)
        client.connect_timeout = PATIENCE
        client.max_queued_messages_set(MOST_QUEUED)
        if trust:
            client.tls_set_context(trust)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        # After a "no" paho's own code of the same turn ends the connection.
        self._connected = not reason.is_failure

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def _on_message(self, _: Any, __: Any, message: mqtt.MQTTMessage) -> None:
        self._came_in.append(Message(message.topic, bytes(message.payload)))

    def _socket(self) -> Any:
        sock = self._client.socket()
        if sock is None:
            raise Disconnected("the connection is gone")
        return sock

    def _until(self, reached: Callable[[], bool], why_not: str) -> None:
        end = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > end:
                raise Disconnected(why_not)
            self._turn(0.1)

    def _turn(self, seconds: float) -> bool:
        """Let paho read and write once; returns whether somebody called `wake`."""
        sock = self._socket()
        # TLS may hold bytes that select cannot see. A second is as long as paho's keepalive may sleep.
        hidden = hasattr(sock, "pending") and sock.pending() > 0
        # Not `select`, which knows no file beyond number 1023: a program may hold the outboxes of many kiosks.
        poll = select.poll()
        poll.register(sock, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        poll.register(self._waker, select.POLLIN)
        found = dict(poll.poll(0 if hidden else min(seconds, 1.0) * 1000))
        happened = found.get(sock.fileno(), 0)
        if happened & ~select.POLLOUT or hidden:
            _check(self._client.loop_read())
        if happened & select.POLLOUT:
            _check(self._client.loop_write())
        _check(self._client.loop_misc())
        woken = self._waker in found
        if woken:
            os.read(self._waker, 4096)
        return woken


def _trust(account: BrokerAccount) -> ssl.SSLContext | None:
    """Say whose certificates are good for this broker; they must show its name too."""
    if not account.tls:
        return None
    try:
        return ssl.create_default_context(cadata=account.ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise Disconnected(
            f"{account.host}:{account.port}: the authority for its certificate is none: {error}"
        ) from error


def _check(code: MQTTErrorCode) -> None:
    if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise Disconnected(mqtt.error_string(code))
