"""Presence checks: who was asked, who answered in time, and what a missed one means."""

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from attendance.decision import Decision, DecisionKind
from attendance.presence_check import ANSWER_WITHIN, PresenceAnswer, PresenceCheck
from attendance.reasons import Language
from attendance.settlement import Settled, open_until, settle_day
from attendance.wording import sentence
from tests.attendance.examples import CN_45, ORDER_101, at, facts, sitting

SECOND = timedelta(seconds=1)


def check(clock: str, id: str = "check-1", of: str = "order-101") -> PresenceCheck:
    return PresenceCheck(id=id, session_id=of, asked_at=at(clock), answer_until=at(clock) + ANSWER_WITHIN)


def answer(clock: str, to: str = "check-1", by: str = "ann") -> PresenceAnswer:
    return PresenceAnswer(check_id=to, learner_id=by, at=at(clock))


def decided(kind: DecisionKind, clock: str = "") -> Decision:
    told: dict[str, Any] = {"session_id": "order-101", "learner_id": "ann"}
    return Decision(id=f"decided-{kind}", kind=kind, at=at(clock) if clock else None, **told)


def settled(
    came: str,
    went: str,
    checks: list[PresenceCheck],
    answers: list[PresenceAnswer] | None = None,
    *decisions: Decision,
    **other: Any,
) -> Settled:
    return settle_day(
        "ann",
        [ORDER_101],
        facts=facts(came, went),
        rules={"order-101": CN_45},
        checks=checks,
        answers=answers or [],
        decisions=decisions,
        **other,
    )


def reasons(result: Settled) -> list[str]:
    return [review.reason for review in result.reviews]


TEN = check("10:00")


@pytest.mark.parametrize(
    ("answered", "missed"),
    [
        pytest.param("09:59:59.999", True, id="before it was asked"),
        pytest.param("10:00:00", False, id="at the second of asking"),
        pytest.param("10:01", False, id="in time"),
        pytest.param("10:03:00.999", False, id="within the last second"),
        pytest.param("10:03:01", True, id="a second late"),
        pytest.param("10:30", True, id="much later"),
    ],
)
def test_an_answer_counts_within_three_minutes(answered: str, missed: bool) -> None:
    result = settled("09:00", "12:00", [TEN], [answer(answered)])

    assert (reasons(result), len(result.records)) == ((["missed_presence_check"], 0) if missed else ([], 1))


@pytest.mark.parametrize(
    ("came", "went", "asked", "missed"),
    [
        pytest.param("09:20", "11:30", "10:00", True, id="in the middle"),
        pytest.param("09:20", "11:30", "09:19:59", False, id="before the arrival"),
        pytest.param("09:20", "11:30", "09:20:00", True, id="at the second of arriving"),
        pytest.param("09:20", "11:30", "11:29:59", True, id="the second before leaving"),
        pytest.param("09:20", "11:30", "11:30:00", False, id="at the second of leaving"),
        pytest.param("09:04", "11:56", "09:02", True, id="in the grace of the arrival, which counts"),
        pytest.param("09:04", "11:56", "11:58", True, id="in the grace of the leaving, which counts"),
        pytest.param("08:40", "12:20", "08:50", False, id="before the session"),
        pytest.param("08:40", "12:20", "12:10", False, id="after the session"),
        pytest.param("09:00", "12:00", "10:30:00", False, id="as the break begins"),
        pytest.param("09:00", "12:00", "10:44:59", False, id="in the break"),
        pytest.param("09:00", "12:00", "10:45:00", True, id="as the break ends"),
        pytest.param("09:00, 10:00", "09:30, 12:00", "09:45", False, id="between two stays"),
        pytest.param("09:00, 10:00", "09:30, 12:00", "10:10", True, id="in the second stay"),
    ],
)
def test_only_who_counts_as_present_has_to_answer(came: str, went: str, asked: str, missed: bool) -> None:
    assert reasons(settled(came, went, [check(asked)])) == (["missed_presence_check"] if missed else [])


def test_one_missed_check_of_several_is_enough() -> None:
    checks = [check("09:30", "a"), check("10:00", "b"), check("11:00", "c")]

    assert reasons(settled("09:00", "12:00", checks, [answer("09:31", "a"), answer("11:01", "c")])) == [
        "missed_presence_check"
    ]
    assert reasons(settled("09:00", "12:00", checks, [answer("09:31", "a"), answer("10:01", "b")])) == [
        "missed_presence_check"
    ]


def test_an_answer_to_one_check_is_none_to_another() -> None:
    checks = [check("10:00", "a"), check("10:01", "b")]

    assert reasons(settled("09:00", "12:00", checks, [answer("10:02", "a")])) == ["missed_presence_check"]


def test_the_partners_answer_is_not_ones_own() -> None:
    assert reasons(settled("09:00", "12:00", [TEN], [answer("10:01", by="bo")])) == ["missed_presence_check"]


@pytest.mark.parametrize(
    ("decision", "minutes"),
    [
        pytest.param(decided("present"), 165, id="vouched for"),
        pytest.param(decided("add_out", "09:58"), 58, id="an out before the check"),
        pytest.param(decided("add_out", "10:00"), 60, id="an out at the check"),
        pytest.param(decided("nothing"), 0, id="nothing"),
    ],
)
def test_a_decision_answers_a_missed_check(decision: Decision, minutes: int) -> None:
    result = settled("09:00", "12:00", [TEN], [], decision)

    assert [record.minutes for record in result.records] == [minutes]
    assert result.reviews == ()


def test_an_out_after_the_check_does_not_answer_it() -> None:
    assert reasons(settled("09:00", "12:00", [TEN], [], decided("add_out", "10:01"))) == ["missed_presence_check"]


def test_vouching_answers_every_missed_check_of_the_session() -> None:
    [record] = settled("09:00", "12:00", [TEN, check("11:00", "b")], [], decided("present")).records

    assert record.minutes == 165


@pytest.mark.parametrize(
    ("came", "went", "reason"),
    [
        pytest.param("09:00", "–", "missing_out", id="missing_out"),
        pytest.param("–", "12:00", "out_without_in", id="out_without_in"),
    ],
)
def test_vouching_says_nothing_about_a_missing_time(came: str, went: str, reason: str) -> None:
    assert reasons(settled(came, went, [TEN], [], decided("present"))) == [reason]


def test_vouching_does_not_make_an_uncertain_time_certain() -> None:
    come, go = facts("09:00", "12:00")

    result = settle_day(
        "ann", [ORDER_101], facts=[replace(come, uncertain=True), go], rules={"order-101": CN_45},
        decisions=[decided("present")],
    )  # fmt: skip

    assert reasons(result) == ["time_uncertain"]


def test_vouching_for_somebody_without_any_check_in_credits_nothing() -> None:
    [record] = settled("–", "–", [TEN], [], decided("present")).records

    assert (record.minutes, str(record.credit)) == (0, "0.0")


def test_a_session_with_a_missed_check_takes_no_time_from_another() -> None:
    later = sitting("later", "11:00", "13:00")
    both = [*facts("09:00", "12:00"), *facts("11:00", "13:00", "later")]
    rules = {"order-101": CN_45, "later": CN_45}

    result = settle_day("ann", [ORDER_101, later], facts=both, rules=rules, checks=[TEN])

    assert [(record.source_id, record.minutes) for record in result.records] == [("later", 120)]


def test_a_check_in_time_that_another_session_takes_has_to_be_answered_too() -> None:
    earlier = sitting("early", "08:00", "10:10")
    both = [*facts("08:00", "10:10", "early"), *facts("09:00", "12:00")]
    rules = {"order-101": CN_45, "early": CN_45}

    result = settle_day("ann", [earlier, ORDER_101], facts=both, rules=rules, checks=[TEN])

    assert reasons(result) == ["missed_presence_check"]


def test_a_cancelled_session_asks_nobody() -> None:
    cancelled = replace(ORDER_101, cancelled=True)

    result = settle_day(
        "ann", [cancelled], facts=facts("09:00", "12:00"), rules={"order-101": CN_45}, checks=[TEN]
    )  # fmt: skip

    assert (len(result.records), result.reviews) == (1, ())


def test_a_check_of_somebody_who_never_came_is_nobodys() -> None:
    assert settle_day("ann", [ORDER_101], facts=[], rules={}, checks=[TEN]) == Settled()


def test_checks_and_answers_settle_alike_in_every_order_and_told_twice() -> None:
    luck = random.Random(101)
    checks = [check("09:30", "a"), check("10:00", "b"), check("11:00", "c")]
    answers = [answer("09:31", "a"), answer("09:32", "a"), answer("10:03:01", "b")]
    expected = settled("09:00", "12:00", checks, answers)

    for _ in range(20):
        luck.shuffle(checks)
        luck.shuffle(answers)
        assert settled("09:00", "12:00", [*checks, *checks], [*answers, *answers]) == expected


def test_a_check_of_a_session_that_was_not_given_is_a_fault() -> None:
    with pytest.raises(ValueError, match="presence check check-1 is about session other, which was not given"):
        settled("09:00", "12:00", [check("10:00", of="other")])


def test_an_answer_to_a_check_that_was_not_given_changes_nothing() -> None:
    stray = answer("10:01", "check-9")

    assert settled("09:00", "12:00", [], [stray]) == settled("09:00", "12:00", [])
    assert settled("09:00", "12:00", [TEN], [stray]) == settled("09:00", "12:00", [TEN])


def test_a_check_can_be_answered_after_it_is_asked() -> None:
    with pytest.raises(ValueError, match="presence check check-1 cannot be answered"):
        replace(TEN, answer_until=at("09:59:59"))


@pytest.mark.parametrize("field", ["asked_at", "answer_until"])
def test_a_check_without_a_zone_is_a_fault(field: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        replace(TEN, **{field: datetime(2026, 11, 2, 10)})  # type: ignore[arg-type]  # noqa: DTZ001


def test_explanations_without_checks_do_not_mention_them() -> None:
    [record] = settled("09:00", "12:00", []).records

    written = json.dumps(record.explanation.to_json())
    assert "presence_checks" not in written
    assert "presence_answers" not in written


def test_the_explanation_lists_checks_and_answers_and_what_came_of_them() -> None:
    late = settled("09:00", "12:00", [check("09:30", "a"), TEN], [answer("09:31", "a"), answer("10:03:01")])
    told = late.reviews[0].explanation.to_json()

    assert told["inputs"]["presence_checks"] == [
        {"check": "a", "asked_at": "2026-11-02T01:30:00Z", "answer_until": "2026-11-02T01:33:00Z"},
        {"check": "check-1", "asked_at": "2026-11-02T02:00:00Z", "answer_until": "2026-11-02T02:03:00Z"},
    ]
    assert told["inputs"]["presence_answers"] == [
        {"check": "a", "at": "2026-11-02T01:31:00Z"},
        {"check": "check-1", "at": "2026-11-02T02:03:01Z"},
    ]
    assert told["steps"][-1] == {
        "step": "presence_checks",
        "asked": 2,
        "missed": 1,
        "vouched": False,
        "missed_at": "2026-11-02T02:00:00Z",
        "proven_until": "2026-11-02T01:31:00Z",
    }
    assert told["outcome"]["review"] == ["missed_presence_check"]


def test_the_step_stands_between_breaks_and_overlaps() -> None:
    [record] = settled("09:00", "12:00", [TEN], [answer("10:01")]).records

    assert [step["step"] for step in record.explanation.to_json()["steps"]][2:7] == [
        "grace", "clip", "breaks", "presence_checks", "overlaps"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "decisions", "english", "chinese"),
    [
        pytest.param(
            [],
            [],
            "You were asked whether you were still there, and no answer came in time. A trainer decides which time "
            "counts; please tell them if you were there. Asked at 10:00 without an answer in time. "
            "Presence is proven until 09:00.",
            "系统曾询问您是否在场，但没有及时收到回答。由培训师决定计入的时间；如果您当时在场，请告诉培训师。"
            "10:00 询问时未及时回答。可确认在场至 09:00。",
            id="missed",
        ),
        pytest.param(
            [],
            [decided("present")],
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is "
            "3.5 学时. Asked at 10:00 without an answer; a trainer vouched for the presence.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
            "10:00 询问时未回答，由培训师确认在场。",
            id="vouched for",
        ),
        pytest.param(
            [answer("10:02")],
            [],
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is "
            "3.5 学时. Presence checks answered: 1 of 1.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
            "在场询问 1 次，均已回答。",
            id="answered",
        ),
        pytest.param(
            [],
            [decided("add_out", "09:58")],
            "Present 58 of 165 minutes (35.2 %); at least 80 % is needed, so nothing is credited. "
            "Left at 09:58, more than 5 min before the end: counted until then. "
            "A trainer decided on a time that was missing.",
            "应到 165 分钟，实到 58 分钟（35.2 %），未达到 80 %，不计学时。09:58 离开，早退超过 5 分钟，计至离开。"
            "其中缺少的时间由培训师确认。",
            id="an out before the check",
        ),
    ],
)
def test_the_sentence_says_what_became_of_the_check(
    answers: list[PresenceAnswer], decisions: list[Decision], english: str, chinese: str
) -> None:
    result = settled("09:00", "12:00", [TEN], answers, *decisions)
    explanation = (result.records or result.reviews)[0].explanation

    assert explanation.sentence("en") == english
    assert explanation.sentence("zh") == chinese


def test_without_any_sign_before_the_check_nothing_is_proven() -> None:
    [review] = settled("09:04", "12:00", [check("09:02")]).reviews

    assert review.explanation.sentence("en").endswith("Asked at 09:02 without an answer in time.")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_stored_check_reads_the_same_and_names_nobody(language: Language) -> None:
    [review] = settled("09:00", "12:00", [TEN], [answer("10:04")]).reviews

    stored = json.dumps(review.explanation.to_json())

    assert sentence(json.loads(stored), language) == review.explanation.sentence(language)
    assert '"ann"' not in stored


@pytest.mark.parametrize(
    ("came", "went", "asked", "now", "expected"),
    [
        pytest.param("09:00", "12:00", "11:58", "12:00:00", "12:01:01", id="out at the end, and still to answer"),
        pytest.param("09:00", "12:00", "11:58", "12:01:00", "12:01:01", id="as the time to answer runs out"),
        pytest.param("09:00", "12:00", "11:58", "12:01:01", None, id="when it is over"),
        pytest.param("09:00", "12:00", "10:00", "12:00", None, id="when it was over before the end"),
        pytest.param("09:00", "–", "11:58", "12:02", "12:30:01", id="in at the end"),
        pytest.param("09:00", "–", "12:29", "12:20", "12:32:01", id="in at the end, and asked as the window closes"),
        pytest.param("09:00", "–", "12:29", "12:30:01", "12:32:01", id="asked as the window closed"),
        pytest.param("09:00", "11:00", "11:58", "11:00", "12:01:01", id="while it runs"),
        pytest.param("09:00", "11:00", "10:00", "11:00", "12:00", id="while it runs, asked earlier"),
    ],
)
def test_a_session_stays_open_while_somebody_may_answer(
    came: str, went: str, asked: str, now: str, expected: str | None
) -> None:
    told, checks = facts(came, went), [check(asked), check("23:00", "x", of="another")]

    until = open_until(ORDER_101, told, at(now), checks=checks)

    assert until == (at(expected) if expected else None)
    assert settled(came, went, checks[:1], now=at(now)).open == (("order-101",) if expected else ())


def test_no_check_is_no_difference() -> None:
    checks: list[PresenceCheck] = []

    assert settled("09:20", "11:50", checks) == settle_day(
        "ann", [ORDER_101], facts=facts("09:20", "11:50"), rules={"order-101": CN_45}
    )
