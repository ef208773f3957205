"""Settlement: what a learner's day comes to, the same for every order in which it became known."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from attendance.credit import PRESETS
from attendance.presence import Fact
from attendance.presence_check import PresenceCheck
from attendance.reasons import ReviewReason, text
from attendance.session import Session, Span
from attendance.settlement import Settled, settle_day

ZONE = "Asia/Shanghai"
CN_45 = PRESETS["cn-45"]
HALF_DAY = PRESETS["cn-half-day"]


def at(clock: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=ZoneInfo(ZONE))


def session(id: str = "order-101", start: str = "09:00", end: str = "12:00", **other: Any) -> Session:
    told: dict[str, Any] = {
        "course_id": "order-entry",
        "room_id": "room-1",
        "roster": frozenset({"ann", "bo"}),
        "starts_at": at(start),
        "ends_at": at(end),
    }
    return Session(id=id, zone=ZONE, **{**told, **other})


ORDER_101 = session(breaks=(Span(at("10:30"), at("10:45")),))


def facts(told: str, of: str = "order-101") -> list[Fact]:
    return [
        Fact(
            check_in_id=f"{of}-{seq}",
            session_id=of,
            direction="in" if word.startswith("in ") else "out",
            at=at(word.split()[1].rstrip("?")),
            stream="kiosk",
            seq=seq,
            uncertain=word.endswith("?"),
        )
        for seq, word in enumerate(told.split(", "))
    ]


TEN = PresenceCheck(id="check-1", session_id="order-101", asked_at=at("10:00"), answer_until=at("10:03"))


def settled(told: str, attended: Session = ORDER_101, **other: Any) -> Settled:
    return settle_day("ann", [attended], facts=facts(told), rules={"order-101": CN_45}, **other)


def test_an_hour_record_carries_what_hr_needs() -> None:
    [record] = settled("in 09:20, out 11:50").records

    assert (record.source_id, record.learner_id, record.effective_date) == ("order-101", "ann", date(2026, 11, 2))
    assert (record.minutes, record.credit, record.unit, record.rule) == (135, Decimal("3.0"), "学时", "cn-45@1")


def test_too_little_presence_is_a_record_of_nothing_that_says_why() -> None:
    [record] = settled("in 09:20, out 11:30").records

    assert (record.minutes, str(record.credit)) == (115, "0.0")
    assert "at least 80 % is needed" in record.explanation.sentence("en")


def test_a_session_on_review_gives_no_hour_record() -> None:
    result = settled("out 09:00, in 10:00")

    assert result.records == ()
    assert [review.reason for review in result.reviews] == ["out_without_in", "missing_out"]


# Facts that put a session on review, with a question mark behind a time that is uncertain, and checks.
REVIEWED: dict[ReviewReason, tuple[str, list[PresenceCheck]]] = {
    "time_uncertain": ("in 09:00?, out 12:00", []),
    "out_without_in": ("out 12:00", []),
    "missing_out": ("in 09:00", []),
    "missed_presence_check": ("in 09:00, out 12:00", [TEN]),
}


@pytest.mark.parametrize("reason", get_args(ReviewReason))
def test_every_reason_to_review_is_given_and_said(reason: ReviewReason) -> None:
    told, checks = REVIEWED[reason]

    result = settled(told, checks=checks)

    [review] = result.reviews
    assert (result.records, review.reason) == ((), reason)
    assert review.explanation.sentence("en").startswith(text(reason, "en"))
    assert review.explanation.sentence("zh").startswith(text(reason, "zh"))


def test_a_cancelled_session_gives_a_record_of_nothing() -> None:
    [record] = settled("in 09:00, out 12:00", replace(ORDER_101, cancelled=True)).records

    assert (record.minutes, str(record.credit)) == (0, "0.0")


def test_a_session_without_facts_gives_nothing() -> None:
    assert settle_day("ann", [ORDER_101], facts=[], rules={}) == Settled()


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        pytest.param("10:00", True, id="while it runs"),
        pytest.param("12:30:00", True, id="as the window closes"),
        pytest.param("12:30:01", False, id="after the window"),
    ],
)
def test_a_missing_out_is_not_missing_before_the_window_closes(now: str, is_open: bool) -> None:
    result = settled("in 09:00", now=at(now))

    assert result.open == (("order-101",) if is_open else ())
    assert len(result.reviews) == (0 if is_open else 1)


def test_the_cap_holds_for_one_rule_and_one_local_date() -> None:
    tomorrow = session("d", starts_at=at("09:00", 3), ends_at=at("12:00", 3))
    sessions = [session("a"), session("b", "13:00", "17:30"), session("c", "18:00", "20:00"), tomorrow]
    come_and_go = [
        fact
        for of in sessions
        for fact in (
            Fact(check_in_id=f"{of.id}-in", session_id=of.id, direction="in", at=of.starts_at),
            Fact(check_in_id=f"{of.id}-out", session_id=of.id, direction="out", at=of.ends_at),
        )
    ]
    rules = {"a": HALF_DAY, "b": HALF_DAY, "c": CN_45, "d": HALF_DAY}

    records = settle_day("ann", sessions, facts=come_and_go, rules=rules).records

    assert [(record.source_id, str(record.credit)) for record in records] == [
        ("a", "3"), ("b", "3"), ("c", "2.5"), ("d", "3")
    ]  # fmt: skip


def test_a_new_version_of_a_rule_does_not_open_the_cap_again() -> None:
    both = [*facts("in 09:00, out 12:00"), *facts("in 13:00, out 17:30", "b")]

    records = settle_day(
        "ann",
        [ORDER_101, session("b", "13:00", "17:30")],
        facts=both,
        rules={"order-101": HALF_DAY, "b": replace(HALF_DAY, version=2)},
    ).records

    assert [str(record.credit) for record in records] == ["3", "3"]


def test_a_hundred_orders_of_arrival_settle_alike() -> None:
    luck = random.Random(101)
    sessions = [
        ORDER_101,
        session("b", "11:00", "14:00"),
        session("c", "15:00", "18:00"),
        session("d", "15:00", "17:00"),
    ]
    told = [
        *facts("in 09:03, in 09:03:30, out 10:20, in 10:50, out 12:00"),
        *facts("in 12:00, out 14:10", "b"),
        *facts("in 15:00, out 18:00", "c"),
        *facts("in 15:04", "d"),
    ]
    rules = {of.id: replace(CN_45, daily_cap=Decimal(6)) for of in sessions}
    expected = settle_day("ann", sessions, facts=told, rules=rules)

    for _ in range(100):
        luck.shuffle(sessions)
        luck.shuffle(told)
        result = settle_day("ann", sessions, facts=told, rules=rules)

        assert result == expected
        assert [list(record.explanation.to_json().items()) for record in result.records] == [
            list(record.explanation.to_json().items()) for record in expected.records
        ]
    assert [(record.source_id, str(record.credit)) for record in expected.records] == [
        ("order-101", "3.0"), ("b", "0.0"), ("c", "3.0")
    ]  # fmt: skip
    assert [review.session_id for review in expected.reviews] == ["d"]


def test_the_same_check_in_told_twice_counts_once() -> None:
    once = facts("in 09:10, out 11:50")

    twice = settle_day("ann", [ORDER_101], facts=[*once, *once], rules={"order-101": CN_45})

    [record] = twice.records
    assert (record.minutes, record.credit) == (145, Decimal("3.0"))


def test_a_late_record_changes_only_what_it_tells() -> None:
    before = settled("in 09:00")
    after = settled("in 09:00, out 12:00")

    assert [review.reason for review in before.reviews] == ["missing_out"]
    assert [str(record.credit) for record in after.records] == ["3.5"]
    assert after.records[0].effective_date == ORDER_101.local_date


def test_a_night_session_counts_for_the_date_of_its_start() -> None:
    night = session("night", starts_at=at("22:00"), ends_at=at("22:00") + timedelta(hours=4))
    scans = [
        Fact(check_in_id="1", session_id="night", direction="in", at=night.starts_at),
        Fact(check_in_id="2", session_id="night", direction="out", at=night.ends_at),
    ]

    [record] = settle_day("ann", [night], facts=scans, rules={"night": CN_45}).records

    assert (record.effective_date, record.minutes) == (date(2026, 11, 2), 240)
