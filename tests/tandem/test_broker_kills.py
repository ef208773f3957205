"""Nothing is lost and nothing doubled when the broker dies; a kiosk that trusts its acknowledgement loses."""

from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from tests.cast import company
from tests.tandem.broker_kills import kill_again_and_again

pytestmark = [pytest.mark.enable_socket, pytest.mark.long]
KILLS = 1
"""Of mosquitto; the embedded broker and thirty kills are in `make soak-delivery`."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the gateway come back at once instead of after one, two and four seconds."""
    set_delay = mqtt.Client.reconnect_delay_set
    monkeypatch.setattr(mqtt.Client, "reconnect_delay_set", lambda client, *_: set_delay(client, 0.1, 0.1))  # type: ignore[arg-type]


def test_a_broker_that_is_killed_under_load_loses_nothing_and_doubles_nothing(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("mosquitto")
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, "mosquitto", kills=KILLS, late_gateway=True)

    print(f"\nkills: {KILLS}, {after}", end="")
    assert after.is_equal


def test_a_twin_that_takes_the_brokers_word_loses_records(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, "mosquitto", kills=KILLS, twin=True, late_gateway=True)

    print(f"\nthe sabotaged twin, kills: {KILLS}, {after}", end="")
    assert after.missing
