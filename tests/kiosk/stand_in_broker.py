"""A broker in this process: it keeps what it gets and says what a test has it say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from nacl.signing import SigningKey

from kiosk.broker import Connection, Disconnected, Message
from protocol import envelope, messages, topics
from protocol.messages import State
from protocol.registration import BrokerAccount
from protocol.wire import Wire
from tests.kiosk.cast import DEVICE, DEVICE_KEY, GATEWAY_KEY, SITE

LEAVES: tuple[topics.Leaf, ...] = ("up", "state", "receipt", "config", "command")
UP, STATE, RECEIPT, CONFIG, COMMAND = (topics.topic(SITE, DEVICE, leaf) for leaf in LEAVES)


@dataclass
class BrokerStandIn:
    """One broker and its one connection."""

    said: list[Message] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    connections: int = 0
    away: bool = False
    broken: bool = False
    closed: int = 0
    lock: Lock = field(default_factory=Lock)
    woken: Event = field(default_factory=Event)

    def __call__(self, account: BrokerAccount, subscribe: Sequence[str]) -> Connection:
        if self.away:
            raise Disconnected("away")
        self.connections += 1
        self.broken = False
        self.subscribed = list(subscribe)
        return self

    def publish(self, topic: str, payload: bytes) -> None:
        if self.broken:
            raise Disconnected("broken")
        with self.lock:
            self.heard.append(Message(topic, payload))

    def wait(self, seconds: float) -> list[Message]:
        self.woken.wait(seconds)
        self.woken.clear()
        if self.broken:
            raise Disconnected("broken")
        with self.lock:
            said, self.said = self.said, []
        return said

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.closed += 1

    def says(self, topic: str, message: Wire, key: SigningKey = GATEWAY_KEY) -> None:
        with self.lock:
            self.said.append(Message(topic, messages.post(message, key)))
        self.woken.set()

    def breaks(self) -> None:
        self.broken = True
        self.woken.set()

    def envelopes(self) -> list[list[int]]:
        """The numbers of the records in each envelope so far."""
        with self.lock:
            sealed = [message.payload for message in self.heard if message.topic == UP]
        opened = [envelope.unseal(data, DEVICE_KEY.verify_key) for data in sealed]
        return [[one.record(line).seq for line in one.lines] for one in opened]

    def states(self) -> list[State]:
        with self.lock:
            sealed = [message.payload for message in self.heard if message.topic == STATE]
        return [messages.read(State, data, DEVICE_KEY.verify_key) for data in sealed]
