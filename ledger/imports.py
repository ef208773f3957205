"""Imports: what somebody wants to bring in is staged chunk by chunk, looked at, and lands as a whole or not at all.

* NotPossible (ledger.refusals)
  + Unknown       there is no such import
  + TooLate       it has landed, ended or grown old already, or what it stands on has changed

Staged rows hold names: they go when the import has landed or ended, and after a day in any case.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger import import_landing
from ledger.audit import note
from ledger.import_landing import Effect, Landing, changed_meanwhile
from ledger.import_tables import STAGED, ImportRow
from ledger.pair_tables import JointTaskRow, PairRow, PartRow, ProgressRow
from ledger.refusals import TooLate, Unknown
from ledger.tables import Base, PersonRow, RosterRow, ScoreRow, SessionRow

TABLES: dict[str, tuple[type[Base], ...]] = {
    "people": (PersonRow,),
    "sessions": (SessionRow,),
    "rosters": (RosterRow,),
    "pairs": (PairRow,),
    "tasks": (JointTaskRow, PartRow),
    "scores": (ScoreRow,),
    "progress": (ProgressRow,),
}
"""What each kind of import fills."""
KEPT = timedelta(hours=24)
"""How long staged rows wait for somebody to let them land."""
MOST_ERRORS = 200
"""That are kept; all are counted."""
ENDED = ("wrong", "landed", "dropped")
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row that is to land, and the line of the file that it comes from."""

    table: type[Base]
    line: int
    values: Mapping[str, Any]


def begin(db: Db, kind: str, *, size: int, made_by: str, now: datetime) -> ImportRow:
    """Enter an import that is about to be read."""
    row = ImportRow(
        id=new_id(), kind=kind, columns=[], state="reading", size=size, errors=[], made_by=made_by, made_at=now
    )
    db.add(row)
    db.flush()
    return row


def stage(db: Db, import_id: str, rows: Sequence[StagedRow], *, place: int) -> None:
    """Put rows aside until they land; `place` is the number of rows before them."""
    numbered = [(row.table, place + n, row) for n, row in enumerate(rows)]
    for table, of_table in groupby(sorted(numbered, key=_by_table), key=lambda entry: entry[0]):
        values = [
            {"import_id": import_id, "place": number, "line": row.line, **row.values} for _, number, row in of_table
        ]
        db.execute(sa.insert(STAGED[table]), values)


def report(db: Db, import_id: str, **told: Any) -> bool:
    """Write down how far reading has come; False if somebody has ended the import."""
    # The condition is part of the update: nobody comes in between.
    reading = sa.update(ImportRow).where(ImportRow.id == import_id, ImportRow.state == "reading").values(**told)
    done = db.execute(reading, execution_options={"synchronize_session": False})
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an update has one


def weigh(db: Db, kind: str) -> None:
    """Let PostgreSQL count what was staged: it would take many rows for a few, and land them for minutes."""
    if db.get_bind().dialect.name == "postgresql":
        for table in TABLES[kind]:
            db.execute(sa.text(f"ANALYZE {STAGED[table].name}"))


def foreseen(db: Db, import_id: str) -> Effect:
    """Count what landing would do now; this only reads, and may take a while."""
    row = get(db, import_id)
    return import_landing.effect(db, row.kind, import_id, row.columns)


def finish(db: Db, import_id: str, found: Effect, *, wrong: bool, now: datetime) -> bool:
    """Say that all of it has been read, and what it would do; False if somebody has ended the import."""
    told: dict[str, Any] = {"state": "wrong", "ended_at": now} if wrong else {"state": "ready"}
    return report(db, import_id, **told, added=found.added, changed=found.changed)


def land(db: Db, import_id: str, *, actor: str, now: datetime, regions: Collection[str] | None = None) -> ImportRow:
    """Let an import land; one that has landed stays as it is. The staged rows are for `clear`, afterwards."""
    row = get(db, import_id, locked=True)
    if row.state == "landed":
        return row
    if row.state != "ready":
        raise TooLate("not_ready", f"This import is {row.state}; only one that is ready can be brought in.")
    if now - row.made_at >= KEPT:
        raise TooLate("too_old", "This import has waited for more than a day; read the file once more.")
    kind, columns = row.kind, row.columns
    found = land_rows(db, kind, import_id, columns, actor=actor, now=now, regions=regions)
    row = get(db, import_id)
    row.state, row.added, row.changed, row.ended_at = "landed", found.added, found.changed, now
    db.flush()
    return row


def land_rows(
    db: Db,
    kind: str,
    import_id: str,
    columns: Sequence[str],
    *,
    actor: str,
    now: datetime,
    regions: Collection[str] | None,
) -> Effect:
    """Let staged rows land, in the transaction of the caller; the audit says how many, and no names."""
    landing = Landing(import_id=import_id, columns=columns, actor=actor, now=now, regions=regions)
    try:
        found = import_landing.land(db, kind, landing)
    except sa.exc.IntegrityError:
        # Somebody it refers to has been erased since.
        raise changed_meanwhile() from None
    note(db, actor=actor, act=f"{kind} imported", thing=import_id, at=now, added=found.added, changed=found.changed)
    return found


def drop(db: Db, import_id: str, *, actor: str, now: datetime) -> ImportRow:
    """End an import that has not landed, also one that is being read."""
    row = get(db, import_id, locked=True)
    if row.state == "landed":
        raise TooLate("landed_already", "This import has been brought in already; correct things one by one.")
    if row.state != "dropped":
        row.state, row.ended_at = "dropped", now
        note(db, actor=actor, act="import dropped", thing=import_id, at=now, kind=row.kind)
    db.flush()
    return row


def clear(db: Db, import_id: str, kind: str, *, limit: int = CHUNK) -> int:
    """Delete up to `limit` staged rows of an import that has ended and return how many."""
    left = limit
    for table in TABLES[kind]:
        staged = STAGED[table]
        places = sa.select(staged.c.place).where(staged.c.import_id == import_id).order_by(staged.c.place).limit(left)
        chosen = list(db.scalars(places)) if left else []
        if chosen:
            db.execute(sa.delete(staged).where(staged.c.import_id == import_id, staged.c.place <= chosen[-1]))
            left -= len(chosen)
    return limit - left


def forget(db: Db, *, now: datetime, limit: int = CHUNK) -> int:
    """End what has waited for a day, and delete up to `limit` staged rows of what has ended; 0 when none are left.

    Each call is a small transaction of its own, so that check-ins never wait for long.
    """
    old = sa.select(ImportRow).where(ImportRow.state.in_(("reading", "ready")), ImportRow.made_at <= now - KEPT)
    for row in db.scalars(old.limit(100)).all():
        drop(db, row.id, actor="gateway", now=now)
    # A heading that nobody knows may be a name: the file had no headings.
    told = (ImportRow.ended_at <= now - KEPT, sa.cast(ImportRow.errors, sa.Text) != "[]")
    db.execute(sa.update(ImportRow).where(*told).values(errors=[]))
    for kind in TABLES:
        for import_id in _with_rows(db, kind):
            return clear(db, import_id, kind, limit=limit)
    return 0


def get(db: Db, import_id: str, *, locked: bool = False) -> ImportRow:
    """Return an import; raises Unknown."""
    row = db.get(ImportRow, import_id, with_for_update=locked or None, populate_existing=True)
    if row is None:
        raise Unknown("no_import", "There is no such import.")
    return row


def latest(db: Db, *, made_by: str | None = None, limit: int = 30) -> Sequence[ImportRow]:
    """Return the last imports, of one importer or of all (None); the newest first."""
    query = sa.select(ImportRow).order_by(ImportRow.made_at.desc(), ImportRow.id.desc()).limit(limit)
    return db.scalars(query if made_by is None else query.where(ImportRow.made_by == made_by)).all()


def new_id() -> str:
    """Make an id that sorts by time."""
    made: str = uuid_utils.compat.uuid7().hex
    return made


def _by_table(entry: tuple[type[Base], int, StagedRow]) -> str:
    return str(entry[0].__tablename__)


def _with_rows(db: Db, kind: str) -> Sequence[str]:
    """Return an import of this kind that has ended and still has staged rows."""
    left = [sa.exists().where(STAGED[table].c.import_id == ImportRow.id) for table in TABLES[kind]]
    query = sa.select(ImportRow.id).where(ImportRow.kind == kind, ImportRow.state.in_(ENDED), sa.or_(*left))
    return db.scalars(query.limit(1)).all()
