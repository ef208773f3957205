"""Whom this kiosk has checked in or out lately, and where they are by that."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Self

from attendance.direction import Direction
from protocol.records import KioskRecord

Whereabouts = Literal["expected", "in", "left"]
AGAIN = timedelta(seconds=60)
"""The rules take a second scan within this time for the same fact; so the screen does not ask about it."""
MEMORY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of a learner."""

    session: str
    direction: Direction
    at: datetime
    """Of the first scan that said so."""
    earlier: frozenset[str] = frozenset()

    @property
    def inside(self) -> str | None:
        return self.session if self.direction == "in" else None

    @property
    def seen(self) -> frozenset[str]:
        return self.earlier | {self.session}

    def said_at(self, at: datetime) -> bool:
        """Say whether a scan at this time says the same thing again."""
        return timedelta(0) <= at - self.at <= AGAIN

    def after(self, before: Self) -> Self:
        """Add what was known before."""
        same = (self.session, self.direction) == (before.session, before.direction)
        at = before.at if same and self.at - before.at <= AGAIN else self.at
        return replace(self, at=at, earlier=before.seen)


class Memory:
    """The learners of the last day."""

    def __init__(self, records: Iterable[KioskRecord]) -> None:
        self._known: dict[str, Known] = {}
        for record in records:
            self.remember(record)

    def of(self, learner_id: str) -> Known | None:
        return self._known.get(learner_id)

    def whereabouts(self, learner_id: str, session_id: str) -> Whereabouts:
        """Say where somebody is, as far as this kiosk knows: they may have come by another door, or by phone."""
        known = self.of(learner_id)
        if known is None or session_id not in known.seen:
            return "expected"
        return "in" if known.inside == session_id else "left"

    def remember(self, record: KioskRecord) -> None:
        """Take in a record that was kept; one that was refused, or names nobody, says nothing."""
        if record.learner is None or record.session is None or record.direction is None or record.refused:
            return
        before = self._known.get(record.learner)
        now = Known(session=record.session, direction=record.direction, at=record.at)
        self._known[record.learner] = now.after(before) if before else now

    def fade(self, *, at: datetime) -> None:
        """Forget who was seen last a day ago."""
        self._known = {who: known for who, known in self._known.items() if at - known.at < MEMORY}
