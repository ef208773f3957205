"""An explanation tells a learner why it is this many hours."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from attendance.credit import PRESETS, CreditRule
from attendance.explanation import Explanation
from attendance.presence import Fact
from attendance.reasons import Language
from attendance.session import Span
from attendance.settlement import settle_day
from attendance.wording import sentence
from tests.attendance.examples import CN_45, EXAMPLES, ORDER_101, Example, at, facts, sitting, two_in_one_day


def explained(told: str, rule: CreditRule = CN_45, **other: Any) -> Explanation:
    scans = [
        Fact(
            check_in_id=f"scan-{seq}",
            session_id="order-101",
            direction="in" if word.startswith("in ") else "out",
            at=at(word.split()[1]),
        )
        for seq, word in enumerate(told.split(", "))
    ]
    settled = settle_day("ann", [replace(ORDER_101, **other)], facts=scans, rules={"order-101": rule})
    return (settled.records or settled.reviews)[0].explanation


WHOLE = "in 09:00, out 12:00"

# What the worked examples say, by the reason in their table.
EXPLAINED: dict[str, tuple[str, str]] = {
    "within grace; 165/45 = 3.67": (
        "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is 3.5 学时. "
        "Arrived at 09:04, within 5 min of the start: counted from the start.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
        "09:04 到场，迟到不超过 5 分钟，从开始起计。",
    ),
    "both at the edge of grace": (
        "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is 3.5 学时. "
        "Arrived at 09:05, within 5 min of the start: counted from the start. "
        "Left at 11:55, within 5 min of the end: counted to the end.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
        "09:05 到场，迟到不超过 5 分钟，从开始起计。11:55 离开，早退不超过 5 分钟，计至结束。",
    ),
    "past grace: 159 min 59 s; 159/60 = 2.65": (
        "Present 159 of 165 minutes (96.4 %); at 60 minutes a unit, rounded down to steps of 0.25, that is 2.50 hours. "
        "Arrived at 09:05:01, more than 5 min after the start: counted from then.",
        "应到 165 分钟，实到 159 分钟（96.4 %）；每 60 分钟为一个单位，按 0.25 向下取整，计 2.50 小时。"
        "09:05:01 到场，迟到超过 5 分钟，从到场起计。",
    ),
    "135/45": (
        "Present 135 of 165 minutes (81.8 %); at 45 minutes a unit that is 3.0 学时. "
        "Arrived at 09:20, more than 5 min after the start: counted from then. "
        "Left at 11:50, more than 5 min before the end: counted until then.",
        "应到 165 分钟，实到 135 分钟（81.8 %）；每 45 分钟为一个单位，计 3.0 学时。"
        "09:20 到场，迟到超过 5 分钟，从到场起计。11:50 离开，早退超过 5 分钟，计至离开。",
    ),
    "presence reached: 165/45": (
        "Present 135 of 165 minutes (81.8 %), so the whole session counts; "
        "at 45 minutes a unit, rounded down to steps of 0.5, that is 3.5 学时. "
        "Arrived at 09:20, more than 5 min after the start: counted from then. "
        "Left at 11:50, more than 5 min before the end: counted until then.",
        "应到 165 分钟，实到 135 分钟（81.8 %），按整场计；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
        "09:20 到场，迟到超过 5 分钟，从到场起计。11:50 离开，早退超过 5 分钟，计至离开。",
    ),
    "presence below 80 %": (
        "Present 115 of 165 minutes (69.7 %); at least 80 % is needed, so nothing is credited. "
        "Arrived at 09:20, more than 5 min after the start: counted from then. "
        "Left at 11:30, more than 5 min before the end: counted until then.",
        "应到 165 分钟，实到 115 分钟（69.7 %），未达到 80 %，不计学时。"
        "09:20 到场，迟到超过 5 分钟，从到场起计。11:30 离开，早退超过 5 分钟，计至离开。",
    ),
    "two intervals, the break lies between them": (
        "Present 150 of 165 minutes (90.9 %); at 45 minutes a unit, rounded down to steps of 0.5, that is 3.0 学时. "
        "Away for 15 min in between, breaks left out: not counted.",
        "应到 165 分钟，实到 150 分钟（90.9 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.0 学时。"
        "中间离开 15 分钟（不含休息），不计。",
    ),
    "in-in-out-out is one presence": (
        "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is 3.5 学时.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。",
    ),
    "165/60": (
        "Present 165 of 165 minutes (100.0 %); at 60 minutes a unit that is 2.75 hours.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 60 分钟为一个单位，计 2.75 小时。",
    ),
    "165/50 = 3.3": (
        "Present 165 of 165 minutes (100.0 %); at 50 minutes a unit, rounded down to steps of 0.2, that is 3.2 CPE.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 50 分钟为一个单位，按 0.2 向下取整，计 3.2 CPE。",
    ),
    "0.275, nearest tenth": (
        "Present 165 of 165 minutes (100.0 %); at 600 minutes a unit, rounded to the nearest 0.1, that is 0.3 CEU.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 600 分钟为一个单位，四舍五入到 0.1，计 0.3 CEU。",
    ),
    "0.225": (
        "Present 135 of 165 minutes (81.8 %); at 600 minutes a unit, rounded to the nearest 0.1, that is 0.2 CEU. "
        "Arrived at 09:30, more than 5 min after the start: counted from then.",
        "应到 165 分钟，实到 135 分钟（81.8 %）；每 600 分钟为一个单位，四舍五入到 0.1，计 0.2 CEU。"
        "09:30 到场，迟到超过 5 分钟，从到场起计。",
    ),
    "a half day is 3 whatever the clock": (
        "Present 165 of 165 minutes (100.0 %), so the whole session counts; a session of 165 minutes gives 3 学时.",
        "应到 165 分钟，实到 165 分钟（100.0 %），按整场计；165 分钟的培训计 3 学时。",
    ),
    "on the review list": (
        "There is a check-in but no check-out after it. A trainer decides which time counts; "
        "please tell them when you left.",
        "只有签到，之后没有签退。由培训师决定计入的时间；请告诉培训师您离开的时间。",
    ),
    "policy counts to the end": (
        "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down to steps of 0.5, that is 3.5 学时. "
        "There is no check-out; in this session time then counts to the end.",
        "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
        "没有签退，按本场规定计至结束。",
    ),
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_a_worked_example_says_why(example: Example) -> None:
    english, chinese = EXPLAINED[example.because]

    for rule in example.rules:
        settled = example.settled(rule)
        explanation = (settled.records or settled.reviews)[0].explanation

        assert explanation.sentence("en") == english
        assert explanation.sentence("zh") == chinese


def test_the_example_of_two_sessions_in_one_day_says_what_the_cap_leaves() -> None:
    second = two_in_one_day().records[1].explanation

    assert second.sentence("en").endswith(
        "that is 3.5 学时, of which the daily cap of 6 leaves 2.5 after 3.5 earlier that day."
    )
    assert second.sentence("zh").endswith("计 3.5 学时，每日上限 6，当日此前已计 3.5，实计 2.5。")


def overlapped() -> Explanation:
    """Explain a session whose first 30 minutes another one takes."""
    earlier = sitting("early", "08:00", "09:30")
    scans = [*facts("08:00", "09:30", "early"), *facts("09:00", "12:00")]
    rules = {"early": CN_45, "order-101": CN_45}
    return settle_day("ann", [earlier, ORDER_101], facts=scans, rules=rules).records[1].explanation


@pytest.mark.parametrize(
    ("explanation", "english", "chinese"),
    [
        pytest.param(
            explained(WHOLE, replace(CN_45, daily_cap=Decimal("2.5"))),
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, "
            "rounded down to steps of 0.5, that is 3.5 学时, "
            "of which the daily cap of 2.5 leaves 2.5.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时，"
            "每日上限 2.5，实计 2.5。",
            id="cap",
        ),
        pytest.param(
            overlapped(),
            "Present 135 of 165 minutes (81.8 %); at 45 minutes a unit that is 3.0 学时. "
            "30 min count for another session at the same time.",
            "应到 165 分钟，实到 135 分钟（81.8 %）；每 45 分钟为一个单位，计 3.0 学时。"
            "其中 30 分钟计入同时进行的另一场培训。",
            id="overlap",
        ),
        pytest.param(
            explained("in 09:00, out 09:49", PRESETS["nasba-50"]),
            "Present 49 of 165 minutes (29.7 %); less than one whole unit of 50 minutes gives nothing. "
            "Left at 09:49, more than 5 min before the end: counted until then.",
            "应到 165 分钟，实到 49 分钟（29.7 %），不足一个完整单位（50 分钟），不计学时。"
            "09:49 离开，早退超过 5 分钟，计至离开。",
            id="less than the first unit",
        ),
        pytest.param(
            explained("in 10:30, out 10:45", PRESETS["nasba-50"]),
            "Present 0 of 165 minutes (0.0 %); nothing is credited. "
            "Arrived at 10:30, more than 5 min after the start: counted from then. "
            "Left at 10:45, more than 5 min before the end: counted until then. All of that time was break.",
            "应到 165 分钟，实到 0 分钟（0.0 %），不计学时。10:30 到场，迟到超过 5 分钟，从到场起计。"
            "10:45 离开，早退超过 5 分钟，计至离开。到场时间均为休息时间。",
            id="there in the break only",
        ),
        pytest.param(
            explained("in 08:40, out 08:50"),
            "Present 0 of 165 minutes (0.0 %); nothing is credited. Was there only before the start or after the end.",
            "应到 165 分钟，实到 0 分钟（0.0 %），不计学时。只在开始前或结束后到场。",
            id="gone before the start",
        ),
        pytest.param(
            explained(WHOLE, breaks=(Span(at("08:00"), at("13:00")),)),
            "Present 0 of 0 minutes (0.0 %); nothing is credited. All of that time was break.",
            "应到 0 分钟，实到 0 分钟（0.0 %），不计学时。到场时间均为休息时间。",
            id="a session that is all break",
        ),
        pytest.param(
            explained("in 09:00:01, out 11:59:59", grace=timedelta()),
            "Present 164 of 165 minutes (99.4 %); at 45 minutes a unit, "
            "rounded down to steps of 0.5, that is 3.5 学时. "
            "Arrived at 09:00:01, after the start: counted from then. "
            "Left at 11:59:59, before the end: counted until then.",
            "应到 165 分钟，实到 164 分钟（99.4 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
            "09:00:01 到场，晚于开始，从到场起计。11:59:59 离开，早于结束，计至离开。",
            id="no grace",
        ),
        pytest.param(
            explained("in 09:00, out 10:00:00, in 10:01:30, out 12:00"),
            "Present 163 of 165 minutes (98.8 %); at 45 minutes a unit, "
            "rounded down to steps of 0.5, that is 3.5 学时. "
            "Away for 1 min 30 s in between, breaks left out: not counted.",
            "应到 165 分钟，实到 163 分钟（98.8 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。"
            "中间离开 1 分钟 30 秒（不含休息），不计。",
            id="out for a moment",
        ),
        pytest.param(
            explained("in 09:00", missing_out="none_needed"),
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, "
            "rounded down to steps of 0.5, that is 3.5 学时.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，按 0.5 向下取整，计 3.5 学时。",
            id="a session that asks for no check-out",
        ),
        pytest.param(
            explained(WHOLE, cancelled=True),
            "The session was cancelled, so nothing is credited.",
            "本场培训已取消，不计学时。",
            id="cancelled",
        ),
        pytest.param(
            explained("out 09:10, in 10:00"),
            "There is a check-out but no check-in before it. A trainer decides which time counts; please tell them "
            "when you came. There is a check-in but no check-out after it. A trainer decides which time counts; "
            "please tell them when you left.",
            "只有签退，之前没有签到。由培训师决定计入的时间；请告诉培训师您到场的时间。"
            "只有签到，之后没有签退。由培训师决定计入的时间；请告诉培训师您离开的时间。",
            id="two reasons to review",
        ),
    ],
)
def test_the_sentence_says_why(explanation: Explanation, english: str, chinese: str) -> None:
    assert explanation.sentence("en") == english
    assert explanation.sentence("zh") == chinese


def test_rounding_never_shows_the_least_percentage_to_whoever_missed_it() -> None:
    almost = replace(ORDER_101, breaks=(), ends_at=at("09:00").replace(hour=23, minute=59))
    scans = [
        Fact(check_in_id="1", session_id="order-101", direction="in", at=almost.starts_at),
        # 719 of 899 minutes are 79.98 %.
        Fact(check_in_id="2", session_id="order-101", direction="out", at=at("20:59")),
    ]
    rule = replace(CN_45, min_presence_percent=Decimal("80.0"))

    [record] = settle_day("ann", [almost], facts=scans, rules={"order-101": rule}).records

    assert record.minutes == 719
    assert "(79.9 %); at least 80.0 % is needed" in record.explanation.sentence("en")


def test_the_json_holds_inputs_rule_steps_and_outcome() -> None:
    explanation = explained("in 09:20, out 11:50")

    assert explanation.to_json() == {
        "inputs": {
            "session": "order-101",
            "starts_at": "2026-11-02T01:00:00Z",
            "ends_at": "2026-11-02T04:00:00Z",
            "zone": "Asia/Shanghai",
            "breaks": [["2026-11-02T02:30:00Z", "2026-11-02T02:45:00Z"]],
            "grace_seconds": 300,
            "missing_out": "review",
            "facts": [
                {"check_in": "scan-0", "direction": "in", "at": "2026-11-02T01:20:00Z", "uncertain": False},
                {"check_in": "scan-1", "direction": "out", "at": "2026-11-02T03:50:00Z", "uncertain": False},
            ],
        },
        "rule": {
            "name": "cn-45",
            "version": 1,
            "unit": "学时",
            "unit_minutes": 45,
            "step": "0.5",
            "rounding": "down",
            "first_unit_whole": False,
            "min_presence_percent": "80",
            "basis": "actual",
            "tiers": [],
            "daily_cap": None,
            "effective_from": "2000-01-01",
        },
        "steps": [
            {"step": "dedupe", "facts": 2, "kept": 2},
            {"step": "pair", "visits": 1, "missing_out": None},
            {
                "step": "grace",
                "arrived": "2026-11-02T01:20:00Z",
                "left": "2026-11-02T03:50:00Z",
                "counted_from": "2026-11-02T01:20:00Z",
                "counted_to": "2026-11-02T03:50:00Z",
            },
            {"step": "clip", "seconds": 9000},
            {"step": "breaks", "seconds": 8100},
            {"step": "overlaps", "seconds": 8100},
            {"step": "floor", "minutes": 135},
            {"step": "percent", "present": 135, "scheduled": 165, "least": "80", "reached": True},
            {"step": "basis", "basis": "actual", "minutes": 135},
            {"step": "step", "units": "3.0"},
        ],
        "outcome": {"minutes": 135, "scheduled_minutes": 165, "credit": "3.0", "unit": "学时", "review": []},
    }


def test_the_steps_stand_in_the_order_of_the_rules() -> None:
    steps = explained(WHOLE, replace(CN_45, daily_cap=Decimal(6))).to_json()["steps"]

    assert [step["step"] for step in steps] == [
        "dedupe", "pair", "grace", "clip", "breaks", "overlaps", "floor", "percent", "basis", "step", "cap"
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_stored_explanation_reads_the_same(language: Language) -> None:
    explanation = explained("in 09:04, out 10:20, in 10:50, out 11:50")

    stored = json.loads(json.dumps(explanation.to_json()))

    assert sentence(stored, language) == explanation.sentence(language)


def test_the_json_names_nobody() -> None:
    written = json.dumps(explained(WHOLE).to_json())

    assert "ann" not in written
    assert '"bo"' not in written
