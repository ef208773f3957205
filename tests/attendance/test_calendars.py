"""A thousand random calendars: nobody's minutes exceed what was scheduled, in whatever order things become known."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from attendance.credit import PRESETS, CreditRule
from attendance.session import MINUTE, Session, Span
from attendance.settlement import HourRecord, Settled, settle_day
from attendance.span import length, merged
from attendance.visit import Fact

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Australia/Lord_Howe")
RULES = (*PRESETS.values(), replace(PRESETS["cn-45"], name="capped", daily_cap=Decimal(6)))
# Clocks change in Berlin and Los Angeles within the week after.
MONDAY = datetime(2026, 10, 19, tzinfo=UTC)
CALENDARS, CHUNKS = 1000, 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """A few days of one learner, with sessions that may overlap."""

    sessions: list[Session]
    facts: list[Fact]
    rules: dict[str, CreditRule]

    @property
    def attended(self) -> list[Session]:
        """Give the sessions that have facts."""
        known = {fact.session_id for fact in self.facts}
        return [session for session in self.sessions if session.id in known]

    @property
    def days(self) -> set[date]:
        return {session.local_date for session in self.attended}

    def with_neighbours(self, day: date) -> list[Session]:
        """Give the sessions of a day, and those of other days that overlap any of them."""
        own = [session for session in self.attended if session.local_date == day]
        return [session for session in self.attended if any(_overlap(session, other) for other in own)]

    def settled(self, day: date, sessions: Iterable[Session]) -> Settled:
        given = {session.id: session for session in sessions}
        facts = [fact for fact in self.facts if fact.session_id in given]
        # A neighbour needs no rule.
        rules = {id: self.rules[id] for id, session in given.items() if session.local_date == day}
        return settle_day("ann", given.values(), facts=facts, rules=rules, day=day)

    def by_day(self) -> dict[str, HourRecord]:
        """Settle every day for itself with its neighbours."""
        settled = [self.settled(day, self.with_neighbours(day)) for day in sorted(self.days)]
        return {record.source_id: record for day in settled for record in day.records}

    def shuffled(self, luck: Random) -> "Calendar":
        sessions, facts = self.sessions.copy(), self.facts.copy()
        luck.shuffle(sessions)
        luck.shuffle(facts)
        return replace(self, sessions=sessions, facts=facts)


def calendar(seed: int) -> Calendar:
    luck = Random(seed)
    begins = MONDAY + timedelta(days=luck.randrange(14))
    sessions = [_session(luck, str(number), begins) for number in range(luck.randint(3, 8))]
    facts = [fact for session in sessions for fact in _facts(luck, session)]
    return Calendar(sessions, facts, {session.id: luck.choice(RULES) for session in sessions})


def _session(luck: Random, id: str, begins: datetime) -> Session:
    starts_at = begins + luck.randrange(0, 40 * 60, 15) * MINUTE
    long = luck.choice([45, 90, 180, 480, 720, 900])
    pauses = [(luck.randrange(-30, long), luck.choice([0, 10, 15, 45])) for _ in range(luck.randint(0, 2))]
    return Session(
        id=id,
        course_id="orders",
        room_id=None,
        starts_at=starts_at,
        ends_at=starts_at + long * MINUTE,
        zone=luck.choice(ZONES),
        breaks=tuple(
            Span(starts_at + since * MINUTE, starts_at + (since + minutes) * MINUTE) for since, minutes in pauses
        ),
        roster=frozenset({"ann"}),
        cancelled=luck.random() < 0.1,
        missing_out=luck.choice(["review", "session_end", "none_needed"]),
        grace=luck.choice([0, 5, 10]) * MINUTE,
    )


def _facts(luck: Random, session: Session) -> list[Fact]:
    """Let somebody come and go as planned, or at any second from the opening of the window to its closing."""
    window = (session.closes_at - session.opens_at) // timedelta(seconds=1)
    told = [("in", luck.randrange(1500, 2100)), ("out", window - luck.randrange(1500, 2100))]
    if luck.random() < 0.5:
        told = [(luck.choice(["in", "out"]), luck.randrange(window)) for _ in range(luck.randint(0, 6))]
    return [
        Fact(
            check_in_id=f"{session.id}-{seq}",
            session_id=session.id,
            direction="in" if direction == "in" else "out",
            at=session.opens_at + timedelta(seconds=second),
            stream="kiosk",
            seq=seq,
            uncertain=luck.random() < 0.02,
        )
        for seq, (direction, second) in enumerate(told)
    ]


def _overlap(one: Session, other: Session) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def scheduled(sessions: Iterable[Session]) -> int:
    """Give the whole minutes in which at least one of the sessions is held and has no break."""
    return length(merged(span for session in sessions for span in session.net_spans)) // MINUTE


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nobody_is_present_longer_than_sessions_are_scheduled(chunk: int) -> None:
    for seed in range(chunk, CALENDARS, CHUNKS):
        known = calendar(seed)

        records = known.by_day()

        stays = [stay for record in records.values() for stay in record.explanation.presence.intervals]
        assert length(merged(stays)) == length(stays), f"seed {seed}"
        assert sum(record.minutes for record in records.values()) <= scheduled(known.attended), f"seed {seed}"
        for record in records.values():
            assert 0 <= record.minutes <= record.explanation.session.net_minutes, f"seed {seed}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_days_apart_settle_like_all_at_once_in_whatever_order(chunk: int) -> None:
    for seed in range(chunk, CALENDARS, CHUNKS):
        known = calendar(seed)
        expected = known.by_day()

        again = known.shuffled(Random(seed)).by_day()
        at_once = settle_day("ann", known.sessions, facts=known.facts, rules=known.rules)

        assert again == expected, f"seed {seed}"
        assert {record.source_id: record for record in at_once.records} == expected, f"seed {seed}"


def test_the_calendars_have_what_can_go_wrong() -> None:
    """Without neighbours many of them would give more than was scheduled, so the proof above can fail."""
    known = [calendar(seed) for seed in range(0, CALENDARS, 4)]
    alone = [
        sum(
            record.minutes
            for day in one.days
            for record in one.settled(day, [own for own in one.attended if own.local_date == day]).records
        )
        > scheduled(one.attended)
        for one in known
    ]

    assert sum(alone) > 10
    for has in (
        lambda one: len(one.days) > 2,
        lambda one: len({session.zone for session in one.attended}) > 2,
        lambda one: any(session.cancelled for session in one.attended),
        lambda one: len(one.by_day()) < len(one.attended),
        lambda one: any(record.credit for record in one.by_day().values()),
    ):
        assert sum(map(has, known)) > 20
