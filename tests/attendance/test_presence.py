"""Presence: dedupe, pair, grace, clip, breaks, overlaps, floor."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.presence import Fact, Presence, presence_of_day
from attendance.reasons import ReviewReason
from attendance.session import Session, Span
from attendance.span import common, length, merged, without

ZONE = "Asia/Shanghai"
MINUTE = timedelta(minutes=1)


def at(clock: str, day: str = "2026-11-02", zone: str = ZONE) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone))


def session(id: str = "order-101", start: str = "09:00", end: str = "12:00", **other: Any) -> Session:
    told: dict[str, Any] = {
        "course_id": "order-entry",
        "room_id": "room-1",
        "roster": frozenset({"ann"}),
        "zone": ZONE,
        "starts_at": at(start),
        "ends_at": at(end),
    }
    return Session(id=id, **{**told, **other})


ORDER_101 = session(breaks=(Span(at("10:30"), at("10:45")),))


def facts(told: str, of: str = "order-101") -> list[Fact]:
    """Read facts such as "in 09:00, out 12:00"; a question mark behind the time makes it uncertain."""
    words = [word.split() for word in told.split(", ")]
    return [
        Fact(
            check_in_id=f"{of}-{seq}",
            session_id=of,
            direction="in" if direction == "in" else "out",
            at=at(clock.rstrip("?")),
            stream="kiosk",
            seq=seq,
            uncertain=clock.endswith("?"),
        )
        for seq, (direction, clock) in enumerate(words)
    ]


def present(told: str, **other: Any) -> Presence:
    attended = session(**{"breaks": ORDER_101.breaks, **other})
    return presence_of_day([attended], facts(told))["order-101"]


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        pytest.param("in 09:00, out 12:00", 165, id="whole"),
        pytest.param("in 09:05:00, out 11:55:00", 165, id="both at the edge of grace"),
        pytest.param("in 09:05:00.900, out 12:00", 165, id="within the last second of grace"),
        pytest.param("in 09:05:01, out 12:00", 159, id="a second past grace on arrival"),
        pytest.param("in 09:00, out 11:54:59", 159, id="a second past grace on leaving"),
        pytest.param("in 08:40, out 12:20", 165, id="before and after the session"),
        pytest.param("in 09:00, out 10:20, in 10:50, out 12:00", 150, id="the break lies between two visits"),
        pytest.param("in 09:00, out 10:00, in 10:03, out 12:00", 162, id="no grace in the middle"),
        pytest.param("in 09:20, out 09:25, in 10:50, out 11:56", 75, id="grace for the last leaving only"),
        pytest.param("in 08:50, out 08:55, in 09:04, out 12:00", 165, id="stepping out before the start costs nothing"),
        pytest.param("in 08:50, out 09:00, in 09:04, out 12:00", 165, id="nor does stepping out at the start"),
        pytest.param("in 09:00, out 11:57, in 12:00, out 12:05", 165, id="coming back at the end costs nothing"),
        pytest.param("in 08:40, out 08:50", 0, id="gone before the start"),
        pytest.param("in 10:30, out 10:45", 0, id="there in the break only"),
        pytest.param("in 09:20:40, out 10:00:10, in 10:50:10, out 11:00:40", 50, id="seconds are summed, then floored"),
        pytest.param("in 09:20:30, out 10:00:00, in 10:50:00, out 11:00:29", 49, id="and only once"),
    ],
)
def test_presence_counts_the_time_that_was_spent_there(told: str, minutes: int) -> None:
    assert present(told).minutes == minutes


def test_seconds_are_kept_beside_the_minutes() -> None:
    presence = present("in 09:05:01, out 12:00")

    assert (presence.seconds, presence.minutes) == (159 * 60 + 59, 159)


@pytest.mark.parametrize(
    ("told", "minutes", "kept"),
    [
        pytest.param("in 09:10:00, in 09:11:00, out 12:00", 155, 2, id="60 seconds after the first is the same"),
        pytest.param("in 09:10:00, in 09:11:01, out 12:00", 155, 3, id="61 seconds after is another, in while in"),
        pytest.param("in 09:10:00, in 09:10:50, in 09:11:40, out 12:00", 155, 3, id="counted from the first"),
        pytest.param("in 09:10:00, in 09:11:01, in 09:11:40, out 12:00", 155, 3, id="and from the next that was kept"),
        pytest.param("in 09:00, out 11:00, out 11:01", 105, 2, id="a doubled out"),
        pytest.param("in 09:00, out 11:00, out 11:30", 105, 3, id="out while out changes nothing"),
    ],
)
def test_repeated_scans_change_nothing(told: str, minutes: int, kept: int) -> None:
    presence = present(told)

    assert presence.minutes == minutes
    assert dict(presence.steps[0].values) == {"facts": len(facts(told)), "kept": kept}


@pytest.mark.parametrize(
    ("told", "reasons"),
    [
        pytest.param("out 12:00", ("out_without_in",), id="out without in"),
        pytest.param("out 09:00, in 09:10, out 12:00", ("out_without_in",), id="out without in, then a good visit"),
        pytest.param("in 09:00", ("missing_out",), id="in without out"),
        pytest.param("in 09:00, out 10:00, in 10:30", ("missing_out",), id="the last out is missing"),
        pytest.param("out 09:00, in 10:00", ("out_without_in", "missing_out"), id="both"),
        pytest.param("in 09:00, out 12:00?", ("time_uncertain",), id="an uncertain time"),
    ],
)
def test_what_is_doubtful_is_reviewed_and_counts_nothing(told: str, reasons: tuple[ReviewReason, ...]) -> None:
    presence = present(told)

    assert presence.review == reasons
    assert (presence.minutes, presence.seconds, presence.intervals) == (0, 0, ())


@pytest.mark.parametrize("policy", ["session_end", "none_needed"])
@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        pytest.param("in 09:00", 165, id="in only"),
        pytest.param("in 09:20", 145, id="late and in only"),
        pytest.param("in 09:00, out 10:00, in 11:00", 120, id="the last out is missing"),
        pytest.param("in 09:00, out 11:00", 105, id="an out that was made still counts"),
    ],
)
def test_a_missing_out_may_count_to_the_end(policy: str, told: str, minutes: int) -> None:
    assert present(told, missing_out=policy).minutes == minutes


def test_a_cancelled_session_counts_nothing_and_needs_no_review() -> None:
    presence = present("in 09:00", cancelled=True)

    assert (presence.minutes, presence.review) == (0, ())


def test_facts_at_one_instant_follow_their_stream_and_number() -> None:
    come, go = facts("in 09:30, out 09:30")

    assert presence_of_day([ORDER_101], [go, come])["order-101"].review == ()


@pytest.mark.parametrize(
    ("first", "second", "minutes"),
    [
        pytest.param(session("b"), session("a", "10:00", "13:00"), {"b": 180, "a": 60}, id="the earlier start"),
        pytest.param(session("b"), session("a"), {"a": 180, "b": 0}, id="then the lower id"),
        pytest.param(
            session("a", breaks=(Span(at("10:00"), at("11:00")),)),
            session("b", "09:30", "12:00"),
            {"a": 120, "b": 60},
            id="a break of the one is time of the other",
        ),
    ],
)
def test_a_minute_in_two_sessions_belongs_to_one(first: Session, second: Session, minutes: dict[str, int]) -> None:
    both = [*facts("in 09:00, out 13:00", "a"), *facts("in 09:00, out 13:00", "b")]

    presences = presence_of_day([first, second], both)

    assert {id: presence.minutes for id, presence in presences.items()} == minutes


def test_a_session_on_review_takes_nothing_from_another() -> None:
    both = [*facts("in 09:00", "a"), *facts("in 09:00, out 12:00", "b")]

    presences = presence_of_day([session("a"), session("b")], both)

    assert presences["b"].minutes == 180


def test_a_session_without_facts_has_no_presence() -> None:
    assert presence_of_day([ORDER_101], []) == {}


def test_facts_of_a_session_that_was_not_given_are_a_fault() -> None:
    with pytest.raises(ValueError, match="order-999"):
        presence_of_day([ORDER_101], facts("in 09:00", "order-999"))


@pytest.mark.parametrize(
    ("day", "start", "end", "minutes"),
    [
        pytest.param("2026-10-25", "01:30", "03:30", 180, id="the hour that comes twice"),
        pytest.param("2026-03-29", "01:30", "03:30", 60, id="the hour that is left out"),
        pytest.param("2026-11-02", "01:30", "03:30", 120, id="an ordinary day"),
    ],
)
def test_a_change_of_the_clocks_neither_gives_nor_takes_time(day: str, start: str, end: str, minutes: int) -> None:
    starts_at, ends_at = at(start, day, "Europe/Berlin"), at(end, day, "Europe/Berlin")
    night = session(zone="Europe/Berlin", starts_at=starts_at, ends_at=ends_at)
    told = [
        Fact(check_in_id="1", session_id=night.id, direction="in", at=starts_at),
        Fact(check_in_id="2", session_id=night.id, direction="out", at=ends_at),
    ]

    assert night.net_minutes == presence_of_day([night], told)[night.id].minutes == minutes


def test_a_session_belongs_to_the_date_where_it_is_held() -> None:
    early = session(start="07:00")

    assert (early.starts_at.date().isoformat(), early.local_date.isoformat()) == ("2026-11-01", "2026-11-02")


def test_a_session_across_midnight_belongs_to_the_day_of_its_start() -> None:
    night = session(starts_at=at("22:00"), ends_at=at("02:00", "2026-11-03"))

    assert (night.local_date.isoformat(), night.net_minutes) == ("2026-11-02", 240)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"starts_at": at("09:00").replace(tzinfo=None)}, id="start without a zone"),
        pytest.param({"ends_at": at("12:00").replace(tzinfo=None)}, id="end without a zone"),
        pytest.param({"ends_at": at("09:00")}, id="end at the start"),
    ],
)
def test_a_session_without_a_sound_time_is_a_fault(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no time zone|ends at"):
        session(**wrong)


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        pytest.param(at("09:00").replace(tzinfo=None), at("12:00"), id="without a zone"),
        pytest.param(at("12:00"), at("09:00"), id="backwards"),
    ],
)
def test_a_span_without_a_sound_time_is_a_fault(starts_at: datetime, ends_at: datetime) -> None:
    with pytest.raises(ValueError, match=r"no time zone|cannot end"):
        Span(starts_at, ends_at)


def test_a_fact_without_a_zone_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Fact(check_in_id="1", session_id="order-101", direction="in", at=at("09:00").replace(tzinfo=None))


NINE = datetime(2026, 11, 2, 1, tzinfo=UTC)


def span(starts_at: int, ends_at: int) -> Span:
    return Span(NINE + starts_at * MINUTE, NINE + ends_at * MINUTE)


def ticks(spans: Sequence[Span]) -> set[int]:
    """See spans as the set of their minutes."""
    return {
        minute for span in spans for minute in range((span.starts_at - NINE) // MINUTE, (span.ends_at - NINE) // MINUTE)
    }


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: span(*sorted(pair))), max_size=6)


@given(spans, spans)
def test_spans_behave_like_sets_of_minutes(some: list[Span], others: list[Span]) -> None:
    left, right = merged(some), merged(others)

    assert ticks(left) == ticks(some)
    assert length(left) == len(ticks(some)) * MINUTE
    assert ticks(common(left, right)) == ticks(left) & ticks(right)
    assert ticks(without(left, right)) == ticks(left) - ticks(right)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[list[Session], list[Fact]]:
    """Draw up to four sessions that may overlap, with breaks, and facts at any second around them."""
    sessions, told = [], []
    for id in "abcd"[: draw(st.integers(1, 4))]:
        start = draw(st.integers(0, 300))
        end = start + draw(st.integers(1, 240))
        pauses = draw(st.lists(st.tuples(st.integers(-30, 300), st.integers(0, 60)), max_size=2))
        sessions.append(
            session(
                id,
                starts_at=NINE + start * MINUTE,
                ends_at=NINE + end * MINUTE,
                breaks=tuple(span(start + offset, start + offset + long) for offset, long in pauses),
                missing_out=draw(st.sampled_from(["review", "session_end"])),
                grace=draw(st.integers(0, 10)) * MINUTE,
            )
        )
        directions = st.sampled_from(["in", "out"])
        scans = draw(st.lists(st.tuples(directions, st.integers((start - 40) * 60, (end + 40) * 60)), max_size=6))
        told += [
            Fact(
                check_in_id=f"{id}{seq}",
                session_id=id,
                direction="in" if direction == "in" else "out",
                at=NINE + timedelta(seconds=second),
                stream="kiosk",
                seq=seq,
            )
            for seq, (direction, second) in enumerate(scans)
        ]
    return sessions, told


@given(calendars())
def test_nobody_is_present_longer_than_sessions_are_scheduled(calendar: tuple[list[Session], list[Fact]]) -> None:
    sessions, told = calendar

    presences = presence_of_day(sessions, told)

    scheduled = length(merged(span for attended in sessions for span in attended.net_spans)) // MINUTE
    assert sum(presence.minutes for presence in presences.values()) <= scheduled
    for attended in sessions:
        if attended.id in presences:
            assert 0 <= presences[attended.id].minutes <= attended.net_minutes


@given(calendars())
def test_no_moment_counts_twice(calendar: tuple[list[Session], list[Fact]]) -> None:
    presences = presence_of_day(*calendar).values()

    intervals = [interval for presence in presences for interval in presence.intervals]
    assert length(merged(intervals)) == length(intervals)


@given(calendars(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(calendar: tuple[list[Session], list[Fact]], luck: Any) -> None:
    sessions, told = calendar
    expected = presence_of_day(sessions, told)

    luck.shuffle(sessions)
    luck.shuffle(told)

    again = presence_of_day(sessions, told)
    assert (again, list(again)) == (expected, list(expected))


@given(
    st.lists(st.integers(-40, 220), unique=True, min_size=2, max_size=8).map(sorted),
    st.lists(st.tuples(st.integers(0, 170), st.integers(1, 30)), max_size=2),
    st.integers(0, 8),
)
def test_presence_agrees_with_counting_minute_by_minute(
    scans: list[int], pauses: list[tuple[int, int]], grace: int
) -> None:
    scans = scans[: len(scans) // 2 * 2]
    attended = session(
        starts_at=NINE,
        ends_at=NINE + 180 * MINUTE,
        breaks=tuple(span(start, start + long) for start, long in pauses),
        grace=grace * MINUTE,
    )
    told = [
        # Two minutes a step, because scans within one minute are one fact.
        Fact(
            check_in_id=str(seq),
            session_id=attended.id,
            direction="out" if seq % 2 else "in",
            at=NINE + minute * MINUTE,
            seq=seq,
        )
        for seq, minute in enumerate(2 * scan for scan in scans)
    ]

    visits = [(2 * come, 2 * go) for come, go in zip(scans[::2], scans[1::2], strict=True)]
    visits = [(come, go) for come, go in visits if go > 0 and come < 180]
    there = {minute for come, go in visits for minute in range(come, go)}
    if visits and visits[0][0] <= grace:
        there |= set(range(visits[0][0]))
    if visits and visits[-1][1] >= 180 - grace:
        there |= set(range(visits[-1][1], 180))
    off = {minute for start, long in pauses for minute in range(start, start + long)}
    assert presence_of_day([attended], told)[attended.id].minutes == len(there & set(range(180)) - off)
