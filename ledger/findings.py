"""What a check of the ledger finds, slice by slice: a slice is short, so that nobody waits beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Place = int | str
"""Where a slice ended: a number of the chain or the feed, a person, a pair."""

What = Literal["changed", "missing", "gap", "id", "differs", "not_entered", "not_earned"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was entered, or not as the facts say."""

    what: What
    thing: str
    """The row: an act, a record, a number, or a person and what the hours are for."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice came to; whoever checks goes on after `next` until it is None."""

    found: Sequence[Finding]
    checked: int
    next: Place | None
