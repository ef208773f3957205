"""Hour records made by hand, for what counts, adds up or shows them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger import feed
from ledger.database import Ledger
from ledger.tables import HourRecordRow

DAY = date(2026, 11, 20)
ENTERED = datetime(2026, 11, 20, 6, tzinfo=UTC)
COURSE = {
    "id": "order-entry",
    "title": "Order entry",
    "title_zh": "订单录入",
    "starts_at": "2026-11-20T01:00:00Z",
    "ends_at": "2026-11-20T04:00:00Z",
    "zone": "Asia/Shanghai",
    "place": "Room 1",
    "trainer_id": None,
}


def number(number: int) -> UUID:
    """Make an id that is easy to find again."""
    return UUID(int=number)


def record(n: int, **fields: Any) -> HourRecordRow:
    """Make a record of Ann's: 165 minutes, 3.5 学时 in the east."""
    told: dict[str, Any] = {
        "id": number(n), "settles": number(1000 + n), "version": 1, "kind": "credit", "person_id": "ann",
        "region_id": "east", "source_id": "order-101", "effective_date": DAY, "minutes": 165, "credit": Decimal("3.5"),
        "unit": "学时", "rule": "cn-45@1", "explanation": {}, "course": COURSE,
        "entered_at": ENTERED + timedelta(seconds=n),
    }  # fmt: skip
    return HourRecordRow(**told | fields)


def reversal(n: int, of: HourRecordRow, **fields: Any) -> HourRecordRow:
    """Make the record that takes another one back."""
    repeated = ("settles", "person_id", "region_id", "source_id", "effective_date", "minutes", "credit", "unit", "rule")
    told = {name: getattr(of, name) for name in repeated} | {"version": of.version + 1, "reverses": of.id}
    return record(n, kind="reversal", **told | fields)


def enter(ledger: Ledger, *rows: HourRecordRow, numbered: bool = True) -> None:
    """Enter records, one after the other, and let the feed number them."""
    with ledger.begin() as db:
        for row in rows:
            db.add(row)
            db.flush()
    if numbered:
        with ledger.begin() as db:
            feed.number(db)
