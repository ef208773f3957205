"""Claims about a connection, to the brokers that we run."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from gateway.devices import password_hash
from kiosk.broker import Disconnected, Message, PahoConnection
from kiosk.outbox import FILE, Outbox
from kiosk.uplink import Uplink
from protocol import envelope, messages
from protocol.messages import Receipt
from protocol.registration import BrokerAccount
from tandem.broker import EmbeddedBroker, Mosquitto
from tandem.embedded import GATEWAY
from tests.kiosk.cast import ACCOUNT, DEVICE, DEVICE_KEY, GATEWAY_KEY, IDENTITY, NINE, STREAM, a_record, eventually
from tests.kiosk.stand_in_broker import RECEIPT, UP

pytestmark = pytest.mark.enable_socket

ACCOUNTS = {DEVICE: password_hash("secret", salt=b"1" * 12), GATEWAY: password_hash("gateway", salt=b"2" * 12)}


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path, program: Callable[[str], str]) -> Iterator[Any]:
    if request.param == "mosquitto":
        program("mosquitto")
    broker = EmbeddedBroker(lambda: ACCOUNTS) if request.param == "amqtt" else Mosquitto(lambda: ACCOUNTS, tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def account(broker: Any) -> BrokerAccount:
    return ACCOUNT.model_copy(update={"port": broker.port})


class GatewayClient:
    """A client of the gateway's account that answers every envelope with a retained receipt."""

    def __init__(self, port: int) -> None:
        self.envelopes: list[bytes] = []
        self.subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gateway-1")
        self.client.username_pw_set(GATEWAY, "gateway")
        self.client.on_connect = lambda client, *_: client.subscribe(UP, 1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._answer
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.subscribed.wait(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _answer(self, _: Any, __: Any, message: mqtt.MQTTMessage) -> None:
        self.envelopes.append(bytes(message.payload))
        upto = max(record_numbers(self.envelopes[-1]))
        receipt = Receipt(stream=STREAM, epoch=STREAM, number=len(self.envelopes), upto=upto)
        self.client.publish(RECEIPT, messages.post(receipt, GATEWAY_KEY), qos=1, retain=True)


def record_numbers(sealed: bytes) -> list[int]:
    opened = envelope.unseal(sealed, DEVICE_KEY.verify_key)
    return [opened.record(line).seq for line in opened.lines]


def heard(connection: PahoConnection) -> list[Message]:
    end = monotonic() + 5
    while monotonic() < end:
        if messages := connection.wait(1):
            return messages
    return []


def talk(connection: PahoConnection) -> None:
    for _ in range(5):
        connection.publish(UP, b"is there anybody?")
        connection.wait(0.5)


def test_a_retained_receipt_waits_for_a_kiosk_that_was_away(account: BrokerAccount) -> None:
    with closing(GatewayClient(account.port)) as gateway:
        gateway.client.publish(RECEIPT, b"held", qos=1, retain=True).wait_for_publish(5)

    with closing(PahoConnection(account, [RECEIPT])) as connection:
        assert heard(connection) == [Message(RECEIPT, b"held")]


def test_a_wrong_password_is_told_as_such(account: BrokerAccount) -> None:
    with pytest.raises(Disconnected, match="refused"):
        PahoConnection(account.model_copy(update={"password": "guessed"}), [RECEIPT])


def test_a_wake_ends_the_wait_also_one_that_has_not_begun(account: BrokerAccount) -> None:
    with closing(PahoConnection(account, [RECEIPT])) as connection:
        connection.wake()
        begin = monotonic()
        assert connection.wait(5) == []

        waker = threading.Timer(0.05, connection.wake)
        waker.start()
        assert connection.wait(5) == []
        waker.join()

    assert monotonic() - begin < 2


def test_a_broker_that_goes_away_is_noticed(account: BrokerAccount, broker: Any) -> None:
    with closing(PahoConnection(account, [RECEIPT])) as connection:
        broker.stop()

        with pytest.raises(Disconnected):
            talk(connection)


def test_where_nobody_listens_nothing_is_connected() -> None:
    with pytest.raises(Disconnected, match="127\\.0\\.0\\.1:1"):
        PahoConnection(ACCOUNT.model_copy(update={"port": 1}), [RECEIPT])


def test_what_the_outbox_holds_arrives_and_the_receipt_comes_back(account: BrokerAccount, tmp_path: Path) -> None:
    with (
        closing(GatewayClient(account.port)) as gateway,
        closing(Outbox(tmp_path / FILE, stream=STREAM)) as outbox,
    ):
        uplink = Uplink(IDENTITY, outbox, account=lambda: account, now=lambda: NINE)
        for _ in range(150):
            outbox.put(a_record)
        uplink.start()
        try:
            assert eventually(lambda: outbox.standing().count == 0)
            outbox.put(a_record)
            uplink.wake()
            assert eventually(lambda: outbox.is_delivered(151))
        finally:
            uplink.stop()

    assert sorted({seq for sealed in gateway.envelopes for seq in record_numbers(sealed)}) == list(range(1, 152))
