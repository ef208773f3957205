"""Local time: what clocks show becomes an instant, also on the nights when they are changed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from attendance.local_time import MOST_SITTINGS, NotAPlan, NotOnTheClock, Skipped, UnknownZone, instant_at, weekly

BERLIN = "Europe/Berlin"
HOUR = timedelta(hours=1)


def local(told: str) -> datetime:
    return datetime.fromisoformat(told)


@pytest.mark.parametrize(
    ("told", "zone", "expected"),
    [
        pytest.param("2026-11-02T09:00", "Asia/Shanghai", "2026-11-02T01:00", id="without daylight saving"),
        pytest.param("2026-07-01T09:00", BERLIN, "2026-07-01T07:00", id="in summer"),
        pytest.param("2026-12-01T09:00", BERLIN, "2026-12-01T08:00", id="in winter"),
        pytest.param("2026-03-29T01:59:59", BERLIN, "2026-03-29T00:59:59", id="the last second before spring forward"),
        pytest.param("2026-03-29T03:00", BERLIN, "2026-03-29T01:00", id="the first time after it"),
        pytest.param("2026-10-25T02:30", BERLIN, "2026-10-25T00:30", id="shown twice: the first"),
        pytest.param("2026-10-25T03:00", BERLIN, "2026-10-25T02:00", id="after the second"),
        pytest.param("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45", id="half an hour back: the first"),
        pytest.param("2026-11-02T09:00", "Asia/Kathmandu", "2026-11-02T03:15", id="a quarter of an hour"),
        pytest.param("2011-12-31T00:00", "Pacific/Apia", "2011-12-30T10:00", id="after the day that Samoa left out"),
    ],
)
def test_a_local_time_is_an_instant(told: str, zone: str, expected: str) -> None:
    assert instant_at(local(told), zone) == local(expected).replace(tzinfo=UTC)


def test_the_fold_of_a_local_time_is_not_asked() -> None:
    twice = local("2026-10-25T02:30")

    assert instant_at(twice.replace(fold=1), BERLIN) == instant_at(twice, BERLIN)


@pytest.mark.parametrize(
    ("told", "zone", "sentence"),
    [
        pytest.param(
            "2026-03-29T02:30",
            BERLIN,
            "There is no 02:30 on 2026-03-29 in Europe/Berlin: clocks jump over it. Choose another time.",
            id="an hour",
        ),
        pytest.param("2026-10-04T02:15", "Australia/Lord_Howe", "no 02:15 on 2026-10-04", id="half an hour"),
        pytest.param("2011-12-30T09:00", "Pacific/Apia", "no 09:00 on 2011-12-30 in Pacific/Apia", id="a whole day"),
    ],
)
def test_a_time_that_is_skipped_is_refused_by_name(told: str, zone: str, sentence: str) -> None:
    with pytest.raises(Skipped) as refused:
        instant_at(local(told), zone)

    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "name", ["", "Mars/Phobos", "America", "../../etc/passwd", "/etc/passwd", "a\0b", "Zürich", "x" * 5000, "."]
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownZone, match="There is no time zone"):
        instant_at(local("2026-11-02T09:00"), name)


def test_a_time_that_has_a_zone_already_is_refused() -> None:
    with pytest.raises(NotOnTheClock, match=r"2026-11-02T09:00:00\+00:00 has a time zone already"):
        instant_at(local("2026-11-02T09:00").replace(tzinfo=UTC), BERLIN)


@pytest.mark.parametrize(("told", "zone"), [("0001-01-01T00:00", BERLIN), ("9999-12-31T23:00", "America/New_York")])
def test_the_ends_of_the_calendar_are_refused(told: str, zone: str) -> None:
    with pytest.raises(NotOnTheClock, match="lies at the end of the calendar"):
        instant_at(local(told), zone)


def planned(first: str = "2026-03-23T09:00", ends: str = "12:00", zone: str = BERLIN, **other: Any) -> list[str]:
    """Plan sittings, and read them as "2026-03-23 08:00-11:00" in UTC."""
    told: dict[str, Any] = {"weekdays": {0}, **other}
    sittings = weekly(local(first), time.fromisoformat(ends), zone=zone, **told)
    return [f"{span.starts_at:%Y-%m-%d %H:%M}-{span.ends_at:%H:%M}" for span in sittings]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(
            {"count": 2}, ["2026-03-23 08:00-11:00", "2026-03-30 07:00-10:00"], id="the wall time stays in spring"
        ),
        pytest.param(
            {"first": "2026-10-19T09:00", "count": 2},
            ["2026-10-19 07:00-10:00", "2026-10-26 08:00-11:00"],
            id="and in autumn",
        ),
        pytest.param(
            {"weekdays": [3, 0, 0], "until": date(2026, 4, 2)},
            ["2026-03-23 08:00-11:00", "2026-03-26 08:00-11:00", "2026-03-30 07:00-10:00", "2026-04-02 07:00-10:00"],
            id="two days a week, the last day included",
        ),
        pytest.param({"until": date(2026, 3, 29)}, ["2026-03-23 08:00-11:00"], id="nothing after the last day"),
        pytest.param(
            {"first": "2026-03-28T22:00", "ends": "04:00", "weekdays": {5}, "count": 1},
            ["2026-03-28 21:00-02:00"],
            id="a night that is an hour shorter",
        ),
        pytest.param(
            {"first": "2026-10-24T22:00", "ends": "04:00", "weekdays": {5}, "count": 1},
            ["2026-10-24 20:00-03:00"],
            id="a night that is an hour longer",
        ),
        pytest.param(
            {"first": "2026-10-25T02:15", "ends": "02:45", "weekdays": {6}, "count": 2},
            ["2026-10-25 00:15-00:45", "2026-11-01 01:15-01:45"],
            id="in the hour that is shown twice, the first time",
        ),
    ],
)
def test_sittings_are_planned(told: dict[str, Any], expected: list[str]) -> None:
    assert planned(**told) == expected


@pytest.mark.parametrize(
    ("told", "named"),
    [
        pytest.param({"first": "2026-03-15T02:30", "weekdays": {6}, "count": 5}, "no 02:30 on 2026-03-29", id="start"),
        pytest.param(
            {"first": "2026-03-22T01:00", "ends": "02:30", "weekdays": {6}, "count": 5},
            "no 02:30 on 2026-03-29",
            id="end",
        ),
        pytest.param(
            {"first": "2011-12-23T09:00", "zone": "Pacific/Apia", "weekdays": {4}, "count": 3},
            "no 09:00 on 2011-12-30",
            id="day",
        ),
    ],
)
def test_a_sitting_that_clocks_skip_is_never_left_out_silently(told: dict[str, Any], named: str) -> None:
    with pytest.raises(Skipped, match=named):
        planned(**told)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        pytest.param({"weekdays": [], "count": 1}, "Choose one or more weekdays", id="no weekday"),
        pytest.param({"weekdays": [0, 7], "count": 1}, "Choose one or more weekdays", id="an eighth weekday"),
        pytest.param({"weekdays": [-1, 0], "count": 1}, "Choose one or more weekdays", id="a day before Monday"),
        pytest.param(
            {"weekdays": [1], "count": 1},
            "The first day, 2026-03-23, is a Monday, which is not among the weekdays.",
            id="another first day",
        ),
        pytest.param({}, "Say either the last day or how many", id="no end"),
        pytest.param({"count": 1, "until": date(2026, 4, 1)}, "Say either the last day or how many", id="two ends"),
        pytest.param({"count": 0}, "There can be 1 to 500 sittings, not 0.", id="no sitting"),
        pytest.param({"count": 501}, "There can be 1 to 500 sittings, not 501.", id="too many"),
        pytest.param({"until": date(2026, 3, 22)}, "The last day, 2026-03-22, is before the first", id="over before"),
        pytest.param({"until": date.max}, "There are more than 500 sittings up to 9999-12-31", id="for ever"),
        pytest.param({"ends": "09:00", "count": 1}, "A sitting cannot end at 09:00, when it starts.", id="no time"),
        pytest.param(
            {"first": "9999-12-27T09:00", "count": 2}, "The calendar ends on 9999-12-31.", id="the end of the calendar"
        ),
    ],
)
def test_what_cannot_be_planned_is_refused(told: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NotAPlan) as refused:
        planned(**told)

    assert sentence in str(refused.value)


def test_there_can_be_500_sittings() -> None:
    every_day: dict[str, Any] = {"weekdays": range(7), "first": "2026-11-02T09:00"}

    assert len(planned(count=MOST_SITTINGS, **every_day)) == MOST_SITTINGS
    assert planned(count=MOST_SITTINGS, **every_day) == planned(until=date(2028, 3, 15), **every_day)
    with pytest.raises(NotAPlan, match="more than 500"):
        planned(until=date(2028, 3, 16), **every_day)


@pytest.mark.parametrize(
    ("first", "ends"),
    [
        pytest.param(local("2026-03-23T09:00+01:00"), time(12), id="start"),
        pytest.param(local("2026-03-23T09:00"), time(12, tzinfo=UTC), id="end"),
    ],
)
def test_a_plan_with_a_zone_in_its_times_is_refused(first: datetime, ends: time) -> None:
    with pytest.raises(NotAPlan, match="leave out their time zone"):
        weekly(first, ends, zone=BERLIN, weekdays={0}, count=1)
