"""Run migrations on the connection that `ledger.database.upgrade` hands over."""

from typing import Any, Literal

from alembic import context

from ledger import account_tables, delivery_tables, face_tables, import_tables, pair_tables, rule_tables
from ledger.database import Exact, UtcDateTime
from ledger.tables import Base


def _render(kind: str, thing: Any, _: Any) -> str | Literal[False]:
    """Write our own column types as plain SQLAlchemy, so that a migration imports nothing of ours."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, Exact):
        return 'sa.Numeric().with_variant(sa.String(32), "sqlite")'
    return False


TABLES = (Base, account_tables, pair_tables, delivery_tables, rule_tables, import_tables, face_tables)
"""Every module that adds to the metadata, so that autogenerate sees its tables."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
