"""Failures are counted for a while, and never more of them than fit."""

from datetime import timedelta

from gateway import limits
from gateway.limits import Limit
from tests.gateway.cast import NINE


def test_a_name_waits_until_its_oldest_failure_is_past() -> None:
    limit = Limit(most=2)
    limit.failed("eve", NINE)
    limit.failed("eve", NINE + timedelta(minutes=5))

    assert limit.wait("eve", NINE + timedelta(minutes=5)) == 600
    assert limit.wait("ann", NINE + timedelta(minutes=5)) == 0
    assert limit.wait("eve", NINE + timedelta(minutes=15)) == 0


def test_who_proves_themselves_starts_anew() -> None:
    limit = Limit(most=1)
    limit.failed("ann", NINE)

    limit.passed("ann")

    assert limit.wait("ann", NINE) == 0


def test_ever_new_names_do_not_fill_the_memory() -> None:
    limit = Limit(most=1)

    for number in range(limits.MOST_NAMES + 5):
        limit.failed(str(number), NINE)

    assert limit.wait("0", NINE) == 0
    assert limit.wait(str(limits.MOST_NAMES), NINE) > 0
