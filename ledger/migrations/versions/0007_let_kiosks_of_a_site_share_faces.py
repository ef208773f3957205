"""Let kiosks of a site share faces."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep sealed boxes until they are taken; no kiosk shares until somebody switches it on."""
    op.add_column("devices", sa.Column("share_faces", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "face_boxes",
        sa.Column("sender_id", sa.String(length=32), nullable=False),
        sa.Column("recipient_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("consent_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["recipient_id"], ["devices.id"], name=op.f("fk_face_boxes_recipient_id_devices")),
        sa.ForeignKeyConstraint(["sender_id"], ["devices.id"], name=op.f("fk_face_boxes_sender_id_devices")),
        sa.PrimaryKeyConstraint("sender_id", "recipient_id", "person_id", name=op.f("pk_face_boxes")),
    )
    with op.batch_alter_table("face_boxes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_face_boxes_consent_id"), ["consent_id"], unique=False)
