"""Measures an import: a file of people, read and looked at first, then brought in as a whole."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

import sqlalchemy as sa

from bench.machine import spending
from bench.measured import Measured, timed
from bench.stage import Stage, Store
from gateway.import_plan import Importer
from gateway.import_reading import cleared, read
from ledger import imports
from ledger.database import Ledger
from ledger.tables import PersonRow, RegionRow

FULL = 100_000
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
IMPORTER = Importer(by="account:tao", regions=None, now=NINE)


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Bring people in, and then the same file again, of which nothing is new."""
    n = stage.sized(FULL)
    with stage.store(engine) as store:
        with store.ledger.begin() as db:
            db.add(RegionRow(id="north", name="North", zone="Asia/Shanghai", rule="cn-45"))
        yield from _brought_in(stage, store, n, "new people")
        yield from _brought_in(stage, store, n, "people who are there already")


def _brought_in(stage: Stage, store: Store, n: int, what: str) -> Iterator[Measured]:
    file = BytesIO(_file(n))
    with store.ledger.begin() as db:
        import_id = imports.begin(db, "people", size=len(file.getvalue()), made_by=IMPORTER.by, now=NINE).id
    # One step, and still a bar: whoever waits sees that something happens.
    with stage.bar(f"{store.engine}: reading {what}", 1), spending(store.server) as spent:
        seconds = timed(lambda: read(store.ledger, import_id, "people", file, IMPORTER, clock=lambda: NINE))
    yield Measured(
        name=f"import: read a file of {what} ({store.engine})", n=n, value=seconds, unit="s", cpu_seconds=spent
    )
    with stage.bar(f"{store.engine}: landing {what}", 1), spending(store.server) as spent:
        seconds = timed(lambda: _land(store.ledger, import_id))
    yield Measured(
        name=f"import: bring in {what} ({store.engine})", n=n, value=seconds, unit="s", cpu_seconds=spent,
        note="one transaction; on SQLite check-ins wait for it",
    )  # fmt: skip
    _check_there(store, import_id, n)


def _land(ledger: Ledger, import_id: str) -> None:
    with ledger.begin() as db:
        imports.land(db, import_id, actor=IMPORTER.by, now=NINE)


def _check_there(store: Store, import_id: str, n: int) -> None:
    with store.ledger.read() as db:
        there = db.scalar(sa.select(sa.func.count()).select_from(PersonRow))
        row = imports.get(db, import_id)
    if there != n:
        raise AssertionError(f"{there} people are there, and {n} should be: {row.state}, {row.errors[:3]}")
    cleared(store.ledger, row)


def _file(n: int) -> bytes:
    lines = (f"{100_000 + number},Learner {number},clerk,north" for number in range(n))
    return "\n".join(("number,name,role,region", *lines)).encode()
