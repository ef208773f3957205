"""Claims about what a learner hears of the partner in passing: what this kiosk knows, and no more."""

import pytest

from kiosk.answers import Partner
from tests.kiosk.at_desk import Kiosk, kiosk
from tests.kiosk.cast import ANNS_BADGE, BOS_BADGE, MINUTE, ZOES_BADGE, a_roster, a_session, shows

__all__ = ["kiosk"]

ANN, BO = a_roster().learners
ANN, BO = ANN.model_copy(update={"partners": ("bo",)}), BO.model_copy(update={"partners": ("ann",)})


@pytest.fixture
def door(kiosk: Kiosk) -> Kiosk:
    """Let Ann and Bo learn together."""
    kiosk.book.take(a_roster(learners=(ANN, BO)))
    return kiosk


def test_whoever_comes_first_hears_that_the_partner_was_not_here_yet(door: Kiosk) -> None:
    assert door.sees(shows(ANNS_BADGE)).partners == (Partner(name="Bo Wang", whereabouts="expected"),)


def test_whoever_comes_second_hears_that_the_partner_is_here(door: Kiosk) -> None:
    door.sees(shows(BOS_BADGE))

    assert door.sees(shows(ANNS_BADGE)).partners == (Partner(name="Bo Wang", whereabouts="in"),)


def test_whoever_leaves_last_hears_that_the_partner_has_left(door: Kiosk) -> None:
    for badge in (ANNS_BADGE, BOS_BADGE):
        door.sees(shows(badge))
    door.sees(shows(BOS_BADGE), after=170 * MINUTE)

    assert door.sees(shows(ANNS_BADGE)).partners == (Partner(name="Bo Wang", whereabouts="left"),)


def test_a_partner_of_another_session_is_not_spoken_of(door: Kiosk) -> None:
    door.book.take(a_roster(a_session(learners=("ann",)), learners=(ANN, BO)))

    assert door.sees(shows(ANNS_BADGE)).partners == ()


def test_with_a_no_nobody_hears_of_anybody(door: Kiosk) -> None:
    assert door.sees(shows(ZOES_BADGE)).partners == ()
