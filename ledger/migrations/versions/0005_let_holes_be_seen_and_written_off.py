"""Let holes be seen and written off, and wrong clocks be corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep what kiosks have given out, what of it is missing, written off or discarded, and when boots began."""
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

    op.create_table(
        "boots",
        sa.Column("stream", sa.Uuid(), nullable=False),
        sa.Column("boot", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name=op.f("fk_boots_stream_streams")),
        sa.PrimaryKeyConstraint("stream", "boot", name=op.f("pk_boots")),
    )

    # Columns are added at once: a batch would copy the table, and others refer to it.
    op.add_column("streams", sa.Column("assigned", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("streams", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dead_letters", sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("check_ins", sa.Column("boot", sa.Uuid(), nullable=True))
    op.create_index(
        op.f("ix_check_ins_stream_check_ins_boot"),
        "check_ins",
        ["stream", "boot"],
        unique=False,
        sqlite_where=sa.text("boot IS NOT NULL"),
        postgresql_where=sa.text("boot IS NOT NULL"),
    )
