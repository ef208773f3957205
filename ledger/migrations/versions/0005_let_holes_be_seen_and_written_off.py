"""Let holes be seen and written off."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep what a kiosk has given out, since when a number is missing, and what was written off or discarded."""
    op.create_table(
        "write_offs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.Uuid(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("written_off_by", sa.String(length=64), nullable=False),
        sa.Column("written_off_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_write_offs_stream_streams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_offs")),
    )
    with op.batch_alter_table("write_offs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_write_offs_stream"), ["stream"], unique=False)

    # Columns are added at once: a batch would copy the table, and others refer to it.
    op.add_column("streams", sa.Column("assigned", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("streams", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dead_letters", sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True))
