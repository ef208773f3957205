"""Measures settlement: half a million learners' days, then again with nothing and with everything changed."""

from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from bench.company import AFTER, FIRST_DAY, Company, analyse, found, mark_all
from bench.machine import spending
from bench.measured import Measured, Target, timed
from bench.stage import Stage, Store
from ledger import rules
from ledger.settlement import settle
from ledger.tables import HourRecordRow, RegionRow

NOTHING_CHANGED, EVERYTHING_CHANGED = Target("at most", 120), Target("at most", 300)
"""Seconds, on PostgreSQL."""


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
        note=f"{company.attendances} learners' days, {company.attendances / seconds:.0f} a second",
    )


def _settle_all(store: Store, now: datetime, moved: Callable[[int], None]) -> None:
    """Settle as the watch does, each chunk in a transaction of its own."""
    while True:
        with store.ledger.begin() as db:
            settled = settle(db, now=now)
        if not settled:
            return
        moved(settled)


def _records(store: Store) -> int:
    with store.ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) or 0
