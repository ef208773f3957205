"""Credit: percent, basis, step, cap; and the worked examples, row by row."""

from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.credit import MOST_UNIT_MINUTES, PRESETS, CreditRule, Tier, WrongRule, credit
from tests.attendance.examples import (
    CN_45,
    CN_45_CAP_6,
    CN_45_FULL,
    CN_HALF_DAY,
    EXAMPLES,
    HOUR_60,
    IACET_CEU,
    NASBA_50,
    Example,
    two_in_one_day,
)

CREDITED = [example for example in EXAMPLES if example.present != "–"]


@pytest.mark.parametrize("example", CREDITED, ids=lambda example: example.id)
def test_a_worked_example_comes_out(example: Example) -> None:
    minutes, _, percent = example.present.partition(" ")

    for rule in example.rules:
        [record] = example.settled(rule).records

        assert (record.minutes, record.credit) == (int(minutes), Decimal(example.credited))
        assert (record.unit, record.rule) == (rule.unit, rule.key)
        assert percent in record.explanation.sentence("en")


def test_the_example_of_a_missing_out_is_on_the_review_list() -> None:
    [example] = [example for example in EXAMPLES if example.because == "on the review list"]

    result = example.settled(CN_45)

    assert result.records == ()
    assert [(review.session_id, review.reason) for review in result.reviews] == [("order-101", "missing_out")]


def test_the_example_of_two_sessions_in_one_day_meets_the_cap() -> None:
    records = two_in_one_day().records

    assert [(record.minutes, str(record.credit)) for record in records] == [(165, "3.5"), (165, "2.5")]


FIELDS: dict[str, dict[str, Any]] = {
    "hour-60": {"unit": "hour", "unit_minutes": 60, "step": "0.25"},
    "cn-45": {"unit": "学时", "unit_minutes": 45, "step": "0.5"},
    "cn-half-day": {
        "unit": "学时",
        "basis": "full",
        "tiers": ({"from_minutes": 1, "units": "3"}, {"from_minutes": 241, "units": "6"}),
        "daily_cap": "6",
    },
    "nasba-50": {
        "unit": "CPE",
        "unit_minutes": 50,
        "step": "0.2",
        "first_unit_whole": True,
        "min_presence_percent": "0",
    },
    "iacet-ceu": {"unit": "CEU", "unit_minutes": 600, "step": "0.1", "rounding": "nearest"},
}
USUAL: dict[str, Any] = {
    "version": 1,
    "unit_minutes": None,
    "step": None,
    "rounding": "down",
    "first_unit_whole": False,
    "min_presence_percent": "80",
    "basis": "actual",
    "tiers": (),
    "daily_cap": None,
    "effective_from": date(2000, 1, 1),
}


def written(value: Any) -> Any:
    """Write decimals as text, so that 0.5 and 0.50 differ."""
    match value:
        case Decimal():
            return str(value)
        case dict():
            return {name: written(inner) for name, inner in value.items()}
        case tuple():
            return tuple(written(inner) for inner in value)
    return value


def test_there_are_five_presets() -> None:
    assert list(PRESETS) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_preset_has_exactly_these_fields(name: str) -> None:
    assert written(asdict(PRESETS[name])) == {**USUAL, "name": name, **FIELDS[name]}
    assert PRESETS[name].key == f"{name}@1"


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


RISING = (Tier(from_minutes=60, units=Decimal(1)), Tier(from_minutes=120, units=Decimal(2)))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param({"unit_minutes": None}, "needs unit_minutes and step, or tiers", id="no unit_minutes"),
        pytest.param({"step": None}, "needs unit_minutes and step, or tiers", id="no step"),
        pytest.param({"unit_minutes": 0}, "unit_minutes of 0; it must be from 1", id="a unit of nothing"),
        pytest.param({"unit_minutes": -45}, "unit_minutes of -45; it must be from 1", id="a negative unit"),
        pytest.param({"unit_minutes": MOST_UNIT_MINUTES + 1}, "it must be from 1 to 60000", id="a unit of months"),
        pytest.param({"step": Decimal(0)}, "a step of 0; it must be more than 0", id="no step at all"),
        pytest.param({"step": Decimal("-0.5")}, "a step of -0.5; it must be more than 0", id="a negative step"),
        pytest.param({"step": Decimal("0.3")}, "a step of 0.3, which does not divide a unit", id="an uneven step"),
        pytest.param({"step": Decimal(2)}, "a step of 2, which does not divide a unit", id="a step of two units"),
        pytest.param({"step": Decimal("0.00001")}, "has 0.00001 as step; at most", id="a step too fine"),
        pytest.param({"step": Decimal("NaN")}, "has NaN as step", id="a step that is no number"),
        pytest.param({"daily_cap": Decimal("Infinity")}, "has Infinity as daily_cap", id="an endless cap"),
        pytest.param({"daily_cap": Decimal("1E+99999")}, "as daily_cap; at most 10000", id="a cap beyond reason"),
        pytest.param({"daily_cap": Decimal(0)}, "a daily_cap of 0; it must be more than 0", id="a cap of nothing"),
        pytest.param({"daily_cap": Decimal(-6)}, "a daily_cap of -6; it must be more than 0", id="a negative cap"),
        pytest.param({"min_presence_percent": Decimal(-1)}, "it must be from 0 to 100", id="less than 0 %"),
        pytest.param({"min_presence_percent": Decimal("100.1")}, "it must be from 0 to 100", id="more than 100 %"),
        pytest.param({"rounding": "up"}, "rounding 'up'; it must be one of down, nearest", id="unknown rounding"),
        pytest.param({"basis": "most"}, "basis 'most'; it must be one of actual, full", id="unknown basis"),
        pytest.param({"version": 0}, "has version 0; the first version is 1", id="version 0"),
        pytest.param({"name": " "}, "needs a name of 1 to 32 characters", id="no name"),
        pytest.param({"name": "cn-45@2"}, "needs a name of 1 to 32 characters without @", id="a key as a name"),
        pytest.param({"name": "x" * 33}, "needs a name of 1 to 32 characters", id="a long name"),
        pytest.param({"unit": ""}, "needs a unit of 1 to 32 characters", id="no unit"),
        pytest.param({"unit": "学\n时"}, "needs a unit of 1 to 32 characters", id="a unit of two lines"),
        pytest.param({"tiers": RISING}, "has tiers, which say the units", id="tiers and a unit"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongRule) as refused:
        replace(CN_45, **changed)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "tiers",
    [
        pytest.param(RISING[::-1], id="falling"),
        pytest.param((RISING[0], RISING[0]), id="twice the same"),
        pytest.param((RISING[0], Tier(from_minutes=120, units=Decimal(1))), id="longer, and no more units"),
        pytest.param((Tier(from_minutes=0, units=Decimal(1)),), id="from 0 minutes"),
        pytest.param((Tier(from_minutes=60, units=Decimal(0)),), id="no units"),
        pytest.param((Tier(from_minutes=60, units=Decimal("NaN")),), id="no number of units"),
    ],
)
def test_tiers_have_to_rise(tiers: tuple[Tier, ...]) -> None:
    with pytest.raises(WrongRule, match=r"tiers that do not rise|has NaN as units"):
        CreditRule(name="ours", unit="学时", tiers=tiers)


def test_a_rule_with_tiers_has_no_first_unit() -> None:
    with pytest.raises(WrongRule, match="first_unit_whole must be left out"):
        replace(CN_HALF_DAY, first_unit_whole=True)


def test_a_rule_with_tiers_needs_no_unit() -> None:
    rule = CreditRule(name="ours", version=3, unit="学时", tiers=(Tier(from_minutes=60, units=Decimal(1)),))

    assert str(credit(59, 59, rule=rule).amount) == "0"
    assert rule.key == "ours@3"
