"""The tables of imports: what somebody wants to bring in, until it is brought in as a whole or not at all."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.pair_tables import JointTaskRow, PairRow, PartRow, ProgressRow
from ledger.tables import Base, PersonRow, RosterRow, ScoreRow, SessionRow


class ImportRow(Base):
    """One file, from its upload on; its rows wait in the staged tables."""

    __tablename__ = "imports"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    kind: Mapped[str]
    """`people`, `sessions`, `rosters`, `pairs`, `tasks`, `scores` or `progress`."""
    columns: Mapped[list[str]] = mapped_column(default=list)
    """Columns of the ledger that it sets where a row is there already; the others stay."""
    state: Mapped[str]
    """`reading`, then `wrong` or `ready`, then `landed` or `dropped`."""
    rows: Mapped[int] = mapped_column(default=0)
    """People, sessions and so on that were read so far; a line may give several."""
    size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Bytes of the file; `done` of them are read."""
    done: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    wrong: Mapped[int] = mapped_column(default=0)
    """How many errors there are."""
    errors: Mapped[list[Any]] = mapped_column(default=list)
    """The first of them: line, column, code, and what the code's text needs."""
    added: Mapped[int | None]
    changed: Mapped[int | None]
    made_by: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def _staged(row: type[Base], *more: sa.Column[Any]) -> sa.Table:
    """Make a table that holds rows of another until they land: the same columns, and no promise about them."""
    table: Any = row.__table__
    return sa.Table(
        f"staged_{table.name}",
        Base.metadata,
        sa.Column("import_id", sa.String(32), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        # A line of a recurring session becomes several rows, so `line` alone does not tell them apart.
        sa.Column("line", sa.Integer, nullable=False),
        *(sa.Column(column.name, column.type, nullable=column.nullable) for column in table.columns),
        *more,
    )


STAGED: dict[type[Base], sa.Table] = {
    row: _staged(row) for row in (PersonRow, SessionRow, PairRow, JointTaskRow, PartRow, ScoreRow, ProgressRow)
} | {
    # A line of a roster can also take somebody off it.
    RosterRow: _staged(RosterRow, sa.Column("remove", sa.Boolean, nullable=False))
}
