"""The long versions of what tests/tandem and tests/gateway prove of brokers and of registration codes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from gateway.device_api import PER_ADDRESS
from ledger.database import Ledger
from tandem.broker import EmbeddedBroker, Mosquitto
from tests.cast import company
from tests.gateway.cast import Gateway
from tests.gateway.cast import company as of_two_regions
from tests.gateway.guessing import guess
from tests.tandem.acl_matrix import accounts, matrix
from tests.tandem.broker_kills import kill_again_and_again

KILLS, OF_THE_TWIN = 30, 3
DEVICES = 20
CODES = 5_000

pytestmark = [pytest.mark.enable_socket, pytest.mark.usefixtures("brokers")]


@pytest.fixture
def brokers(program: Callable[[str], str]) -> None:
    program("mosquitto")


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_a_broker_that_is_killed_thirty_times_loses_nothing_and_doubles_nothing(kind: str, tmp_path: Path) -> None:
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, kind, kills=KILLS)

    print(f"\n{kind}, {KILLS} kills: {after}", end="")
    assert after.is_equal


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_a_twin_that_takes_the_brokers_word_loses_records(kind: str, tmp_path: Path) -> None:
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, kind, kills=OF_THE_TWIN, twin=True, late_gateway=True)

    print(f"\nthe sabotaged twin on {kind}, {OF_THE_TWIN} kills: {after}", end="")
    assert after.missing


@pytest.mark.parametrize(("kind", "version"), [("embedded", 4), ("mosquitto", 4), ("mosquitto", 5)])
def test_of_twenty_devices_none_gets_at_what_is_not_its_own(kind: str, version: int, tmp_path: Path) -> None:
    known = accounts(DEVICES + 1)
    broker = EmbeddedBroker(lambda: known) if kind == "embedded" else Mosquitto(lambda: known, tmp_path)
    broker.start()

    outcome = matrix(broker, MQTTProtocolVersion(version), devices=DEVICES)
    broker.stop()

    print(f"\n{kind}, MQTT {version}: {outcome.tries} tries, {outcome}", end="")
    assert (outcome.written, outcome.read, outcome.put_out) == ([], [], [])
    assert outcome.delivered >= DEVICES * 12


@pytest.mark.parametrize(("addresses", "heard"), [(1, PER_ADDRESS), (CODES, CODES)], ids=["one address", "many"])
def test_of_five_thousand_wrong_codes_none_is_accepted(tmp_path: Path, addresses: int, heard: int) -> None:
    gateway = Gateway(Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}"))
    with gateway.ledger.begin() as db:
        of_two_regions(db)

    answers = guess(gateway, tries=CODES, addresses=addresses)
    gateway.ledger.close()

    print(f"\n{CODES} wrong codes from {addresses} addresses: {dict(answers)}", end="")
    assert (answers["accepted"], answers["code-refused"]) == (0, heard)
    assert answers["the good code, afterwards"] == 403
