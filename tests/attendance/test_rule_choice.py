"""Which rule holds: the closest scope, in it the latest use, and of that rule the version in force."""

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from attendance.credit import LONG_AGO, PRESETS, CreditRule
from attendance.rule_choice import NoRule, RuleUse, rule_choice
from tests.attendance.examples import CN_45

JANUARY, MAY, JUNE, JULY = (date(2026, month, 1) for month in (1, 5, 6, 7))
DAY = timedelta(days=1)
OURS = CreditRule(name="ours", unit="学时", unit_minutes=40, step=Decimal("0.5"), effective_from=MAY)
OURS_2 = replace(OURS, version=2, unit_minutes=50, effective_from=JULY)


def use(rule: str, since: date = LONG_AGO, *, region: str | None = None, course: str | None = None) -> RuleUse:
    return RuleUse(rule=rule, effective_from=since, region_id=region, course_id=course)


USES = [
    use("cn-45", region="north"),
    use("hour-60", region="south"),
    use("cn-half-day", JUNE, region="north"),
    use("nasba-50", JANUARY, course="orders"),
    use("ours", JUNE, region="north", course="orders"),
    use("hour-60", JULY, region="north", course="orders"),
]


@pytest.mark.parametrize(
    ("day", "region", "course", "key"),
    [
        pytest.param(JANUARY, "north", "prices", "cn-45@1", id="the region's"),
        pytest.param(JUNE - DAY, "north", "prices", "cn-45@1", id="the region's, on its last day"),
        pytest.param(JUNE, "north", "prices", "cn-half-day@1", id="the region's next, on its first day"),
        pytest.param(JANUARY - DAY, "north", "orders", "cn-45@1", id="the region's, before the course has its own"),
        pytest.param(JANUARY, "north", "orders", "nasba-50@1", id="the course's before the region's"),
        pytest.param(JULY, "south", "orders", "nasba-50@1", id="the course's in every region"),
        pytest.param(JUNE, "north", "orders", "ours@1", id="the course's in that region before both"),
        pytest.param(JULY - DAY, "north", "orders", "ours@1", id="the use that began last"),
        pytest.param(JULY, "north", "orders", "hour-60@1", id="a later use of the same scope"),
        pytest.param(JULY, "south", "prices", "hour-60@1", id="another region's"),
    ],
)
def test_the_rule_is(day: date, region: str, course: str, key: str) -> None:
    choice = rule_choice(USES, [OURS, OURS_2])

    assert choice.on(day, region_id=region, course_id=course).key == key


@pytest.mark.parametrize(
    ("day", "key", "unit_minutes"),
    [
        pytest.param(MAY, "ours@1", 40, id="the first version, on its first day"),
        pytest.param(JULY - DAY, "ours@1", 40, id="the first version, on its last day"),
        pytest.param(JULY, "ours@2", 50, id="the second version, on its first day"),
        pytest.param(JULY + 900 * DAY, "ours@2", 50, id="the second version, ever after"),
    ],
)
def test_the_version_in_force_is(day: date, key: str, unit_minutes: int) -> None:
    rule = rule_choice([use("ours", region="north")], [OURS_2, OURS]).on(day, region_id="north", course_id="orders")

    assert (rule.key, rule.unit_minutes) == (key, unit_minutes)


def test_a_preset_may_get_a_later_version() -> None:
    stricter = replace(CN_45, version=2, min_presence_percent=Decimal(90), effective_from=JUNE)
    choice = rule_choice([use("cn-45", region="north")], [stricter])

    assert choice.on(JUNE - DAY, region_id="north", course_id="orders") is CN_45
    assert choice.on(JUNE, region_id="north", course_id="orders") is stricter


def test_the_highest_version_holds_even_when_a_lower_one_begins_later() -> None:
    late = replace(OURS, version=1, effective_from=JULY)
    early = replace(OURS, version=2, effective_from=MAY)

    rule = rule_choice([use("ours", region="north")], [late, early]).on(JULY, region_id="north", course_id="orders")

    assert rule.key == "ours@2"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_always_known(name: str) -> None:
    choice = rule_choice([use(name, region="north")])

    assert choice.on(LONG_AGO, region_id="north", course_id="orders") is PRESETS[name]


@pytest.mark.parametrize(
    ("day", "region", "sentence"),
    [
        pytest.param(
            JUNE,
            "west",
            "No credit rule holds for course orders in region west on 2026-06-01. "
            "Choose one for the course or the region, from 2026-06-01 or earlier.",
            id="nobody has chosen one",
        ),
        pytest.param(
            MAY,
            "east",
            "No credit rule holds for course orders in region east on 2026-05-01. "
            "Choose one for the course or the region, from 2026-05-01 or earlier.",
            id="the first one holds later",
        ),
        pytest.param(
            JUNE,
            "east",
            "Credit rule theirs is in use on 2026-06-01, but nobody has entered it. Enter it, or use another.",
            id="an unknown rule",
        ),
        pytest.param(
            MAY - DAY,
            "north",
            "Credit rule ours is in use on 2026-04-30, but its first version holds only from 2026-05-01 on.",
            id="a rule that is not in force yet",
        ),
    ],
)
def test_without_a_rule_the_sentence_says_what_to_do(day: date, region: str, sentence: str) -> None:
    choice = rule_choice([use("ours", region="north"), use("theirs", JUNE, region="east")], [OURS])

    with pytest.raises(NoRule) as missing:
        choice.on(day, region_id=region, course_id="orders")

    assert str(missing.value) == sentence


def test_a_use_is_for_something() -> None:
    with pytest.raises(ValueError, match="use of rule cn-45 names neither a region nor a course"):
        use("cn-45")


def test_two_rules_cannot_begin_on_one_day_for_the_same() -> None:
    with pytest.raises(ValueError, match="two rules are to hold from 2026-06-01 on"):
        rule_choice([use("cn-45", JUNE, region="north"), use("ours", JUNE, region="north")])


def test_the_same_use_told_twice_is_one() -> None:
    twice = rule_choice([*USES, *USES], [OURS, OURS, OURS_2])

    assert twice == rule_choice(USES, [OURS, OURS_2])


def test_a_version_never_changes() -> None:
    with pytest.raises(ValueError, match="two different rules cn-45@1; a change of a rule is a new version"):
        rule_choice([], [replace(CN_45, unit_minutes=40)])


def test_the_order_in_which_uses_and_versions_are_given_does_not_matter() -> None:
    luck = random.Random(101)
    uses, versions = list(USES), [OURS, OURS_2, replace(CN_45, version=2, effective_from=JUNE)]
    expected = rule_choice(uses, versions)

    for _ in range(20):
        luck.shuffle(uses)
        luck.shuffle(versions)
        assert rule_choice(uses, versions) == expected


def plainly(uses: list[RuleUse], versions: list[CreditRule], day: date, region: str, course: str) -> str | None:
    """Choose by looking at everything, as the rule is told."""
    for scope in ((region, course), (None, course), (region, None)):
        begun = [use for use in uses if (use.region_id, use.course_id) == scope and use.effective_from <= day]
        if begun:
            name = max(begun, key=lambda use: use.effective_from).rule
            held = [rule.version for rule in versions if rule.name == name and rule.effective_from <= day]
            return f"{name}@{max(held)}" if held else None
    return None


@pytest.mark.parametrize("seed", range(10))
def test_the_index_agrees_with_looking_at_everything(seed: int) -> None:
    luck = random.Random(seed)
    days = [JANUARY + luck.randrange(400) * DAY for _ in range(40)]
    versions = [
        replace(OURS, name=name, version=version, effective_from=luck.choice(days))
        for name in ("one", "two", "three")
        for version in range(1, luck.randrange(2, 6))
    ]
    places = [(region, course) for region in ("n", "s", None) for course in ("a", "b", None) if region or course]
    uses = {
        (since, place): use(luck.choice(["one", "two", "three"]), since, region=place[0], course=place[1])
        for since, place in ((luck.choice(days), luck.choice(places)) for _ in range(12))
    }
    choice = rule_choice(uses.values(), versions)

    for day in days:
        region, course = luck.choice("nsx"), luck.choice("abx")
        try:
            found: str | None = choice.on(day, region_id=region, course_id=course).key
        except NoRule:
            found = None
        assert found == plainly(list(uses.values()), versions, day, region, course)
