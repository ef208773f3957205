"""Which session a sighting belongs to, and whether the learner comes or goes."""

from datetime import datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from attendance.direction import Ask, Change, Choice, Enter, Leave, choose, hint
from attendance.reasons import Hint, Reason, Refused
from attendance.session import Session

ZONE = "Asia/Shanghai"


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-02T{clock}").replace(tzinfo=ZoneInfo(ZONE))


def session(id: str = "order-101", start: str = "09:00", end: str = "12:00", **other: Any) -> Session:
    told: dict[str, Any] = {"course_id": "order-entry", "room_id": "room-1", "roster": frozenset({"ann", "bo"})}
    return Session(id=id, starts_at=at(start), ends_at=at(end), zone=ZONE, **{**told, **other})


ORDER_101 = session()
ORDER_102 = session("order-102", "12:00", "14:00")
REVIEW_7 = session("review-7", "10:00", "11:00", room_id="room-2", roster=frozenset({"ann"}))


def chosen(*sessions: Session, clock: str, learner: str = "ann", **other: Any) -> Choice:
    told: dict[str, Any] = {"room_id": "room-1", "inside": None, "setting": "auto"}
    return choose(sessions, learner, at=at(clock), **{**told, **other})


@pytest.mark.parametrize(
    ("clock", "found"),
    [
        pytest.param("08:29:59", Refused("too_early"), id="a second before the window"),
        pytest.param("08:30:00", Enter(ORDER_101), id="the window opens 30 minutes before the start"),
        pytest.param("12:30:00", Enter(ORDER_101), id="the window closes 30 minutes after the end"),
        pytest.param("12:30:01", Refused("session_over"), id="a second after the window"),
    ],
)
def test_the_bounds_of_the_window_belong_to_it(clock: str, found: Choice) -> None:
    assert chosen(ORDER_101, clock=clock) == found


def test_a_fraction_of_a_second_never_closes_the_window() -> None:
    assert chosen(ORDER_101, clock="12:30:00.900") == Enter(ORDER_101)


@pytest.mark.parametrize(
    ("setting", "clock", "inside", "seen", "found"),
    [
        pytest.param("in", "10:00", None, (), Enter(ORDER_101), id="a way in takes everybody in"),
        pytest.param("in", "11:50", "order-101", (), Enter(ORDER_101), id="a way in takes nobody out"),
        pytest.param("out", "09:01", None, (), Leave(ORDER_101), id="a way out takes everybody out"),
        pytest.param("auto", "09:00", None, (), Enter(ORDER_101), id="auto: the first sighting is in"),
        pytest.param(
            "auto", "11:50", None, (), Enter(ORDER_101), id="auto: the first sighting is in, also near the end"
        ),
        pytest.param("auto", "10:20", "order-101", (), Ask(ORDER_101), id="auto: in the middle it asks who is in"),
        pytest.param(
            "auto", "10:50", None, ("order-101",), Ask(ORDER_101), id="auto: in the middle it asks who was in"
        ),
        pytest.param(
            "auto", "11:44:59", "order-101", (), Ask(ORDER_101), id="auto: a second before the last 15 minutes"
        ),
        pytest.param(
            "auto", "11:45:00", "order-101", (), Leave(ORDER_101), id="auto: out from 15 minutes before the end"
        ),
        pytest.param("auto", "11:58", None, ("order-101",), Leave(ORDER_101), id="auto: out again near the end is out"),
        pytest.param("auto", "12:20", "order-101", (), Leave(ORDER_101), id="auto: out after the end"),
    ],
)
def test_the_setting_decides_the_direction(
    setting: str, clock: str, inside: str | None, seen: tuple[str, ...], found: Choice
) -> None:
    assert chosen(ORDER_101, clock=clock, setting=setting, inside=inside, seen=frozenset(seen)) == found


@pytest.mark.parametrize(
    ("setting", "clock", "inside", "found"),
    [
        pytest.param("auto", "11:44", "order-101", Ask(ORDER_101), id="before the change it asks"),
        pytest.param("auto", "11:58", "order-101", Change(ORDER_101, ORDER_102), id="before the end of the first"),
        pytest.param("auto", "12:00", "order-101", Change(ORDER_101, ORDER_102), id="at the very change"),
        pytest.param("auto", "12:10", "order-101", Change(ORDER_101, ORDER_102), id="after the start of the second"),
        pytest.param("in", "12:00", "order-101", Change(ORDER_101, ORDER_102), id="also on a way in"),
        pytest.param("out", "12:00", "order-101", Leave(ORDER_101), id="but a way out only lets out"),
        pytest.param("auto", "12:00", None, Enter(ORDER_102), id="who was not in the first enters the second"),
        pytest.param("auto", "12:10", "order-102", Ask(ORDER_102), id="the scan after the change asks"),
    ],
)
def test_one_scan_at_the_change_is_out_of_the_first_and_in_to_the_second(
    setting: str, clock: str, inside: str | None, found: Choice
) -> None:
    assert chosen(ORDER_102, ORDER_101, clock=clock, setting=setting, inside=inside) == found


def test_whoever_is_not_on_the_second_roster_only_leaves_the_first() -> None:
    second = session("order-102", "12:00", "14:00", roster=frozenset({"bo"}))

    assert chosen(ORDER_101, second, clock="12:00", inside="order-101") == Leave(ORDER_101)


def test_a_pause_of_more_than_15_minutes_is_no_change() -> None:
    after_lunch = session("order-102", "12:16", "14:00")

    assert chosen(ORDER_101, after_lunch, clock="11:58", inside="order-101") == Leave(ORDER_101)


def test_the_session_the_learner_is_in_comes_before_a_nearer_start() -> None:
    later = session("order-102", "10:00", "13:00")

    assert chosen(ORDER_101, later, clock="10:00", inside="order-101", setting="out") == Leave(ORDER_101)


def test_the_nearest_start_is_taken_otherwise() -> None:
    assert chosen(ORDER_101, ORDER_102, clock="10:00", setting="in") == Enter(ORDER_101)
    assert chosen(ORDER_101, ORDER_102, clock="11:40", setting="in") == Enter(ORDER_102)


def test_of_two_equally_near_the_lower_id_is_taken() -> None:
    twin = session("order-100")

    assert chosen(ORDER_101, twin, clock="09:00") == Enter(twin)


def test_a_phone_is_in_no_room_and_finds_the_session_in_any() -> None:
    assert chosen(REVIEW_7, clock="10:00", room_id=None) == Enter(REVIEW_7)


def test_a_cancelled_session_does_not_hide_the_one_that_is_held() -> None:
    cancelled = session("order-100", cancelled=True)

    assert chosen(cancelled, ORDER_101, clock="09:00") == Enter(ORDER_101)


@pytest.mark.parametrize(
    ("sessions", "learner", "clock", "reason"),
    [
        pytest.param((ORDER_101,), "stranger", "09:00", "not_on_roster", id="the room has a session, not for them"),
        pytest.param((REVIEW_7,), "ann", "10:00", "wrong_room", id="their session is in another room"),
        pytest.param((session(cancelled=True),), "ann", "09:00", "session_cancelled", id="their session is cancelled"),
        pytest.param((ORDER_101,), "ann", "07:00", "too_early", id="their session comes later"),
        pytest.param((ORDER_101,), "ann", "15:00", "session_over", id="their session was earlier"),
        pytest.param((ORDER_101, session("s", "18:00", "20:00")), "ann", "15:00", "too_early", id="one was, one comes"),
        pytest.param((ORDER_101,), "stranger", "15:00", "no_session_now", id="nothing is on"),
        pytest.param((), "ann", "09:00", "no_session_now", id="nothing is known"),
        pytest.param(
            (session(roster=frozenset()), REVIEW_7), "ann", "10:00", "wrong_room", id="their own session comes first"
        ),
    ],
)
def test_no_session_has_its_reason(sessions: tuple[Session, ...], learner: str, clock: str, reason: Reason) -> None:
    assert chosen(*sessions, learner=learner, clock=clock) == Refused(reason)


def test_tomorrows_session_does_not_make_anybody_too_early_today() -> None:
    the_day_before = at("09:00") - timedelta(days=1)

    choice = choose([ORDER_101], "ann", room_id="room-1", inside=None, at=the_day_before, setting="auto")

    assert choice == Refused("no_session_now")


HINTED: dict[Hint, tuple[Choice, str | None]] = {
    "already_in": (Enter(ORDER_101), "order-101"),
    "not_in": (Leave(ORDER_101), None),
}


@pytest.mark.parametrize("code", get_args(Hint))
def test_the_screen_gives_a_hint_about_a_forgotten_scan(code: Hint) -> None:
    assert hint(*HINTED[code]) == code


@pytest.mark.parametrize(
    ("choice", "inside"),
    [
        pytest.param(Enter(ORDER_101), None, id="in"),
        pytest.param(Leave(ORDER_101), "order-101", id="out"),
        pytest.param(Ask(ORDER_101), "order-101", id="asked"),
        pytest.param(Change(ORDER_101, ORDER_102), "order-101", id="change"),
        pytest.param(Refused("too_early"), None, id="refused"),
    ],
)
def test_nothing_forgotten_needs_no_hint(choice: Choice, inside: str | None) -> None:
    assert hint(choice, inside) is None


def test_an_instant_without_a_zone_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        choose([ORDER_101], "ann", room_id="room-1", inside=None, at=at("09:00").replace(tzinfo=None), setting="auto")
