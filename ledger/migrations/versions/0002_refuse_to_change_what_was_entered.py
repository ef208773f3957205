"""Refuse to change what was entered."""

import sqlalchemy as sa
import uuid_utils.compat
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("hour_records", "feed", "audit")


def upgrade() -> None:
    """Let the database itself refuse UPDATE and DELETE, and begin its first epoch."""
    for table in APPEND_ONLY:
        for statement in _triggers(table, op.get_bind().dialect.name):
            op.execute(statement)
    epochs = sa.table("epochs", sa.column("id", sa.Uuid()), sa.column("began_at", sa.DateTime(timezone=True)))
    op.execute(sa.insert(epochs).values(id=uuid_utils.compat.uuid7(), began_at=sa.func.current_timestamp()))


def _triggers(table: str, dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for act in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]
