"""Measures the rules alone: one core, no database."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from attendance.credit import PRESETS
from attendance.session import Session, Span
from attendance.settlement import settle_day
from attendance.visit import Fact
from bench.machine import spending
from bench.measured import RUNS, Measured, Target
from bench.stage import Stage

NINE = datetime(2026, 3, 2, 1, tzinfo=UTC)
FULL = 200_000
GROUP = 20
TARGET = Target("at least", 40_000)


def measure(stage: Stage) -> Iterator[Measured]:
    """Settle learners' days, with and without writing the explanations out as JSON."""
    days = list(_days(stage.sized(FULL)))
    n = sum(len(facts) for _, facts in days)
    for written in (False, True):
        what = "explanations written as JSON" if written else "explanations as values"
        with stage.bar(f"rules, {what}", RUNS) as moved, spending() as spent:
            rates = [n / _settle(days, moved, written=written) for _ in range(RUNS)]
        yield Measured(
            name=f"pure rules, {what}", n=n, value=median(rates), unit="check-ins per CPU second", values=tuple(rates),
            target=TARGET, cpu_seconds=spent,
        )  # fmt: skip


def _settle(days: Sequence[tuple[Session, list[Fact]]], moved: Callable[[int], None], *, written: bool) -> float:
    """Return how many seconds a core was busy; what else the machine does is left out."""
    rule, begun = PRESETS["cn-45"], time.process_time()
    for session, facts in days:
        settled = settle_day("ann", [session], facts=facts, rules={session.id: rule})
        if written:
            for record in settled.records:
                record.explanation.to_json()
    moved(1)
    return time.process_time() - begun


def _days(check_ins: int) -> Iterator[tuple[Session, list[Fact]]]:
    """Let learners come and go; every fifth one steps out in between."""
    chance, made = random.Random(1), 0
    while made < check_ins:
        session = _session(made)
        for seat in range(GROUP):
            facts = list(_facts(session, f"{made}-{seat}", chance, stepped_out=seat % 5 == 0))
            made += len(facts)
            yield session, facts


def _session(number: int) -> Session:
    starts_at = NINE + timedelta(days=number % 200)
    pause = Span(starts_at + timedelta(minutes=90), starts_at + timedelta(minutes=105))
    return Session(
        id=f"s{number}", course_id="orders", room_id="room-1", starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3), zone="Asia/Shanghai", breaks=(pause,), roster=frozenset(),
    )  # fmt: skip


def _facts(session: Session, who: str, chance: random.Random, *, stepped_out: bool) -> Iterator[Fact]:
    moves = [("in", chance.randint(-900, 600)), ("out", 10_800 + chance.randint(-600, 900))]
    if stepped_out:
        moves[1:1] = [("out", chance.randint(3000, 5000)), ("in", chance.randint(5500, 6500))]
    for seq, (direction, seconds) in enumerate(moves):
        yield Fact(
            check_in_id=f"{who}-{seq}", session_id=session.id, direction=direction,  # type: ignore[arg-type]
            at=session.starts_at + timedelta(seconds=seconds), stream="door", seq=seq,
        )  # fmt: skip
