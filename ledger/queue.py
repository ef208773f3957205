"""Takes what is due out of a queue in a table: key columns and `due_at`."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db


def take(db: Db, queue: type[Any], *, now: datetime, limit: int) -> list[tuple[Any, ...]]:
    """Take the keys of up to `limit` rows whose moment has come, in their order; a rollback puts them back."""
    table = queue.__table__
    keys = table.primary_key.columns
    is_postgresql = db.get_bind().dialect.name == "postgresql"
    place: sa.ColumnElement[Any] = sa.literal_column("ctid" if is_postgresql else "rowid")
    due = (
        sa.select(place)
        .select_from(table)
        .where(table.c.due_at <= now)
        .order_by(table.c.due_at, *keys)
        .limit(limit)
        # Of two that take at once, the second takes others.
        .with_for_update(skip_locked=True)
    )
    # By the row's own place: to find 500 pairs of values, PostgreSQL reads the whole queue.
    chosen = place == sa.any_(sa.func.array(due.scalar_subquery())) if is_postgresql else place.in_(due)
    with _by_index(db) if is_postgresql else nullcontext():
        return sorted(tuple(row) for row in db.execute(sa.delete(table).where(chosen).returning(*keys)))


@contextmanager
def _by_index(db: Db) -> Iterator[None]:
    """Let PostgreSQL go by the index, which has the order already.

    It counts rows when the queue is as good as empty, and would then read and sort all of a full one for every chunk.
    """
    db.execute(sa.text("SET LOCAL enable_sort = off"))
    yield
    db.execute(sa.text("SET LOCAL enable_sort = on"))
