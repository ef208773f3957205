"""A step of a calculation, kept so that a learner can read how a result came about."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

Value = bool | int | str | Decimal | datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    values: tuple[tuple[str, Value], ...] = ()
