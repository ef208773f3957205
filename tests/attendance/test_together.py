"""Partners who come to a joint session together arrive at about the same time."""

from datetime import timedelta

import pytest

from attendance.presence import Fact, presence_of_day
from attendance.session import Session
from attendance.together import attended_together, together
from tests.attendance.couple import ZONE, at

NINE = at("09:00")
JOINT = Session(
    id="joint-1", course_id="orders", room_id="room-1", starts_at=NINE, ends_at=at("12:00"), zone=ZONE,
    roster=frozenset({"ann", "bo"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("ann", "bo", "expected"),
    [
        pytest.param("09:05", "09:07", True, id="at about the same time"),
        pytest.param("09:02", "09:12", True, id="ten minutes apart"),
        pytest.param("09:02:00", "09:12:00.900", True, id="within the tenth minute's second"),
        pytest.param("09:02:00", "09:12:01", False, id="a second more"),
        pytest.param("08:31", "09:10", True, id="who is early arrives at the start"),
        pytest.param("08:31", "08:59", True, id="both early"),
        pytest.param("08:31", "09:10:01", False, id="too late after the start"),
        pytest.param("09:20", "09:10", True, id="both late, but together"),
        pytest.param("09:00", None, False, id="one has not come"),
        pytest.param(None, None, False, id="nobody has come"),
    ],
)
def test_joint_attendance(ann: str | None, bo: str | None, expected: bool) -> None:
    arrivals = [clock and at(clock) for clock in (ann, bo)]

    assert together([one or None for one in arrivals], start=NINE) is expected


def test_a_session_may_allow_more() -> None:
    assert together([NINE, at("09:30")], start=NINE, within=timedelta(minutes=30))


def test_nobody_is_together_alone() -> None:
    assert not together([NINE], start=NINE)


@pytest.mark.parametrize(
    ("ann", "bo", "expected"),
    [
        pytest.param("in 09:04, out 12:00", "in 09:13, out 12:00", True, id="grace does not move an arrival"),
        pytest.param("in 08:40, out 08:50, in 09:12, out 12:00", "in 09:01, out 12:00", False, id="came back late"),
        pytest.param("in 09:00", "in 09:01, out 12:00", False, id="on review"),
        pytest.param("in 08:40, out 08:50", "in 09:01, out 12:00", False, id="gone before the start"),
    ],
)
def test_arrivals_are_read_from_presence(ann: str, bo: str, expected: bool) -> None:
    presences = [
        presence_of_day(
            [JOINT],
            [
                Fact(
                    check_in_id=str(seq),
                    session_id="joint-1",
                    direction="in" if word.startswith("in") else "out",
                    at=at(word.split()[1]),
                )
                for seq, word in enumerate(facts.split(", "))
            ],
        )["joint-1"]
        for facts in (ann, bo)
    ]

    assert attended_together(presences, JOINT) is expected


def test_without_any_check_in_there_is_no_joint_attendance() -> None:
    assert not attended_together([None, None], JOINT)
