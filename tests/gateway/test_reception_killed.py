"""Whatever moment a gateway ends at, what a kiosk has recorded is entered once, and the kiosk hears of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cast import company
from tests.gateway.dying_gateway import POINTS, TOO_EARLY
from tests.gateway.killing import kill

pytestmark = pytest.mark.enable_socket


def test_a_gateway_that_is_killed_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("mosquitto")
    url = f"sqlite:///{tmp_path / 'tandem.db'}"
    company(url).close()

    outcome = kill(url, tmp_path, [(point, passages) for point in POINTS for passages in (1, 2)])

    assert (outcome.kills, outcome.lost, outcome.doubled, outcome.undelivered) == (8, 0, 0, 0)
    assert outcome.recorded > 8


def test_a_gateway_that_sends_its_receipt_before_the_commit_is_found_to_lose(
    tmp_path: Path, program: Callable[[str], str]
) -> None:
    program("mosquitto")
    url = f"sqlite:///{tmp_path / 'tandem.db'}"
    company(url).close()

    outcome = kill(url, tmp_path, [(TOO_EARLY, 1)])

    assert outcome.kills == 1
    assert outcome.lost > 0
