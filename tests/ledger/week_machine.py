"""A week that hypothesis makes up: two learners, sessions that lie across each other, and whatever may happen."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy.orm import Session as Db

from attendance.credit import LONG_AGO, PRESETS, CreditRule
from gateway.ingest import Arrival, ingest
from ledger import closing, feed, rules
from ledger.database import Ledger
from ledger.decisions import decide
from ledger.planning import moved, moving
from ledger.refusals import NotPossible
from ledger.settlement import settle
from ledger.tables import (
    CheckInRow,
    CourseRow,
    FeedRow,
    HourRecordRow,
    PersonRow,
    RegionRow,
    ReviewRow,
    RosterRow,
    SessionRow,
)
from tests.cast import STREAM, company, seen
from tests.ledger import plain_model as plain

MONDAY = datetime(2026, 3, 30, tzinfo=UTC)
"""Two days before a month ends."""
FARTHEST = timedelta(days=5)
"""From Monday, so that the plain model has a bit for every second."""
HERE = UUID("9b0f7f6e-4f7a-4a55-9f0f-6e6f6e6f6e6f")
OF_ONE_LEDGER = 25
"""Weeks: the more there have been in one, the slower it gets."""
NEVER_MORE = 50
"""Rounds of settlement, after which everything must have come to rest."""
COUNTED = itertools.count()

PEOPLE, SESSIONS, COURSES = ("ann", "bo"), ("a", "b", "c", "d", "e"), ("x", "y")
VERSIONS = (
    CreditRule(name="rule", version=1, unit="学时", unit_minutes=45, step=Decimal("0.5")),
    CreditRule(name="rule", version=2, unit="学时", unit_minutes=60, step=Decimal("0.25")),
    CreditRule(name="rule", version=3, unit="学时", unit_minutes=45, step=Decimal("0.5"), daily_cap=Decimal(3)),
    CreditRule(
        name="rule", version=4, unit="学时", unit_minutes=30, step=Decimal(1), basis="full",
        min_presence_percent=Decimal(50),
    ),
)  # fmt: skip

people, sessions = st.sampled_from(PEOPLE), st.sampled_from(SESSIONS)
minutes, seconds = st.integers(-35, 220), st.sampled_from([0, 0, 0, 1, 59])
days = st.sampled_from([date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)])


class Week(RuleBasedStateMachine):
    """Whatever happens is entered in the ledger and noted in the plain model; at times the two are compared."""

    shared: Ledger | None = None
    ended = True
    """What a week has left undone that failed is none of the next one's business."""

    @initialize()
    def begin(self) -> None:
        self.number = next(COUNTED)
        self.ledger = _ledger(anew=self.number % OF_ONE_LEDGER == 0 or not Week.ended)
        Week.ended = False
        self.now = MONDAY + timedelta(hours=7)
        self.world = plain.World(_sittings())
        self.coming = iter(VERSIONS[1:])
        self.arrivals: list[Arrival] = []
        self.facts: dict[UUID, plain.CheckIn] = {}
        self.closed: set[str] = set()
        self.booked: dict[UUID, str | None] = {}
        with self.ledger.begin() as db:
            self._enter_plan(db)

    # What may happen

    @rule(
        who=people, session=sessions, direction=st.sampled_from(["in", "out"]), minute=minutes, second=seconds,
        clock=st.sampled_from(["synced"] * 9 + ["unknown"]),
    )  # fmt: skip
    def check_in(self, who: str, session: str, direction: str, minute: int, second: int, clock: str) -> None:
        """Let somebody come or go at a moment around a session; what lay before it becomes known later."""
        at = self.world.sittings[session].starts_at + timedelta(minutes=minute, seconds=second)
        self._arrive([self._seen(who, session, direction, at, clock)])

    @rule(who=people, which=st.sets(sessions, min_size=1), late=st.integers(-6, 6), early=st.integers(-6, 6))
    def attend(self, who: str, which: set[str], late: int, early: int) -> None:
        """Let somebody come to some sessions and leave again, the minutes about the grace late and early."""
        arrivals = []
        for session in sorted(which):
            sitting = self.world.sittings[session]
            came, left = sitting.starts_at + timedelta(minutes=late), sitting.ends_at - timedelta(minutes=early)
            arrivals += [self._seen(who, session, "in", came), self._seen(who, session, "out", left)]
        self._arrive(arrivals)

    @precondition(lambda self: self.arrivals)
    @rule(which=st.integers(0))
    def arrive_again(self, which: int) -> None:
        with self.ledger.begin() as db:
            ingest(db, [self.arrivals[which % len(self.arrivals)]], received_at=self.now)

    @rule(who=people, session=sessions, kind=st.sampled_from(["add_in", "add_out", "nothing"]), minute=minutes)
    def decide(self, who: str, session: str, kind: str, minute: int) -> None:
        at = self.world.sittings[session].starts_at + timedelta(minutes=minute) if kind != "nothing" else None
        self._decide(who, session, kind, at, None)

    @precondition(lambda self: self.facts)
    @rule(which=st.integers(0))
    def take_out(self, which: int) -> None:
        """Take out a check-in, or take back a decision, also one that has taken out something itself."""
        known: list[plain.CheckIn | plain.Decided] = [*self.facts.values(), *self.world.decided]
        one = known[which % len(known)]
        self._decide(one.person, one.session, "void", None, one.id)

    @rule(session=sessions, later=st.integers(-12, 12), longer=st.integers(-12, 12))
    def move(self, session: str, later: int, longer: int) -> None:
        """Let a session begin and end at other times, in steps of ten minutes."""
        sitting = self.world.sittings[session]
        starts_at = sitting.starts_at + timedelta(minutes=10 * later)
        ends_at = max(sitting.ends_at + timedelta(minutes=10 * longer), starts_at + timedelta(minutes=10))
        self._plan(session, starts_at=starts_at, ends_at=ends_at)

    @rule(session=sessions, by=st.sampled_from([-1, 1]))
    def move_to_another_day(self, session: str, by: int) -> None:
        sitting, day = self.world.sittings[session], timedelta(days=by)
        self._plan(session, starts_at=sitting.starts_at + day, ends_at=sitting.ends_at + day)

    @rule(session=sessions, cancelled=st.booleans())
    def cancel(self, session: str, cancelled: bool) -> None:
        self._plan(session, cancelled=cancelled)

    @rule(since=days)
    def enter_next_version(self, since: date) -> None:
        if version := next(self.coming, None):
            self._add_version(version, since)

    @rule(since=days, course=st.sampled_from([None, *COURSES]))
    def use_another_rule(self, since: date, course: str | None) -> None:
        """Let a preset hold, from a day on, for a course or for all of them."""
        course_id = self.of(course) if course else None
        with self.ledger.begin() as db:
            rules.use(
                db, "hour-60", effective_from=since, region_id=self.of("region"), course_id=course_id, actor="test",
                now=self.now,
            )  # fmt: skip
        self.world.uses[course, since] = "hour-60"

    @rule(month=st.sampled_from(["2026-03", "2026-04"]))
    def close_month(self, month: str) -> None:
        try:
            with self.ledger.begin() as db:
                region = db.get_one(RegionRow, self.of("region"))
                closing.close(db, region, month, by="tao", actor="test", now=self.now)
        except NotPossible:
            return
        self.closed.add(month)

    @rule(passing=st.sampled_from([timedelta(minutes=31), timedelta(hours=3), timedelta(days=1), timedelta(days=20)]))
    def wait(self, passing: timedelta) -> None:
        self.now = min(self.now + passing, MONDAY + timedelta(days=40))

    # What has to be so

    @rule()
    def compare(self) -> None:
        with self.ledger.begin() as db:
            self._settle(db)
            self._check_bookings(db)
            self._check_feed(db)
            admitted = sa.select(CheckInRow.id).where(CheckInRow.verdict == "admitted", CheckInRow.stream == STREAM)
            own = set(db.scalars(admitted.where(CheckInRow.person_id.in_([self.of(who) for who in PEOPLE]))))
            self.world.check_ins = [fact for id, fact in self.facts.items() if id in own]
            for who in PEOPLE:
                assert self._standing(db, who) == plain.expected(self.world, who, self.now)

    def teardown(self) -> None:
        if hasattr(self, "number"):
            self.compare()
            self.now += timedelta(days=60)
            self.compare()
            Week.ended = True

    def _settle(self, db: Db) -> None:
        for _ in range(NEVER_MORE):
            if not settle(db, now=self.now):
                return
        raise AssertionError("settlement does not come to rest")

    def _standing(self, db: Db, who: str) -> plain.Expected:
        """Read what stands, by what the reversals say and not by version."""
        rows = self._rows(db, who)
        gone = {row.reverses for row in rows}
        stands = [row for row in rows if row.kind == "credit" and row.id not in gone]
        assert len({row.source_id for row in stands}) == len(stands), "two answers stand for one session"
        hours = {
            self.named(row.source_id): plain.Hours(row.effective_date, row.minutes, row.credit, self.named(row.rule))
            for row in stands
        }
        query = sa.select(ReviewRow.session_id, ReviewRow.reasons).where(ReviewRow.person_id == self.of(who))
        return plain.Expected(hours, {self.named(id): reasons for id, reasons in db.execute(query)})

    def _check_bookings(self, db: Db) -> None:
        """What has just been entered is booked in a month that is open now; what was before stays as it is."""
        for row in [row for who in PEOPLE for row in self._rows(db, who)]:
            if row.id not in self.booked:
                month = row.booked_in or f"{row.effective_date:%Y-%m}"
                assert month not in self.closed
                assert row.booked_in is None or f"{row.effective_date:%Y-%m}" in self.closed
            assert self.booked.setdefault(row.id, row.booked_in) == row.booked_in

    def _check_feed(self, db: Db) -> None:
        """Whoever reads the feed and believes it comes to the same: never two answers, no reversal of nothing."""
        while feed.number(db):
            pass
        for who in PEOPLE:
            query = sa.select(HourRecordRow.__table__).join(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
            read = db.execute(query.where(HourRecordRow.person_id == self.of(who)).order_by(FeedRow.seq)).all()
            assert len(read) == len(self._rows(db, who))
            held: dict[UUID, Any] = {}
            for row in read:
                before = held.pop(row.settles, None)
                if row.kind == "credit":
                    assert before is None
                    held[row.settles] = row
                else:
                    assert before is not None
                    assert (row.reverses, row.minutes, row.credit) == (before.id, before.minutes, before.credit)

    # How it is entered

    def of(self, name: str) -> str:
        """Name something of this week."""
        return f"{name}-{self.number:06}"

    def named(self, name: str) -> str:
        """Take the week out of a name again."""
        return name.replace(f"-{self.number:06}", "")

    def _rows(self, db: Db, who: str) -> Sequence[Any]:
        return db.execute(sa.select(HourRecordRow.__table__).where(HourRecordRow.person_id == self.of(who))).all()

    def _seen(self, who: str, session: str, direction: str, at: datetime, clock: str = "synced") -> Arrival:
        seq = len(self.facts) + 1
        record = seen(
            self.of(who), seq=self.number * 1000 + seq, stream=STREAM, session=self.of(session), direction=direction,
            clock=clock,
        ).record.model_copy(update={"id": uuid5(HERE, f"{self.number} {seq}"), "at": at})  # fmt: skip
        self.facts[record.id] = plain.CheckIn(record.id, who, session, direction, at, seq, clock == "unknown")
        return Arrival(record=record, line=record.line(), device_id=None)

    def _arrive(self, arrivals: Sequence[Arrival]) -> None:
        self.now = max(self.now, *(arrival.record.at for arrival in arrivals))
        self.arrivals += arrivals
        with self.ledger.begin() as db:
            ingest(db, arrivals, received_at=self.now)

    def _decide(self, who: str, session: str, kind: str, at: datetime | None, void: UUID | None) -> None:
        try:
            with self.ledger.begin() as db:
                row = decide(
                    db, self.of(session), self.of(who), kind, at, void, "seen there", by="tao", now=self.now,
                )  # fmt: skip
        except NotPossible:
            return
        self.world.decided.append(plain.Decided(UUID(row.id), who, session, kind, at, void))

    def _plan(self, session: str, **changes: Any) -> None:
        sitting = replace(self.world.sittings[session], **changes)
        if abs(sitting.starts_at - MONDAY) > FARTHEST:
            return
        self.world.sittings[session] = sitting
        with self.ledger.begin() as db:
            before = moving(db, [self.of(session)], now=self.now)
            row = db.get_one(SessionRow, self.of(session))
            for name, value in {**changes, "local_date": sitting.local_date}.items():
                setattr(row, name, value)
            moved(db, before, now=self.now)

    def _add_version(self, version: CreditRule, since: date) -> None:
        named = replace(version, name=self.of(version.name), effective_from=since)
        with self.ledger.begin() as db:
            rules.add_version(db, named, actor="test", now=self.now)
        self.world.versions.append((since, _as_plain(version)))

    def _enter_plan(self, db: Db) -> None:
        region = self.of("region")
        db.add(RegionRow(id=region, name="", zone="UTC", rule=self.of("rule")))
        db.add_all(CourseRow(id=self.of(course), title="", title_zh="") for course in COURSES)
        db.flush()
        for who in PEOPLE:
            db.add(PersonRow(id=self.of(who), region_id=region, number=self.of(who), name="", role="clerk"))
        for name, sitting in self.world.sittings.items():
            db.add(
                SessionRow(
                    id=self.of(name), course_id=self.of(sitting.course), region_id=region, room_id="room-1",
                    starts_at=sitting.starts_at, ends_at=sitting.ends_at, zone=sitting.zone,
                    local_date=sitting.local_date, missing_out=sitting.missing_out, methods=["static_badge"],
                    breaks=[[moment.isoformat() for moment in pause] for pause in sitting.breaks],
                )
            )  # fmt: skip
        db.flush()
        db.add_all(RosterRow(session_id=self.of(name), person_id=self.of(who)) for name in SESSIONS for who in PEOPLE)
        rules.add_version(db, replace(VERSIONS[0], name=self.of("rule")), actor="test", now=self.now)
        self.world.uses[None, LONG_AGO] = "rule"
        self.world.versions += [(LONG_AGO, _as_plain(version)) for version in (VERSIONS[0], PRESETS["hour-60"])]


def make_up_weeks(*, examples: int, steps: int) -> None:
    """Let hypothesis make up so many weeks of so many steps."""
    # A week can be read as it is; making it shorter takes minutes, in which nobody knows what is wrong.
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    wanted = settings(max_examples=examples, stateful_step_count=steps, deadline=None, phases=phases)
    try:
        run_state_machine_as_test(Week, settings=wanted)
    finally:
        _end()


@contextmanager
def told() -> Iterator[Week]:
    """Begin a week that a test tells itself; it ends as every week does."""
    week = Week()
    week.begin()
    try:
        yield week
        week.teardown()
    finally:
        _end()


def _end() -> None:
    if Week.shared:
        Week.shared.close()
    Week.shared, Week.ended = None, True


def _ledger(*, anew: bool) -> Ledger:
    if anew:
        _end()
    Week.shared = Week.shared or company()
    return Week.shared


def _as_plain(version: CreditRule) -> plain.Rule:
    return plain.Rule(
        version.key, version.unit_minutes or 0, Fraction(version.step or 0),
        None if version.daily_cap is None else Fraction(version.daily_cap), version.basis == "full",
        int(version.min_presence_percent),
    )  # fmt: skip


def _sittings() -> dict[str, plain.Sitting]:
    """Plan three sessions in a row that overlap, the middle one on another date, and two of two dates at midnight."""

    def at(day: int, hour: int, minute: int = 0) -> datetime:
        return MONDAY + timedelta(days=day, hours=hour, minutes=minute)

    return {
        "a": plain.Sitting("x", at(0, 9), at(0, 12), "UTC", breaks=((at(0, 10, 30), at(0, 10, 45)),)),
        "b": plain.Sitting("y", at(0, 10, 30), at(0, 13), "Pacific/Pago_Pago", "session_end"),
        "c": plain.Sitting("x", at(0, 12, 30), at(0, 14, 30), "UTC"),
        "d": plain.Sitting("x", at(1, 23), at(2, 1), "UTC"),
        "e": plain.Sitting("y", at(2, 0, 30), at(2, 2), "UTC", "none_needed"),
    }
