"""Credit: from minutes to units, by a rule that is data."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from attendance.step import Step

Rounding = Literal["down", "nearest"]  # nearest: a half goes up
Basis = Literal["actual", "full"]  # full: the scheduled net minutes, once the least presence is reached

NOTHING = Decimal(0)
LONG_AGO = date(2000, 1, 1)


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
        if not self.tiers and not (self.unit_minutes and self.step):
            raise ValueError(f"rule {self.name} needs unit_minutes and step, or tiers")

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
