"""An explanation tells a learner why it is this many hours."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.credit import PRESETS, CreditRule
from attendance.explanation import Explanation
from attendance.presence import Fact
from attendance.session import Session, Span
from attendance.settlement import settle_day
from attendance.wording import sentence

ZONE = "Asia/Shanghai"
CN_45 = PRESETS["cn-45"]


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-02T{clock}").replace(tzinfo=ZoneInfo(ZONE))


ORDER_101 = Session(
    id="order-101",
    course_id="order-entry",
    room_id="room-1",
    starts_at=at("09:00"),
    ends_at=at("12:00"),
    zone=ZONE,
    breaks=(Span(at("10:30"), at("10:45")),),
    roster=frozenset({"ann", "bo"}),
)


def explained(told: str, rule: CreditRule = CN_45, **other: Any) -> Explanation:
    facts = [
        Fact(
            check_in_id=f"scan-{seq}",
            session_id="order-101",
            direction="in" if word.startswith("in ") else "out",
            at=at(word.split()[1]),
        )
        for seq, word in enumerate(told.split(", "))
    ]
    settled = settle_day("ann", [replace(ORDER_101, **other)], facts=facts, rules={"order-101": rule})
    return (settled.records or settled.reviews)[0].explanation


WHOLE = "in 09:00, out 12:00"


@pytest.mark.parametrize(
    ("explanation", "english", "chinese"),
    [
        pytest.param(
            explained("in 09:20, out 11:50"),
            "Present 135 of 165 minutes (81.8 %); at 45 minutes a unit that is 3.0 学时.",
            "应到 165 分钟，实到 135 分钟（81.8 %）；每 45 分钟为一个单位，计 3.0 学时。",
            id="a whole number of units",
        ),
        pytest.param(
            explained(WHOLE),
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down, that is 3.5 学时.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，向下取整，计 3.5 学时。",
            id="rounded down",
        ),
        pytest.param(
            explained(WHOLE, PRESETS["iacet-ceu"]),
            "Present 165 of 165 minutes (100.0 %); at 600 minutes a unit, rounded, that is 0.3 CEU.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 600 分钟为一个单位，四舍五入，计 0.3 CEU。",
            id="rounded to the nearest",
        ),
        pytest.param(
            explained(WHOLE, PRESETS["hour-60"]),
            "Present 165 of 165 minutes (100.0 %); at 60 minutes a unit that is 2.75 hours.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 60 分钟为一个单位，计 2.75 小时。",
            id="a unit with a name in each language",
        ),
        pytest.param(
            explained("in 09:20, out 11:30"),
            "Present 115 of 165 minutes (69.7 %); at least 80 % is needed, so nothing is credited.",
            "应到 165 分钟，实到 115 分钟（69.7 %），未达到 80 %，不计学时。",
            id="presence not reached",
        ),
        pytest.param(
            explained("in 09:20, out 11:50", replace(CN_45, basis="full")),
            "Present 135 of 165 minutes (81.8 %), so the whole session counts; "
            "at 45 minutes a unit, rounded down, that is 3.5 学时.",
            "应到 165 分钟，实到 135 分钟（81.8 %），按整场计；每 45 分钟为一个单位，向下取整，计 3.5 学时。",
            id="basis full",
        ),
        pytest.param(
            explained(WHOLE, PRESETS["cn-half-day"]),
            "Present 165 of 165 minutes (100.0 %), so the whole session counts; a session of 165 minutes gives 3 学时.",
            "应到 165 分钟，实到 165 分钟（100.0 %），按整场计；165 分钟的培训计 3 学时。",
            id="tiers",
        ),
        pytest.param(
            explained(WHOLE, replace(CN_45, daily_cap=Decimal("2.5"))),
            "Present 165 of 165 minutes (100.0 %); at 45 minutes a unit, rounded down, that is 3.5 学时, "
            "of which the daily cap of 2.5 leaves 2.5.",
            "应到 165 分钟，实到 165 分钟（100.0 %）；每 45 分钟为一个单位，向下取整，计 3.5 学时，"
            "每日上限 2.5，实计 2.5。",
            id="cap",
        ),
        pytest.param(
            explained("in 09:00, out 09:49", PRESETS["nasba-50"]),
            "Present 49 of 165 minutes (29.7 %); less than one whole unit of 50 minutes gives nothing.",
            "应到 165 分钟，实到 49 分钟（29.7 %），不足一个完整单位（50 分钟），不计学时。",
            id="less than the first unit",
        ),
        pytest.param(
            explained("in 10:30, out 10:45", PRESETS["nasba-50"]),
            "Present 0 of 165 minutes (0.0 %); nothing is credited.",
            "应到 165 分钟，实到 0 分钟（0.0 %），不计学时。",
            id="there in the break only",
        ),
        pytest.param(
            explained(WHOLE, breaks=(Span(at("08:00"), at("13:00")),)),
            "Present 0 of 0 minutes (0.0 %); nothing is credited.",
            "应到 0 分钟，实到 0 分钟（0.0 %），不计学时。",
            id="a session that is all break",
        ),
        pytest.param(
            explained(WHOLE, cancelled=True),
            "The session was cancelled, so nothing is credited.",
            "本场培训已取消，不计学时。",
            id="cancelled",
        ),
        pytest.param(
            explained("in 09:00"),
            "There is a check-in but no check-out after it. A trainer decides which time counts; "
            "please tell them when you left.",
            "只有签到，之后没有签退。由培训师决定计入的时间；请告诉培训师您离开的时间。",
            id="on review",
        ),
    ],
)
def test_the_sentence_says_why(explanation: Explanation, english: str, chinese: str) -> None:
    assert explanation.sentence("en") == english
    assert explanation.sentence("zh") == chinese


def test_rounding_never_shows_the_least_percentage_to_whoever_missed_it() -> None:
    almost = replace(ORDER_101, breaks=(), ends_at=at("09:00").replace(hour=23, minute=59))
    facts = [
        Fact(check_in_id="1", session_id="order-101", direction="in", at=almost.starts_at),
        # 719 of 899 minutes are 79.98 %.
        Fact(check_in_id="2", session_id="order-101", direction="out", at=at("20:59")),
    ]
    rule = replace(CN_45, min_presence_percent=Decimal("80.0"))

    [record] = settle_day("ann", [almost], facts=facts, rules={"order-101": rule}).records

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


def test_a_stored_explanation_reads_the_same() -> None:
    explanation = explained(WHOLE)

    stored = json.loads(json.dumps(explanation.to_json()))

    assert sentence(stored, "en") == explanation.sentence("en")


def test_the_json_names_nobody() -> None:
    written = json.dumps(explained(WHOLE).to_json())

    assert "ann" not in written
    assert '"bo"' not in written
