"""Claims about the desk, told by Ann, Bo and strangers."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kiosk.desk import FORGED_WITHIN, MOST_FORGED, PATIENCE
from kiosk.look import BadgeSeen, FaceSeen, Sighting, StrangerSeen, TwoBadges
from kiosk.memory import AGAIN
from kiosk.outbox import OutboxError
from kiosk.roster import RosterBook
from protocol.records import KioskRecord
from protocol.roster import Roster
from tests.kiosk.at_desk import Kiosk, kiosk, said
from tests.kiosk.cast import (
    ANNS_BADGE,
    BOS_BADGE,
    BOX,
    LOST_BADGE,
    MINUTE,
    NINE,
    NOON,
    STRANGERS_KEY,
    STREAM,
    ZOES_BADGE,
    a_roster,
    a_session,
    shows,
)

__all__ = ["kiosk"]

ANN = shows(ANNS_BADGE)
BO = FaceSeen(learner_id="bo", distance=0.3)


# Yes


def test_ann_shows_her_badge_and_is_in(kiosk: Kiosk) -> None:
    answer = kiosk.sees(ANN)

    assert said(answer) == ("green", None, "in")
    assert (answer.name, answer.role, answer.title, answer.title_zh) == (
        "Ann Li",
        "clerk",
        "Order handling",
        "订单处理",
    )
    [record] = kiosk.kept()
    assert record == answer.record
    assert (record.learner, record.session, record.direction, record.room) == ("ann", "order-101", "in", "room-1")
    assert (record.method, record.badge, record.refused, record.amber) == ("static_badge", ANNS_BADGE.hex, None, False)
    assert (record.seq, record.at, record.id.version) == (1, NINE, 7)


def test_bo_is_recognised_and_is_in(kiosk: Kiosk) -> None:
    answer = kiosk.sees(BO)

    assert (answer.kind, answer.name) == ("green", "Bo Wang")
    [record] = kiosk.kept()
    assert (record.method, record.learner, record.badge) == ("face", "bo", None)


def test_green_is_on_disk_before_it_is_said(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(make: Callable[[int], KioskRecord]) -> KioskRecord:
        raise OutboxError

    monkeypatch.setattr(kiosk.outbox, "put", full)

    with pytest.raises(OutboxError):
        kiosk.desk.decide(ANN)


def test_a_record_that_was_not_kept_did_not_happen(kiosk: Kiosk) -> None:
    kiosk.outbox._db.execute("PRAGMA query_only = ON")
    with pytest.raises(OutboxError):
        kiosk.desk.decide(ANN)
    kiosk.outbox._db.execute("PRAGMA query_only = OFF")

    assert said(kiosk.sees(ANN, after=MINUTE)) == ("green", None, "in")


def test_ann_is_late_and_is_told(kiosk: Kiosk) -> None:
    assert said(kiosk.sees(ANN, after=6 * MINUTE)) == ("green", "late", "in")


def test_without_the_uplink_the_record_says_so(kiosk: Kiosk) -> None:
    kiosk.online = False

    assert said(kiosk.sees(ANN)) == ("green", "offline", "in")
    assert kiosk.kept()[0].offline


def test_answers_are_numbered_upwards(kiosk: Kiosk) -> None:
    answers = [kiosk.sees(sighting) for sighting in (ANN, StrangerSeen(), BO, TwoBadges(count=2))]

    assert [answer.number for answer in answers] == sorted({answer.number for answer in answers})


# In and out


def test_near_the_end_ann_is_out(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)

    assert said(kiosk.sees(ANN, after=NOON - NINE)) == ("green", None, "out")


def test_twice_within_a_minute_is_kept_twice_and_not_asked_about(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)

    assert said(kiosk.sees(ANN, after=AGAIN)) == ("green", "already_in", "in")
    assert [record.direction for record in kiosk.kept()] == ["in", "in"]


def test_the_minute_counts_from_the_first_scan(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=AGAIN / 2)

    assert kiosk.sees(ANN, after=AGAIN / 2 + timedelta(seconds=1)).kind == "ask_direction"


def test_leaving_twice_is_leaving(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=NOON - NINE)

    assert said(kiosk.sees(ANN, after=timedelta(seconds=30))) == ("green", None, "out")
    assert said(kiosk.sees(ANN, after=5 * MINUTE)) == ("green", None, "out")


def test_leaving_without_having_come_is_kept_with_a_hint(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(direction="out"))

    assert said(kiosk.sees(ANN)) == ("green", "not_in", "out")


def test_a_kiosk_for_arrivals_never_asks(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(direction="in"))
    kiosk.sees(ANN)

    assert said(kiosk.sees(ANN, after=60 * MINUTE)) == ("green", "already_in", "in")


def test_in_the_middle_the_screen_asks_and_keeps_nothing_yet(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)

    answer = kiosk.sees(ANN, after=60 * MINUTE)

    assert (answer.kind, answer.name, answer.title) == ("ask_direction", "Ann Li", "Order handling")
    assert answer.record is None
    assert len(kiosk.kept()) == 1


@pytest.mark.parametrize(
    "shown", [BadgeSeen(text="https://example.com"), TwoBadges(count=2)], ids=["a poster", "two badges"]
)
def test_a_hint_does_not_take_the_question_away(kiosk: Kiosk, shown: Sighting) -> None:
    kiosk.sees(ANN)
    asked = kiosk.sees(ANN, after=60 * MINUTE)

    kiosk.sees(shown)

    answer = kiosk.desk.answer_direction(asked.number, "out")
    assert answer is not None
    assert (answer.kind, answer.direction) == ("green", "out")


@pytest.mark.parametrize("direction, code", [("out", None), ("in", "already_in")])
def test_the_learners_word_is_kept_with_the_time_of_the_scan(kiosk: Kiosk, direction: Any, code: str) -> None:
    kiosk.sees(ANN)
    asked = kiosk.sees(ANN, after=60 * MINUTE)
    kiosk.time.now += timedelta(seconds=5)

    answer = kiosk.chooses(direction)

    assert answer is not None
    assert said(answer) == ("green", code, direction)
    assert answer.record is not None
    assert answer.record.at == asked.at


def test_a_question_is_answered_once(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=60 * MINUTE)
    kiosk.chooses("out")

    assert kiosk.chooses("out") is None
    assert len(kiosk.kept()) == 2


def test_a_late_touch_does_not_answer_for_somebody_who_has_gone(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=60 * MINUTE)
    kiosk.time.now += PATIENCE + timedelta(seconds=1)

    assert kiosk.chooses("out") is None


def test_a_clock_that_was_put_back_keeps_no_question_open(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=60 * MINUTE)
    kiosk.time.put_back(30 * MINUTE)
    kiosk.time.now += PATIENCE + timedelta(seconds=1)

    assert kiosk.chooses("out") is None


def test_a_touch_for_the_question_before_does_not_answer_this_one(kiosk: Kiosk) -> None:
    anns = kiosk.sees(ANN).number + 2
    kiosk.sees(shows(BOS_BADGE))
    kiosk.sees(ANN, after=60 * MINUTE)
    bos = kiosk.sees(shows(BOS_BADGE))

    assert kiosk.desk.answer_direction(anns, "out") is None
    answer = kiosk.desk.answer_direction(bos.number, "out")
    assert answer is not None
    assert answer.name == "Bo Wang"


def test_another_badge_takes_the_place_of_the_question(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=60 * MINUTE)
    kiosk.sees(shows(BOS_BADGE))

    assert kiosk.chooses("out") is None


def test_a_passer_by_does_not_take_the_question_away(kiosk: Kiosk) -> None:
    kiosk.sees(BO)
    kiosk.sees(BO, after=60 * MINUTE)

    assert kiosk.desk.decide(StrangerSeen()) is None
    assert kiosk.desk.decide(BO) is None
    assert kiosk.chooses("out") is not None


def test_whoever_went_out_for_a_while_may_come_back(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.sees(ANN, after=30 * MINUTE)
    kiosk.chooses("out")

    assert kiosk.sees(ANN, after=30 * MINUTE).kind == "ask_direction"
    back = kiosk.chooses("in")
    assert back is not None
    assert said(back) == ("green", None, "in")


def test_one_scan_between_two_sessions_is_out_and_in(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(a_session(), a_session("order-102", starts_at=NOON)))
    kiosk.sees(ANN)

    answer = kiosk.sees(ANN, after=NOON - NINE)

    assert (answer.kind, answer.session_id) == ("green", "order-102")
    assert [(record.session, record.direction) for record in answer.records] == [
        ("order-101", "out"),
        ("order-102", "in"),
    ]
    assert len({record.id for record in kiosk.kept()}) == 3


def test_a_restarted_kiosk_knows_who_is_in(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    kiosk.restart()

    assert kiosk.sees(ANN, after=60 * MINUTE).kind == "ask_direction"
    assert kiosk.sees(shows(BOS_BADGE)).direction == "in"


def test_yesterday_is_forgotten(kiosk: Kiosk) -> None:
    kiosk.sees(ANN)
    tomorrow = NINE + timedelta(days=1)
    kiosk.book.take(a_roster(a_session(starts_at=tomorrow), good_until=tomorrow + timedelta(hours=9)))

    assert said(kiosk.sees(ANN, after=timedelta(days=1))) == ("green", None, "in")


# No

EXPIRED = shows(ANNS_BADGE, expires_at=NINE - MINUTE)
FORGED = shows(ANNS_BADGE, key=STRANGERS_KEY)


@pytest.mark.parametrize(
    "badge, reason",
    [
        (shows(ZOES_BADGE), "not_on_roster"),
        (FORGED, "unknown_badge"),
        (shows(LOST_BADGE), "revoked_badge"),
        (EXPIRED, "expired_code"),
    ],
    ids=["a colleague's badge", "a badge that nobody signed", "a revoked badge", "an expired badge"],
)
def test_a_refused_badge_is_told_why_and_kept(kiosk: Kiosk, badge: BadgeSeen, reason: str) -> None:
    answer = kiosk.sees(badge)

    assert said(answer) == ("red", reason, None)
    [record] = kiosk.kept()
    assert (record.refused, record.session, record.method) == (reason, None, "static_badge")
    assert record.badge is not None


def test_a_forged_badge_is_kept_under_its_digest_and_names_nobody(kiosk: Kiosk) -> None:
    record = kiosk.sees(FORGED).record

    assert record is not None
    assert record.learner is None
    assert record.badge not in (None, ANNS_BADGE.hex)
    assert kiosk.sees(FORGED).record != record
    assert {one.badge for one in kiosk.kept()} == {record.badge}


def test_a_display_that_plays_forged_badges_does_not_fill_the_disk(kiosk: Kiosk) -> None:
    kinds = {kiosk.sees(FORGED).kind for _ in range(MOST_FORGED + 30)}
    kept = len(kiosk.kept())
    later = kiosk.sees(FORGED, after=FORGED_WITHIN)

    assert (kinds, kept) == ({"red"}, MOST_FORGED)
    assert later.record is not None
    assert kiosk.sees(ANN).kind == "green"


def test_an_unknown_badge_names_nobody_but_itself(kiosk: Kiosk) -> None:
    record = kiosk.sees(shows(ZOES_BADGE)).record

    assert record is not None
    assert (record.learner, record.badge) == (None, ZOES_BADGE.hex)


OTHER_ROOM = a_session(room="room-2", room_name="Room 2")
SESSIONS = {
    "session_cancelled": a_session(cancelled=True),
    "too_early": a_session(starts_at=NOON),
    "session_over": a_session(starts_at=NINE - timedelta(hours=5)),
    "wrong_room": OTHER_ROOM,
    "no_session_now": a_session(learners=("bo",), room="room-2"),
    "method_not_allowed": a_session(methods=("face",)),
    "assurance_too_low": a_session(least_assurance="face"),
}


@pytest.mark.parametrize("reason, session", SESSIONS.items(), ids=SESSIONS)
def test_ann_is_refused_with_the_reason_of_the_rules(kiosk: Kiosk, reason: str, session: Any) -> None:
    kiosk.book.take(a_roster(session))

    answer = kiosk.sees(ANN)

    assert (answer.kind, answer.code, answer.name) == ("red", reason, "Ann Li")
    [record] = kiosk.kept()
    assert (record.refused, record.session, record.learner) == (reason, None, "ann")


def test_in_the_wrong_room_the_screen_says_where_to_go(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(OTHER_ROOM))

    answer = kiosk.sees(ANN)

    assert (answer.title, answer.room_name) == ("Order handling", "Room 2")


def test_whoever_was_refused_is_not_in(kiosk: Kiosk) -> None:
    kiosk.sees(shows(LOST_BADGE))

    assert said(kiosk.sees(ANN)) == ("green", None, "in")


# Nothing is kept of what is nobody's business


@pytest.mark.parametrize(
    "sighting, kind",
    [
        (StrangerSeen(), "ask_badge"),
        (FaceSeen(learner_id="zoe", distance=0.3), "ask_badge"),
        (FaceSeen(learner_id="ann", distance=0.3), "ask_badge"),
        (TwoBadges(count=2), "one_badge"),
        (BadgeSeen(text="https://example.com", box=BOX), "not_a_badge"),
        (BadgeSeen(text="T1:ABC", box=BOX), "not_a_badge"),
    ],
    ids=[
        "a stranger",
        "a face of another day",
        "a face without consent",
        "two badges",
        "a web address",
        "half a badge",
    ],
)
def test_nothing_is_kept_of(kiosk: Kiosk, sighting: Sighting, kind: str) -> None:
    answer = kiosk.sees(sighting)

    assert (answer.kind, answer.name, answer.record) == (kind, None, None)
    assert kiosk.kept() == []


# Amber: roster or clock cannot be relied on


def test_after_the_lease_a_genuine_badge_is_kept_without_a_name(kiosk: Kiosk) -> None:
    answer = kiosk.sees(ANN, after=timedelta(days=2))

    assert (answer.kind, answer.name, answer.session_id) == ("amber", None, None)
    [record] = kiosk.kept()
    assert (record.amber, record.learner, record.badge, record.refused) == (True, None, ANNS_BADGE.hex, None)
    assert (record.session, record.direction, record.room) == (None, None, "room-1")


def test_after_a_power_cut_without_network_badges_are_verified_all_the_same(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.book = RosterBook(tmp_path, now=kiosk.time)
    kiosk.restart()

    assert [kiosk.sees(badge).kind for badge in (ANN, FORGED, shows(LOST_BADGE))] == ["amber", "red", "red"]


def test_a_kiosk_at_the_way_in_knows_the_direction_without_a_roster(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(direction="in"))

    answer = kiosk.sees(ANN, after=timedelta(days=2))

    assert (answer.kind, answer.direction) == ("amber", "in")


def test_with_a_clock_that_nobody_set_it_is_amber(kiosk: Kiosk) -> None:
    kiosk.time.state = "unknown"

    assert said(kiosk.sees(ANN)) == ("amber", "time_uncertain", "in")
    assert (kiosk.kept()[0].clock, kiosk.kept()[0].amber) == ("unknown", True)


@pytest.mark.parametrize("years", [-56, 3], ids=["in 1970", "in the future"])
def test_a_wrong_clock_refuses_nobody(kiosk: Kiosk, years: int) -> None:
    kiosk.time.state = "unknown"
    kiosk.book.take(a_roster(good_until=NINE + timedelta(days=4000)))

    answer = kiosk.sees(shows(ANNS_BADGE, expires_at=NINE + timedelta(days=1)), after=timedelta(days=365 * years))

    assert said(answer) == ("amber", "time_uncertain", None)
    [record] = kiosk.kept()
    assert (record.learner, record.session, record.refused) == ("ann", None, None)


def test_a_free_running_clock_is_good_enough(kiosk: Kiosk) -> None:
    kiosk.time.state = "free_running"

    assert kiosk.sees(ANN).kind == "green"
    assert kiosk.kept()[0].clock == "free_running"


# The book as the desk sees it


def test_a_new_roster_counts_from_the_next_scan(kiosk: Kiosk) -> None:
    kiosk.sees(shows(ZOES_BADGE))
    roster: Roster = a_roster()
    zoe = roster.learners[0].model_copy(update={"id": "zoe", "name": "Zoe", "badges": (ZOES_BADGE,)})
    kiosk.book.take(a_roster(a_session(learners=("zoe",)), learners=(zoe,)))

    assert kiosk.sees(shows(ZOES_BADGE)).name == "Zoe"


def test_the_record_speaks_of_the_boot_and_its_clock(kiosk: Kiosk) -> None:
    kiosk.sees(ANN, after=MINUTE)

    [record] = kiosk.kept()
    assert (record.monotonic_ms, record.stream) == (60_000, STREAM)
    assert isinstance(record.boot, UUID)
