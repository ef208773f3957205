"""Receptions on real brokers: the version they speak, what they share, and what happens when the database stalls."""

import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.reception import IN_FLIGHT, BrokerAddress, Reception
from ledger.database import Ledger
from ledger.holes import holes
from ledger.tables import CheckInRow
from protocol import messages
from protocol.messages import Receipt
from tandem.broker import EmbeddedBroker, free_port
from tandem.embedded import GATEWAYS
from tests.cast import GATEWAY_KEY, company
from tests.gateway.wired import SECRET, Line, envelopes, line, missing, now, receiving, up, wait

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def ledger(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Ledger]:
    program("mosquitto")
    made = company(f"sqlite:///{tmp_path / 'tandem.db'}")
    yield made
    made.close()


@contextmanager
def listening(made: Line, topic: str) -> Iterator[tuple[mqtt.Client, list[bytes]]]:
    """Come to the broker beside the gateway."""
    heard: list[bytes] = []
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="spy")
    client.username_pw_set(GATEWAYS[-1], SECRET)
    client.max_inflight_messages_set(1000)
    client.on_subscribe = lambda *_: ready.set()
    client.on_message = lambda _, __, message: heard.append(bytes(message.payload))
    client.connect(made.broker.host, made.broker.port)
    client.loop_start()
    assert wait(client.is_connected)
    client.subscribe(topic, 1)
    try:
        assert ready.wait(5)
        yield client, heard
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def stalled(ledger: Ledger) -> Iterator[None]:
    """Hold the database's lock, as a long transaction of somebody else's does."""
    with ledger.begin():
        yield


def test_two_receptions_share_the_work_and_lose_and_double_nothing(
    tmp_path: Path, postgres: Callable[[], str], program: Callable[[str], str]
) -> None:
    program("mosquitto")
    url = postgres()
    ledgers = [company(url), Ledger(url)]

    with (
        line(tmp_path, ledgers[0], kiosks=6) as made,
        receiving(ledgers[0], made.address) as first,
        receiving(ledgers[1], replace(made.address, username=GATEWAYS[1])) as second,
        listening(made, "tandem/v1/+/+/receipt") as (_, heard),
    ):
        for _ in range(20):
            for kiosk in made.kiosks:
                kiosk.scan()
        wait(lambda: made.waits() == 0)
        outcome, undelivered = missing(ledgers[0], made.held()), made.waits()
        after = [reception.standing() for reception in (first, second)]
    for each in ledgers:
        each.close()

    assert (outcome, undelivered) == ((0, 0), 0)
    assert min(standing.messages for standing in after) > 0
    assert [standing.generation for standing in after] == [1, 1]
    for told in receipts(heard).values():
        # They may come in another order than they were numbered in; a kiosk goes by the numbers.
        in_order = sorted(told)
        assert len({number for number, _ in told}) == len(told)
        assert [upto for _, upto in in_order] == sorted(upto for _, upto in in_order)


def receipts(heard: Sequence[bytes]) -> dict[Any, list[tuple[int, int]]]:
    found = defaultdict(list)
    for data in heard:
        receipt = messages.read(Receipt, data, GATEWAY_KEY.verify_key)
        found[receipt.stream].append((receipt.number, receipt.upto))
    return found


def test_what_comes_while_the_database_stalls_waits_at_the_broker_and_is_entered_afterwards(
    tmp_path: Path, ledger: Ledger
) -> None:
    with (
        line(tmp_path, ledger, kiosks=1, pace=0) as made,
        receiving(ledger, made.address) as reception,
    ):
        identity = made.identities[0]
        with listening(made, "tandem/v1/none") as (client, _):
            with stalled(ledger):
                sent = [client.publish(up(identity), data, qos=1) for data in envelopes(identity, range(1, 5001))]
                for one in sent:
                    one.wait_for_publish(20)
                wait(lambda: reception.standing().waiting > 400)
                during = reception.standing()
            everything = wait(lambda: entered(ledger) == 5000)
        after = reception.standing()

    assert during.waiting <= IN_FLIGHT
    assert everything
    assert (after.left_out, after.generation) == (0, 1)


def entered(ledger: Ledger) -> int:
    """Count what the ledger holds."""
    with ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(CheckInRow)) or 0


def test_what_finds_the_queue_full_is_left_out_and_its_kiosk_sends_it_again(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The embedded broker has no window: it sends whatever comes.
    monkeypatch.setattr("gateway.reception.WAITING", 2)
    monkeypatch.setattr("gateway.reception.AHEAD", 2)
    monkeypatch.setattr("gateway.reception.HOLD", 0.1)
    with (
        line(tmp_path, ledger, kiosks=2, broker=EmbeddedBroker) as made,
        receiving(ledger, made.address) as reception,
    ):
        with stalled(ledger):
            for _ in range(10):
                for kiosk in made.kiosks:
                    kiosk.scan()
            full = wait(lambda: reception.standing().left_out > 0)
            waiting = reception.standing().waiting
        wait(lambda: made.waits() == 0)
        outcome, undelivered = missing(ledger, made.held()), made.waits()

    assert full
    assert waiting <= 4
    assert (outcome, undelivered, reception.standing().generation) == ((0, 0), 0, 1)


class Careless(Reception):
    """Loses one message in ten at its door, after the broker has been told that it arrived."""

    chance = random.Random(1)
    lost = 0

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/up") and self.chance.random() < 0.1:
            self.lost += 1
            client.ack(message.mid, message.qos)
            return
        super()._on_message(client, data, message)


def careless(tmp_path: Path, ledger: Ledger, *, pace: float) -> tuple[int, int, int]:
    """Let a kiosk scan one by one at a careless door; return messages lost, rows without receipt, and holes."""
    with (
        line(tmp_path, ledger, kiosks=4, pace=pace) as made,
        receiving(ledger, made.address, Careless) as reception,
    ):
        assert isinstance(reception, Careless)
        for _ in range(10):
            for kiosk in made.kiosks:
                sent = kiosk.outbox.standing().last_assigned
                kiosk.scan()
                wait(lambda kiosk=kiosk, sent=sent: kiosk.outbox.standing().last_assigned > sent)  # type: ignore[misc]
            wait(lambda: made.waits() == 0, 0.1)
        wait(lambda: made.waits() == 0, 10 if pace else 0.5)
        with ledger.read() as db:
            return reception.lost, made.waits(), len(holes(db))


def test_what_is_lost_at_the_door_is_found_and_filled_by_itself(tmp_path: Path, ledger: Ledger) -> None:
    lost, undelivered, open_holes = careless(tmp_path, ledger, pace=60)

    assert lost > 0
    assert (undelivered, open_holes) == (0, 0)


def test_without_sending_again_what_is_lost_at_the_door_stays_a_hole(tmp_path: Path, ledger: Ledger) -> None:
    lost, undelivered, open_holes = careless(tmp_path, ledger, pace=0)

    assert min(lost, undelivered, open_holes) > 0


def test_who_waits_in_vain_for_a_commit_is_told_of(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gateway.reception.STALLED", 0.1)
    monkeypatch.setattr("gateway.reception.LOOK", 0.02)
    with line(tmp_path, ledger, kiosks=1) as made, receiving(ledger, made.address) as reception:
        with stalled(ledger), caplog.at_level(logging.ERROR):
            made.kiosks[0].scan()
            told = wait(lambda: "nothing was committed" in caplog.text)
            during = reception.standing()
        again = wait(lambda: not reception.standing().stalled and reception.standing().messages > 0)
        after = reception.standing()

    assert told
    assert during.stalled
    assert again
    assert after.last_commit_at is not None
    assert after.last_commit_at <= now()


def test_a_broker_whose_version_is_known_is_not_asked() -> None:
    nobody = BrokerAddress(host="127.0.0.1", port=free_port("127.0.0.1"), username="gateway", password="")
    known = Reception(company(), GATEWAY_KEY, replace(nobody, is_old=True), now)
    asking = Reception(company(), GATEWAY_KEY, nobody, now)

    assert known._version() == MQTTProtocolVersion.MQTTv311
    with pytest.raises(OSError, match="refused"):
        asking._version()
