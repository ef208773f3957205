"""A step of a calculation, kept so that a learner can read how a result came about."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Value = bool | int | str | Decimal | datetime | None
_PLAIN = {bool, int, str, type(None)}


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    values: tuple[tuple[str, Value], ...] = ()

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"step": self.name}
        for name, value in self.values:
            # Most values are: not to ask for each saves a tenth of all settling.
            told[name] = value if type(value) in _PLAIN else plain(value)
        return told


def plain(value: object) -> Any:
    """Give what JSON has no word for as text: amounts exactly, instants in UTC."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
