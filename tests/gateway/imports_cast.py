"""Files to bring in, as people and programs write them, and a way to have them read."""

import csv
import io
import tempfile
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

import sqlalchemy as sa
from openpyxl import Workbook

from gateway.import_plan import Importer
from gateway.import_reading import cleared, read
from ledger import imports
from ledger.database import Ledger
from ledger.import_tables import STAGED, ImportRow
from tests.gateway.cast import NINE

ACTOR = "account:ada"
PEOPLE = ["number", "name", "role", "region"]
SESSIONS = ["session", "course", "region", "room", "starts", "ends"]


def as_csv(*rows: Sequence[str], encoding: str = "utf-8") -> bytes:
    """Write rows as Excel does."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(*rows: Sequence[Any]) -> bytes:
    """Write rows into a workbook; each value as the kind of cell that it is."""
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(list(row))
    book.save(file)
    return file.getvalue()


def lines(*rows: str) -> bytes:
    """Write lines that need no quotes."""
    return ("\n".join(rows) + "\n").encode()


def read_in(
    ledger: Ledger, kind: str, data: bytes | IO[bytes], *, regions: Sequence[str] | None = None, now: datetime = NINE
) -> ImportRow:
    """Have a file read and return its import."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with ledger.begin() as db:
        made = imports.begin(db, kind, size=file.seek(0, io.SEEK_END), made_by=ACTOR, now=now).id
    read(ledger, made, kind, file, Importer(by=ACTOR, regions=regions, now=now), clock=lambda: now)
    return found(ledger, made)


def found(ledger: Ledger, import_id: str) -> ImportRow:
    """Return an import as it stands."""
    with ledger.read() as db:
        return imports.get(db, import_id)


def land(ledger: Ledger, row: ImportRow, *, now: datetime = NINE, regions: Sequence[str] | None = None) -> ImportRow:
    """Let an import land and clear up after it."""
    with ledger.begin() as db:
        row = imports.land(db, row.id, actor=ACTOR, now=now, regions=regions)
    cleared(ledger, row)
    return row


def brought_in(ledger: Ledger, kind: str, data: bytes | IO[bytes], *, now: datetime = NINE) -> tuple[int, int]:
    """Read a file, let it land, and return how many were added and changed."""
    row = read_in(ledger, kind, data, now=now)
    assert row.state == "ready", row.errors
    row = land(ledger, row, now=now)
    return row.added or 0, row.changed or 0


def errors(row: ImportRow) -> list[tuple[int, str, str]]:
    """Return what was wrong: line, column, code."""
    return [(line, column, code) for line, column, code, _ in row.errors]


def staged(ledger: Ledger, import_id: str | None = None) -> int:
    """Count what waits to land, of one import or at all."""
    with ledger.read() as db:
        return sum(db.scalar(_count(table, import_id)) or 0 for table in STAGED.values())


def _count(table: sa.Table, import_id: str | None) -> Any:
    count = sa.select(sa.func.count()).select_from(table)
    return count if import_id is None else count.where(table.c.import_id == import_id)


def people_file(count: int) -> IO[bytes]:
    """Write a CSV file of that many people of the region east, for tests and measurements."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    file.write(as_csv([*PEOPLE, "phone"]))
    for start in range(0, count, 10_000):
        numbers = range(start, min(start + 10_000, count))
        file.write(as_csv(*([f"{100_000 + n}", f"人 {n}", "clerk", "east", f"138 {n:08}"] for n in numbers)))
    file.seek(0)
    return file
