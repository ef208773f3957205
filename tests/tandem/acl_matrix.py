"""Has every device of a broker try what is not its own, and counts what got through."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.devices import password_hash
from protocol import topics
from protocol.topics import READ_BY_DEVICE, WRITTEN_BY_DEVICE
from tandem.broker import EmbeddedBroker, Mosquitto
from tandem.embedded import GATEWAY, GATEWAYS

SITE = "site000000000001"
MQTTv311 = MQTTProtocolVersion.MQTTv311
LEAVES = (*WRITTEN_BY_DEVICE, *READ_BY_DEVICE)
EVERYTHING = (
    "#", "+/#", "tandem/#", "tandem/v1/#", "tandem/v1/+/+/receipt", f"tandem/v1/{SITE}/+/up", "+/+/+/+/+", "$SYS/#",
    "$share/x/#", "$share/x/tandem/v1/#",
)  # fmt: skip
PATIENCE = 30
STOLEN = b"stolen"
"""What nobody may ever read: a device wrote it where it may not write."""

Broker = EmbeddedBroker | Mosquitto


def device(number: int) -> str:
    return f"device{number:010d}"


def accounts(devices: int) -> dict[str, str]:
    """Make accounts whose passwords are their names."""
    names = [*GATEWAYS, *(device(number) for number in range(devices))]
    return {name: password_hash(name, salt=b"123456789012") for name in names}


@dataclass(slots=True)
class Outcome:
    """How often it was tried, and what came of it."""

    subscriptions: int = 0
    publications: int = 0
    wills: int = 0
    client_ids: int = 0
    written: list[str] = field(default_factory=list)
    """Topics on which something arrived, or stayed, that its writer may not write."""
    read: list[str] = field(default_factory=list)
    """Topics of which somebody read who may not."""
    put_out: list[str] = field(default_factory=list)
    """Who lost the connection to somebody else."""
    delivered: int = 0
    """What the devices may read and did, which shows that something could have been read."""

    @property
    def tries(self) -> int:
        """Count all of it."""
        return self.subscriptions + self.publications + self.wills + self.client_ids


class Party:
    """One connection, and what came in on it."""

    def __init__(self, broker: Broker, name: str, version: MQTTProtocolVersion, **wishes: Any) -> None:
        self.name, self.got, self.gone = name, list[tuple[str, bytes]](), False
        self._answered, self._sent, self._acknowledged = 0, 0, 0
        self._settled = threading.Event()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=wishes.get("client_id", name), protocol=version,
            reconnect_on_failure=False, clean_session=wishes.get("clean", True) if version == MQTTv311 else None,
        )  # fmt: skip
        client.max_inflight_messages_set(1000)
        client.username_pw_set(name, wishes.get("password", name))
        if will := wishes.get("will"):
            client.will_set(will, STOLEN, qos=1, retain=True)
        client.on_connect = lambda *_: self._settled.set()
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = lambda _, __, message: self.got.append((message.topic, bytes(message.payload)))
        self._client = client
        client.connect(
            broker.host, broker.port, **({} if version == MQTTv311 else {"clean_start": wishes.get("clean", True)})
        )
        client.loop_start()
        assert self._settled.wait(PATIENCE)

    def subscribe(self, names: Iterable[str]) -> int:
        """Ask for each of these topics; returns how many, once the broker has answered to all."""
        wanted = list(names)
        asked = self._answered + len(wanted)
        for name in wanted:
            self._client.subscribe(name, 1)
        _until(lambda: self._answered == asked)
        return len(wanted)

    def publish(self, names: Iterable[str], payload: bytes, *, retain: bool = False) -> None:
        """Write the same to each of these topics."""
        self.publish_all([(name, payload) for name in names], retain=retain)

    def publish_all(self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False) -> None:
        """Write them one after the other, until the broker has acknowledged all, or has hung up."""
        for name, payload in messages:
            self._client.publish(name, payload, qos=1, retain=retain)
            self._sent += 1
        _until(lambda: self.gone or self._acknowledged == self._sent)

    def vanish(self) -> None:
        """End without a word, so that the broker sends the will."""
        if isinstance(connection := self._client.socket(), socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        # They hold this party: its sockets would stay open, and paho waits for no file beyond number 1023.
        self._client.on_connect = self._client.on_disconnect = self._client.on_subscribe = None
        self._client.on_publish = self._client.on_message = None

    def _on_disconnect(self, *_: Any) -> None:
        self.gone = True
        self._settled.set()

    def _on_subscribe(self, *_: Any) -> None:
        self._answered += 1

    def _on_publish(self, *_: Any) -> None:
        self._acknowledged += 1


def matrix(broker: Broker, version: MQTTProtocolVersion, *, devices: int) -> Outcome:
    """Try everything that a device may not do, and say what got through; the broker knows one account more."""
    outcome = Outcome()
    with _party(broker, GATEWAY, version) as gateway:
        gateway.subscribe(["tandem/v1/#"])
        with _all_devices(broker, version, devices) as parties:
            for party in parties:
                outcome.subscriptions += party.subscribe(_not_readable(party.name, devices))
            _read(gateway, parties, outcome)
        for number in range(devices):
            for retain in (False, True):
                wanted = _not_writable(device(number), devices)
                outcome.publications += _try_to_write(broker, version, device(number), wanted, retain=retain)
        for number in range(devices):
            outcome.wills += _leave_wills(broker, version, device(number), device((number + 1) % devices))
        with _all_devices(broker, version, devices) as parties:
            outcome.client_ids += _take_places(broker, version, parties, thief=device(devices))
            outcome.put_out = [party.name for party in parties if party.gone]
            _read(gateway, parties, outcome)
            _wait_for_marks(gateway, parties)
        outcome.written = [topic for topic, payload in gateway.got if payload == STOLEN]
    with _party(broker, GATEWAY, version) as later:
        later.subscribe(["tandem/v1/#"])
        later.publish([_topic(device(0), "command")], b"the last")
        _until(lambda: (_topic(device(0), "command"), b"the last") in later.got)
        outcome.written += [topic for topic, payload in later.got if payload == STOLEN]
    return outcome


def _read(gateway: Party, parties: Sequence[Party], outcome: Outcome) -> None:
    """Let the gateway write everywhere; each device has to get its own and nothing else."""
    for payload in (b"private", b"the last"):
        # What comes to a client comes in order: who has the last has everything before it.
        gateway.publish([_topic(party.name, leaf) for party in parties for leaf in LEAVES], payload)
    for party in parties:
        own = {_topic(party.name, leaf) for leaf in READ_BY_DEVICE}
        _until(partial(_has_the_last, party, own))
        outcome.delivered += sum(topic in own for topic, _ in party.got)
        outcome.read += [f"{party.name} read {topic}" for topic, _ in party.got if topic not in own]


def _has_the_last(party: Party, own: set[str]) -> bool:
    return own <= {topic for topic, payload in list(party.got) if payload == b"the last"}


def _try_to_write(
    broker: Broker, version: MQTTProtocolVersion, name: str, wanted: Sequence[str], *, retain: bool
) -> int:
    """Write to each topic; mosquitto 2.0 throws a client out that it has denied this before, who then comes again."""
    party = Party(broker, name, version)
    for place in wanted:
        if party.gone:
            party.close()
            party = Party(broker, name, version)
        party.publish([place], STOLEN, retain=retain)
    party.close()
    return len(wanted)


def _wait_for_marks(gateway: Party, parties: Sequence[Party]) -> None:
    """Wait until the gateway has heard what each device wrote last."""
    marks = [(_topic(party.name, "up"), b"mark") for party in parties]
    gateway.got = [entry for entry in gateway.got if entry not in marks]
    for party in parties:
        party.publish([_topic(party.name, "up")], b"mark")
    _until(lambda: all(mark in gateway.got for mark in marks))


def _leave_wills(broker: Broker, version: MQTTProtocolVersion, name: str, other: str) -> int:
    """Leave a will for every topic of another, and for what one may only read; a broker may refuse it at once."""
    places = [_topic(other, leaf) for leaf in LEAVES] + [_topic(name, leaf) for leaf in READ_BY_DEVICE]
    for place in places:
        Party(broker, name, version, will=place).vanish()
    return len(places)


def _take_places(broker: Broker, version: MQTTProtocolVersion, parties: Sequence[Party], *, thief: str) -> int:
    """Come under the client id of each: with another account, and without a password for theirs."""
    for party in parties:
        for name, password in ((thief, thief), (party.name, "wrong"), (GATEWAY, "wrong")):
            for clean in (True, False):
                Party(broker, name, version, client_id=party.name, password=password, clean=clean).close()
    return 6 * len(parties)


def _not_readable(name: str, devices: int) -> list[str]:
    others = [_topic(device(number), leaf) for number in range(devices) for leaf in LEAVES if device(number) != name]
    return [*others, *(_topic(name, leaf) for leaf in WRITTEN_BY_DEVICE), *EVERYTHING]


def _not_writable(name: str, devices: int) -> list[str]:
    others = [_topic(device(number), leaf) for number in range(devices) for leaf in LEAVES if device(number) != name]
    odd = ["tandem/v1/up", f"tandem/v1/{SITE}/{name}", f"tandem/v1/{SITE}/{name}/up/more", f"tandem/v1/{name}/up"]
    return [*others, *(_topic(name, leaf) for leaf in READ_BY_DEVICE), *odd]


@contextmanager
def _party(broker: Broker, name: str, version: MQTTProtocolVersion) -> Iterator[Party]:
    party = Party(broker, name, version)
    try:
        yield party
    finally:
        party.close()


@contextmanager
def _all_devices(broker: Broker, version: MQTTProtocolVersion, devices: int) -> Iterator[list[Party]]:
    with ExitStack() as stack:
        parties = [stack.enter_context(_party(broker, device(number), version)) for number in range(devices)]
        for party in parties:
            party.subscribe(_topic(party.name, leaf) for leaf in READ_BY_DEVICE)
        yield parties


def _topic(name: str, leaf: topics.Leaf) -> str:
    return topics.topic(SITE, name, leaf)


def _until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "the broker does not answer"
        time.sleep(0.001)
