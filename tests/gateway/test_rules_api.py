"""HR enters versions of credit rules and says from which day on they hold where."""

from typing import Any

import pytest
import sqlalchemy as sa

from attendance.credit import PRESETS
from ledger.settlement import settle
from ledger.tables import DirtyDayRow
from tests.gateway.api_cast import NIGHT, Hr, acts, refused

FROM = {"effective_from": "2026-01-01"}


def dirty(hr: Hr) -> set[str]:
    """Return whose days wait for settlement."""
    with hr.gateway.ledger.read() as db:
        return set(db.scalars(sa.select(DirtyDayRow.person_id)))


def test_the_rules_that_came_with_the_program_are_told(hr: Hr) -> None:
    rules = hr.everything("rules", "rules", limit=2)

    assert [rule["name"] for rule in rules] == sorted(PRESETS)
    assert all(rule["preset"] for rule in rules)
    assert next(rule for rule in rules if rule["name"] == "cn-half-day") == {
        "name": "cn-half-day",
        "version": 1,
        "preset": True,
        "unit": "学时",
        "unit_minutes": None,
        "step": None,
        "rounding": "down",
        "first_unit_whole": False,
        "min_presence_percent": "80",
        "basis": "full",
        "tiers": [{"from_minutes": 1, "units": "3"}, {"from_minutes": 241, "units": "6"}],
        "daily_cap": "6",
        "effective_from": "2000-01-01",
    }


def test_a_version_is_entered_once_and_never_changed(hr_on_both: Hr) -> None:
    hr = hr_on_both

    made, again = hr.post("rules", **NIGHT, **FROM), hr.post("rules", **NIGHT, **FROM)
    other = hr.post("rules", **NIGHT | {"step": "0.25"}, **FROM)
    tenth, second = (
        hr.post("rules", **NIGHT | {"version": 10}, **FROM),
        hr.post("rules", **NIGHT | {"version": 2}, **FROM),
    )

    assert [answer.status_code for answer in (made, again, tenth, second)] == [201, 200, 201, 201]
    assert made.get_json() == again.get_json()
    assert made.get_json().items() >= (NIGHT | FROM | {"preset": False, "min_presence_percent": "80"}).items()
    assert refused(other) == (409, "too-late")
    own = [rule for rule in hr.everything("rules", "rules", limit=3) if not rule["preset"]]
    assert [rule["version"] for rule in own] == [1, 2, 10]
    assert [act[1:] for act in acts(hr.gateway) if "rule" in act[1]] == [
        ("rule entered", f"night-45@{n}") for n in (1, 10, 2)
    ]


def test_a_rule_holds_from_a_day_on_and_hours_follow(hr_on_both: Hr) -> None:
    hr = hr_on_both
    hr.post("rules", **NIGHT | {"unit_minutes": 30}, **FROM)
    before = dirty(hr)

    used = hr.post("rule-uses", rule="night-45", course="order-entry", effective_from="2026-11-01")
    again = hr.post("rule-uses", rule="night-45", course="order-entry", effective_from="2026-11-01")
    other = hr.post("rule-uses", rule="hour-60", course="order-entry", effective_from="2026-11-01")
    hr.post("rule-uses", rule="cn-45", region="west", effective_from="2027-01-01")

    assert (used.status_code, again.status_code) == (201, 200)
    assert used.get_json() == {
        "rule": "night-45", "region": None, "course": "order-entry", "effective_from": "2026-11-01",
    }  # fmt: skip
    assert refused(other) == (409, "too-late")
    assert (before, dirty(hr)) == (set(), {"ann", "bo"})
    with hr.gateway.ledger.begin() as db:
        settle(db, now=hr.gateway.clock.now)
        query = sa.text("SELECT credit FROM hour_records WHERE person_id = 'ann' AND rule = 'night-45@1'")
        assert str(db.execute(query).scalar()) == "5.5"
    uses = hr.everything("rule-uses", "rule_uses", limit=1)
    assert [use["rule"] for use in uses] == ["night-45", "cn-45"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"step": None}, "needs unit_minutes and step, or tiers", id="half a unit"),
        pytest.param({"step": "0.3"}, "does not divide a unit", id="a step that does not fit"),
        pytest.param({"min_presence_percent": "101"}, "from 0 to 100", id="more than everything"),
        pytest.param({"tiers": [{"from_minutes": 1, "units": "3"}]}, "must be left out", id="units and tiers"),
        pytest.param({"daily_cap": "0"}, "must be more than 0", id="a cap on everything"),
        pytest.param({"unit": "a@b"}, "without @", id="a unit with an @"),
    ],
)
def test_a_rule_that_contradicts_itself_is_told_why(hr: Hr, change: dict[str, Any], told: str) -> None:
    answer = hr.post("rules", **NIGHT | change, **FROM)

    assert refused(answer) == (422, "value-wrong")
    assert told in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"rounding": "up"}, {"basis": "all"}, {"version": 0}, {"version": True}, {"version": 10**30}, {"version": "1"},
        {"step": 0.5}, {"name": "Night"}, {"effective_from": "2026"}, {"first_unit_whole": 0},
        {"tiers": [{"from_minutes": 1, "units": "3", "more": 1}]}, {"tiers": [[1, "3"]]},
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_of_the_wrong_form_is_refused(hr: Hr, change: dict[str, Any]) -> None:
    assert refused(hr.post("rules", **NIGHT | FROM | change)) == (422, "parameter-wrong")


@pytest.mark.parametrize(
    "use",
    [
        pytest.param({"rule": "no-rule", "course": "order-entry"}, id="no such rule"),
        pytest.param({"rule": "cn-45", "course": "nothing"}, id="no such course"),
        pytest.param({"rule": "cn-45", "region": "moon"}, id="no such region"),
        pytest.param({"rule": "cn-45"}, id="no place"),
    ],
)
def test_a_use_needs_a_rule_and_a_place(hr: Hr, use: dict[str, str]) -> None:
    assert refused(hr.post("rule-uses", **use, effective_from="2026-11-01")) == (422, "value-wrong")


def test_a_key_of_a_region_chooses_rules_for_it_alone(hr: Hr) -> None:
    west, day = Hr(hr.gateway, regions=["west"]), {"effective_from": "2026-11-01"}
    hr.post("rule-uses", rule="cn-45", region="east", **day)

    assert refused(west.post("rules", **NIGHT, **FROM)) == (403, "key-bound")
    assert refused(west.post("rule-uses", rule="cn-45", course="order-entry", **day)) == (403, "key-bound")
    assert refused(west.post("rule-uses", rule="cn-45", region="east", **day)) == (422, "value-wrong")
    assert west.post("rule-uses", rule="cn-45", region="west", **day).status_code == 201
    assert [use["region"] for use in west.get("rule-uses").get_json()["rule_uses"]] == ["west"]
