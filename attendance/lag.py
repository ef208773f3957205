"""A lag is one partner trailing behind the other, or behind the clock."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from attendance.progress import Completion

LagKind = Literal["ready", "not_started", "behind", "overdue", "forfeited", "cleared"]

# From the mildest to the worst; `cleared` is the end of one.
LAG_KINDS: tuple[LagKind, ...] = get_args(LagKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Two lags that differ in an identifying field are two states, and each is announced once."""

    kind: LagKind
    pair: str
    task: str
    part: str
    who: str | None  # the learner who trails; None for the joint part, which is nobody's alone
    since: datetime
    until: datetime | None = None  # of `overdue`: the last instant for handing in
    was: LagKind | None = None  # of `cleared`: what is over
    both_lose: bool = field(default=True, compare=False)  # the joint part is at stake, too
    completion: Completion | None = field(default=None, compare=False)  # of `behind`

    @property
    def key(self) -> str:
        """Name this state; the next one of the same part has another name."""
        until = self.until.isoformat() if self.until else ""
        told = (self.task, self.part, self.kind, self.was or "", self.who or "", self.since.isoformat(), until)
        return "/".join(told)


@dataclass(frozen=True, slots=True)
class Changes:
    announced: frozenset[Lag]
    cleared: frozenset[Lag]


def changes(before: frozenset[Lag], after: frozenset[Lag]) -> Changes:
    """Say what is to be announced, and which announced lag is over.

    A lag that has turned into another of the same part and person is not over, and one that ended because the joint
    part is lost is nothing to be glad about: the forfeit has told.
    """
    announced = after - before
    trailing = {(lag.part, lag.who) for lag in after}
    lost = any(lag.kind == "forfeited" and lag.both_lose for lag in announced)
    over: dict[tuple[str, str | None], Lag] = {}
    for lag in sorted(before - after, key=lambda lag: (LAG_KINDS.index(lag.kind), lag.since)):
        moot = lost and (lag.who is None or lag.kind in ("ready", "not_started"))
        if (lag.part, lag.who) not in trailing and not moot:
            over[lag.part, lag.who] = replace(lag, kind="cleared", was=lag.kind)
    return Changes(announced=announced, cleared=frozenset(over.values()))
