"""No device gets at what is another's, on either broker, in either version of MQTT."""

from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tandem.broker import EmbeddedBroker, Mosquitto
from tests.tandem.acl_matrix import accounts, matrix

pytestmark = pytest.mark.enable_socket
DEVICES = 4
VERSIONS = [("embedded", 4), ("mosquitto", 4), ("mosquitto", 5)]
IDS = ["embedded, 3.1.1", "mosquitto, 3.1.1", "mosquitto, 5"]


@pytest.mark.parametrize(("kind", "version"), VERSIONS, ids=IDS)
def test_a_device_gets_at_nothing_that_is_not_its_own(
    kind: str, version: int, tmp_path: Path, program: Callable[[str], str]
) -> None:
    if kind == "mosquitto":
        program("mosquitto")
    known = accounts(DEVICES + 1)
    broker = EmbeddedBroker(lambda: known) if kind == "embedded" else Mosquitto(lambda: known, tmp_path)
    broker.start()

    outcome = matrix(broker, MQTTProtocolVersion(version), devices=DEVICES)
    broker.stop()

    print(f"\n{kind}, MQTT {version}: {outcome.tries} tries, {outcome}", end="")
    assert (outcome.written, outcome.read, outcome.put_out) == ([], [], [])
    assert outcome.delivered >= DEVICES * 12
