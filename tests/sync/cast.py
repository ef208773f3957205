"""Hour records to deliver, and an archive that answers as a test wants it to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS
from attendance.presence import Fact
from attendance.session import Session
from attendance.settlement import settle_day
from ledger import deliveries
from ledger.database import Ledger
from ledger.tables import HourRecordRow, PersonRow, RegionRow
from sync.archive import Accepted, Answer, ArchiveError, Declined, Delivery
from sync.run import deliver
from tests.sqlite import IN_MEMORY, opened

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOON = NINE + timedelta(hours=3)
EVENING = NINE + timedelta(hours=9)
HERE = UUID("5b0f7f6e-4f7a-5a55-9f0f-73796e633031")

Script = Callable[[Sequence[Delivery]], Sequence[Answer]]


def explanation(leave: datetime = NOON) -> dict[str, Any]:
    """Let the rules explain a morning, by default a full one."""
    ways: tuple[tuple[Literal["in", "out"], datetime], ...] = (("in", NINE), ("out", leave))
    session = Session(
        id="order-101", course_id="orders", room_id="room-1", starts_at=NINE, ends_at=NOON, zone="UTC",
        roster=frozenset({"ann"}), methods=frozenset({"static_badge"}),
    )  # fmt: skip
    facts = [
        Fact(check_in_id=f"c{seq}", session_id="order-101", direction=way, at=at, stream="s", seq=seq, uncertain=False)
        for seq, (way, at) in enumerate(ways, 1)
    ]
    [record] = settle_day("ann", [session], facts=facts, rules={"order-101": PRESETS["cn-45"]}).records
    return record.explanation.to_json()


EXPLANATION = explanation()
COURSE = {
    "id": "orders", "title": "Order handling", "title_zh": "订单处理", "starts_at": NINE.isoformat(),
    "ends_at": NOON.isoformat(), "zone": "UTC", "place": "Room 1", "trainer_id": "tao",
}  # fmt: skip


def company(url: str = IN_MEMORY, *archives: str) -> Ledger:
    """Open a ledger with Ann, her trainer and some archives in it."""
    ledger = opened(url, settle_in)
    with ledger.begin() as db:
        for name in archives:
            deliveries.ensure(db, name, kind="stand-in")
    return ledger


def settle_in(db: Db) -> None:
    """Enter the region, Ann and her trainer."""
    db.add(RegionRow(id="north", name="North", zone="UTC", rule="cn-45"))
    db.flush()
    db.add(PersonRow(id="ann", region_id="north", number="1001", name="Ann", role="clerk"))
    db.add(PersonRow(id="tao", region_id="north", number="9001", name="Tao", role="trainer"))


def hour(number: int, *, version: int = 1, **fields: Any) -> HourRecordRow:
    """Make one version of the answer to a question; `hour(7)` and `hour(7, version=2)` belong together."""
    settles = uuid5(HERE, str(number))
    given: dict[str, Any] = {
        "kind": "credit", "reverses": None, "minutes": 180, "credit": Decimal("4.0"), "explanation": EXPLANATION,
        "course": COURSE, "entered_at": EVENING + timedelta(seconds=number), "person_id": "ann",
        "effective_date": date(2026, 3, 2),
    }  # fmt: skip
    return HourRecordRow(
        id=uuid5(settles, str(version)), settles=settles, version=version, region_id="north",
        source_id=f"order-{number}", unit="学时", rule="cn-45@1", **(given | fields),
    )  # fmt: skip


def reversal(number: int, *, version: int = 2) -> HourRecordRow:
    """Take back the version before."""
    return hour(number, version=version, kind="reversal", reverses=hour(number, version=version - 1).id)


def enter(db: Db, *rows: HourRecordRow) -> list[UUID]:
    """Write records and queue them in one transaction, as settlement does."""
    for row in rows:
        db.add(row)
        db.flush()
    ids = [row.id for row in rows]
    deliveries.put(db, ids, now=EVENING)
    return ids


def morning(ledger: Ledger, count: int) -> list[UUID]:
    """Enter as many records."""
    with ledger.begin() as db:
        return enter(db, *(hour(number) for number in range(count)))


def corrected(ledger: Ledger, count: int) -> None:
    """Enter records of which every third is taken back, and every sixth entered anew."""
    morning(ledger, count)
    with ledger.begin() as db:
        for number in range(0, count, 3):
            enter(db, reversal(number))
        for number in range(0, count, 6):
            enter(db, hour(number, version=3, minutes=135, credit=Decimal("3.0")))


@dataclass
class StandIn:
    """An archive that does what the next entry of its script says, and otherwise accepts."""

    name: str = "hr"
    kind: str = "stand-in"
    batch_limit: int = 10
    script: list[Script | ArchiveError] = field(default_factory=list)
    received: list[Delivery] = field(default_factory=list)
    batches: list[list[UUID]] = field(default_factory=list)

    def push(self, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Answer as the script says."""
        self.batches.append([one.id for one in batch])
        step = self.script.pop(0) if self.script else accept_all
        if isinstance(step, ArchiveError):
            raise step
        answers = step(batch)
        taken = {one.id for one in answers if isinstance(one, Accepted)}
        self.received += [one for one in batch if one.id in taken]
        return answers


def accept_all(batch: Sequence[Delivery]) -> Sequence[Answer]:
    """Take every record."""
    return [Accepted(one.id) for one in batch]


def decline(*places: int, reason: str = "cost centre is closed") -> Script:
    """Decline some places of the batch."""
    return lambda batch: [
        Declined(one.id, reason) if place in places else Accepted(one.id) for place, one in enumerate(batch)
    ]


def forget(*places: int) -> Script:
    """Say nothing about some places of the batch."""
    return lambda batch: [Accepted(one.id) for place, one in enumerate(batch) if place not in places]


def states(ledger: Ledger, target: str = "hr") -> dict[str, int]:
    """Count the deliveries of a target by state."""
    with ledger.read() as db:
        return {one.state: one.count for one in deliveries.standing(db) if one.target == target}


def run_dry(ledger: Ledger, archive: Any, *, worker: str = "w", now: datetime = EVENING) -> int:
    """Deliver until there is nothing left to deliver now."""
    total = 0
    while count := deliver(ledger, archive, worker=worker, now=now, luck=0.5):
        total += count
    return total
