"""The tables of pairs and joint tasks: what was asked and handed in, and who was told that somebody lags."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class ProgramRow(Base):
    """A training programme in which people of two roles learn in pairs."""

    __tablename__ = "programs"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    region_id: Mapped[str] = mapped_column(sa.ForeignKey("regions.id"))
    title: Mapped[str]
    title_zh: Mapped[str]
    rule: Mapped[str]
    """The credit rule whose unit the hours of its tasks are in."""


class PairRow(Base):
    """Two learners of different roles who work together."""

    __tablename__ = "pairs"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    program_id: Mapped[str] = mapped_column(sa.ForeignKey("programs.id"), index=True)
    clerk_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), index=True)
    manager_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), index=True)


class JointTaskRow(Base):
    """A task of one pair: a part for each role and a joint one."""

    __tablename__ = "joint_tasks"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    pair_id: Mapped[str] = mapped_column(sa.ForeignKey("pairs.id"), index=True)
    title: Mapped[str]
    title_zh: Mapped[str]
    next_at: Mapped[datetime | None] = mapped_column(index=True)
    """The next moment at which something can become true by itself; None when nothing can any more."""


class PartRow(Base):
    """What one role, or both together, have to hand in."""

    __tablename__ = "parts"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    task_id: Mapped[str] = mapped_column(sa.ForeignKey("joint_tasks.id"), index=True)
    role: Mapped[str]
    """`clerk`, `reserve_manager` or `joint`."""
    hours: Mapped[Decimal]
    evidence: Mapped[list[str]]
    """The kinds wanted: order_log, optimisation_plan, conversation, joint_report."""
    start_by: Mapped[datetime | None]
    checkpoints: Mapped[list[str]]
    """RFC 3339 instants."""
    due: Mapped[datetime]

    __table_args__ = (sa.UniqueConstraint("task_id", "role"),)


class SubmissionRow(Base):
    """One version of what was handed in for a part."""

    __tablename__ = "submissions"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    part_id: Mapped[str] = mapped_column(sa.ForeignKey("parts.id"))
    version: Mapped[int]
    person_id: Mapped[str] = mapped_column(sa.String(32))
    """Who handed it in."""
    handed_in_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="handed_in", index=True)
    """`handed_in`, `accepted` or `rejected`."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(32))
    words: Mapped[str | None]
    """What has to be done better."""

    __table_args__ = (sa.UniqueConstraint("part_id", "version"),)


class EvidenceRow(Base):
    """A file of a submission; its bytes lie under their hash."""

    __tablename__ = "evidence"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    submission_id: Mapped[str] = mapped_column(sa.ForeignKey("submissions.id"), index=True)
    kind: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))


class DueMoveRow(Base):
    """Why a part is due at another time; the words are here and not in the audit, because they may hold a name."""

    __tablename__ = "due_moves"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    part_id: Mapped[str] = mapped_column(sa.ForeignKey("parts.id"), index=True)
    before: Mapped[datetime]
    due: Mapped[datetime]
    reason: Mapped[str]
    moved_by: Mapped[str] = mapped_column(sa.String(32))
    moved_at: Mapped[datetime]


class ProgressRow(Base):
    """How far a learner is in the courses of a programme, as a learning system reports it."""

    __tablename__ = "progress"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    program_id: Mapped[str] = mapped_column(sa.ForeignKey("programs.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    percent: Mapped[Decimal]


class LagRow(Base):
    """One partner trailing, from when it was announced until it was over."""

    __tablename__ = "lags"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    task_id: Mapped[str] = mapped_column(sa.ForeignKey("joint_tasks.id"), index=True)
    kind: Mapped[str]
    part_id: Mapped[str] = mapped_column(sa.String(32))
    person_id: Mapped[str | None] = mapped_column(sa.String(32))
    """Who trails; None for the joint part, which is nobody's alone."""
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    announced_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]


class NoticeRow(Base):
    """A line in somebody's inbox: a kind and the ids it is about; the words are made when it is read."""

    __tablename__ = "notices"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    """One for each change of state: told once."""
    kind: Mapped[str]
    about: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ClosedMonthRow(Base):
    """A region's month that has been reported: what changes later is booked in the open one."""

    __tablename__ = "closed_months"
    region_id: Mapped[str] = mapped_column(sa.ForeignKey("regions.id"), primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(sa.String(32))


class DirtyMonthRow(Base):
    """A pair's month that has to be settled again."""

    __tablename__ = "dirty_months"
    pair_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
