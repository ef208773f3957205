"""Pours many rows into a ledger: past its door, because the door is not what is measured."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import Base

CHUNK = 20_000
"""Rows that are in memory at once."""

Row = Mapping[str, Any]


def pour(db: Db, table: type[Base], rows: Iterable[Row], moved: Callable[[int], None]) -> None:
    """Insert rows that all have the same columns, by COPY where the database has it."""
    insert = _copy if db.get_bind().dialect.name == "postgresql" else _insert
    coming = iter(rows)
    while chunk := list(islice(coming, CHUNK)):
        insert(db, table, chunk)
        moved(len(chunk))


def _insert(db: Db, table: type[Base], rows: Sequence[Row]) -> None:
    db.execute(sa.insert(table), [dict(row) for row in rows])


def _copy(db: Db, table: type[Base], rows: Sequence[Row]) -> None:
    names = list(rows[0])
    connection: Any = db.connection().connection
    copy = f"COPY {table.__tablename__} ({', '.join(names)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy) as to:
        for values in _bound(db, table, names, rows):
            to.write_row(values)


def _bound(db: Db, table: type[Base], names: Sequence[str], rows: Iterable[Row]) -> Iterator[list[Any]]:
    """Turn values into what the driver takes, as SQLAlchemy would."""
    dialect = db.get_bind().dialect
    binders = [table.__table__.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    for row in rows:
        yield [bind(row[name]) if bind else row[name] for name, bind in zip(names, binders, strict=True)]
