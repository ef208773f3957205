"""A session is one sitting of a course, in a room or online."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from attendance.assurance import METHODS, Method
from attendance.instant import utc
from attendance.span import Span, length, merged, without

__all__ = ["MissingOut", "Session", "Span"]

# What a missing last `out` means: somebody decides, or presence counts to the end because people forget,
# or to the end because the session never asks for an `out`.
MissingOut = Literal["review", "session_end", "none_needed"]

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    id: str
    course_id: str
    room_id: str | None  # None is online
    starts_at: datetime
    ends_at: datetime
    zone: str  # IANA; says on which local date the session counts
    breaks: tuple[Span, ...] = ()
    roster: frozenset[str]
    methods: frozenset[Method] = frozenset(METHODS)
    least_assurance: Method = "paper"
    cancelled: bool = False
    missing_out: MissingOut = "review"
    grace: timedelta = timedelta(minutes=5)
    opens_before: timedelta = timedelta(minutes=30)
    closes_after: timedelta = timedelta(minutes=30)

    # Worked out once here, because a session is asked about them once for every learner.
    opens_at: datetime = field(init=False, repr=False, compare=False)
    closes_at: datetime = field(init=False, repr=False, compare=False)
    local_date: date = field(init=False, repr=False, compare=False)
    net_spans: tuple[Span, ...] = field(init=False, repr=False, compare=False)
    net_minutes: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "starts_at", utc(self.starts_at))
        put(self, "ends_at", utc(self.ends_at))
        if self.ends_at <= self.starts_at:
            raise ValueError(f"session {self.id} ends at {self.ends_at}, not after its start at {self.starts_at}")
        put(self, "opens_at", self.starts_at - self.opens_before)
        put(self, "closes_at", self.ends_at + self.closes_after)
        put(self, "local_date", self.starts_at.astimezone(_zone(self.zone)).date())
        put(self, "net_spans", tuple(without([Span(self.starts_at, self.ends_at)], merged(self.breaks))))
        put(self, "net_minutes", length(self.net_spans) // MINUTE)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
