"""Every change of the clocks from 2020 to 2035 in 40 zones: hours are elapsed time, dates and plans are the wall's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from attendance.credit import PRESETS
from attendance.local_time import Skipped, instant_at, weekly
from attendance.session import Session, Span
from attendance.settlement import HourRecord, settle_day
from attendance.visit import Fact

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
HOUR_60 = PRESETS["hour-60"]

CHANGING = (
    "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Juba", "America/Asuncion", "America/Chicago",
    "America/Havana", "America/Los_Angeles", "America/New_York", "America/Nuuk", "America/Santiago",
    "America/Scoresbysund", "America/St_Johns", "America/Whitehorse", "Antarctica/Casey", "Antarctica/Troll",
    "Asia/Almaty", "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Tehran", "Atlantic/Azores",
    "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/London",
    "Europe/Volgograd", "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Fiji",
)  # fmt: skip
STEADY = (
    "America/Phoenix", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Shanghai", "Australia/Eucla", "Pacific/Kiritimati",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """At this instant the clocks of a zone go from one offset to another."""

    zone: str
    at: datetime
    before: timedelta
    after: timedelta

    @property
    def step(self) -> timedelta:
        return self.after - self.before

    def wall(self, offset: timedelta) -> datetime:
        return self.at.replace(tzinfo=None) + offset


@cache
def changes(zone: str) -> tuple[Change, ...]:
    """Find the changes by looking at every noon, and then for the second between two noons that differ."""
    there = ZoneInfo(zone)

    def offset(at: datetime) -> timedelta:
        return at.astimezone(there).utcoffset() or timedelta()

    found = []
    noons = [FROM + number * DAY for number in range((TO - FROM) // DAY + 1)]
    for sooner, later in pairwise(noons):
        if offset(sooner) != offset(later):
            since, until = sooner, later
            while until - since > SECOND:
                middle = since + (until - since) // (2 * SECOND) * SECOND
                since, until = (middle, until) if offset(middle) == offset(sooner) else (since, middle)
            found.append(Change(zone, until, offset(sooner), offset(later)))
    return tuple(found)


def sat(zone: str, starts_at: datetime, ends_at: datetime, *pauses: Span) -> HourRecord:
    """Settle a session that somebody attended from start to end."""
    session = Session(
        id="s", course_id="c", room_id=None, starts_at=starts_at, ends_at=ends_at, zone=zone, breaks=pauses,
        roster=frozenset({"ann"}),
    )  # fmt: skip
    facts = [
        Fact(check_in_id="1", session_id="s", direction="in", at=starts_at.astimezone(ZoneInfo(zone))),
        Fact(check_in_id="2", session_id="s", direction="out", at=ends_at.astimezone(ZoneInfo(zone))),
    ]
    [record] = settle_day("ann", [session], facts=facts, rules={"s": HOUR_60}, day=session.local_date).records
    return record


def around(change: Change) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Give sessions across and beside a change, each with the offset that says its date."""
    yield change.at - 90 * MINUTE, change.at + 90 * MINUTE, change.before
    yield change.at - 3 * HOUR, change.at, change.before
    yield change.at, change.at + 3 * HOUR, change.after
    yield change.at - SECOND, change.at + 3 * HOUR - SECOND, change.before


def test_these_are_forty_zones_with_the_odd_ones_among_them() -> None:
    steps = {zone: {change.step for change in changes(zone)} for zone in (*CHANGING, *STEADY)}

    assert len(steps) == 40
    assert all(steps[zone] for zone in CHANGING)
    assert not any(steps[zone] for zone in STEADY)
    assert sum(len(changes(zone)) for zone in CHANGING) > 700
    assert steps["Australia/Lord_Howe"] == {30 * MINUTE, -30 * MINUTE}
    assert steps["Antarctica/Troll"] == {2 * HOUR, -2 * HOUR}
    back_for_ramadan = [change for change in changes("Africa/Casablanca") if change.step < timedelta()]
    assert len({change.at.month for change in back_for_ramadan}) > 3


@pytest.mark.parametrize("zone", CHANGING)
def test_hours_are_elapsed_time_whatever_the_clocks_do(zone: str) -> None:
    for change in changes(zone):
        for starts_at, ends_at, offset in around(change):
            record = sat(zone, starts_at, ends_at, Span(change.at - 5 * MINUTE, change.at + 5 * MINUTE))

            net = (ends_at - starts_at) - (
                min(ends_at, change.at + 5 * MINUTE) - max(starts_at, change.at - 5 * MINUTE)
            )
            day = (starts_at + offset).date()
            told = (record.minutes, record.explanation.session.net_minutes, record.credit, record.effective_date)
            quarters = net // (15 * MINUTE) * Decimal("0.25")
            assert told == (net // MINUTE, net // MINUTE, quarters, day), change


@pytest.mark.parametrize("zone", CHANGING)
def test_the_wall_is_read_right_at_every_change(zone: str) -> None:
    for change in changes(zone):
        sooner, later = sorted((change.wall(change.before), change.wall(change.after)))
        skips = change.step > timedelta()
        between = [sooner, sooner + (later - sooner) / 2, later - SECOND]

        for wall in between:
            if skips:
                with pytest.raises(Skipped, match=f"on {wall.date()} in {zone}"):
                    instant_at(wall, zone)
            else:
                # Shown twice: the first time, by the offset before.
                assert instant_at(wall, zone) == (wall - change.before).replace(tzinfo=UTC), change
        assert instant_at(sooner - SECOND, zone) == (sooner - SECOND - change.before).replace(tzinfo=UTC), change
        assert instant_at(later, zone) == (later - change.after).replace(tzinfo=UTC), change


@pytest.mark.parametrize("zone", CHANGING)
def test_a_weekly_session_keeps_its_wall_time_over_every_change(zone: str) -> None:
    for change in changes(zone):
        noon = (change.wall(change.before) - 3 * DAY).replace(hour=12, minute=30, second=0)

        first, second = weekly(noon, (noon + 2 * HOUR).time(), zone=zone, weekdays={noon.weekday()}, count=2)

        assert second.starts_at - first.starts_at == 7 * DAY - change.step, change
        for span in (first, second):
            assert span.starts_at.astimezone(ZoneInfo(zone)).time() == noon.time(), change
            assert span.ends_at - span.starts_at == 2 * HOUR, change


@pytest.mark.parametrize("zone", STEADY)
def test_where_clocks_never_change_a_day_has_24_hours(zone: str) -> None:
    offset = FROM.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    ten = datetime.fromisoformat("2020-01-01T22:00")

    days = weekly(ten, time(1), zone=zone, weekdays=range(7), count=400)

    assert {later.starts_at - sooner.starts_at for sooner, later in pairwise(days)} == {DAY}
    for night in days[::40]:
        record = sat(zone, night.starts_at, night.ends_at)
        assert (record.minutes, record.credit) == (180, Decimal(3))
        assert record.effective_date == (night.starts_at + offset).date()
