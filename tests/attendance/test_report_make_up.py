"""Make-up training: who needs it, and where it can be had."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.credit import PRESETS
from attendance.report_facts import Attendance, Score, Sitting
from attendance.report_make_up import MakeUp, make_up
from attendance.session import MINUTE, Session
from attendance.span import Span
from tests.attendance.couple import at
from tests.attendance.report_cast import LEARNERS, came, sitting

NOW = at("12:00", 10)
MISSED = sitting(roster="ann")


def report(*sittings: Sitting, **given: Any) -> Any:
    told: dict[str, Any] = {
        "learners": LEARNERS, "regions": {"ann": "north", "bo": "north"}, "scores": [], "pass_marks": {}, "now": NOW,
    }  # fmt: skip
    return make_up(sittings, given.pop("attendances", []), **(told | given))


def needs(*sittings: Sitting, **given: Any) -> tuple[MakeUp, ...]:
    lines: tuple[MakeUp, ...] = report(*sittings, **given).lines
    return lines


def offered(*sittings: Sitting, **given: Any) -> list[str]:
    """Name what Ann, who missed order-101, is offered."""
    [ann] = needs(MISSED, *sittings, **given)
    return [session.id for session in ann.offered]


def score(points: str, day: int = 3, clock: str = "10:00", course_id: str = "orders") -> Score:
    when = at(clock, day)
    return Score(learner_id="ann", course_id=course_id, at=when, on=when.date(), points=Decimal(points))


@pytest.mark.parametrize(
    ("attendances", "missed", "too_short"),
    [
        pytest.param([], "order-101", "", id="missed"),
        pytest.param([came("ann", signed_in=False, minutes=0)], "order-101", "", id="never signed in"),
        pytest.param([came("ann", minutes=143)], "", "order-101 79.4 %", id="below 80 %"),
        pytest.param([came("ann", minutes=0)], "", "order-101 0.0 %", id="in and out again"),
    ],
)
def test_attendance_falls_short(attendances: list[Attendance], missed: str, too_short: str) -> None:
    [ann] = needs(MISSED, attendances=[replace(one, credited=False) for one in attendances])

    assert (ann.learner_id, ann.role, ann.course_id) == ("ann", "clerk", "orders")
    assert (ann.missed, ann.too_short, ann.points, ann.pass_mark) == (missed, too_short, None, None)


@pytest.mark.parametrize(
    ("sat", "attendances"),
    [
        pytest.param(MISSED, [came("ann", minutes=144)], id="exactly 80 %"),
        pytest.param(MISSED, [came("ann", minutes=0, on_review=True)], id="on review"),
        pytest.param(
            MISSED, [came("ann", signed_in=False, minutes=0, on_review=True)], id="on review for an out without an in"
        ),
        pytest.param(sitting(cancelled=True), [], id="a cancelled session"),
        pytest.param(sitting(day=10, start="10:00"), [], id="a session that is not over"),
        pytest.param(sitting(day=10, start="08:30"), [], id="at the end of its check-in window"),
        pytest.param(sitting(rule=PRESETS["nasba-50"], roster="ann"), [came("ann", minutes=1)], id="a rule of 0 %"),
    ],
)
def test_nobody_needs_to_make_up(sat: Sitting, attendances: list[Attendance]) -> None:
    assert needs(sat, attendances=attendances) == ()


def test_a_session_is_missed_once_its_check_in_window_has_closed() -> None:
    over = sitting(day=10, start="08:30", roster="ann")

    assert needs(over, now=NOW + timedelta(seconds=1))


def test_the_break_is_no_time_that_could_be_missed() -> None:
    with_break = sitting(roster="ann", breaks=(Span(at("10:30"), at("10:45")),))

    [ann] = needs(with_break, attendances=[came("ann", minutes=131, credited=False)])

    assert ann.too_short == "order-101 79.4 %"
    assert needs(with_break, attendances=[came("ann", minutes=132)]) == ()


LATER = sitting("order-102", 4, roster="ann")


@pytest.mark.parametrize(
    ("other", "attendance", "found"),
    [
        pytest.param(LATER, came("ann", "order-102"), 0, id="a later one of the course"),
        pytest.param(LATER, came("ann", "order-102", minutes=20, credited=False), 1, id="without hours"),
        pytest.param(sitting("order-100", 1, roster="ann"), came("ann", "order-100"), 1, id="an earlier one"),
        pytest.param(sitting("safety-1", 4, course_id="safety"), came("ann", "safety-1"), 1, id="another course"),
    ],
)
def test_hours_of_a_later_session_make_up(other: Sitting, attendance: Attendance, found: int) -> None:
    lines = needs(MISSED, other, attendances=[attendance, came("bo", "safety-1")])

    assert len(lines) == found


def test_the_last_session_with_hours_is_what_makes_up_in_whatever_order_they_are_given() -> None:
    earlier = sitting("order-100", 1, roster="ann")
    attendances = [came("ann", "order-100"), came("ann", "order-102")]

    assert needs(LATER, MISSED, earlier, attendances=attendances) == ()


def test_needs_stand_in_the_order_of_learners_and_courses() -> None:
    crowd = [f"learner-{number}" for number in range(10)]
    both = [sitting(course, roster=" ".join(crowd), course_id=course) for course in ("safety", "orders")]

    lines = needs(*both)

    assert [(line.learner_id, line.course_id) for line in lines] == [
        (who, course) for who in crowd for course in ("orders", "safety")
    ]


@pytest.mark.parametrize(
    ("scores", "points"),
    [
        pytest.param([score("59.9")], "59.9", id="below the pass mark"),
        pytest.param([score("60")], None, id="at the pass mark"),
        pytest.param([score("70", 5), score("40", 3)], None, id="cured by a later one"),
        pytest.param([score("70", 3), score("40", 5)], "40", id="not cured by an earlier one"),
        pytest.param([score("40", 3, "15:00"), score("60", 3, "16:00")], None, id="cured on the same day"),
        pytest.param([score("40", course_id="safety")], None, id="a course without a pass mark"),
        pytest.param([], None, id="no test"),
    ],
)
def test_a_score_falls_short(scores: list[Score], points: str | None) -> None:
    lines = needs(scores=scores, pass_marks={"orders": Decimal(60)})

    assert [(str(line.points), str(line.pass_mark)) for line in lines] == ([(points, "60")] if points else [])


def test_attendance_and_score_of_a_course_are_one_need() -> None:
    [ann] = needs(MISSED, LATER, scores=[score("40")], pass_marks={"orders": Decimal(60)})

    assert (ann.missed, ann.points) == ("order-101; order-102", Decimal(40))


SOON = sitting("order-103", 11, roster="")


@pytest.mark.parametrize(
    ("other", "suits"),
    [
        pytest.param(SOON, True, id="in the region"),
        pytest.param(sitting("order-103", 11, roster="bo"), True, id="with others on the roster"),
        pytest.param(sitting("order-103", 11, roster="", region_id="south"), False, id="in another region"),
        pytest.param(sitting("order-103", 11, roster="", region_id="south", room_id=None), True, id="online"),
        pytest.param(sitting("order-103", 11, roster="", cancelled=True), False, id="cancelled"),
        pytest.param(sitting("order-103", 11, roster="", course_id="safety"), False, id="of another course"),
        pytest.param(sitting("order-103", 11, roster="ann"), False, id="on its roster already"),
        pytest.param(sitting("order-103", 10, start="12:00", roster=""), False, id="has begun"),
        pytest.param(sitting("order-103", 10, start="12:01", roster=""), True, id="is about to begin"),
    ],
)
def test_a_session_suits(other: Sitting, suits: bool) -> None:
    assert offered(other) == (["order-103"] if suits else [])


@pytest.mark.parametrize(
    ("start", "hours", "suits"),
    [
        pytest.param("08:00", 1, True, id="ends when it begins"),
        pytest.param("08:00", 2, False, id="runs into it"),
        pytest.param("11:00", 4, False, id="begins before it ends"),
        pytest.param("12:00", 4, True, id="begins when it ends"),
        pytest.param("07:00", 12, False, id="lies around it"),
        pytest.param("10:00", 1, False, id="lies in it"),
    ],
)
def test_another_session_of_the_learner_that(start: str, hours: int, suits: bool) -> None:
    own = sitting("safety-1", 11, start=start, hours=hours, course_id="safety", roster="ann")

    assert offered(SOON, own) == (["order-103"] if suits else [])


def test_a_cancelled_session_of_the_learner_and_those_of_others_do_not_clash() -> None:
    cancelled = sitting("safety-1", 11, course_id="safety", roster="ann", cancelled=True)
    of_bo = sitting("safety-2", 11, course_id="safety", roster="bo")

    assert offered(SOON, cancelled, of_bo) == ["order-103"]


def test_the_earliest_three_are_offered_in_the_region_and_online_alike() -> None:
    coming = [
        sitting(f"order-{number}", day, roster="", room_id=None if number % 2 else "room-1")
        for number, day in [(1, 16), (2, 14), (3, 12), (4, 13)]
    ]

    assert offered(*coming) == ["order-3", "order-4", "order-2"]


def test_who_has_no_known_region_is_offered_what_is_online() -> None:
    online = sitting("order-104", 12, roster="", room_id=None)

    assert offered(SOON, online, regions={}) == ["order-104"]


def test_who_stands_on_a_roster_to_come_is_named_with_it() -> None:
    first, second = sitting("order-105", 12, roster="ann"), sitting("order-106", 13, roster="ann")

    [ann] = needs(MISSED, second, first)

    assert ann.booked == "order-105 2026-11-12 09:00"


def test_without_any_session_to_come_nothing_is_offered() -> None:
    [ann] = needs(MISSED)

    assert (ann.offered, ann.make_up, ann.booked) == ((), "", None)


def test_the_table_of_make_up_training() -> None:
    online = sitting("order-104", 12, start="14:30", roster="", room_id=None)

    table = report(MISSED, SOON, online, scores=[score("40")], pass_marks={"orders": Decimal(60)}).table()

    assert table.rows == (
        ("ann", "clerk", "orders", "order-101", "", Decimal(40), Decimal(60), None,
         "order-103 2026-11-11 09:00; order-104 2026-11-12 14:30"),
    )  # fmt: skip


def test_json_names_the_sessions_one_by_one() -> None:
    [row] = json.loads(json.dumps(report(MISSED, SOON).to_json()))["rows"]

    assert row["missed"] == [
        {"session_id": "order-101", "local_date": "2026-11-02", "minutes": 0, "net_minutes": 180, "least_percent": "80"}
    ]
    assert row["make_up"] == [
        {
            "session_id": "order-103",
            "room_id": "room-1",
            "starts_at": "2026-11-11T01:00:00Z",
            "ends_at": "2026-11-11T04:00:00Z",
            "local_date": "2026-11-11",
        }
    ]
    assert row["too_short"] == []
    assert row["booked"] is None


def overlaps(one: Session, other: Session) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


@st.composite
def plans(draw: st.DrawFn) -> list[Sitting]:
    """Draw sessions of two courses around now, some of them with Ann on the roster."""
    plan = []
    for number in range(draw(st.integers(1, 10))):
        one = sitting(
            f"s{number}",
            roster=draw(st.sampled_from(["", "ann", "ann bo"])),
            course_id=draw(st.sampled_from(["orders", "safety"])),
            region_id=draw(st.sampled_from(["north", "south"])),
            room_id=draw(st.sampled_from(["room-1", None])),
            cancelled=draw(st.sampled_from([False, False, True])),
        )
        starts_at = NOW + draw(st.integers(-6, 12)) * 30 * MINUTE
        ends_at = starts_at + draw(st.integers(1, 4)) * 30 * MINUTE
        plan.append(replace(one, session=replace(one.session, starts_at=starts_at, ends_at=ends_at)))
    return plan


@settings(max_examples=30)
@given(plans())
def test_offers_agree_with_looking_at_every_session(plan: list[Sitting]) -> None:
    own = [one.session for one in plan if "ann" in one.session.roster and not one.session.cancelled]

    ann = next(line for line in needs(MISSED, *plan) if (line.learner_id, line.course_id) == ("ann", "orders"))

    suits = [
        one.session
        for one in sorted(plan, key=lambda one: (one.session.starts_at, one.session.id))
        if one.session.course_id == "orders"
        and not one.session.cancelled
        and one.session.starts_at > NOW
        and (one.region_id == "north" or one.session.room_id is None)
        and "ann" not in one.session.roster
        and not any(overlaps(one.session, other) for other in own)
    ]
    assert list(ann.offered) == suits[:3]
