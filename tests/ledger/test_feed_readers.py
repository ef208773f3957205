from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.database import Ledger
from tests.ledger.feed_race import ByInsertion, Outcome, race, readers


@pytest.fixture
def crowded(postgres: Callable[[], str]) -> str:
    """Give the address of an empty ledger that takes many writers at once."""
    return postgres()


def test_four_readers_beside_eight_writers_skip_nothing_and_repeat_nothing(crowded: str) -> None:
    ledger = Ledger(crowded)

    outcomes = race(ledger, readers(), records=5000, batch=12, longest=0.2)
    ledger.close()

    assert outcomes == [Outcome(entered=5000, skipped=0, repeated=0)] * 3 + [
        Outcome(entered=outcomes[3].entered, skipped=0, repeated=0)
    ]
    assert outcomes[3].entered > 2000


def test_writers_that_take_turns_on_sqlite_are_read_the_same_way(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'tandem.db'}")

    outcomes = race(ledger, readers(), records=5000, batch=50, longest=0.02)
    ledger.close()

    assert [(outcome.skipped, outcome.repeated) for outcome in outcomes] == [(0, 0)] * 4
    assert outcomes[0].entered == 5000


def test_a_reader_by_insertion_and_without_a_leader_skips_records(crowded: str) -> None:
    ledger = Ledger(crowded)

    [outcome] = race(ledger, [ByInsertion(100)], records=800, batch=12, longest=0.2)
    ledger.close()

    assert outcome.skipped > 0
