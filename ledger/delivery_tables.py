"""The tables of what has to leave: the outbox, the archives it goes to, and the archive that lives here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class ArchiveRow(Base):
    """A learner archive that every hour record is delivered to."""

    __tablename__ = "archives"
    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    kind: Mapped[str]
    """The connector: local, rest."""
    active: Mapped[bool] = mapped_column(default=True)


class DeliveryRow(Base):
    """One hour record for one archive, or one notice for one channel, written in the transaction that made it."""

    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    target: Mapped[str] = mapped_column(sa.String(32))
    """An archive's name, or `sms`."""
    hour_record_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("hour_records.id"))
    notice_id: Mapped[str | None] = mapped_column(sa.ForeignKey("notices.id"))
    state: Mapped[str] = mapped_column(default="queued")
    """`queued`, `leased`, `accepted` or `refused`."""
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(sa.String(32))
    lease_until: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why the last attempt did not succeed."""
    answered_at: Mapped[datetime | None]

    __table_args__ = (
        sa.UniqueConstraint("target", "hour_record_id"),
        sa.UniqueConstraint("target", "notice_id"),
        sa.Index(None, "target", "state", "due_at", "id"),
    )


class ArchivedRow(Base):
    """A record as the local archive received it."""

    __tablename__ = "archived"
    hour_record_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32), index=True)
    received_at: Mapped[datetime]
    record: Mapped[dict[str, Any]]
