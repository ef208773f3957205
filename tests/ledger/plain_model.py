"""A second, plainer way to work out hours, which shares no code with the first: every second of a week is a bit.

Nothing here is quick or explained. What it is for is to be right, and to be read in one go.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

FROM = datetime(2026, 3, 24, tzinfo=UTC)
"""The first bit."""
Visit = tuple[datetime, datetime]
GRACE, STILL_OPEN = timedelta(minutes=5), timedelta(minutes=30)


@dataclass(slots=True)
class Sitting:
    """A session as it is planned now."""

    course: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    missing_out: str = "review"
    breaks: tuple[tuple[datetime, datetime], ...] = ()
    cancelled: bool = False

    @property
    def local_date(self) -> date:
        return self.starts_at.astimezone(ZoneInfo(self.zone)).date()

    @property
    def net(self) -> int:
        """Give its seconds as bits, without the breaks."""
        bits = seconds(self.starts_at, self.ends_at)
        for since, until in self.breaks:
            bits &= ~seconds(since, until)
        return bits


@dataclass(frozen=True, slots=True)
class CheckIn:
    """An admitted check-in."""

    id: UUID
    person: str
    session: str
    direction: str
    at: datetime
    seq: int
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What a trainer decided; `void` takes out a check-in or another decision."""

    id: UUID
    person: str
    session: str
    kind: str
    at: datetime | None = None
    void: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A version of a credit rule, in the few words that it needs."""

    key: str
    unit_minutes: int
    step: Fraction
    cap: Fraction | None = None
    full: bool = False
    least_percent: int = 80

    @property
    def name(self) -> str:
        return self.key.partition("@")[0]

    def units(self, minutes: int, net: int) -> Fraction:
        if not minutes or minutes * 100 < self.least_percent * net:
            return Fraction(0)
        return Fraction(net if self.full else minutes) / (self.unit_minutes * self.step) // 1 * self.step


@dataclass(slots=True)
class World:
    """Everything that is known."""

    sittings: dict[str, Sitting]
    check_ins: list[CheckIn] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    uses: dict[tuple[str | None, date], str] = field(default_factory=dict)
    """For a course or (None) all of them, from a day on: the name of a rule."""
    versions: list[tuple[date, Rule]] = field(default_factory=list)
    """In the order of their numbers."""

    def rule(self, sitting: Sitting) -> Rule:
        """Find the rule: a course's own comes before everybody's, and the last one that has begun holds."""
        for course in (sitting.course, None):
            begun = [(since, name) for (place, since), name in self.uses.items() if place == course]
            if names := [name for since, name in sorted(begun) if since <= sitting.local_date]:
                return self._version(names[-1], sitting.local_date)
        raise AssertionError("the region has a rule from the first day on")

    def _version(self, name: str, day: date) -> Rule:
        return [rule for since, rule in self.versions if rule.name == name and since <= day][-1]


@dataclass(frozen=True, slots=True)
class Hours:
    """What an hour record has to say."""

    day: date
    minutes: int
    credit: Decimal
    rule: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to stand in the ledger, by session, for one learner."""

    hours: Mapping[str, Hours]
    reviews: Mapping[str, list[str]]


def expected(world: World, person: str, now: datetime) -> Expected:
    """Work out one learner's sessions, the earliest first, each without the seconds that an earlier one has."""
    hours: dict[str, Hours] = {}
    reviews: dict[str, list[str]] = {}
    credited: dict[tuple[str, date], Fraction] = {}
    taken = 0
    for name, sitting in sorted(world.sittings.items(), key=lambda item: (item[1].starts_at, item[0])):
        facts = [one for one in world.check_ins if (one.person, one.session) == (person, name)]
        standing, gone = decided(world, person, name)
        counting = counted(facts, standing, gone)
        if sitting.cancelled or not (facts or standing) or is_open(sitting, counting, now):
            continue
        nothing = any(one.kind == "nothing" for one in standing)
        visits, reasons = ([], []) if nothing else visited(counting, sitting)
        if reasons:
            reviews[name] = reasons
            continue
        present = bits(graced(visits, sitting)) & sitting.net & ~taken
        taken |= present
        minutes, net = present.bit_count() // 60, sitting.net.bit_count() // 60
        rule = world.rule(sitting)
        so_far = credited.get((rule.name, sitting.local_date), Fraction(0))
        units = rule.units(minutes, net)
        units = units if rule.cap is None else min(units, max(rule.cap - so_far, Fraction(0)))
        credited[rule.name, sitting.local_date] = so_far + units
        hours[name] = Hours(
            sitting.local_date, minutes, Decimal(units.numerator) / Decimal(units.denominator), rule.key
        )
    return Expected(hours, reviews)


def decided(world: World, person: str, session: str) -> tuple[list[Decided], set[UUID]]:
    """Give the decisions that no later one has taken back, and what was taken out."""
    standing: list[Decided] = []
    gone: set[UUID] = set()
    for one in reversed([one for one in world.decided if (one.person, one.session) == (person, session)]):
        if one.id in gone:
            continue
        if one.void:
            gone.add(one.void)
        else:
            standing.append(one)
    return standing, gone


def counted(facts: Iterable[CheckIn], standing: Collection[Decided], gone: Collection[UUID]) -> list[CheckIn]:
    """Put decided times among the others; with them, times that nobody can vouch for count no more."""
    kept = [one for one in facts if one.id not in gone and not (standing and one.uncertain)]
    added = [
        CheckIn(one.id, one.person, one.session, one.kind.removeprefix("add_"), one.at, 0, uncertain=False)
        for one in standing
        if one.at
    ]
    # A decision has no number, and comes before a check-in of the same moment.
    return sorted([*kept, *added], key=lambda one: (one.at, one.seq, str(one.id)))


def is_open(sitting: Sitting, facts: Sequence[CheckIn], now: datetime) -> bool:
    """Say whether more can come: until the end, and for who is still in then, a while longer."""
    if now < sitting.ends_at:
        return True
    return bool(facts) and facts[-1].direction == "in" and now <= sitting.ends_at + STILL_OPEN


def visited(facts: list[CheckIn], sitting: Sitting) -> tuple[list[Visit], list[str]]:
    """Walk through the check-ins: who is in stays in until an `out`, and an `out` of nobody is to be looked at."""
    if any(one.uncertain for one in facts):
        return [], ["time_uncertain"]
    visits: list[Visit] = []
    reasons: list[str] = []
    since: datetime | None = None
    for one in facts:
        if one.direction == "in":
            since = since or one.at
        elif since:
            visits.append((since, one.at))
            since = None
        elif not visits and not reasons:
            reasons.append("out_without_in")
    if since and sitting.missing_out == "review":
        reasons.append("missing_out")
    elif since:
        visits.append((since, max(since, sitting.ends_at)))
    return visits, reasons


def graced(visits: list[Visit], sitting: Sitting) -> list[Visit]:
    """Forgive five minutes at the first coming and the last leaving of those that touch the session."""
    near = [list(visit) for visit in visits if visit[1] > sitting.starts_at and visit[0] < sitting.ends_at]
    if near and near[0][0] <= sitting.starts_at + GRACE:
        near[0][0] = sitting.starts_at
    if near and near[-1][1] >= sitting.ends_at - GRACE:
        near[-1][1] = sitting.ends_at
    return [(since, until) for since, until in near]


def bits(spans: Iterable[Visit]) -> int:
    all_of_them = 0
    for since, until in spans:
        all_of_them |= seconds(since, until)
    return all_of_them


def seconds(since: datetime, until: datetime) -> int:
    """Give a bit for every second of a span."""
    first, end = (int((moment - FROM).total_seconds()) for moment in (since, until))
    return ((1 << (end - first)) - 1) << first
