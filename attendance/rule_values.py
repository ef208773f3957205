"""Reads a credit rule from plain values that come from outside: JSON, a table, an explanation."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attendance.credit import CreditRule, Tier, WrongRule

NEEDED = frozenset({"name", "unit"})
DIGITS = re.compile(r"-?[0-9]{1,6}(\.[0-9]{1,6})?")


def credit_rule(values: Mapping[str, Any]) -> CreditRule:
    """Make a rule from values named as its fields; raise WrongRule with a sentence for the first that will not do.

    Decimals are text or Decimal, never floats; a tier is a pair or names its two values as in an explanation.
    What is left out, or None, is as in CreditRule.
    """
    if strange := values.keys() - _READ.keys():
        raise WrongRule(f"a rule has no {', '.join(sorted(strange))}; it has {', '.join(_READ)}")
    given = {name: value for name, value in values.items() if value is not None}
    if missing := NEEDED - given.keys():
        raise WrongRule(f"a rule needs a {' and a '.join(sorted(missing))}")
    return CreditRule(**{name: _READ[name](name, value) for name, value in given.items()})


def _text(name: str, given: object) -> str:
    if not isinstance(given, str):
        raise WrongRule(f"{name} must be text, not {given!r}")
    return given


def _whole(name: str, given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise WrongRule(f"{name} must be a whole number, not {given!r}")
    return given


def _decimal(name: str, given: object) -> Decimal:
    if isinstance(given, Decimal):
        return given
    written = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(written, str) or not DIGITS.fullmatch(written):
        raise WrongRule(f'{name} must be a decimal written as text, such as "0.5", not {given!r}')
    return Decimal(written)


def _yes_or_no(name: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise WrongRule(f"{name} must be true or false, not {given!r}")
    return given


def _day(name: str, given: object) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return date.fromisoformat(_text(name, given))
    except ValueError:
        raise WrongRule(f"{name} must be a date such as 2026-11-02, not {given!r}") from None


def _tiers(name: str, given: object) -> tuple[Tier, ...]:
    if not isinstance(given, list | tuple):
        raise WrongRule(f"{name} must be a list, not {given!r}")
    return tuple(_tier(name, tier) for tier in given)


def _tier(name: str, given: object) -> Tier:
    match given:
        case Tier():
            return given
        case [from_minutes, units]:
            return Tier(from_minutes=_whole(name, from_minutes), units=_decimal(name, units))
        case {"from_minutes": from_minutes, "units": units, **rest} if not rest:
            return Tier(from_minutes=_whole(name, from_minutes), units=_decimal(name, units))
    raise WrongRule(f'{name} must be pairs of minutes and units, such as [241, "6"], not {given!r}')


_READ: dict[str, Callable[[str, object], Any]] = {
    "name": _text,
    "version": _whole,
    "unit": _text,
    "unit_minutes": _whole,
    "step": _decimal,
    "rounding": _text,
    "first_unit_whole": _yes_or_no,
    "min_presence_percent": _decimal,
    "basis": _text,
    "tiers": _tiers,
    "daily_cap": _decimal,
    "effective_from": _day,
}
