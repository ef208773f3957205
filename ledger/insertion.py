"""Many rows at once: entered, entered if they are new, or set where they exist; and chosen by many values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as Db

from ledger.database import UtcDateTime


def insert(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, in their order; PostgreSQL takes them by COPY."""
    if not rows:
        return
    db.flush()
    if db.get_bind().dialect.name == "postgresql":
        _copy(db, table.__table__, rows)
    else:
        db.execute(sa.insert(table), rows)


def _copy(db: Db, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    binders = _binders(db, table, rows[0])
    connection: Any = db.connection().connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(binders)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([bind(row[name]) if bind else row[name] for name, bind in binders.items()])


def insert_or_nothing(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]], returning: Any) -> set[Any]:
    """Insert the rows that are new and return one column of just those; all have the same columns.

    The database decides which rows are new: two writers that look first and insert then would both find nothing.
    """
    if not rows:
        return set()
    db.flush()
    column = table.__table__.c[returning.key]
    if _goes_at_once(db, column, rows) and _insert_all(db, column.table, rows):
        return {row[column.key] for row in rows}
    statement, values = _insertion(db, table, rows)
    statement = statement.on_conflict_do_nothing().returning(column)
    if values is None and column.name in rows[0]:
        return _new(db, statement.cte(), column, rows)
    return set(db.scalars(statement, values).all())


def _new(db: Db, entered: Any, column: sa.Column[Any], rows: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Ask PostgreSQL only how many rows were new, if all are: to read thousands of ids takes as long as the insert."""
    count, ids = sa.func.count(), sa.func.array_agg(entered.c[column.name], type_=postgresql.ARRAY(column.type))
    found = db.execute(sa.select(count, sa.case((count < len(rows), ids))).select_from(entered)).one()
    return {row[column.name] for row in rows} if found[0] == len(rows) else set(found[1] or ())


def _goes_at_once(db: Db, returning: sa.Column[Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    if db.get_bind().dialect.name != "sqlite" or len(rows) == 1 or returning.name not in rows[0]:
        return False
    return all(column.default is None or column.name in rows[0] for column in returning.table.c)


def _insert_all(db: Db, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Insert rows into SQLite if all are new, and otherwise none; to have each one say so takes three times as long."""
    connection, binders = db.connection(), _binders(db, table, rows[0])
    sides = [[bind(row[name]) if bind else row[name] for row in rows] for name, bind in binders.items()]
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, binders))
    places = ", ".join("?" * len(binders))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608  our names
    with connection.begin_nested() as savepoint:
        done = connection.exec_driver_sql(statement, list(zip(*sides, strict=True))).rowcount
        if done < len(rows):
            savepoint.rollback()
    return done == len(rows)


def _binders(db: Db, table: sa.Table, names: Iterable[str]) -> dict[str, Any]:
    """Say how the values of these columns are written for the driver; None where they are as they are."""
    dialect = db.get_bind().dialect
    return {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}


def _insertion(db: Db, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Make the statement and its values; PostgreSQL takes many rows as one document."""
    # Of the table, not of the mapped class: what the class adds costs more than the insert itself.
    into = table.__table__
    if db.get_bind().dialect.name != "postgresql" or len(rows) == 1:
        return _insert(db)(into), rows
    columns = [into.c[name] for name in rows[0]]
    _refuse_naive(columns, rows)
    document = sa.cast(sa.literal(to_json(rows, bytes_mode="hex").decode()), postgresql.JSON)
    given = sa.func.json_to_recordset(document).table_valued(*(sa.column(c.name, _in_json(c)) for c in columns))
    values = given.render_derived(with_types=True).c
    read = [sa.func.decode(values[c.name], "hex") if _is_binary(c) else values[c.name] for c in columns]
    return postgresql.insert(into).from_select(columns, sa.select(*read)), None


def _refuse_naive(columns: Iterable[sa.Column[Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what UtcDateTime refuses: a document goes past it, and PostgreSQL would take any zone for meant."""
    names = [column.name for column in columns if isinstance(column.type, UtcDateTime)]
    if any((value := row[name]) is not None and value.tzinfo is None for row in rows for name in names):
        raise ValueError("a naive datetime cannot be stored")


def _in_json(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    return sa.Text() if _is_binary(column) else column.type


def _is_binary(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.LargeBinary)


def among(db: Db, column: Any, values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Choose the rows of which a column is one of these; PostgreSQL takes many values as one array."""
    if db.get_bind().dialect.name == "postgresql":
        # Each value as a parameter of its own makes another statement for every number of them.
        found: sa.ColumnElement[bool] = column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))
        return found
    return sa.and_(column.in_(values))


def upsert(db: Db, table: type[Any], rows: list[dict[str, Any]], *, keys: list[str], update: Any) -> None:
    """Insert rows, no two with the same keys, or where the keys exist set what `update(excluded)` says."""
    if rows:
        db.flush()
        statement, values = _insertion(db, table, rows)
        db.execute(statement.on_conflict_do_update(index_elements=keys, set_=update(statement.excluded)), values)


def insert_from(db: Db, table: type[Any], chosen: sa.Select[Any], *, keys: list[str], update: Any) -> None:
    """Insert what a query with a WHERE gives, in the order of the table's columns; existing keys as in `upsert`."""
    columns = [column.name for column in table.__table__.columns]
    statement = _insert(db)(table).from_select(columns, chosen)
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=update(statement.excluded)))


def _insert(db: Db) -> Any:
    return postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
