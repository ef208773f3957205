"""Let staff have badges of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tell staff badges from learners'; every badge so far is a learner's."""
    op.add_column("badges", sa.Column("staff", sa.Boolean(), server_default=sa.false(), nullable=False))
