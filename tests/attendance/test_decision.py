"""Decisions and corrections: what a trainer makes of a session, and how settlement takes it."""

import json
import random
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from attendance.credit import PRESETS
from attendance.decision import Decision, DecisionKind
from attendance.presence import Fact
from attendance.reasons import Language
from attendance.session import Session, Span
from attendance.settlement import Settled, open_until, settle_day
from attendance.wording import sentence
from tests.attendance.couple import ZONE, at

CN_45 = PRESETS["cn-45"]
ORDER_101 = Session(
    id="order-101", course_id="order-entry", room_id="room-1", starts_at=at("09:00"), ends_at=at("12:00"), zone=ZONE,
    breaks=(Span(at("10:30"), at("10:45")),), roster=frozenset({"ann", "bo"}),
)  # fmt: skip


def facts(told: str, of: str = "order-101") -> list[Fact]:
    """Read facts such as "in 09:00, out 12:00?"; a question mark makes the time uncertain."""
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
        if word
    ]


def decided(kind: DecisionKind, clock: str = "", id: str = "decision-1", **other: Any) -> Decision:
    told: dict[str, Any] = {"session_id": "order-101", "learner_id": "ann", "reason": "Ann told me", "by": "trainer-7"}
    return Decision(id=id, kind=kind, at=at(clock) if clock else None, **{**told, **other})


def settled(told: str, *decisions: Decision, **other: Any) -> Settled:
    return settle_day("ann", [ORDER_101], facts=facts(told), rules={"order-101": CN_45}, decisions=decisions, **other)


@pytest.mark.parametrize(
    ("told", "decisions", "minutes", "credit"),
    [
        pytest.param("in 09:00", [decided("add_out", "12:00")], 165, "3.5", id="missing_out, add_out"),
        pytest.param("in 09:00", [decided("add_out", "11:30")], 135, "3.0", id="missing_out, an earlier out"),
        pytest.param("in 09:00", [decided("nothing")], 0, "0.0", id="missing_out, nothing"),
        pytest.param("out 12:00", [decided("add_in", "09:20")], 145, "3.0", id="out_without_in, add_in"),
        pytest.param(
            "in 09:00?, out 12:00", [decided("add_in", "09:00")], 165, "3.5", id="time_uncertain, the right time"
        ),
        pytest.param(
            "in 09:00?",
            [decided("add_in", "09:00"), decided("add_out", "12:00", id="decision-2")],
            165,
            "3.5",
            id="time_uncertain, both times",
        ),
        pytest.param(
            "", [decided("add_in", "09:00"), decided("add_out", "12:00", id="decision-2")], 165, "3.5", id="no scan"
        ),
        pytest.param(
            "in 09:00",
            [decided("add_out", "12:00"), decided("nothing", id="decision-2")],
            0,
            "0.0",
            id="nothing outranks a time",
        ),
        pytest.param("in 09:00, out 12:00", [decided("nothing")], 0, "0.0", id="nothing though all is there"),
    ],
)
def test_a_decided_session_is_credited_and_no_longer_on_review(
    told: str, decisions: list[Decision], minutes: int, credit: str
) -> None:
    result = settled(told, *decisions)

    [record] = result.records
    assert (record.minutes, str(record.credit), result.reviews) == (minutes, credit, ())


def test_a_reason_that_no_decision_answers_keeps_the_session_on_review() -> None:
    result = settled("out 09:00, in 10:00", decided("add_out", "12:00"))

    assert [review.reason for review in result.reviews] == ["out_without_in"]


def test_what_comes_in_after_a_decision_can_open_the_question_again() -> None:
    result = settled("in 09:00, in 12:10", decided("add_out", "12:00"))

    assert [review.reason for review in result.reviews] == ["missing_out"]


def test_a_decision_about_somebody_else_changes_nothing() -> None:
    assert settled("in 09:00", decided("nothing", learner_id="bo")) == settled("in 09:00")


def test_a_session_that_counts_nothing_leaves_its_minutes_to_the_next() -> None:
    later = replace(ORDER_101, id="b", starts_at=at("11:00"), ends_at=at("13:00"), breaks=())
    both = [*facts("in 09:00, out 12:00"), *facts("in 11:00, out 13:00", "b")]
    rules = {"order-101": CN_45, "b": CN_45}

    records = settle_day("ann", [ORDER_101, later], facts=both, rules=rules, decisions=[decided("nothing")]).records

    assert [(record.source_id, record.minutes) for record in records] == [("order-101", 0), ("b", 120)]


def test_a_cancelled_session_stays_cancelled() -> None:
    cancelled = replace(ORDER_101, cancelled=True)

    [record] = settle_day(
        "ann", [cancelled], facts=facts("in 09:00"), rules={"order-101": CN_45}, decisions=[decided("add_out", "12:00")]
    ).records

    assert str(record.credit) == "0.0"


@pytest.mark.parametrize(
    ("decision", "english", "chinese"),
    [
        pytest.param(
            decided("add_out", "11:30"),
            "Present 135 of 165 minutes (81.8 %); at 45 minutes a unit that is 3.0 学时. "
            "Left at 11:30, more than 5 min before the end: counted until then. "
            "A trainer decided on a time that was missing.",
            "应到 165 分钟，实到 135 分钟（81.8 %）；每 45 分钟为一个单位，计 3.0 学时。"
            "11:30 离开，早退超过 5 分钟，计至离开。其中缺少的时间由培训师确认。",
            id="add_out",
        ),
        pytest.param(
            decided("nothing"),
            "A trainer decided that nothing is credited.",
            "经培训师审核，本场不计学时。",
            id="nothing",
        ),
    ],
)
def test_the_sentence_says_that_it_was_decided(decision: Decision, english: str, chinese: str) -> None:
    [record] = settled("in 09:00", decision).records

    assert record.explanation.sentence("en") == english
    assert record.explanation.sentence("zh") == chinese


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_stored_decision_reads_the_same(language: Language) -> None:
    [record] = settled("in 09:00", decided("nothing")).records

    stored = json.loads(json.dumps(record.explanation.to_json()))

    assert sentence(stored, language) == record.explanation.sentence(language)


def test_the_explanation_names_the_decision_and_no_person() -> None:
    [record] = settled("in 09:00", decided("add_out", "11:30")).records

    told = record.explanation.to_json()

    assert told["inputs"]["decisions"] == [{"decision": "decision-1", "kind": "add_out", "at": "2026-11-02T03:30:00Z"}]
    assert [fact["check_in"] for fact in told["inputs"]["facts"]] == ["order-101-0"]
    assert told["steps"][0] == {"step": "decided", "decisions": 1, "nothing": False}
    assert not [word for word in ("Ann", "ann", "trainer-7") if word in json.dumps(told)]


def test_a_voided_check_in_counts_no_more_and_stays_in_the_explanation() -> None:
    [record] = settled("in 09:00, out 11:00, out 12:00", voided=frozenset({"order-101-1"})).records

    assert record.minutes == 165
    told = record.explanation.to_json()
    assert [fact.get("voided") for fact in told["inputs"]["facts"]] == [None, True, None]
    assert told["steps"][0] == {"step": "voided", "facts": 1}
    assert record.explanation.sentence("en").endswith("Check-ins that a trainer has taken out: 1.")
    assert record.explanation.sentence("zh").endswith("培训师撤销的签到记录：1 条。")


def test_a_session_with_voided_check_ins_only_is_a_record_of_nothing() -> None:
    [record] = settled("in 09:00, out 12:00", voided=frozenset({"order-101-0", "order-101-1"})).records

    assert (record.minutes, str(record.credit)) == (0, "0.0")


def test_voiding_what_is_not_there_changes_nothing() -> None:
    assert settled("in 09:00, out 12:00", voided=frozenset({"other"})) == settled("in 09:00, out 12:00")


def test_decisions_settle_alike_in_every_order() -> None:
    luck = random.Random(101)
    decisions = [decided("add_in", "09:00"), decided("add_out", "12:00", id="decision-2")]
    expected = settled("in 09:30?, out 10:00", *decisions)

    for _ in range(10):
        luck.shuffle(decisions)
        assert settled("in 09:30?, out 10:00", *decisions) == expected


def test_a_decision_about_an_unknown_session_is_a_fault() -> None:
    with pytest.raises(ValueError, match="about session other, which was not given"):
        settled("in 09:00", decided("nothing", session_id="other"))


@pytest.mark.parametrize(("kind", "clock"), [("add_in", ""), ("add_out", ""), ("nothing", "09:00")])
def test_a_decision_has_a_time_exactly_when_it_adds_one(kind: DecisionKind, clock: str) -> None:
    with pytest.raises(ValueError, match="decision decision-1"):
        decided(kind, clock)


@pytest.mark.parametrize(
    ("told", "now", "expected"),
    [
        pytest.param("in 09:00, out 11:00", "11:59:59", "12:00", id="before the end everybody can come back"),
        pytest.param("in 09:00, out 12:00", "12:00", None, id="out at the end"),
        pytest.param("in 09:00", "12:00", "12:30:01", id="in at the end"),
        pytest.param("in 09:00, out 10:00, in 10:05", "12:30:00", "12:30:01", id="in as the window closes"),
        pytest.param("in 09:00", "12:30:01", None, id="in after the window"),
        pytest.param("", "12:00", None, id="nobody"),
    ],
)
def test_a_session_is_open_until(told: str, now: str, expected: str | None) -> None:
    instant: datetime | None = at(expected) if expected else None

    assert open_until(ORDER_101, facts(told), at(now)) == instant


def test_who_has_left_is_settled_at_the_end() -> None:
    result = settled("in 09:00, out 11:56", now=at("12:00"))

    assert (len(result.records), result.open) == (1, ())


def test_a_decided_out_is_waited_for_no_longer() -> None:
    assert settled("in 09:00", decided("add_out", "12:00"), now=at("12:05")).open == ()
