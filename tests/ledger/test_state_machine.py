import pytest

from tests.ledger.week_machine import PEOPLE, SESSIONS, make_up_weeks, told


@pytest.mark.timeout(400)
def test_whatever_happens_in_a_week_the_ledger_agrees_with_a_plain_calculation() -> None:
    make_up_weeks(examples=200, steps=30)


def test_who_comes_to_sessions_that_lie_across_each_other_on_two_dates_is_settled_and_then_left_alone() -> None:
    with told() as week:
        for who in PEOPLE:
            week.attend(who, set(SESSIONS), late=0, early=0)
        week.compare()
