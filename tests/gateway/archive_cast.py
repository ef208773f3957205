"""Ann's March and November in the archive: a morning, a correction, a session taken back, a joint task, a bonus."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session as Db

from ledger import deliveries, entries, pairs
from ledger.database import Ledger
from ledger.entries import Entered, Entry
from ledger.months import settle_months
from ledger.pair_tables import ClosedMonthRow
from ledger.tables import PersonRow, RoomRow
from sync.local import LocalArchive
from sync.run import deliver
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, company, evening, seen, session
from tests.gateway.pair_cast import DUE, handed_in, with_pairs
from tests.sqlite import become, image_of, in_memory
from tests.sync.cast import EXPLANATION, NOON, StandIn, decline, explanation

LATER = DUE + timedelta(days=2)


def a_year(gateway: Gateway, data: Path) -> Gateway:
    """Let months pass and everything arrive; they pass once, and each test gets its copy of the ledger."""
    become(gateway.ledger, _lived())
    gateway.clock.now = LATER
    return replace(gateway, settings=gateway.settings.model_copy(update={"data": data}))


@cache
def _lived() -> bytes:
    gateway = Gateway(in_memory(company))
    with gateway.ledger.begin() as db:
        for name in ("local", "hr"):
            deliveries.ensure(db, name, kind="stand-in")
        db.add(PersonRow(id="tao", region_id="east", number="9001", name="Tao Ran", role="trainer"))
        db.add(RoomRow(id="room-3", region_id="east", name="A 201"))
    with_pairs(gateway, Path())
    with gateway.ledger.begin() as db:
        _earlier_months(db)
        for person in ("ann", "bo"):
            attend(db, person)
        evening(db)
    _correct(gateway)
    _finish_the_task(gateway)
    deliver_all(gateway.ledger, LATER)
    image = image_of(gateway.ledger)
    gateway.ledger.close()
    return image


def deliver_all(ledger: Ledger, now: datetime, *, hr: bool = True) -> None:
    """Deliver to the local archive, and to another one that refuses the second record."""
    archives: list[Any] = [LocalArchive(ledger, lambda: now)]
    archives += [StandIn(script=[decline(1)])] if hr else []
    for archive in archives:
        while deliver(ledger, archive, worker="w", now=now, luck=0.0):
            pass


def entry(name: str, day: date, credit: str, **fields: Any) -> Entry:
    """Make what settlement enters for a session."""
    starts_at = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    course = {
        "id": "order-entry", "title": "Order entry", "title_zh": "订单录入", "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=3)).isoformat(), "zone": "Asia/Shanghai", "place": "A 201",
        "trainer_id": "tao",
    }  # fmt: skip
    given: dict[str, Any] = {
        "settles": entries.settles(name, "ann"), "kind": "credit", "person_id": "ann", "region_id": "east",
        "source_id": name, "effective_date": day, "minutes": 180, "credit": Decimal(credit), "unit": "学时",
        "rule": "cn-45@1", "explanation": EXPLANATION, "course": course,
    }  # fmt: skip
    return Entry(**(given | fields))


def enter(db: Db, wanted: list[Entry], *, now: datetime, answers: list[Entry] | None = None) -> Sequence[Entered]:
    """Let these stand, and nothing else of these answers."""
    ids = [one.settles for one in (answers or wanted)]
    entries.enter(db, wanted, entries.versions_of(db, ids), now=now)
    return entries.versions_of(db, ids)


def _earlier_months(db: Db) -> None:
    october = [entry(f"order-{day}", date(2026, 10, day), "4.0") for day in (12, 19, 26)]
    enter(db, october, now=NINE - timedelta(days=20))
    # The month is closed; what changes in it afterwards is booked in the open one.
    db.add(ClosedMonthRow(region_id="east", month="2026-10", closed_at=NINE, closed_by="ines"))
    db.flush()
    left_early = explanation(NOON - timedelta(minutes=20))
    changed = entry("order-26", date(2026, 10, 26), "3.5", minutes=160, explanation=left_early)
    enter(db, [changed], now=NINE - timedelta(days=2))
    enter(db, [], answers=[october[0]], now=NINE - timedelta(days=1))


def _correct(gateway: Gateway) -> None:
    """Ann's morning is corrected twice."""
    with gateway.ledger.begin() as db:
        session(db, "order-102", people=("ann",), starts_at=NINE + timedelta(hours=5))
        seen(db, "ann", "in", NINE + timedelta(hours=5), session="order-102")
        seen(db, "ann", "out", NINE + timedelta(hours=6), session="order-102")
        evening(db, TWELVE + timedelta(hours=8))
        seen(db, "ann", "in", NINE + timedelta(hours=6, minutes=10), session="order-102")
        seen(db, "ann", "out", NINE + timedelta(hours=8), session="order-102")
        evening(db, TWELVE + timedelta(hours=20))


def _finish_the_task(gateway: Gateway) -> None:
    for role, person in (("clerk", "ann"), ("reserve_manager", "bo"), ("joint", "ann")):
        gateway.clock.now = NINE + timedelta(hours=26 if role == "joint" else 25)
        id = handed_in(gateway, role, person)
        with gateway.ledger.begin() as db:
            pairs.accept(db, id, by="ines", now=gateway.clock.now)
    with gateway.ledger.begin() as db:
        settle_months(db, now=gateway.clock.now)
