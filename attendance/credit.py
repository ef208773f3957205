"""Credit: from minutes to units, by a rule that is data."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from attendance.step import Step

Rounding = Literal["down", "nearest"]  # nearest: a half goes up
Basis = Literal["actual", "full"]  # full: the scheduled net minutes, once the least presence is reached

NOTHING = Decimal(0)
LONG_AGO = date(2000, 1, 1)

# What is beyond this is a slip of the pen, and arithmetic stays exact below it.
MOST_PLACES = 4
MOST_UNITS = Decimal(10_000)
MOST_UNIT_MINUTES = 60_000
LONGEST_NAME = 32  # characters


class WrongRule(ValueError):
    """A credit rule contradicts itself; its message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A session of at least so many scheduled net minutes gives so many units."""

    from_minutes: int
    units: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditRule:
    name: str
    version: int = 1
    unit: str
    unit_minutes: int | None = None  # None when tiers say the units
    step: Decimal | None = None  # in units; None when tiers say the units
    rounding: Rounding = "down"
    first_unit_whole: bool = False  # less than one whole unit gives nothing
    min_presence_percent: Decimal = Decimal(80)
    basis: Basis = "actual"
    tiers: tuple[Tier, ...] = ()  # from the shortest session to the longest
    daily_cap: Decimal | None = None  # units per learner, rule and local date
    effective_from: date = LONG_AGO

    def __post_init__(self) -> None:
        objection = next(_objections(self), None)
        if objection:
            raise WrongRule(f"rule {self.name} {objection}")

    @property
    def key(self) -> str:
        return f"{self.name}@{self.version}"

    def units(self, minutes: int, *, scheduled: int) -> Decimal:
        """Turn minutes into units; tiers look at the scheduled minutes only."""
        if self.unit_minutes is None or self.step is None:
            return next((tier.units for tier in reversed(self.tiers) if tier.from_minutes <= scheduled), NOTHING)
        if self.first_unit_whole and minutes < self.unit_minutes:
            return NOTHING * self.step
        size = self.unit_minutes * self.step
        # Decimal's // is exact, while a quotient such as 135/45 need not be.
        return (minutes + size / 2 if self.rounding == "nearest" else Decimal(minutes)) // size * self.step


def _objections(rule: CreditRule) -> Iterator[str]:
    """Say what is wrong with a rule, and what would be right; digits first, because NaN cannot be compared."""
    yield from _wrong_names(rule)
    yield from _wrong_digits(rule)
    yield from _wrong_tiers(rule) if rule.tiers else _wrong_unit(rule)
    if not 0 <= rule.min_presence_percent <= 100:
        yield f"has a min_presence_percent of {rule.min_presence_percent}; it must be from 0 to 100"
    if rule.daily_cap is not None and rule.daily_cap <= 0:
        yield f"has a daily_cap of {rule.daily_cap}; it must be more than 0, and no cap is None"


def _wrong_names(rule: CreditRule) -> Iterator[str]:
    for what, given in (("name", rule.name), ("unit", rule.unit)):
        if not (given.strip() and given.isprintable() and len(given) <= LONGEST_NAME and "@" not in given):
            yield f"needs a {what} of 1 to {LONGEST_NAME} characters without @"
    if rule.version < 1:
        yield f"has version {rule.version}; the first version is 1"
    if rule.rounding not in get_args(Rounding):
        yield f"has rounding {rule.rounding!r}; it must be one of {', '.join(get_args(Rounding))}"
    if rule.basis not in get_args(Basis):
        yield f"has basis {rule.basis!r}; it must be one of {', '.join(get_args(Basis))}"


def _wrong_digits(rule: CreditRule) -> Iterator[str]:
    amounts = {"step": rule.step, "min_presence_percent": rule.min_presence_percent, "daily_cap": rule.daily_cap}
    tiers = {f"units from {tier.from_minutes} minutes": tier.units for tier in rule.tiers}
    for what, amount in {**amounts, **tiers}.items():
        if amount is not None and not _is_plain(amount):
            yield f"has {amount} as {what}; at most {MOST_UNITS} with {MOST_PLACES} decimal places is possible"


def _is_plain(amount: Decimal) -> bool:
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_PLACES and abs(amount) <= MOST_UNITS


def _wrong_unit(rule: CreditRule) -> Iterator[str]:
    if rule.unit_minutes is None or rule.step is None:
        yield "needs unit_minutes and step, or tiers"
        return
    if not 0 < rule.unit_minutes <= MOST_UNIT_MINUTES:
        yield f"has unit_minutes of {rule.unit_minutes}; it must be from 1 to {MOST_UNIT_MINUTES}"
    if rule.step <= 0:
        yield f"has a step of {rule.step}; it must be more than 0"
    elif 1 % rule.step:
        yield f"has a step of {rule.step}, which does not divide a unit: whole units could not be credited"


def _wrong_tiers(rule: CreditRule) -> Iterator[str]:
    if rule.unit_minutes is not None or rule.step is not None or rule.first_unit_whole:
        yield "has tiers, which say the units: unit_minutes, step and first_unit_whole must be left out"
    below = Tier(from_minutes=0, units=NOTHING)
    for tier in rule.tiers:
        if tier.from_minutes <= below.from_minutes or tier.units <= below.units:
            yield f"has tiers that do not rise from 1 minute and more than 0 units on: look at {tier.from_minutes}"
        below = tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    amount: Decimal
    steps: tuple[Step, ...]


def credit(
    presence_minutes: int, session_net_minutes: int, *, rule: CreditRule, already_today: Decimal = NOTHING
) -> Credit:
    """Credit one session, in the order percent, basis, step, cap."""
    # Whoever was not there at all has not reached zero percent either.
    reached = presence_minutes > 0 and presence_minutes * 100 >= rule.min_presence_percent * session_net_minutes
    percent = Step(
        "percent",
        (
            ("present", presence_minutes),
            ("scheduled", session_net_minutes),
            ("least", rule.min_presence_percent),
            ("reached", reached),
        ),
    )
    if not reached:
        return Credit(amount=NOTHING * (rule.step or 1), steps=(percent,))
    counted = session_net_minutes if rule.basis == "full" else presence_minutes
    units = rule.units(counted, scheduled=session_net_minutes)
    steps = (percent, Step("basis", (("basis", rule.basis), ("minutes", counted))), Step("step", (("units", units),)))
    return _capped(Credit(amount=units, steps=steps), rule.daily_cap, already_today)


def _capped(credit: Credit, daily_cap: Decimal | None, already_today: Decimal) -> Credit:
    if daily_cap is None:
        return credit
    amount = min(credit.amount, max(daily_cap - already_today, NOTHING * daily_cap))
    cap = Step("cap", (("daily_cap", daily_cap), ("already_today", already_today), ("units", amount)))
    return Credit(amount=amount, steps=(*credit.steps, cap))


PRESETS: dict[str, CreditRule] = {
    rule.name: rule
    for rule in (
        CreditRule(name="hour-60", unit="hour", unit_minutes=60, step=Decimal("0.25")),
        CreditRule(name="cn-45", unit="学时", unit_minutes=45, step=Decimal("0.5")),
        CreditRule(
            name="cn-half-day",
            unit="学时",
            basis="full",
            tiers=(Tier(from_minutes=1, units=Decimal(3)), Tier(from_minutes=241, units=Decimal(6))),
            daily_cap=Decimal(6),
        ),
        CreditRule(
            name="nasba-50",
            unit="CPE",
            unit_minutes=50,
            step=Decimal("0.2"),
            first_unit_whole=True,
            min_presence_percent=Decimal(0),
        ),
        CreditRule(name="iacet-ceu", unit="CEU", unit_minutes=600, step=Decimal("0.1"), rounding="nearest"),
    )
}
