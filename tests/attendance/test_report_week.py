"""Weekly progress, learner by learner."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from attendance.month import Credited, DueTask
from attendance.report_facts import Score
from attendance.report_period import Period
from attendance.report_table import Report
from attendance.report_week import WeeklyProgress, weekly_progress
from tests.attendance.couple import at, couple
from tests.attendance.report_cast import END, LEARNERS, NOVEMBER, came, sitting


def weeks(**given: Any) -> Report[WeeklyProgress]:
    told: dict[str, Any] = {
        "learners": LEARNERS, "pairs": [couple()], "credits": {}, "tasks": [], "scores": [],
        "period": NOVEMBER, "unit": "学时", "now": END,
    }  # fmt: skip
    return weekly_progress(given.pop("sittings", []), given.pop("attendances", []), **(told | given))


def hours(amount: str, day: int, unit: str = "学时") -> Credited:
    return Credited(hours=Decimal(amount), unit=unit, effective_date=date(2026, 11, day))


def score(who: str, points: str, day: int, course_id: str = "orders", clock: str = "10:00") -> Score:
    return Score(learner_id=who, course_id=course_id, at=at(clock, day), on=date(2026, 11, day), points=Decimal(points))


def task(day: int, completed: bool, pair_id: str = "ann-bo") -> DueTask:
    return DueTask(pair_id=pair_id, due_on=date(2026, 11, day), completed=completed)


def test_each_week_of_each_learner_has_its_line() -> None:
    report = weeks(
        sittings=[sitting(), sitting("order-102", 4), sitting("order-103", 9)],
        attendances=[came("ann"), came("bo"), came("ann", "order-103")],
        credits={
            "ann": [hours("3.5", 2), hours("2", 5), hours("3.5", 9)],
            "bo": [hours("3.5", 2), hours("9", 2, "CPE")],
        },
        tasks=[task(5, True), task(6, False)],
        scores=[score("ann", "85", 6), score("ann", "70.5", 4)],
    )

    first, second = Decimal("50.0"), Decimal("100.0")
    assert report.table().rows == (
        ("ann", "clerk", "2026-W45", 2, 1, first, Decimal("5.5"), "学时", 2, 1, "orders 70.5; orders 85"),
        ("ann", "clerk", "2026-W46", 1, 1, second, Decimal("3.5"), "学时", 0, 0, ""),
        ("bo", "reserve_manager", "2026-W45", 2, 1, first, Decimal("3.5"), "学时", 2, 1, ""),
        ("bo", "reserve_manager", "2026-W46", 1, 0, Decimal("0.0"), Decimal(0), "学时", 0, 0, ""),
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param({"credits": {"zoe": [hours("1", 2)]}}, ("zoe", "other", 0, None), id="hours without a session"),
        pytest.param({"scores": [score("cy", "9", 2)]}, ("cy", "clerk", 0, None), id="a test"),
        pytest.param({"sittings": [sitting(roster="cy")]}, ("cy", "clerk", 1, Decimal("0.0")), id="a missed session"),
    ],
)
def test_whoever_had_something_has_a_line(given: dict[str, Any], found: tuple[Any, ...]) -> None:
    [line] = weeks(**given).lines

    assert (line.learner_id, line.role, line.sessions, line.attendance) == found


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"sittings": [sitting(cancelled=True)]}, id="a cancelled session"),
        pytest.param({"sittings": [sitting(day=30, start="22:00")]}, id="a session that is not over"),
        pytest.param({"credits": {"ann": [hours("9", 2, "CPE")]}}, id="hours in another unit"),
        pytest.param({"tasks": [task(2, True, "others")]}, id="a task of another pair"),
        pytest.param({"attendances": [came("ann")]}, id="attendance of a session that was not given"),
        pytest.param({}, id="nothing"),
    ],
)
def test_there_is_no_line_for(given: dict[str, Any]) -> None:
    assert weeks(**given).lines == ()


def test_only_the_days_of_the_period_count() -> None:
    midweek = Period(date(2026, 11, 4), date(2026, 11, 10))

    report = weeks(
        sittings=[sitting("order-101", 3, roster="ann"), sitting("order-102", 11, roster="ann")],
        credits={"ann": [hours("1", 3), hours("2", 4), hours("4", 10), hours("8", 11)]},
        tasks=[task(3, True), task(11, True)],
        scores=[score("ann", "1", 3), score("ann", "2", 11)],
        period=midweek,
    )

    assert [(line.week, line.hours, line.sessions) for line in report.lines] == [
        ("2026-W45", Decimal(2), 0),
        ("2026-W46", Decimal(4), 0),
    ]


def test_json_has_the_scores_one_by_one() -> None:
    [row] = weeks(scores=[score("ann", "85", 6), score("ann", "7", 6, "safety", "09:00")]).to_json()["rows"]

    assert row["points"] == [{"course_id": "safety", "points": "7"}, {"course_id": "orders", "points": "85"}]
