"""The long versions of what tests/ledger proves: `make soak-ledger`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.database import Ledger
from tests.ledger.feed_race import ByInsertion, Outcome, Reader, race, readers
from tests.ledger.test_arrival_orders import compared
from tests.ledger.week_machine import make_up_weeks

RECORDS = 100_000
ORDERS, OF_ONE_WORLD = 1000, 100
WEEKS, STEPS = 2000, 50


def run(url: str, reading: list[Reader], *, batch: int, longest: float) -> list[Outcome]:
    ledger = Ledger(url)
    outcomes = race(ledger, reading, records=RECORDS, batch=batch, longest=longest)
    ledger.close()
    for reader, outcome in zip(reading, outcomes, strict=True):
        print(f"\n{type(reader).__name__} of {ledger.url.get_backend_name()}: {outcome}", end="")
    return outcomes


@pytest.mark.parametrize(("engine", "longest"), [("sqlite", 0.02), ("postgresql", 0.2)], ids=["sqlite", "postgresql"])
def test_four_readers_beside_eight_writers_skip_nothing_and_repeat_nothing(
    engine: str, longest: float, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'tandem.db'}" if engine == "sqlite" else request.getfixturevalue("postgres")()

    outcomes = run(url, readers(), batch=100, longest=longest)

    assert [(outcome.skipped, outcome.repeated) for outcome in outcomes] == [(0, 0)] * 4
    assert outcomes[0].entered == RECORDS


def test_a_reader_by_insertion_and_without_a_leader_skips_records(postgres: Callable[[], str]) -> None:
    [outcome] = run(postgres(), [ByInsertion(100)], batch=100, longest=0.2)

    assert outcome.skipped > 0


def test_every_order_of_arrival_comes_to_the_same_on_both_databases(postgres: Callable[[], str]) -> None:
    results, ways = set[str](), 0
    for first in range(0, ORDERS, OF_ONE_WORLD):
        found, histories = compared(range(first, first + OF_ONE_WORLD), "sqlite://", postgres())
        results, ways = results | found, ways + histories

    print(f"\n{ORDERS} orders on two databases went {ways} ways and came to {len(results)} result", end="")
    assert len(results) == 1


def test_whatever_happens_in_a_week_the_ledger_agrees_with_a_plain_calculation() -> None:
    make_up_weeks(examples=WEEKS, steps=STEPS)

    print(f"\n{WEEKS} weeks of {STEPS} steps agree with the plain calculation", end="")
