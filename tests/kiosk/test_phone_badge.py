"""Claims about the changing code on a learner's phone, read by a kiosk that asks nobody."""

from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.roster import RosterBook
from protocol.badge import ALLOWANCE, LIFE
from protocol.records import KioskRecord
from tests.kiosk.at_desk import Kiosk, kiosk, said
from tests.kiosk.cast import MINUTE, NINE, STRANGERS_KEY, a_roster, a_session, shows_phone

__all__ = ["kiosk"]

SECOND = timedelta(seconds=1)


def test_ann_shows_her_phone_and_is_in(kiosk: Kiosk) -> None:
    kiosk.online = False

    answer = kiosk.sees(shows_phone("ann"))

    assert said(answer) == ("green", "offline", "in")
    [record] = kiosk.kept()
    assert (record.method, record.learner, record.badge) == ("dynamic_badge", "ann", None)
    assert (record.code_at, record.offline) == (NINE, True)


def test_a_session_that_wants_more_than_paper_badges_takes_a_phone(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(a_session(least_assurance="dynamic_badge")))

    assert said(kiosk.sees(shows_phone("ann"))) == ("green", None, "in")


@pytest.mark.parametrize("late", [timedelta(0), LIFE, LIFE + ALLOWANCE], ids=["at once", "30 s", "30 s and 10 s"])
def test_a_code_is_good_for_its_life_and_what_clocks_may_be_off(kiosk: Kiosk, late: timedelta) -> None:
    assert kiosk.sees(shows_phone("ann"), after=late).kind == "green"


def test_a_picture_of_a_code_is_soon_worth_nothing(kiosk: Kiosk) -> None:
    answer = kiosk.sees(shows_phone("ann"), after=LIFE + ALLOWANCE + SECOND)

    assert said(answer) == ("red", "expired_code", None)
    [record] = kiosk.kept()
    assert (record.learner, record.refused, record.code_at) == ("ann", "expired_code", NINE)


def test_one_code_twice_is_one_arrival_that_is_kept_twice(kiosk: Kiosk) -> None:
    kiosk.sees(shows_phone("ann"))

    assert said(kiosk.sees(shows_phone("ann"), after=20 * SECOND)) == ("green", "already_in", "in")
    assert {(record.direction, record.code_at) for record in kiosk.kept()} == {("in", NINE)}


def test_a_phone_that_is_held_up_while_its_code_changes_is_one_arrival(kiosk: Kiosk) -> None:
    kiosk.sees(shows_phone("ann"))

    assert said(kiosk.sees(shows_phone("ann", made_at=NINE + 15 * SECOND), after=15 * SECOND)) == (
        "green",
        "already_in",
        "in",
    )


def test_a_kiosk_without_a_time_keeps_even_an_old_code_for_the_gateway_to_look_at(kiosk: Kiosk) -> None:
    kiosk.time.state = "unknown"

    answer = kiosk.sees(shows_phone("ann"), after=60 * MINUTE)

    assert (answer.kind, answer.code) == ("amber", "time_uncertain")
    [record] = kiosk.kept()
    assert (record.clock, record.amber, record.code_at) == ("unknown", True, NINE)


@pytest.mark.parametrize(
    ("ahead", "kind"), [(ALLOWANCE, "green"), (ALLOWANCE + SECOND, "amber"), (timedelta(days=365), "amber")]
)
def test_a_code_of_the_future_says_that_the_kiosks_clock_is_behind(kiosk: Kiosk, ahead: timedelta, kind: str) -> None:
    kiosk.sees(shows_phone("ann", made_at=NINE + ahead))

    [record] = kiosk.kept()
    assert (record.amber, record.clock) == ((True, "unknown") if kind == "amber" else (False, "synced"))


def test_nobody_but_the_gateway_makes_codes(kiosk: Kiosk) -> None:
    answer = kiosk.sees(shows_phone("ann", key=STRANGERS_KEY))

    assert said(answer) == ("red", "unknown_badge", None)
    assert kiosk.kept()[0].learner is None


def test_whoever_is_on_no_roster_is_refused_by_name(kiosk: Kiosk) -> None:
    assert said(kiosk.sees(shows_phone("zoe"))) == ("red", "not_on_roster", None)
    assert kiosk.kept()[0].learner == "zoe"


def test_after_a_power_cut_without_network_a_code_is_kept_amber_with_whom_it_names(
    kiosk: Kiosk, tmp_path: Path
) -> None:
    kiosk.book = RosterBook(tmp_path, now=kiosk.time)  # from what lies on the disk, which names nobody
    kiosk.restart()

    answer = kiosk.sees(shows_phone("ann"))

    assert (answer.kind, answer.name) == ("amber", None)
    assert kiosk.kept()[0].learner == "ann"


def test_a_record_of_before_there_were_phones_is_read_and_written_as_it_was(kiosk: Kiosk) -> None:
    line = (
        b'{"v":1,"id":"01956f2a-5d00-7000-8000-000000000001","stream":"00000000-0000-4000-8000-000000000001","seq":1,'
        b'"at":"2026-03-02T09:00:00.000Z","monotonic_ms":0,"boot":"00000000-0000-4000-8000-0000000000b0",'
        b'"clock":"synced","method":"static_badge","direction":"in","session":"order-101","room":"room-1",'
        b'"learner":"ann","badge":"0000000000004000800000000000a001","amber":false,"offline":false}'
    )

    assert KioskRecord.read(line).line() == line
