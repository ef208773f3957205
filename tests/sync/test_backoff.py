"""When to try again, and when to leave a target alone."""

from datetime import timedelta

import pytest

from sync.backoff import Backoff, Breaker
from tests.sync.cast import NINE

SECOND = timedelta(seconds=1)
HALF_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("attempts", "luck", "wait"),
    [
        pytest.param(1, 1.0, 4 * SECOND, id="first retry at the latest"),
        pytest.param(1, 0.0, 0 * SECOND, id="first retry at the earliest"),
        pytest.param(3, 0.5, 8 * SECOND, id="the wait doubles"),
        pytest.param(20, 1.0, HALF_HOUR, id="up to the longest"),
        pytest.param(10_000, 1.0, HALF_HOUR, id="however often"),
    ],
)
def test_the_wait(attempts: int, luck: float, wait: timedelta) -> None:
    assert Backoff().next_attempt(attempts, now=NINE, luck=luck) == NINE + wait


def test_a_target_that_fails_several_times_in_a_row_is_left_alone_and_then_probed() -> None:
    breaker = Breaker(after=3)

    for _ in range(2):
        breaker = breaker.failed(now=NINE, luck=1.0)
    assert (breaker.lets_through(NINE), breaker.is_probing) == (True, False)
    breaker = breaker.failed(now=NINE, luck=1.0)

    assert not breaker.lets_through(NINE + 15 * SECOND)
    assert breaker.lets_through(NINE + 16 * SECOND)
    assert breaker.is_probing


def test_one_answer_closes_the_breaker_and_a_failed_probe_opens_it_for_longer() -> None:
    breaker = Breaker(after=1).failed(now=NINE, luck=1.0)
    assert breaker.lets_through(NINE + 4 * SECOND)

    worse = breaker.failed(now=NINE, luck=1.0)

    assert not worse.lets_through(NINE + 7 * SECOND)
    assert breaker.passed() == Breaker(after=1)


def test_what_the_target_asked_for_counts_from_the_first_time() -> None:
    asked = Breaker(after=5).failed(now=NINE, luck=0.5, not_before=NINE + 60 * SECOND)

    assert not asked.lets_through(NINE + 59 * SECOND)
    assert asked.lets_through(NINE + 60 * SECOND)


def test_what_a_person_has_to_mend_is_looked_at_again_after_the_longest_wait_only() -> None:
    stopped = Breaker().stopped(now=NINE)

    assert not stopped.lets_through(NINE + HALF_HOUR - SECOND)
    assert stopped.lets_through(NINE + HALF_HOUR)
