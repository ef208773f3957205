"""A credit rule from outside: what is taken as written, and what is refused with a sentence."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from attendance.credit import PRESETS, CreditRule, Tier, WrongRule
from attendance.rule_values import credit_rule
from tests.attendance.examples import CN_45, EXAMPLES

OURS: dict[str, Any] = {"name": "ours", "unit": "学时", "unit_minutes": 45, "step": "0.5"}


@pytest.mark.parametrize("name", PRESETS)
def test_the_rule_in_an_explanation_can_be_made_again(name: str) -> None:
    [example] = [example for example in EXAMPLES if example.because == "presence below 80 %"]
    [record] = example.settled(PRESETS[name]).records

    stored = json.loads(json.dumps(record.explanation.to_json()))

    assert credit_rule(stored["rule"]) == PRESETS[name]


def test_what_a_table_holds_makes_a_rule() -> None:
    row = {
        "name": "half-day",
        "version": 2,
        "unit": "学时",
        "unit_minutes": None,
        "step": None,
        "rounding": "down",
        "first_unit_whole": False,
        "min_presence_percent": Decimal(75),
        "basis": "full",
        "tiers": [[1, "3"], [241, "6"]],
        "daily_cap": Decimal(6),
        "effective_from": date(2027, 1, 1),
    }

    assert credit_rule(row) == CreditRule(
        name="half-day",
        version=2,
        unit="学时",
        min_presence_percent=Decimal(75),
        basis="full",
        tiers=(Tier(from_minutes=1, units=Decimal(3)), Tier(from_minutes=241, units=Decimal(6))),
        daily_cap=Decimal(6),
        effective_from=date(2027, 1, 1),
    )


def test_what_is_left_out_is_as_usual() -> None:
    assert credit_rule({**OURS, "name": "cn-45", "tiers": None}) == CN_45


def test_digits_stay_as_they_are_written() -> None:
    assert str(credit_rule({**OURS, "step": "0.50"}).step) == "0.50"
    assert str(credit_rule({**OURS, "daily_cap": 6}).daily_cap) == "6"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param({"name": None}, "a rule needs a name", id="no name"),
        pytest.param({"name": None, "unit": None}, "a rule needs a name and a unit", id="neither name nor unit"),
        pytest.param({"name": 45}, "name must be text, not 45", id="a number as a name"),
        pytest.param({"stepp": "0.5"}, "a rule has no stepp; it has name, version", id="a misspelt field"),
        pytest.param({"step": 0.5}, 'step must be a decimal written as text, such as "0.5", not 0.5', id="a float"),
        pytest.param({"step": "0,5"}, "step must be a decimal", id="a comma"),
        pytest.param({"step": "1e-1"}, "step must be a decimal", id="an exponent"),
        pytest.param({"step": " 0.5"}, "step must be a decimal", id="a space"),
        pytest.param({"step": "０.５"}, "step must be a decimal", id="wide digits"),
        pytest.param({"step": "NaN"}, "step must be a decimal", id="no number"),
        pytest.param({"step": Decimal("NaN")}, "rule ours has NaN as step", id="a Decimal that is no number"),
        pytest.param({"step": "9" * 400}, "step must be a decimal", id="400 digits"),
        pytest.param({"step": True}, "step must be a decimal", id="true as a number"),
        pytest.param({"step": "-0.5"}, "rule ours has a step of -0.5; it must be more than 0", id="a negative step"),
        pytest.param({"unit_minutes": "45"}, "unit_minutes must be a whole number, not '45'", id="minutes as text"),
        pytest.param({"unit_minutes": True}, "unit_minutes must be a whole number", id="true as minutes"),
        pytest.param({"unit_minutes": 45.0}, "unit_minutes must be a whole number", id="minutes as a float"),
        pytest.param({"first_unit_whole": "yes"}, "first_unit_whole must be true or false", id="yes"),
        pytest.param({"first_unit_whole": 1}, "first_unit_whole must be true or false", id="1 as true"),
        pytest.param({"rounding": "up"}, "rounding 'up'; it must be one of down, nearest", id="unknown rounding"),
        pytest.param({"basis": ["full"]}, "basis must be text", id="a list as basis"),
        pytest.param({"effective_from": "1.1.2027"}, "effective_from must be a date such as", id="a date as in print"),
        pytest.param({"effective_from": 20270101}, "effective_from must be a date such as", id="a number as a date"),
        pytest.param({"effective_from": datetime(2027, 1, 1)}, "must be a date", id="an instant"),  # noqa: DTZ001
        pytest.param({"tiers": "1:3"}, "tiers must be a list", id="tiers as text"),
        pytest.param({"tiers": [[1, "3", "x"]]}, "tiers must be pairs of minutes and units", id="three in a tier"),
        pytest.param({"tiers": ["12"]}, "tiers must be pairs", id="text that looks like a pair"),
        pytest.param({"tiers": [[1, 0.5]]}, "tiers must be a decimal written as text", id="a float in a tier"),
        pytest.param({"tiers": [["1", "3"]]}, "tiers must be a whole number", id="minutes of a tier as text"),
        pytest.param(
            {"tiers": [{"from_minutes": 1, "units": "3", "x": 1}]}, "tiers must be pairs", id="more in a tier"
        ),
        pytest.param({"tiers": [[1, "3"]]}, "has tiers, which say the units", id="tiers and a unit"),
    ],
)
def test_a_wrong_value_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongRule) as refused:
        credit_rule({**OURS, **changed})

    assert sentence in str(refused.value)
