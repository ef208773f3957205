"""Writes hour records: only what differs from what stands, a correction as a reversal and a new entry."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import deliveries
from ledger.pair_tables import ClosedMonthRow
from ledger.tables import HourRecordRow

NAMESPACE = UUID("6a5d0d8e-7b0c-5f6e-9d0f-3c1f2b7a4e11")
"""Ids of hour records are derived in it; changing it would change every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an hour record should say."""

    settles: UUID
    """Made by `settles`: the same for every version of one answer."""
    kind: Literal["credit", "bonus"]
    person_id: str
    region_id: str
    source_id: str
    effective_date: date
    minutes: int
    credit: Decimal
    unit: str
    rule: str
    explanation: dict[str, Any]
    course: dict[str, Any]


REPEATED = tuple(field.name for field in fields(Entry) if field.name != "kind")
COMPARED = ("kind", "minutes", "credit", "unit", "rule", "effective_date", "explanation")


def settles(*what: str) -> UUID:
    """Derive the id of an answer from what it settles and for whom."""
    return uuid5(NAMESPACE, "\n".join(what))


def enter(db: Db, wanted: Iterable[Entry], entered: Collection[HourRecordRow], *, now: datetime) -> None:
    """Make the effective records what is wanted; `entered` is all that was ever entered for the same answers."""
    standing, versions = effective(entered)
    target = {entry.settles: entry for entry in wanted}
    gone = [row for id, row in standing.items() if id not in target or not _same(row, target[id])]
    come = [entry for id, entry in target.items() if id not in standing or not _same(standing[id], entry)]
    if not gone and not come:
        return
    closed = _closed_months(db, {row.region_id for row in gone} | {entry.region_id for entry in come})
    rows = [_reversal(row, _next(versions, row.settles), closed, now) for row in gone]
    rows += [_row(entry, _next(versions, entry.settles), closed, now) for entry in come]
    db.add_all(rows)
    db.flush()
    deliveries.put(db, [row.id for row in rows], now=now)


def effective(entered: Iterable[HourRecordRow]) -> tuple[dict[UUID, HourRecordRow], dict[UUID, int]]:
    """Return the records that stand, and the highest version of each, by what they settle."""
    standing: dict[UUID, HourRecordRow] = {}
    versions: dict[UUID, int] = {}
    for row in sorted(entered, key=lambda row: row.version):
        versions[row.settles] = row.version
        if row.kind == "reversal":
            standing.pop(row.settles, None)
        else:
            standing[row.settles] = row
    return standing, versions


def _next(versions: dict[UUID, int], settles: UUID) -> int:
    versions[settles] = versions.get(settles, 0) + 1
    return versions[settles]


def _same(row: HourRecordRow, entry: Entry) -> bool:
    return all(getattr(row, name) == getattr(entry, name) for name in COMPARED)


def _row(entry: Entry, version: int, closed: Collection[tuple[str, str]], now: datetime) -> HourRecordRow:
    return HourRecordRow(
        id=uuid5(entry.settles, str(version)),
        version=version,
        kind=entry.kind,
        booked_in=_booked_in(entry.region_id, entry.effective_date, closed),
        entered_at=now,
        **{name: getattr(entry, name) for name in REPEATED},
    )


def _reversal(row: HourRecordRow, version: int, closed: Collection[tuple[str, str]], now: datetime) -> HourRecordRow:
    return HourRecordRow(
        id=uuid5(row.settles, str(version)),
        version=version,
        kind="reversal",
        reverses=row.id,
        booked_in=_booked_in(row.region_id, row.effective_date, closed),
        entered_at=now,
        **{name: getattr(row, name) for name in REPEATED},
    )


def _closed_months(db: Db, regions: Collection[str]) -> set[tuple[str, str]]:
    query = sa.select(ClosedMonthRow.region_id, ClosedMonthRow.month).where(ClosedMonthRow.region_id.in_(regions))
    return {(region, month) for region, month in db.execute(query)}


def _booked_in(region: str, day: date, closed: Collection[tuple[str, str]]) -> str | None:
    """Find the first month that is open, from the day's own on; None when that is the day's own."""
    month = own = f"{day:%Y-%m}"
    while (region, month) in closed:
        month = _after(month)
    return None if month == own else month


def _after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02}"


def versions_of(db: Db, ids: Sequence[UUID]) -> list[HourRecordRow]:
    """Return everything that was ever entered for these answers."""
    return list(db.scalars(sa.select(HourRecordRow).where(HourRecordRow.settles.in_(ids)))) if ids else []
