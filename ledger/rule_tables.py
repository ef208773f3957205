"""The tables of credit rules: what a rule says, and from which day on it holds where."""

from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class RuleRow(Base):
    """A version of a credit rule beside the presets; triggers refuse UPDATE and DELETE."""

    __tablename__ = "rules"
    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    unit: Mapped[str]
    unit_minutes: Mapped[int | None]
    step: Mapped[Decimal | None]
    rounding: Mapped[str]
    first_unit_whole: Mapped[bool]
    min_presence_percent: Mapped[Decimal]
    basis: Mapped[str]
    tiers: Mapped[list[Any]]
    """Pairs of the least scheduled minutes and the units, a decimal as text."""
    daily_cap: Mapped[Decimal | None]
    effective_from: Mapped[date]


class RuleUseRow(Base):
    """From a day on, a rule holds for a course, a region, or a course in a region; the closest one wins.

    Before the first such day the course's own rule holds, else its region's.
    """

    __tablename__ = "rule_uses"
    region_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    """Empty: every region."""
    course_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    """Empty: every course."""
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(sa.String(32))
