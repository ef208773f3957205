"""Local time: from what a clock on the wall says to an instant, also when daylight saving moves that clock.

* NotOnTheClock (ValueError)
  + Skipped       the clock jumps over this time
  + UnknownZone   there is no such time zone
  + NotAPlan      these sittings cannot be planned: no weekday, no end, none or too many of them
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attendance.span import Span

MOST_SITTINGS = 500
DAY = timedelta(days=1)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class NotOnTheClock(ValueError):
    """A local time or plan that no clock can show; its message names it."""


class Skipped(NotOnTheClock):
    """The clock jumps over this time when daylight saving begins, or the zone leaves out that day."""


class UnknownZone(NotOnTheClock):
    """There is no time zone of this name."""


class NotAPlan(NotOnTheClock):
    """These sittings cannot be planned."""


def instant_at(local: datetime, zone: str) -> datetime:
    """Give the instant at which clocks in the zone show a time; the first one, when they show it twice."""
    if local.tzinfo is not None:
        raise NotOnTheClock(f"{local.isoformat()} has a time zone already; leave it out, because {zone} is meant.")
    there = _zone(zone)
    try:
        instant = local.replace(tzinfo=there, fold=0).astimezone(UTC)
        shown = instant.astimezone(there).replace(tzinfo=None)
    except OverflowError:
        raise NotOnTheClock(f"{local.isoformat(' ')} lies at the end of the calendar.") from None
    if shown != local.replace(fold=0):
        raise Skipped(
            f"There is no {local:%H:%M} on {local.date()} in {zone}: clocks jump over it. Choose another time."
        )
    return instant


def weekly(
    first_start: datetime,
    ends: time,
    *,
    zone: str,
    weekdays: Collection[int],
    until: date | None = None,
    count: int | None = None,
) -> tuple[Span, ...]:
    """Plan sittings at the same local time on some weekdays (Monday is 0), by `until` (the last day) or `count`.

    The time on the wall stays when clocks change; what they skip is an error, not a sitting left out.
    An end that is not after the start is on the next day.
    """
    _check_plan(first_start, ends, weekdays, until, count)
    sittings: list[Span] = []
    for day in _days(first_start.date(), weekdays, until):
        if len(sittings) == MOST_SITTINGS:
            raise NotAPlan(f"There are more than {MOST_SITTINGS} sittings up to {until}; plan them in two parts.")
        sittings.append(_sitting(day, first_start.time(), ends, zone))
        if len(sittings) == count:
            break
    return tuple(sittings)


def _check_plan(
    first_start: datetime, ends: time, weekdays: Collection[int], until: date | None, count: int | None
) -> None:
    first = first_start.date()
    if first_start.tzinfo is not None or ends.tzinfo is not None:
        raise NotAPlan("Start and end are local times; leave out their time zone.")
    if not weekdays or not set(weekdays) <= set(range(7)):
        raise NotAPlan("Choose one or more weekdays, from 0 (Monday) to 6 (Sunday).")
    if first.weekday() not in weekdays:
        raise NotAPlan(f"The first day, {first}, is a {WEEKDAYS[first.weekday()]}, which is not among the weekdays.")
    if ends == first_start.time():
        raise NotAPlan(f"A sitting cannot end at {ends:%H:%M}, when it starts.")
    if (until is None) == (count is None):
        raise NotAPlan("Say either the last day or how many sittings there are.")
    if until is not None and until < first:
        raise NotAPlan(f"The last day, {until}, is before the first, {first}.")
    if count is not None and not 1 <= count <= MOST_SITTINGS:
        raise NotAPlan(f"There can be 1 to {MOST_SITTINGS} sittings, not {count}.")


def _days(day: date, weekdays: Collection[int], until: date | None) -> Iterator[date]:
    while until is None or day <= until:
        if day.weekday() in weekdays:
            yield day
        day = _next(day)


def _sitting(day: date, starts: time, ends: time, zone: str) -> Span:
    last_day = day if ends > starts else _next(day)
    return Span(instant_at(datetime.combine(day, starts), zone), instant_at(datetime.combine(last_day, ends), zone))


def _next(day: date) -> date:
    try:
        return day + DAY
    except OverflowError:
        raise NotAPlan(f"The calendar ends on {day}.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownZone(f"There is no time zone {name!r}; write it as in Asia/Shanghai.") from None
