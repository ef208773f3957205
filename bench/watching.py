"""Measures a tick of the watch: a hundred thousand open joint tasks, of which one in a hundred is due."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import sqlalchemy as sa

from bench.company import analyse
from bench.machine import spending
from bench.measured import RUNS, Measured, Target, timed
from bench.pour import Row, pour
from bench.stage import Stage, Store
from gateway.watch import tick
from ledger.lags import look
from ledger.pair_tables import JointTaskRow, LagRow, PairRow, PartRow, ProgramRow
from ledger.tables import PersonRow, RegionRow

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NINE + timedelta(days=90)
FULL, OF_A_PAIR = 100_000, 20
DUE = 100
"""Of so many tasks, one is due at a tick."""
TARGET = Target("at most", 1)


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Let parts become overdue, and see how long the watch takes to tell everybody."""
    tasks = stage.sized(FULL, least=OF_A_PAIR * DUE)
    with stage.store(engine) as store:
        moments = [NINE + timedelta(hours=number) for number in range(2 * RUNS)]
        due = _enter(stage, store, tasks, moments)
        yield _looked(store, moments[:RUNS], tasks, due)
        yield _ticked(store, moments[RUNS:], tasks, due)


def _looked(store: Store, moments: Sequence[datetime], tasks: int, due: int) -> Measured:
    """Only look at the tasks; the ticks that follow settle the months that this has marked."""
    with spending(store.server) as spent:
        values = [timed(lambda now=now: _look_at_all(store, now)) for now in moments]  # type: ignore[misc]
    _check_told(store, due * len(moments))
    tick(store.ledger, now=moments[-1])
    return Measured(
        name=f"watch: look at the tasks that are due ({store.engine})", n=tasks, value=median(values), unit="s",
        values=tuple(values), target=TARGET, cpu_seconds=spent,
        note=f"{due} are due and become overdue, {len(moments)} times",
    )  # fmt: skip


def _ticked(store: Store, moments: Sequence[datetime], tasks: int, due: int) -> Measured:
    with spending(store.server) as spent:
        values = [timed(lambda now=now: tick(store.ledger, now=now)) for now in moments]  # type: ignore[misc]
    _check_told(store, 2 * due * len(moments))
    return Measured(
        name=f"watch: a whole tick, months settled too ({store.engine})", n=tasks, value=median(values), unit="s",
        values=tuple(values), target=TARGET, cpu_seconds=spent,
        note=f"{due} are due and become overdue, {len(moments)} times",
    )  # fmt: skip


def _look_at_all(store: Store, now: datetime) -> None:
    while True:
        with store.ledger.begin() as db:
            if not look(db, now=now):
                return


def _check_told(store: Store, tasks: int) -> None:
    with store.ledger.read() as db:
        found = db.scalar(sa.select(sa.func.count(sa.distinct(LagRow.task_id))))
    if found != tasks:
        raise AssertionError(f"{found} tasks lag, and {tasks} should")


def _enter(stage: Stage, store: Store, tasks: int, moments: Sequence[datetime]) -> int:
    """Enter pairs and their tasks; return how many are due at each moment."""
    pairs, due = tasks // OF_A_PAIR, tasks // DUE
    chosen = random.Random(1).sample(range(tasks), due * len(moments))
    due_at = {task: moments[place // due] for place, task in enumerate(chosen)}
    with store.ledger.begin() as db, stage.bar(f"{store.engine}: joint tasks", 4 * tasks + 3 * pairs) as moved:
        db.add(RegionRow(id="north", name="North", zone="Asia/Shanghai", rule="cn-45"))
        db.flush()
        db.add(ProgramRow(id="p1", region_id="north", title="Orders", title_zh="订单", rule="cn-45"))
        db.flush()
        pour(db, PersonRow, (_person(n) for n in range(2 * pairs)), moved)
        pour(db, PairRow, (_pair(n) for n in range(pairs)), moved)
        pour(db, JointTaskRow, (_task(n, due_at.get(n, LATER)) for n in range(tasks)), moved)
        pour(db, PartRow, (part for n in range(tasks) for part in _parts(n, due_at.get(n, LATER))), moved)
    analyse(store)
    return due


def _person(number: int) -> Row:
    role = "reserve_manager" if number % 2 else "clerk"
    return {"id": _who(number), "region_id": "north", "number": f"{number}", "name": "", "role": role, "language": "zh"}


def _pair(number: int) -> Row:
    clerk, manager = _who(2 * number), _who(2 * number + 1)
    return {"id": f"pair-{number}", "program_id": "p1", "clerk_id": clerk, "manager_id": manager}


def _task(number: int, due_at: datetime) -> Row:
    pair = f"pair-{number // OF_A_PAIR}"
    return {"id": _named(number), "pair_id": pair, "title": "Orders", "title_zh": "订单", "next_at": due_at}


def _parts(number: int, due_at: datetime) -> Iterator[Row]:
    """Let the two own parts run out a second before the watch looks."""
    for role, after in (("clerk", 0), ("reserve_manager", 0), ("joint", 5)):
        yield {
            "id": f"{_named(number)}-{role}", "task_id": _named(number), "role": role, "hours": Decimal(2),
            "evidence": ["order_log"], "start_by": None, "checkpoints": [],
            "due": due_at + timedelta(days=after, seconds=-1),
        }  # fmt: skip


def _who(number: int) -> str:
    return f"l{number:05}"


def _named(number: int) -> str:
    return f"t{number:06}"
