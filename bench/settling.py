"""Measures settlement: half a million learners' days, then again with nothing and with everything changed."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from bench.company import AFTER, FIRST_DAY, Company, analyse, found, mark_all
from bench.machine import spending
from bench.measured import Measured, Target, timed
from bench.stage import Stage, Store
from ledger import rules
from ledger.database import Ledger
from ledger.settlement import settle
from ledger.tables import HourRecordRow, RegionRow
from tandem.collector import look_less

NOTHING_CHANGED, EVERYTHING_CHANGED = Target("at most", 120), Target("at most", 300)
"""Seconds, on PostgreSQL."""
WATCHES = 2
"""On PostgreSQL, one for each core."""


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Settle everything three times."""
    with stage.store(engine) as store:
        company = found(stage, store)
        yield _settled(stage, store, company, "first", mark_all, added=1)
        analyse(store)
        yield _settled(stage, store, company, "nothing changed", mark_all, added=0, target=NOTHING_CHANGED)
        yield _settled(
            stage, store, company, "everything changed", _use_another_rule, added=2, target=EVERYTHING_CHANGED
        )


def _use_another_rule(db: Db) -> None:
    """Let another rule hold in every region, as an administrator does; it asks for every day by itself."""
    for region in db.scalars(sa.select(RegionRow.id)).all():
        where = {"region_id": region, "course_id": None}
        rules.use(db, "hour-60", effective_from=FIRST_DAY, **where, actor="bench", now=AFTER)


def _settled(
    stage: Stage,
    store: Store,
    company: Company,
    what: str,
    mark: Callable[[Db], None],
    *,
    added: int,
    target: Target | None = None,
) -> Measured:
    """Settle every day, and make sure that it entered as many records as it should have for each."""
    with store.ledger.begin() as db:
        mark(db)
    before = _records(store)
    with stage.bar(f"{store.engine}: settling, {what}", company.attendances) as moved, spending(store.server) as spent:
        seconds = timed(lambda: _settle_all(store, AFTER, moved))
    entered = _records(store) - before
    if entered != added * company.attendances:
        raise AssertionError(f"{what}: {entered} records were entered for {company.attendances} days")
    return Measured(
        name=f"settle check-ins, {what} ({store.engine})",
        n=2 * company.attendances,
        value=seconds,
        unit="s",
        target=target if store.engine == "postgresql" else None,
        cpu_seconds=spent,
        note=f"{company.attendances} learners' days, {company.attendances / seconds:.0f} a second; "
        f"{1 if store.engine == 'sqlite' else WATCHES} processes",
    )


def _settle_all(store: Store, now: datetime, moved: Callable[[int], None]) -> None:
    """Settle as the watch does: on PostgreSQL there may be several of them, on SQLite there is one process."""
    if store.engine == "sqlite":
        _watch(store.ledger, now, moved)
        return
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    url = store.ledger.url.render_as_string(hide_password=False)
    watches = [context.Process(target=_watch_too, args=(url, now, done)) for _ in range(WATCHES)]
    for watch in watches:
        watch.start()
    shown = 0
    while any(watch.is_alive() for watch in watches):
        watches[0].join(0.2)
        watches[-1].join(0.2)
        shown, before = done.value, shown
        moved(shown - before)
    if any(watch.exitcode for watch in watches):
        raise AssertionError("a watch has failed; what it said stands above")


def _watch(ledger: Ledger, now: datetime, moved: Callable[[int], None]) -> None:
    """Settle until nothing is due, each chunk in a transaction of its own."""
    while True:
        with ledger.begin() as db:
            settled = settle(db, now=now)
        if not settled:
            return
        moved(settled)


def _watch_too(url: str, now: datetime, done: Any) -> None:
    """Settle in a process of its own."""

    def moved(steps: int) -> None:
        with done.get_lock():
            done.value += steps

    look_less()
    with closing(Ledger(url)) as ledger:
        _watch(ledger, now, moved)


def _records(store: Store) -> int:
    with store.ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) or 0
