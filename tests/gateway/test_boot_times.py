"""A kiosk whose clock was wrong finds out when its boot began, and the gateway judges by the right time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.admin import device_list
from gateway.ingest import Arrival
from gateway.intake import Message, take_in
from ledger import boots, entries
from ledger.database import Ledger
from ledger.planning import moved, moving
from ledger.settlement import settle
from ledger.tables import (
    BadgeRow,
    BootRow,
    CheckInRow,
    ConsentRow,
    DeadLetterRow,
    DirtyDayRow,
    HourRecordRow,
    ReviewRow,
    RosterRow,
    SessionRow,
)
from protocol import envelope, messages, topics
from protocol.messages import BootTime, State
from tests.cast import (
    ANNS_BADGE,
    BOOT,
    DEVICE,
    DEVICE_KEY,
    EVENING,
    GATEWAY_KEY,
    NINE,
    SITE,
    STREAM,
    add_session,
    another_stream,
    at,
    company,
    seen,
)

BEGAN = at("08:00")
YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)
LATER = EVENING + timedelta(days=30)
LOST: dict[str, Any] = {"clock": "unknown", "amber": True, "session": None, "direction": None}
"""What a kiosk says that has neither a time nor a roster."""


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with the cast in it, on each engine."""
    ledger = company(database)
    yield ledger
    ledger.close()


def made(when: str, *, off: timedelta = -YEAR, who: str = "ann", **fields: Any) -> Arrival:
    """Let somebody be seen at a true time, by a clock that is off."""
    monotonic = (at(when) - BEGAN) // timedelta(milliseconds=1)
    given: dict[str, Any] = {"clock": "unknown", "amber": True, "at": at(when) + off, "monotonic_ms": monotonic}
    return seen(who, when, **(given | fields))


def come(ledger: Ledger, *arrivals: Arrival) -> None:
    sealed = envelope.seal([arrival.line for arrival in arrivals], device=DEVICE, stream=STREAM, key=DEVICE_KEY)
    take_in(ledger, [Message(1, 1, 1, topics.topic(SITE, DEVICE, "up"), sealed)], GATEWAY_KEY, EVENING)


def beat(
    ledger: Ledger,
    *times: datetime | BootTime,
    stream: UUID = STREAM,
    after: timedelta = timedelta(0),
    said_at: datetime | None = None,
) -> None:
    """Let a heartbeat come that says when this boot began."""
    said = [time if isinstance(time, BootTime) else BootTime(boot=BOOT, began_at=time) for time in times]
    state = State(stream=stream, at=said_at or EVENING + after, last_assigned=2, count=0, boots=tuple(said))
    data = messages.post(state, DEVICE_KEY)
    take_in(ledger, [Message(1, 1, 1, topics.topic(SITE, DEVICE, "state"), data)], GATEWAY_KEY, EVENING + after)


def rows(ledger: Ledger) -> list[CheckInRow]:
    with ledger.read() as db:
        return list(db.scalars(sa.select(CheckInRow).order_by(CheckInRow.stream, CheckInRow.seq)))


def facts(ledger: Ledger) -> list[tuple[str, str | None, str | None, datetime, list[str]]]:
    return [(row.verdict, row.session_id, row.direction, row.at, row.flags) for row in rows(ledger)]


def settled(ledger: Ledger) -> tuple[list[Decimal], list[list[str]]]:
    """Settle what is due, and give the hours and the reasons on review."""
    with ledger.begin() as db:
        while settle(db, now=LATER):
            pass
        stands, _ = entries.effective(db.execute(sa.select(HourRecordRow.__table__)))
        reviews = list(db.scalars(sa.select(ReviewRow.reasons)))
    return [row.credit for row in stands.values()], reviews


ADMITTED, CORRECTED = "admitted", ["time_corrected"]


@pytest.mark.parametrize("heartbeat_first", [True, False], ids=["heartbeat first", "check-in first"])
@pytest.mark.parametrize(
    ("arrival", "fact"),
    [
        pytest.param(
            made("09:00", **LOST), (ADMITTED, "order-101", "in", at("09:00"), CORRECTED), id="a year back, no roster"
        ),
        pytest.param(
            made("09:00", off=YEAR, **LOST), (ADMITTED, "order-101", "in", at("09:00"), CORRECTED), id="a year ahead"
        ),
        pytest.param(
            made("11:50", **LOST), (ADMITTED, "order-101", "out", at("11:50"), CORRECTED), id="leaving, no roster"
        ),
        pytest.param(
            made("11:00", **(LOST | {"direction": "out"})),
            (ADMITTED, "order-101", "out", at("11:00"), CORRECTED),
            id="a door that only lets out",
        ),
        pytest.param(
            made("09:00", off=timedelta(hours=4), session="order-102", direction="out"),
            (ADMITTED, "order-101", "in", at("09:00"), CORRECTED),
            id="the wrong session of two",
        ),
        pytest.param(
            made("09:10", off=timedelta(minutes=-8), clock="free_running", amber=False),
            (ADMITTED, "order-101", "in", at("09:10"), ["late", "time_corrected"]),
            id="a clock that is slow hides no lateness",
        ),
        pytest.param(
            made("09:03", off=timedelta(minutes=8), clock="free_running", amber=False),
            (ADMITTED, "order-101", "in", at("09:03"), CORRECTED),
            id="a clock that is fast makes nobody late",
        ),
        pytest.param(
            made("08:20", off=timedelta(minutes=15), clock="free_running", amber=False),
            ("too_early", "order-101", "in", at("08:20"), CORRECTED),
            id="green too early",
        ),
        pytest.param(
            made("08:00", off=timedelta(hours=1)),
            ("too_early", "order-101", "in", at("08:00"), CORRECTED),
            id="amber too early, and no other session",
        ),
        pytest.param(
            made("17:00", off=timedelta(hours=-6)),
            ("session_over", "order-101", "in", at("17:00"), CORRECTED),
            id="nobody is let out at night who was not leaving",
        ),
        pytest.param(
            made("08:40", **(LOST | {"amber": False, "refused": "too_early"})),
            ("too_early", None, None, at("08:40"), CORRECTED),
            id="what the screen refused stays refused",
        ),
        pytest.param(
            made("17:00", **LOST), ("no_session_now", None, None, at("17:00"), CORRECTED), id="there is no session then"
        ),
        pytest.param(
            made("09:00", off=timedelta(minutes=15), clock="synced", amber=False),
            (ADMITTED, "order-101", "in", at("09:15"), ["late"]),
            id="a synced clock is believed",
        ),
    ],
)
def test_a_wrong_clock_is_corrected_whichever_comes_first(
    arrival: Arrival, fact: tuple[object, ...], heartbeat_first: bool
) -> None:
    ledger = company()
    with ledger.begin() as db:
        add_session(db, "order-102", starts="13:00")

    if heartbeat_first:
        beat(ledger, BEGAN)
        come(ledger, arrival)
    else:
        come(ledger, arrival)
        beat(ledger, BEGAN)

    [row] = rows(ledger)
    assert facts(ledger) == [fact]
    assert row.line == arrival.line


@pytest.mark.parametrize("heartbeat_first", [True, False], ids=["heartbeat first", "check-in first"])
def test_a_morning_by_a_clock_a_year_off_is_credited_once_its_boot_is_known(
    ledger: Ledger, heartbeat_first: bool
) -> None:
    if heartbeat_first:
        beat(ledger, BEGAN)
    come(ledger, made("09:00"), made("12:00", seq=2, direction="out"))
    before = settled(ledger)

    beat(ledger, BEGAN, after=boots.PAUSE)

    assert before == (([Decimal("4.0")], []) if heartbeat_first else ([], [["time_uncertain"]]))
    assert settled(ledger) == ([Decimal("4.0")], [])


def test_without_a_word_about_its_boot_a_wrong_clock_stays_on_review(ledger: Ledger) -> None:
    come(ledger, made("09:00"), made("12:00", seq=2, direction="out"))

    beat(ledger, BootTime(boot=uuid4(), began_at=BEGAN))

    assert settled(ledger) == ([], [["time_uncertain"]])


def test_hours_that_stood_on_a_wrong_time_are_taken_back_and_the_fact_says_why(ledger: Ledger) -> None:
    slow: dict[str, Any] = {"clock": "free_running", "amber": False, "off": timedelta(hours=-3)}
    come(ledger, made("12:00", **slow), made("15:00", seq=2, direction="out", **slow))
    before = settled(ledger)

    beat(ledger, BEGAN)

    assert before == ([Decimal("4.0")], [])
    assert settled(ledger) == ([Decimal("0.0")], [])
    assert [fact[0] for fact in facts(ledger)] == [ADMITTED, ADMITTED]
    assert [fact[3] for fact in facts(ledger)] == [at("12:00"), at("15:00")]


def test_a_session_chosen_by_the_wrong_time_loses_what_the_right_one_gets(ledger: Ledger) -> None:
    day = timedelta(days=1)
    with ledger.begin() as db:
        add_session(db, "order-102")
        row = db.get_one(SessionRow, "order-102")
        row.starts_at, row.ends_at, row.local_date = NINE + day, at("12:00") + day, NINE.date() + day
    come(ledger, made("09:00", session="order-102"), made("12:00", seq=2, session="order-102", direction="out"))
    before = settled(ledger)

    beat(ledger, BEGAN)
    with ledger.read() as db:
        marked = set(db.scalars(sa.select(DirtyDayRow.day)))

    assert before == ([], [["time_uncertain"]])
    assert marked == {NINE.date(), NINE.date() + day}
    assert settled(ledger) == ([Decimal("4.0")], [])


@pytest.mark.parametrize(
    ("step", "at_last"), [(SECOND, at("09:00")), (2 * SECOND, at("09:00") + 2 * SECOND)], ids=["a second", "two"]
)
def test_a_boot_that_moves_by_a_second_moves_nothing(ledger: Ledger, step: timedelta, at_last: datetime) -> None:
    come(ledger, made("09:00"))
    beat(ledger, BEGAN)

    beat(ledger, BEGAN + step, after=boots.PAUSE)

    assert [fact[3] for fact in facts(ledger)] == [at_last]


def test_a_heartbeat_that_is_sent_again_brings_no_old_time_back(ledger: Ledger) -> None:
    come(ledger, made("09:00"))
    beat(ledger, BEGAN - timedelta(hours=1))
    beat(ledger, BEGAN, after=boots.PAUSE)

    beat(ledger, BEGAN - timedelta(hours=1), said_at=EVENING, after=2 * boots.PAUSE)

    assert [fact[3] for fact in facts(ledger)] == [at("09:00")]


def test_a_heartbeat_older_than_the_one_that_is_held_changes_no_boot(ledger: Ledger) -> None:
    with ledger.begin() as db:
        boots.note(db, STREAM, {BOOT: BEGAN}, at=EVENING, now=EVENING)
        news = boots.note(db, STREAM, {BOOT: NINE}, at=EVENING - SECOND, now=EVENING + boots.PAUSE)

        held = boots.began(db, [STREAM])

    assert (news, held) == (set(), {(STREAM, BOOT): BEGAN})


def test_a_kiosk_that_says_something_else_each_time_is_heard_now_and_then(ledger: Ledger) -> None:
    come(ledger, made("09:00"))

    for turn in range(24):
        beat(ledger, BEGAN + turn * timedelta(minutes=1), after=turn * boots.PAUSE / 12)

    assert [fact[3] for fact in facts(ledger)] == [at("09:12")]


def test_a_wrong_word_is_made_good_by_the_next_one(ledger: Ledger) -> None:
    come(ledger, made("09:00"), made("12:00", seq=2, direction="out"))
    beat(ledger, BEGAN - timedelta(days=40))
    between = settled(ledger)

    beat(ledger, BEGAN, after=boots.PAUSE)

    assert between == ([], [])
    assert settled(ledger) == ([Decimal("4.0")], [])


@pytest.mark.parametrize(
    ("began_at", "said_at"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), EVENING),
        (datetime(1, 1, 1, tzinfo=UTC), EVENING),
        (EVENING + timedelta(minutes=6), EVENING),
        (datetime(9999, 12, 31, tzinfo=UTC), EVENING),
        (BEGAN, EVENING + timedelta(minutes=6)),
    ],
    ids=["1970", "year one", "the future", "the end of time", "a heartbeat from the future"],
)
def test_an_absurd_boot_is_not_believed(began_at: datetime, said_at: datetime) -> None:
    ledger = company()
    come(ledger, made("09:00"))

    beat(ledger, began_at, said_at=said_at)

    with ledger.read() as db:
        assert db.scalars(sa.select(BootRow)).all() == []
    assert facts(ledger) == [(ADMITTED, "order-101", "in", at("09:00") - YEAR, ["time_uncertain"])]


@pytest.mark.parametrize("monotonic", [-1, 10**15, -(10**15), 10**40], ids=["before", "late", "long ago", "no number"])
def test_a_monotonic_time_that_cannot_be_is_no_time(monotonic: int) -> None:
    ledger = company()
    beat(ledger, BEGAN)

    come(ledger, made("09:00", monotonic_ms=monotonic))

    [row] = rows(ledger)
    assert (row.at, row.flags) == (at("09:00") - YEAR, ["time_uncertain"])


@pytest.mark.parametrize("heartbeat_first", [True, False], ids=["heartbeat first", "check-in first"])
def test_a_boot_that_puts_a_record_after_its_arrival_credits_neither_time(heartbeat_first: bool) -> None:
    ledger = company()
    ann = made("09:00", off=timedelta(0), clock="free_running", amber=False)

    if heartbeat_first:
        beat(ledger, at("18:00"))
    come(ledger, ann)
    if not heartbeat_first:
        beat(ledger, at("18:00"))

    assert facts(ledger) == [(ADMITTED, "order-101", "in", at("09:00"), ["time_uncertain"])]


def test_of_very_many_boots_the_latest_are_kept(ledger: Ledger) -> None:
    said = [BootTime(boot=UUID(int=number), began_at=NINE - timedelta(hours=number)) for number in range(100)]

    for later in range(3):
        beat(ledger, *said, after=later * boots.PAUSE)

    with ledger.read() as db:
        held = {boot.int for boot in db.scalars(sa.select(BootRow.boot))}
        assert db.scalars(sa.select(DeadLetterRow)).all() == []
    assert held == set(range(boots.KEPT))


def test_a_stream_moves_only_its_own_times() -> None:
    ledger = company()
    with ledger.begin() as db:
        other = another_stream(db)
    come(ledger, made("09:00"))

    beat(ledger, BEGAN, stream=other)

    assert [fact[4] for fact in facts(ledger)] == [["time_uncertain"]]


@pytest.mark.parametrize("change", ["roster", "consent"])
def test_what_was_not_decided_by_the_time_stays_as_it_was(ledger: Ledger, change: str) -> None:
    method = "face" if change == "consent" else "static_badge"
    come(ledger, made("09:00", method=method))
    with ledger.begin() as db:
        if change == "consent":
            db.add(ConsentRow(id="c", person_id="ann", purpose="face", version="1", given_at=NINE))
        else:
            db.execute(sa.delete(RosterRow).where(RosterRow.person_id == "ann"))

    beat(ledger, BEGAN)

    verdict = "no_consent" if change == "consent" else ADMITTED
    [(said, session, direction, time, flags)] = facts(ledger)
    assert (said, session, direction, time) == (verdict, "order-101", "in", at("09:00"))
    assert "time_corrected" in flags


def test_a_badge_that_had_expired_by_the_wrong_clock_only_is_good(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.get_one(BadgeRow, ANNS_BADGE).expires_at = NINE + timedelta(days=30)
    come(ledger, made("09:00", off=YEAR, badge=ANNS_BADGE.hex, session="order-101"))
    before = facts(ledger)[0][0]

    beat(ledger, BEGAN)

    assert (before, facts(ledger)[0][0]) == ("expired_code", ADMITTED)


def test_a_correction_is_still_said_after_the_plan_has_changed(ledger: Ledger) -> None:
    come(ledger, made("08:20", off=timedelta(minutes=15), clock="free_running", amber=False))
    beat(ledger, BEGAN)

    with ledger.begin() as db:
        before = moving(db, ["order-101"], now=EVENING)
        db.get_one(SessionRow, "order-101").starts_at = at("08:30")
        moved(db, before, now=EVENING)

    assert facts(ledger) == [(ADMITTED, "order-101", "in", at("08:20"), CORRECTED)]


def test_a_long_time_without_a_clock_is_judged_again_by_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boots, "PAGE", 3)
    ledger = company()
    come(ledger, *(made("09:00", seq=seq) for seq in range(1, 8)))

    beat(ledger, BEGAN)

    assert [fact[4] for fact in facts(ledger)] == [CORRECTED] * 7


def test_the_device_list_says_what_troubles_a_kiosk() -> None:
    ledger = company()
    state = State(stream=STREAM, at=EVENING, last_assigned=0, count=0, trouble="disk_full")

    take_in(
        ledger,
        [Message(1, 1, 1, topics.topic(SITE, DEVICE, "state"), messages.post(state, DEVICE_KEY))],
        GATEWAY_KEY,
        EVENING,
    )

    with ledger.read() as db:
        assert [device["trouble"] for device in device_list(db)] == ["disk_full"]
