"""The worked examples: a session 09:00-12:00 with a break 10:30-10:45, so 165 net minutes."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attendance.credit import PRESETS, CreditRule
from attendance.session import MissingOut, Session, Span
from attendance.settlement import Settled, settle_day
from attendance.visit import Fact

ZONE = "Asia/Shanghai"

HOUR_60, CN_45, CN_HALF_DAY, NASBA_50, IACET_CEU = PRESETS.values()
CN_45_FULL = replace(CN_45, basis="full")
CN_45_CAP_6 = replace(CN_45, daily_cap=Decimal(6))
WITH_80_PERCENT = (HOUR_60, CN_45, CN_45_FULL, CN_45_CAP_6, CN_HALF_DAY, IACET_CEU)


def at(clock: str, day: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day:02}T{clock}").replace(tzinfo=ZoneInfo(ZONE))


def sitting(id: str, start: str, end: str, *pauses: tuple[str, str], **other: Any) -> Session:
    told: dict[str, Any] = {"starts_at": at(start), "ends_at": at(end), "zone": ZONE, **other}
    return Session(
        id=id,
        course_id="order-entry",
        room_id="room-1",
        breaks=tuple(Span(at(since), at(until)) for since, until in pauses),
        roster=frozenset({"ann", "bo"}),
        **told,
    )


ORDER_101 = sitting("order-101", "09:00", "12:00", ("10:30", "10:45"))
ORDER_102 = sitting("order-102", "14:00", "17:00", ("15:30", "15:45"))


def facts(came: str, went: str, of: str = "order-101") -> list[Fact]:
    """Read the columns `in` and `out`; several times are parted by a comma, and – is none."""
    clocks = [("in", clock) for clock in came.split(", ")] + [("out", clock) for clock in went.split(", ")]
    return [
        Fact(
            check_in_id=f"{of}-{seq}",
            session_id=of,
            direction="in" if direction == "in" else "out",
            at=at(clock),
            stream="kiosk",
            seq=seq,
        )
        for seq, (direction, clock) in enumerate(clocks)
        if clock != "–"
    ]


@dataclass(frozen=True, slots=True)
class Example:
    came: str
    went: str
    named: str
    present: str
    credited: str
    because: str
    rules: tuple[CreditRule, ...]
    missing_out: MissingOut = "review"

    @property
    def id(self) -> str:
        return f"{self.came} | {self.went} | {self.named} | {self.because}"

    def settled(self, rule: CreditRule) -> Settled:
        attended = replace(ORDER_101, missing_out=self.missing_out)
        return settle_day("ann", [attended], facts=facts(self.came, self.went), rules={"order-101": rule})


EXAMPLES = (
    Example("09:04", "12:00", "cn-45", "165", "3.5", "within grace; 165/45 = 3.67", (CN_45,)),
    Example("09:05:00", "11:55:00", "cn-45", "165", "3.5", "both at the edge of grace", (CN_45,)),
    Example("09:05:01", "12:00", "hour-60", "159", "2.5", "past grace: 159 min 59 s; 159/60 = 2.65", (HOUR_60,)),
    Example("09:20", "11:50", "cn-45", "135 (81.8 %)", "3.0", "135/45", (CN_45,)),
    Example(
        "09:20", "11:50", "cn-45, basis full", "135 (81.8 %)", "3.5", "presence reached: 165/45", (CN_45_FULL,)
    ),
    Example("09:20", "11:30", "any with 80 %", "115 (69.7 %)", "0", "presence below 80 %", WITH_80_PERCENT),
    Example(
        "09:00, 10:50", "10:20, 12:00", "cn-45", "150 (90.9 %)", "3.0",
        "two intervals, the break lies between them", (CN_45,),
    ),
    Example("09:00, 09:01", "12:00, 12:03", "cn-45", "165", "3.5", "in-in-out-out is one presence", (CN_45,)),
    Example("09:00", "12:00", "hour-60", "165", "2.75", "165/60", (HOUR_60,)),
    Example("09:00", "12:00", "nasba-50", "165", "3.2", "165/50 = 3.3", (NASBA_50,)),
    Example("09:00", "12:00", "iacet-ceu", "165", "0.3", "0.275, nearest tenth", (IACET_CEU,)),
    Example("09:30", "12:00", "iacet-ceu, min 80 %", "135", "0.2", "0.225", (IACET_CEU,)),
    Example("09:00", "12:00", "cn-half-day", "165", "3", "a half day is 3 whatever the clock", (CN_HALF_DAY,)),
    Example("09:00", "–", "cn-45, `review`", "–", "0", "on the review list", (CN_45,)),
    Example(
        "09:00", "–", "cn-45, `session_end`", "165", "3.5", "policy counts to the end", (CN_45,), "session_end"
    ),
)  # fmt: skip


def two_in_one_day() -> Settled:
    """Settle two such sessions in one day, both full: the last row of the examples."""
    day = [*facts("09:00", "12:00"), *facts("14:00", "17:00", "order-102")]
    rules = {"order-101": CN_45_CAP_6, "order-102": CN_45_CAP_6}
    return settle_day("ann", [ORDER_102, ORDER_101], facts=day, rules=rules)
