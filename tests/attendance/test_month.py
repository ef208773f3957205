"""A month: joint hours, training hours, shares and the bonus."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from attendance.bonus import MonthRule
from attendance.month import Credited, DueTask, Month, local_date, month_of
from attendance.pair import Role
from attendance.reasons import Language
from attendance.wording import sentence

THE_SECOND = date(2026, 11, 2)


def credited(hours: str, pair_id: str | None = None, on: date = THE_SECOND, unit: str = "学时") -> Credited:
    return Credited(hours=Decimal(hours), unit=unit, effective_date=on, pair_id=pair_id)


def tasks(completed: int, due: int, pair_id: str = "ann-bo", on: date = THE_SECOND) -> list[DueTask]:
    return [DueTask(pair_id=pair_id, due_on=on, completed=number < completed) for number in range(due)]


def november(
    *credits: Credited, due: list[DueTask] | None = None, role: Role = "clerk", rule: MonthRule | None = None
) -> Month:
    return month_of("ann", role=role, month="2026-11", unit="学时", credits=credits, tasks=due or [], rule=rule)


@pytest.mark.parametrize(
    ("role", "training", "joint", "share", "met"),
    [
        pytest.param("clerk", "30", "9", "30", True, id="a clerk with 30 of which 9 joint meets 30 %"),
        pytest.param("reserve_manager", "40", "7", "17.5", False, id="a reserve manager with 40 of which 7 joint"),
        pytest.param("clerk", "30", "8.5", "28.3", False, id="just below"),
        pytest.param("reserve_manager", "40", "8", "20", True, id="20 % of 40"),
    ],
)
def test_the_share_of_joint_hours(role: Role, training: str, joint: str, share: str, met: bool) -> None:
    rest = str(Decimal(training) - Decimal(joint))

    month = november(credited(joint, "ann-bo"), credited(rest), role=role)

    assert (month.joint_hours, month.training_hours) == (Decimal(joint), Decimal(training))
    assert month.share is not None
    assert round(month.share, 1) == Decimal(share)
    assert month.met is met


@pytest.mark.parametrize(
    ("completed", "due", "hours", "bonus"),
    [
        pytest.param(9, 10, "20.0", "2.0", id="nine of ten due and 20 joint hours: + 2.0"),
        pytest.param(8, 10, "20.0", "0", id="eight of ten: none"),
        pytest.param(10, 10, "18.5", "1.85", id="exact"),
        pytest.param(0, 0, "20.0", "0", id="none due: no bonus"),
        pytest.param(9, 10, "0", "0", id="no joint hours"),
    ],
)
def test_the_bonus(completed: int, due: int, hours: str, bonus: str) -> None:
    month = november(credited(hours, "ann-bo"), credited("10"), due=tasks(completed, due))

    assert str(month.bonus) == bonus or (month.bonus == 0 and bonus == "0")


def test_no_training_has_no_share() -> None:
    month = november()

    assert [month.share, month.met, month.bonus] == [None, None, 0]


def test_the_bonus_is_outside_of_the_share() -> None:
    month = november(credited("9", "ann-bo"), credited("21"), due=tasks(10, 10))

    assert [month.share, month.bonus] == [30, Decimal("0.9")]


def test_each_pair_has_its_own_rate_and_base() -> None:
    month = november(
        credited("10", "ann-bo"), credited("30", "ann-cy"), due=[*tasks(1, 1), *tasks(0, 1, pair_id="ann-cy")]
    )

    assert [[pair.pair_id, pair.rate, pair.bonus] for pair in month.pairs] == [["ann-bo", 100, 1], ["ann-cy", 0, 0]]
    assert month.bonus == 1


def test_other_months_and_units_are_left_out() -> None:
    month = november(
        credited("10", "ann-bo"),
        credited("10", "ann-bo", on=date(2026, 10, 31)),
        credited("10", unit="CPE"),
        due=[*tasks(9, 10), *tasks(0, 5, on=date(2026, 12, 1))],
    )

    assert [month.joint_hours, month.training_hours, month.bonus] == [10, 10, 1]


def test_a_correction_that_lowers_the_rate_takes_the_bonus_away() -> None:
    before, after = tasks(9, 10), tasks(8, 10)

    bonuses = [november(credited("20.0", "ann-bo"), due=due).bonus for due in (before, after)]

    assert bonuses == [Decimal("2.0"), 0]


def test_rate_base_and_percent_are_data() -> None:
    rule = MonthRule(bonus_rate=Decimal(80), bonus_percent=Decimal(5), targets=(("clerk", Decimal(50)),))

    month = november(credited("20", "ann-bo"), credited("20"), due=tasks(8, 10), rule=rule)

    assert [month.bonus, month.met] == [1, True]
    assert month.rule.key == "month@1"
    assert replace(month, role="reserve_manager").met is None


def test_the_last_evening_of_a_month_counts_where_it_was_evening() -> None:
    late = datetime(2026, 10, 31, 17, tzinfo=UTC)

    assert local_date(late, "Asia/Shanghai") == date(2026, 11, 1)
    assert local_date(late, "UTC") == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("completed", "due", "english", "chinese"),
    [
        pytest.param(
            9,
            10,
            "9 of 10 joint tasks completed (90.0 %): 10 % of 20.0 joint 学时 is 2.0.",
            "联合任务完成 9/10（90.0 %），按联合学时 20.0 的 10 % 奖励，计 2.0 学时。",
            id="reached",
        ),
        pytest.param(
            8,
            10,
            "8 of 10 joint tasks completed (80.0 %); at least 90 % is needed for the bonus.",
            "联合任务完成 8/10（80.0 %），未达到 90 %，无奖励。",
            id="missed",
        ),
        pytest.param(
            0, 0, "No joint task was due, so there is no bonus.", "本月没有到期的联合任务，无奖励。", id="none due"
        ),
        pytest.param(
            8998,
            9998,
            "8998 of 9998 joint tasks completed (89.9 %); at least 90 % is needed for the bonus.",
            "联合任务完成 8998/9998（89.9 %），未达到 90 %，无奖励。",
            id="rounding does not lift it",
        ),
    ],
)
def test_the_bonus_says_why(completed: int, due: int, english: str, chinese: str) -> None:
    [pair] = november(credited("20.0", "ann-bo"), due=tasks(completed, due)).pairs

    assert pair.sentence("en") == english
    assert pair.sentence("zh") == chinese


@pytest.mark.parametrize(
    ("joint", "english", "chinese"),
    [
        pytest.param(
            "9",
            "9 of 30 学时 were joint (30.0 %), which meets the target of 30 %.",
            "30 学时中联合学时 9（30.0 %），达到 30 % 的目标。",
            id="met",
        ),
        pytest.param(
            "7",
            "7 of 30 学时 were joint (23.3 %), which is below the target of 30 %.",
            "30 学时中联合学时 7（23.3 %），未达到 30 % 的目标。",
            id="flagged",
        ),
    ],
)
def test_the_share_says_why(joint: str, english: str, chinese: str) -> None:
    month = november(credited(joint, "ann-bo"), credited(str(30 - int(joint))))

    assert month.sentence("en") == english
    assert month.sentence("zh") == chinese


def test_a_month_without_training_says_so() -> None:
    assert november().sentence("en") == "0 of 0 学时 were joint."


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_stored_month_reads_the_same(language: Language) -> None:
    month = november(credited("9", "ann-bo"), credited("21"), due=tasks(9, 10))

    assert sentence(json.loads(json.dumps(month.to_json())), language) == month.sentence(language)
    assert "ann" not in json.dumps({**month.to_json(), "pair": ""}).replace("ann-bo", "")
