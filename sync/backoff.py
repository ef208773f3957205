"""When to try again, and when to leave a target alone for a while."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """A wait that doubles up to a limit, with full jitter."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=30)

    def next_attempt(self, attempts: int, *, now: datetime, luck: float) -> datetime:
        """Say when to try again; luck in [0, 1) spreads a crowd of callers."""
        return now + luck * min(self.longest, self.first * (1 << min(attempts, 30)))


@dataclass(frozen=True, slots=True)
class Breaker:
    """Leaves a target alone that failed several times in a row, then lets one small batch through to see."""

    after: int = 5
    backoff: Backoff = Backoff()
    failures: int = 0
    open_until: datetime | None = None

    def lets_through(self, now: datetime) -> bool:
        """Say whether the target may be asked now."""
        return self.open_until is None or now >= self.open_until

    @property
    def is_probing(self) -> bool:
        """Say whether the next batch is the one that shows whether the target is well again."""
        return self.open_until is not None

    def passed(self) -> "Breaker":
        """Return the breaker after an answer: closed."""
        return replace(self, failures=0, open_until=None)

    def failed(self, *, now: datetime, luck: float, not_before: datetime | None = None) -> "Breaker":
        """Return the breaker after a failure of the whole target; `not_before` is what the target asked for."""
        failures = self.failures + 1
        opened = self.backoff.next_attempt(failures, now=now, luck=luck) if failures >= self.after else None
        until = max((moment for moment in (opened, not_before) if moment), default=None)
        return replace(self, failures=failures, open_until=until)

    def stopped(self, *, now: datetime) -> "Breaker":
        """Return the breaker after a failure that a person has to mend: it looks again after the longest wait only."""
        return replace(self, failures=self.failures + 1, open_until=now + self.backoff.longest)
