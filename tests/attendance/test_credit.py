"""Credit: percent, basis, step, cap; and the worked examples of the design, row by row."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.credit import PRESETS, CreditRule, Tier, credit
from attendance.presence import Fact
from attendance.session import Session, Span
from attendance.settlement import Settled, settle_day

ZONE = "Asia/Shanghai"

HOUR_60, CN_45, CN_HALF_DAY, NASBA_50, IACET_CEU = (
    PRESETS[name] for name in ("hour-60", "cn-45", "cn-half-day", "nasba-50", "iacet-ceu")
)
CN_45_FULL = replace(CN_45, basis="full")
CN_45_CAP_6 = replace(CN_45, daily_cap=Decimal(6))


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-02T{clock}").replace(tzinfo=ZoneInfo(ZONE))


def session(id: str, start: str, end: str, pause: tuple[str, str], **other: Any) -> Session:
    return Session(
        id=id,
        course_id="order-entry",
        room_id="room-1",
        starts_at=at(start),
        ends_at=at(end),
        zone=ZONE,
        breaks=(Span(at(pause[0]), at(pause[1])),),
        roster=frozenset({"ann"}),
        **other,
    )


ORDER_101 = session("order-101", "09:00", "12:00", ("10:30", "10:45"))
ORDER_102 = session("order-102", "14:00", "17:00", ("15:30", "15:45"))


def facts(of: str, came: str, went: str) -> list[Fact]:
    """Read the columns `in` and `out`; several times are parted by a comma."""
    scans = [("in", clock) for clock in came.split(", ") if clock] + [
        ("out", clock) for clock in went.split(", ") if clock
    ]
    return [
        Fact(
            check_in_id=f"{of}-{seq}",
            session_id=of,
            direction="in" if direction == "in" else "out",
            at=at(clock),
            stream="kiosk",
            seq=seq,
        )
        for seq, (direction, clock) in enumerate(scans)
    ]


def settled(came: str, went: str, rule: CreditRule, **other: Any) -> Settled:
    attended = replace(ORDER_101, **other)
    return settle_day("ann", [attended], facts=facts("order-101", came, went), rules={"order-101": rule})


@pytest.mark.parametrize(
    ("came", "went", "rule", "present", "credited"),
    [
        pytest.param("09:04", "12:00", CN_45, 165, "3.5", id="within grace; 165/45 = 3.67"),
        pytest.param("09:05:00", "11:55:00", CN_45, 165, "3.5", id="both at the edge of grace"),
        pytest.param("09:05:01", "12:00", HOUR_60, 159, "2.50", id="past grace: 159 min 59 s; 159/60 = 2.65"),
        pytest.param("09:20", "11:50", CN_45, 135, "3.0", id="135/45"),
        pytest.param("09:20", "11:50", CN_45_FULL, 135, "3.5", id="basis full, presence reached: 165/45"),
        pytest.param("09:20", "11:30", HOUR_60, 115, "0.00", id="presence below 80 %: hour-60"),
        pytest.param("09:20", "11:30", CN_45, 115, "0.0", id="presence below 80 %: cn-45"),
        pytest.param("09:20", "11:30", CN_45_FULL, 115, "0.0", id="presence below 80 %: cn-45, basis full"),
        pytest.param("09:20", "11:30", CN_HALF_DAY, 115, "0", id="presence below 80 %: cn-half-day"),
        pytest.param("09:20", "11:30", IACET_CEU, 115, "0.0", id="presence below 80 %: iacet-ceu"),
        pytest.param(
            "09:00, 10:50", "10:20, 12:00", CN_45, 150, "3.0", id="two intervals, the break lies between them"
        ),
        pytest.param("09:00, 09:01", "12:00, 12:03", CN_45, 165, "3.5", id="in-in-out-out is one presence"),
        pytest.param("09:00", "12:00", HOUR_60, 165, "2.75", id="165/60"),
        pytest.param("09:00", "12:00", NASBA_50, 165, "3.2", id="165/50 = 3.3"),
        pytest.param("09:00", "12:00", IACET_CEU, 165, "0.3", id="0.275, nearest tenth"),
        pytest.param("09:30", "12:00", IACET_CEU, 135, "0.2", id="0.225"),
        pytest.param("09:00", "12:00", CN_HALF_DAY, 165, "3", id="a half day is 3 whatever the clock"),
    ],
)
def test_a_worked_example_comes_out(came: str, went: str, rule: CreditRule, present: int, credited: str) -> None:
    [record] = settled(came, went, rule).records

    assert (record.minutes, str(record.credit), record.unit, record.rule) == (present, credited, rule.unit, rule.key)


def test_the_example_of_a_missing_out_is_on_the_review_list() -> None:
    result = settled("09:00", "", CN_45, missing_out="review")

    assert result.records == ()
    assert [(review.session_id, review.reason) for review in result.reviews] == [("order-101", "missing_out")]


def test_the_example_of_a_missing_out_counts_to_the_end_by_policy() -> None:
    [record] = settled("09:00", "", CN_45, missing_out="session_end").records

    assert (record.minutes, str(record.credit)) == (165, "3.5")


def test_the_example_of_two_sessions_in_one_day_meets_the_cap() -> None:
    day = [*facts("order-101", "09:00", "12:00"), *facts("order-102", "14:00", "17:00")]

    result = settle_day(
        "ann", [ORDER_102, ORDER_101], facts=day, rules={"order-101": CN_45_CAP_6, "order-102": CN_45_CAP_6}
    )

    assert [(record.minutes, str(record.credit)) for record in result.records] == [(165, "3.5"), (165, "2.5")]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("hour-60", (60, "0.25", "down", False, 80, "actual", (), None), id="hour-60"),
        pytest.param("cn-45", (45, "0.5", "down", False, 80, "actual", (), None), id="cn-45"),
        pytest.param("cn-half-day", (None, None, "down", False, 80, "full", ((1, 3), (241, 6)), 6), id="cn-half-day"),
        pytest.param("nasba-50", (50, "0.2", "down", True, 0, "actual", (), None), id="nasba-50"),
        pytest.param("iacet-ceu", (600, "0.1", "nearest", False, 80, "actual", (), None), id="iacet-ceu"),
    ],
)
def test_a_preset_is_as_the_design_says(name: str, fields: tuple[Any, ...]) -> None:
    rule = PRESETS[name]

    assert (
        rule.unit_minutes,
        rule.step and str(rule.step),
        rule.rounding,
        rule.first_unit_whole,
        rule.min_presence_percent,
        rule.basis,
        tuple((tier.from_minutes, tier.units) for tier in rule.tiers),
        rule.daily_cap,
    ) == fields
    assert rule.key == f"{name}@1"


@pytest.mark.parametrize(
    ("present", "scheduled", "rule", "amount"),
    [
        pytest.param(80, 100, HOUR_60, "1.25", id="80 of 100 minutes is 80 %"),
        pytest.param(79, 100, HOUR_60, "0.00", id="79 of 100 minutes is less"),
        pytest.param(0, 0, HOUR_60, "0.00", id="a session that is all break"),
        pytest.param(30, 600, IACET_CEU, "0.0", id="5 % is not 80 %"),
        pytest.param(30, 30, IACET_CEU, "0.1", id="nearest: 0.05 goes up"),
        pytest.param(29, 29, IACET_CEU, "0.0", id="nearest: 0.048 goes down"),
        pytest.param(49, 50, NASBA_50, "0.0", id="first unit whole: 49 minutes are nothing"),
        pytest.param(50, 50, NASBA_50, "1.0", id="first unit whole: 50 minutes are one"),
        pytest.param(59, 60, NASBA_50, "1.0", id="after the first unit: 59 minutes are one"),
        pytest.param(60, 60, NASBA_50, "1.2", id="after the first unit: steps of a fifth"),
        pytest.param(50, 500, NASBA_50, "1.0", id="no least presence: a tenth is enough"),
        pytest.param(0, 500, replace(CN_HALF_DAY, min_presence_percent=Decimal(0)), "0", id="nobody there, no credit"),
        pytest.param(1, 1, CN_HALF_DAY, "3", id="tier: from 1 minute"),
        pytest.param(240, 240, CN_HALF_DAY, "3", id="tier: to 240 minutes"),
        pytest.param(241, 241, CN_HALF_DAY, "6", id="tier: from 241 minutes"),
        pytest.param(200, 250, CN_HALF_DAY, "6", id="tier: by the scheduled minutes"),
        pytest.param(80, 100, replace(CN_HALF_DAY, basis="actual"), "3", id="tier: whatever the basis"),
        pytest.param(45, 45, CN_45, "1.0", id="a unit to the minute"),
        pytest.param(44, 45, CN_45, "0.5", id="a minute less"),
        pytest.param(
            67, 100, replace(HOUR_60, min_presence_percent=Decimal("66.7")), "1.00", id="a percentage with a fraction"
        ),
    ],
)
def test_credit_follows_the_rule(present: int, scheduled: int, rule: CreditRule, amount: str) -> None:
    assert str(credit(present, scheduled, rule=rule).amount) == amount


@pytest.mark.parametrize(
    ("already", "amount"),
    [
        pytest.param("0", "3.5", id="nothing yet"),
        pytest.param("2.5", "3.5", id="just room enough"),
        pytest.param("3.0", "3.0", id="cut"),
        pytest.param("6.0", "0.0", id="full"),
        pytest.param("7.0", "0", id="more than full, because the cap was lowered"),
    ],
)
def test_the_cap_leaves_what_the_day_has_not_used(already: str, amount: str) -> None:
    assert str(credit(165, 165, rule=CN_45_CAP_6, already_today=Decimal(already)).amount) == amount


@given(
    st.integers(0, 2000),
    st.integers(1, 2000),
    st.sampled_from([*PRESETS.values(), CN_45_FULL, CN_45_CAP_6]),
    st.integers(0, 20).map(lambda halves: Decimal(halves) / 2),
)
def test_credit_is_whole_steps_and_never_more_than_the_session_is_worth(
    present: int, scheduled: int, rule: CreditRule, already: Decimal
) -> None:
    present = min(present, scheduled)

    amount = credit(present, scheduled, rule=rule, already_today=already).amount

    assert amount >= 0
    if rule.daily_cap is not None:
        assert amount <= max(rule.daily_cap - already, Decimal(0))
    if rule.step and rule.unit_minutes:
        assert amount % rule.step == 0
        slack = rule.step / 2 if rule.rounding == "nearest" else 0
        assert (amount - slack) * rule.unit_minutes <= scheduled


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500), st.sampled_from(sorted(PRESETS)))
def test_more_presence_never_gives_less(one: int, other: int, scheduled: int, name: str) -> None:
    less, more = sorted((min(one, scheduled), min(other, scheduled)))

    assert credit(less, scheduled, rule=PRESETS[name]).amount <= credit(more, scheduled, rule=PRESETS[name]).amount


@pytest.mark.parametrize("missing", ["unit_minutes", "step"])
def test_a_rule_that_cannot_say_a_unit_is_a_fault(missing: str) -> None:
    with pytest.raises(ValueError, match="needs unit_minutes and step, or tiers"):
        replace(CN_45, **{missing: None})  # type: ignore[arg-type]


def test_a_rule_with_tiers_needs_no_unit() -> None:
    rule = CreditRule(name="ours", version=3, unit="学时", tiers=(Tier(from_minutes=60, units=Decimal(1)),))

    assert str(credit(59, 59, rule=rule).amount) == "0"
    assert rule.key == "ours@3"
