"""A measurement: what came out, of how many, and what had been promised."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

RUNS = 5
"""Of a ratio, alternating; the median counts."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a value must not be above, or below."""

    side: Literal["at most", "at least"]
    value: float

    def met(self, value: float) -> bool:
        """Say whether a value keeps it."""
        return value <= self.value if self.side == "at most" else value >= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One line of the results."""

    name: str
    n: int
    """Of what is counted in the name: check-ins, records, tasks."""
    value: float
    unit: str
    values: tuple[float, ...] = ()
    """The single runs, where the value is their median."""
    target: Target | None = None
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    """By process."""
    note: str = ""

    def to_json(self, *, judged: bool) -> dict[str, Any]:
        """Give plain values; `met` is null without a target, and when the run was shrunk."""
        return {
            "n": self.n,
            "value": _short(self.value),
            "values": [_short(value) for value in self.values],
            "unit": self.unit,
            "target": f"{self.target.side} {self.target.value:g}" if self.target else None,
            "met": self.target.met(self.value) if self.target and judged else None,
            "cpu_seconds": {name: round(seconds, 2) for name, seconds in self.cpu_seconds.items()},
            "note": self.note,
        }


def timed(act: Callable[[], object], times: int = 1) -> float:
    """Return how many seconds something took, so many times one after the other."""
    begun = time.perf_counter()
    for _ in range(times):
        act()
    return time.perf_counter() - begun


def ratio(first: Callable[[], object], second: Callable[[], object], *, turn: int) -> tuple[float, tuple[float, ...]]:
    """Do two things in turns of so many, once before for nothing; return the median of second / first."""
    first(), second()
    ratios = tuple((1 / timed(first, turn)) * timed(second, turn) for _ in range(RUNS))
    return median(ratios), ratios


def _short(value: float) -> float:
    return float(f"{value:.4g}")
