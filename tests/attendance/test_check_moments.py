"""The moments of presence checks: inside net time, away from edges, apart, and nobody can foresee them."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from attendance.check_moments import APART, EDGE, draw_checks
from attendance.session import Session
from tests.attendance.examples import ORDER_101, at, sitting

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def nearest_edge(moment: datetime, session: Session) -> timedelta:
    """Say how far a moment inside net time is from where its stretch begins or ends."""
    [span] = [span for span in session.net_spans if span.starts_at <= moment < span.ends_at]
    return min(moment - span.starts_at, span.ends_at - moment)


def closest(moments: tuple[datetime, ...]) -> timedelta:
    return min((later - sooner for sooner, later in pairwise(moments)), default=timedelta.max)


SESSIONS = {
    "the usual one": ORDER_101,
    "without a break": sitting("a", "09:00", "11:00"),
    "many short stretches": sitting("b", "09:00", "11:00", ("09:22", "09:24"), ("09:46", "09:48"), ("10:10", "10:30")),
    "half an hour": sitting("c", "09:00", "09:30"),
    "a break at the start": sitting("d", "09:00", "10:00", ("09:00", "09:20")),
    "seconds": sitting("e", "09:00:07", "10:00:53", ("09:30:30", "09:31:15")),
}


@pytest.mark.parametrize("name", SESSIONS)
def test_where_there_is_room_moments_keep_away_from_edges_and_each_other(name: str) -> None:
    session = SESSIONS[name]
    random = Random(name)

    for count in (0, 1, 2, 3) * 50:
        moments = draw_checks(session, count, random)

        assert len(moments) == count
        assert list(moments) == sorted(moments)
        assert all(nearest_edge(moment, session) >= EDGE for moment in moments)
        assert closest(moments) >= APART


@pytest.mark.parametrize("count", [1, 4, 8, 12, 15, 16])
def test_also_as_many_as_there_is_room_for(count: int) -> None:
    # 09:05-10:25 and 10:50-11:55 have room for 9 and 7.
    random = Random(count)

    for _ in range(20):
        moments = draw_checks(ORDER_101, count, random)

        assert len(moments) == count
        assert closest(moments) >= APART


def test_when_all_have_to_be_just_so_they_are() -> None:
    moments = draw_checks(sitting("c", "09:00", "09:30"), 3, Random(101))

    assert moments == (at("09:05"), at("09:15"), at("09:25"))


@pytest.mark.parametrize(
    ("session", "count", "edge", "apart"),
    [
        pytest.param(sitting("a", "09:00", "09:30"), 5, EDGE, 5 * MINUTE, id="more than there is room for"),
        pytest.param(sitting("a", "09:00", "09:10"), 1, EDGE, APART, id="just one moment"),
        pytest.param(sitting("a", "09:00", "09:10"), 0, EDGE, APART, id="none"),
        pytest.param(sitting("a", "09:00", "09:09:59"), 1, timedelta(), APART, id="too short to keep from edges"),
        pytest.param(
            sitting("a", "09:00", "09:21", ("09:08", "09:13")), 2, timedelta(), APART, id="two stretches too short"
        ),
        pytest.param(
            sitting("a", "09:00", "09:10:01", ("09:00:04", "09:09:57")), 2, timedelta(), APART, id="two of seconds"
        ),
        pytest.param(
            sitting("a", "09:00", "10:10", ("09:09", "10:00")), 1, EDGE, APART, id="only one stretch is long enough"
        ),
    ],
)
def test_a_short_session_gives_up_the_distance_first_and_the_edges_last(
    session: Session, count: int, edge: timedelta, apart: timedelta
) -> None:
    random = Random(101)

    for _ in range(50):
        moments = draw_checks(session, count, random)

        assert len(moments) == count
        assert all(nearest_edge(moment, session) >= edge for moment in moments)
        assert closest(moments) >= apart


def test_there_are_no_more_moments_than_seconds() -> None:
    moments = draw_checks(sitting("a", "09:00:00", "09:00:04"), 9, Random(101))

    assert moments == tuple(at("09:00") + second * SECOND for second in range(4))


def test_a_session_that_is_all_break_asks_nobody() -> None:
    assert draw_checks(sitting("a", "09:00", "10:00", ("08:00", "11:00")), 3, Random(101)) == ()


def test_the_same_chance_gives_the_same_moments() -> None:
    first, again, other = (draw_checks(ORDER_101, 3, Random(seed)) for seed in (101, 101, 102))

    assert first == again != other


def test_every_minute_away_from_edges_can_be_asked() -> None:
    random = Random(101)

    drawn = {moment.replace(second=0) for _ in range(1500) for moment in draw_checks(ORDER_101, 2, random)}

    for since, minutes in ((at("09:05"), 80), (at("10:50"), 65)):
        assert {since + minute * MINUTE for minute in range(minutes)} <= drawn


def test_less_than_none_is_a_fault() -> None:
    with pytest.raises(ValueError, match="-1 presence checks cannot be drawn"):
        draw_checks(ORDER_101, -1, Random(101))
