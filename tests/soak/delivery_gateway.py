"""The long versions of what tests/gateway proves of the gateway's side of delivery: `make soak-delivery`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cast import company
from tests.gateway.dying_gateway import POINTS, TOO_EARLY
from tests.gateway.killing import kill
from tests.gateway.poison import poisoned

pytestmark = pytest.mark.enable_socket

DEATHS = 25
"""At each of the four points, on each database: 200 together."""
MESSAGES, POISON = 10_000, 1000


def address(engine: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if engine == "sqlite":
        return f"sqlite:///{folder / 'tandem.db'}"
    return str(request.getfixturevalue("postgres")())


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_gateway_that_is_killed_a_hundred_times_loses_and_doubles_nothing(
    engine: str, tmp_path: Path, program: Callable[[str], str], request: pytest.FixtureRequest
) -> None:
    program("mosquitto")
    url = address(engine, tmp_path, request)
    company(url).close()

    outcome = kill(url, tmp_path, [(point, 1 + n % 3) for n in range(DEATHS) for point in POINTS], patience=60)

    print(f"\n{engine}: {outcome}", end="")
    assert (outcome.kills, outcome.lost, outcome.doubled, outcome.undelivered) == (len(POINTS) * DEATHS, 0, 0, 0)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_gateway_that_sends_its_receipts_before_the_commit_is_found_to_lose(
    engine: str, tmp_path: Path, program: Callable[[str], str], request: pytest.FixtureRequest
) -> None:
    program("mosquitto")
    url = address(engine, tmp_path, request)
    company(url).close()

    outcome = kill(url, tmp_path, [(TOO_EARLY, 1)] * 5, patience=60)

    print(f"\n{engine}, sabotaged: {outcome}", end="")
    assert outcome.lost > 0


def test_a_thousand_poisonous_messages_among_ten_thousand_take_none_with_them(database: str) -> None:
    ledger = company(database)

    outcome = poisoned(ledger, messages_=MESSAGES, poison=POISON)

    engine = ledger.url.get_backend_name()
    ledger.close()
    print(f"\n{engine}: {outcome.good} good, {outcome.entered} entered, dead letters {outcome.reasons}", end="")
    assert (outcome.entered, outcome.changed) == (outcome.good, 0)
    assert outcome.told.upto == outcome.good + len(outcome.unreadable)
    assert outcome.unreadable <= outcome.told.rejected.keys()
