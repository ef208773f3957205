"""The embedded broker and mosquitto keep the same door."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.devices import password_hash
from protocol import topics
from tandem.broker import BrokerError, EmbeddedBroker, Mosquitto, free_port
from tandem.embedded import GATEWAY, GATEWAYS, may

ANN, BO = "device0000000001", "device0000000002"
SITE = "site000000000001"

pytestmark = pytest.mark.enable_socket


def accounts() -> dict[str, str]:
    return {name: password_hash(f"{name}'s", salt=b"123456789012") for name in (ANN, BO, GATEWAY)}


@pytest.fixture(params=["embedded", "mosquitto"])
def broker(
    request: pytest.FixtureRequest, tmp_path: Path, program: Callable[[str], str]
) -> Iterator[EmbeddedBroker | Mosquitto]:
    if request.param == "mosquitto":
        program("mosquitto")
    made = EmbeddedBroker(accounts) if request.param == "embedded" else Mosquitto(accounts, tmp_path)
    made.start()
    yield made
    made.stop()


class Client:
    """What one account gets to see."""

    def __init__(
        self, broker: EmbeddedBroker | Mosquitto, name: str, password: str | None = None, **wishes: str
    ) -> None:
        self.got: list[str] = []
        self.connected: bool | None = None
        self._answered = 0
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=wishes.get("client_id", name), reconnect_on_failure=False
        )
        if "will" in wishes:
            self._client.will_set(wishes["will"], b"x", qos=1, retain=True)
        self._client.username_pw_set(name, f"{name}'s" if password is None else password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = lambda _, __, message: self.got.append(message.topic)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        wait(lambda: self.connected is not None)

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        self.connected = not reason.is_failure

    def _on_subscribe(self, *_: Any) -> None:
        self._answered += 1

    def subscribe(self, *names: str) -> None:
        """Ask for these topics, and wait until the broker has said yes or no to each."""
        asked = self._answered + len(names)
        for name in names:
            self._client.subscribe(name, 1)
        assert wait(lambda: self._answered == asked)

    def publish(self, name: str, *, retain: bool = False) -> None:
        self._client.publish(name, b"x", qos=1, retain=retain)

    def try_to_publish(self, name: str) -> None:
        """Publish, and wait until the broker has taken it, or hung up."""
        sent = self._client.publish(name, b"x", qos=1)
        assert wait(lambda: sent.is_published() or not self._client.is_connected())

    def vanish(self) -> None:
        """End without a word, so that the broker sends the will."""
        if isinstance(connection := self._client.socket(), socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def answers(broker: EmbeddedBroker | Mosquitto) -> bool:
    with suppress(OSError), socket.create_connection((broker.host, broker.port)):
        return True
    return False


def lets_in(broker: EmbeddedBroker | Mosquitto, name: str) -> bool:
    """Try until the broker has read who may come; it is told by a signal, and reads in its own time."""

    def tries() -> bool:
        client = Client(broker, name)
        client.close()
        return bool(client.connected)

    return wait(tries)


def wait(reached: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not (there := reached()) and time.monotonic() < end:
        time.sleep(0.02)
    return there


def test_nobody_gets_in_without_the_right_password(broker: EmbeddedBroker | Mosquitto) -> None:
    clients = [Client(broker, ANN, ""), Client(broker, ANN, f"{BO}'s"), Client(broker, "nobody"), Client(broker, ANN)]

    outcome = [client.connected for client in clients]
    for client in clients:
        client.close()

    assert outcome == [False, False, False, True]


def test_a_device_is_heard_and_answered_on_its_own_topics(broker: EmbeddedBroker | Mosquitto) -> None:
    gateway, ann = Client(broker, GATEWAY), Client(broker, ANN)
    gateway.subscribe(topics.EVERY_UP)
    ann.subscribe(topics.topic(SITE, ANN, "receipt"))

    ann.publish(topics.topic(SITE, ANN, "up"))
    gateway.publish(topics.topic(SITE, ANN, "receipt"))
    wait(lambda: bool(gateway.got and ann.got))
    gateway.close()
    ann.close()

    assert (gateway.got, ann.got) == ([topics.topic(SITE, ANN, "up")], [topics.topic(SITE, ANN, "receipt")])


def test_a_device_writes_and_reads_nothing_of_anybody_else(broker: EmbeddedBroker | Mosquitto) -> None:
    up, receipt = ({name: topics.topic(SITE, name, kind) for name in (ANN, BO)} for kind in ("up", "receipt"))
    gateway, ann = Client(broker, GATEWAY), Client(broker, ANN)
    gateway.subscribe("tandem/v1/#")
    for name in (up[ANN], receipt[ANN], receipt[BO]):
        writer = Client(broker, BO)  # a new one for each: mosquitto hangs up on who writes what is not theirs
        writer.try_to_publish(name)
        writer.close()
    bo = Client(broker, BO)
    bo.subscribe("#", "tandem/#", "tandem/v1/+/+/receipt", receipt[ANN], "$SYS/#", "$share/g/#", receipt[BO])

    # What is allowed comes last: once it has arrived, nothing that went before it is still on its way.
    bo.publish(up[BO])
    ann.publish(up[ANN])
    for name in (receipt[ANN], receipt[BO]):
        gateway.publish(name)
    wait(lambda: {*up.values(), *receipt.values()} <= set(gateway.got) and bool(bo.got))
    for client in (gateway, ann, bo):
        client.close()

    # The gateway hears itself, Ann and Bo once each; of what Bo wrote or wanted to read beside that there is nothing.
    assert sorted(gateway.got) == sorted([up[ANN], up[BO], receipt[ANN], receipt[BO]])
    assert bo.got == [receipt[BO]]


@pytest.mark.parametrize(
    ("who", "name", "write", "allowed"),
    [
        (ANN, topics.topic(SITE, ANN, "up"), True, True),
        (ANN, topics.topic(SITE, ANN, "state"), True, True),
        (ANN, topics.topic(SITE, ANN, "receipt"), True, False),
        (ANN, topics.topic(SITE, ANN, "receipt"), False, True),
        (ANN, topics.topic(SITE, ANN, "up"), False, False),
        (ANN, topics.topic(SITE, BO, "up"), True, False),
        (ANN, "#", False, False),
        (ANN, f"tandem/v1/{SITE}/+/receipt", False, False),
        (ANN, f"tandem/v1/{SITE}/{ANN}/up\n", True, False),
        (GATEWAY, topics.EVERY_UP, False, True),
        (GATEWAY, "$SYS/#", False, False),
        (GATEWAYS[-1], topics.EVERY_UP, False, True),
        (GATEWAYS[-1], "$SYS/#", False, False),
        ("gateway-9", topics.EVERY_UP, False, False),
    ],
)
def test_who_may_do_what(who: str, name: str, write: bool, allowed: bool) -> None:
    assert may(who, name, write=write) is allowed


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    first = EmbeddedBroker(accounts, port=free_port("127.0.0.1"))
    first.start()

    with pytest.raises(BrokerError, match=str(first.port)):
        EmbeddedBroker(accounts, port=first.port).start()

    first.stop()


def test_an_account_that_is_made_while_the_broker_runs_gets_in(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    known = accounts()
    late = known.pop(BO)
    embedded, mosquitto = EmbeddedBroker(lambda: known), Mosquitto(lambda: known, tmp_path)
    for broker in (embedded, mosquitto):
        broker.start()

    known[BO] = late
    mosquitto.refresh()
    outcome = [lets_in(embedded, BO), lets_in(mosquitto, BO)]
    for broker in (embedded, mosquitto):
        broker.stop()

    assert outcome == [True, True]


def test_who_connects_gets_no_retained_message_of_another(broker: EmbeddedBroker | Mosquitto) -> None:
    own = topics.topic(SITE, ANN, "receipt")
    gateway, ann = Client(broker, GATEWAY), Client(broker, ANN)
    ann.subscribe(own)
    gateway.publish(own, retain=True)
    wait(lambda: bool(ann.got))

    bo, for_bo = Client(broker, BO), topics.topic(SITE, BO, "receipt")
    bo.subscribe(for_bo)
    gateway.publish(for_bo)
    wait(lambda: for_bo in bo.got)
    for client in (gateway, ann, bo):
        client.close()

    # What comes to a client comes in order: had Bo been sent more than his own, he would have it by now.
    assert (ann.got, bo.got) == ([own], [for_bo])


def test_the_embedded_broker_lets_nobody_in_under_the_client_id_of_another() -> None:
    broker = EmbeddedBroker(accounts)
    broker.start()

    thief = Client(broker, BO, client_id=ANN)
    thief.close()
    broker.stop()

    assert thief.connected is False


def test_on_mosquitto_nobody_puts_another_out_by_its_client_id(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    broker, own = Mosquitto(accounts, tmp_path), topics.topic(SITE, ANN, "receipt")
    broker.start()
    gateway, ann = Client(broker, GATEWAY), Client(broker, ANN)
    ann.subscribe(own)

    thief = Client(broker, BO, client_id=ANN)
    gateway.publish(own)
    wait(lambda: bool(ann.got))
    for client in (gateway, ann, thief):
        client.close()
    broker.stop()

    assert ann.got == [own]


def test_a_will_goes_nowhere_that_its_sender_may_not_write(broker: EmbeddedBroker | Mosquitto) -> None:
    own = topics.topic(SITE, ANN, "receipt")
    ann = Client(broker, ANN)
    ann.subscribe(own)

    Client(broker, BO, will=own).vanish()
    time.sleep(0.5)
    ann.close()

    assert ann.got == []


def test_mosquitto_is_started_again_when_it_has_ended(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    mosquitto = Mosquitto(accounts, tmp_path)
    mosquitto.start()
    os.kill(int((tmp_path / "mosquitto.pid").read_text()), signal.SIGKILL)
    wait(lambda: not answers(mosquitto))

    mosquitto.refresh()
    wait(lambda: answers(mosquitto))
    let_in = lets_in(mosquitto, ANN)
    mosquitto.stop()

    assert let_in


def test_a_start_ends_the_mosquitto_that_a_killed_run_left_behind(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("mosquitto")
    left, fresh = Mosquitto(accounts, tmp_path), Mosquitto(accounts, tmp_path)
    left.start()

    fresh.start()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((left.host, left.port))
    left.stop()
    fresh.stop()
