"""Nothing is lost and nothing doubled when the broker dies; a kiosk that trusts its acknowledgement loses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cast import company
from tests.tandem.broker_kills import kill_again_and_again

pytestmark = [pytest.mark.enable_socket, pytest.mark.long]
KILLS = 2


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_a_broker_that_is_killed_under_load_loses_nothing_and_doubles_nothing(
    kind: str, tmp_path: Path, program: Callable[[str], str]
) -> None:
    if kind == "mosquitto":
        program("mosquitto")
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, kind, kills=KILLS, late_gateway=kind == "mosquitto")

    print(f"\n{kind}, {KILLS} kills: {after}", end="")
    assert after.is_equal


def test_a_twin_that_takes_the_brokers_word_loses_records(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    after = kill_again_and_again(tmp_path, ledger, "mosquitto", kills=KILLS, twin=True, late_gateway=True)

    print(f"\nthe sabotaged twin, {KILLS} kills: {after}", end="")
    assert after.missing
