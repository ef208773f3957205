"""A step of a calculation, kept so that a learner can read how a result came about."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Value = bool | int | str | Decimal | datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    values: tuple[tuple[str, Value], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"step": self.name, **{name: plain(value) for name, value in self.values}}


def plain(value: object) -> Any:
    """Give what JSON has no word for as text: amounts exactly, instants in UTC."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
