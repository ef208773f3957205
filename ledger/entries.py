"""Writes hour records: only what differs from what stands, a correction as a reversal and a new entry."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import deliveries
from ledger.database import Written
from ledger.insertion import insert
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
COMPARED = ("kind", "minutes", "credit", "unit", "rule", "effective_date")

Entered = sa.Row[Any]
"""A row of `hour_records` as `COLUMNS` say; a record is never changed, so it need be no object."""

_JSON = ("explanation", "course")
COLUMNS: tuple[Any, ...] = (
    *(column for column in HourRecordRow.__table__.columns if column.name not in _JSON),
    # As it was written: comparing and copying it does without reading it.
    *(sa.cast(HourRecordRow.__table__.c[name], sa.Text).label(name) for name in _JSON),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that stands and one that should; either may be missing."""

    stands: Entered | None
    wanted: Entry | None

    @property
    def person_id(self) -> str:
        """Return whose hours they are."""
        return str((self.stands or self.wanted).person_id)  # type: ignore[union-attr]  # one of them is there


def settles(*what: str) -> UUID:
    """Derive the id of an answer from what it settles and for whom."""
    return uuid5(NAMESPACE, "\n".join(what))


def enter(db: Db, wanted: Iterable[Entry], entered: Iterable[Entered], *, now: datetime) -> list[Difference]:
    """Make the effective records what is wanted and return where they were not.

    `entered` is all that was ever entered for the same answers.
    """
    standing, versions = effective(entered)
    found = differences(wanted, standing)
    if not found:
        return []
    gone = [difference.stands for difference in found if difference.stands is not None]
    come = [difference.wanted for difference in found if difference.wanted is not None]
    closed = _closed_months(db, {row.region_id for row in gone} | {entry.region_id for entry in come})
    # Reversals first: who reads in order never holds two answers at once.
    rows = [_reversal(row, _next(versions, row.settles), closed, now) for row in gone]
    rows += [_row(entry, _next(versions, entry.settles), closed, now) for entry in come]
    insert(db, HourRecordRow, rows)
    deliveries.put(db, [row["id"] for row in rows], now=now)
    return found


def differences(wanted: Iterable[Entry], standing: Mapping[UUID, Entered]) -> list[Difference]:
    """Compare what should stand with what does."""
    target = {entry.settles: entry for entry in wanted}
    found = [Difference(row, None) for id, row in standing.items() if id not in target]
    for id, entry in target.items():
        row = standing.get(id)
        if row is None or not _same(row, entry):
            found.append(Difference(row, entry))
    return found


def effective(entered: Iterable[Entered]) -> tuple[dict[UUID, Entered], dict[UUID, int]]:
    """Return the records that stand, and the highest version of each, by what they settle."""
    standing: dict[UUID, Entered] = {}
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


def _same(row: Entered, entry: Entry) -> bool:
    if any(getattr(row, name) != getattr(entry, name) for name in COMPARED):
        return False
    written = str(row.explanation)
    return written == json.dumps(entry.explanation) or bool(json.loads(written) == entry.explanation)


def _row(entry: Entry, version: int, closed: Collection[tuple[str, str]], now: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(entry.settles, str(version)),
        "version": version,
        "kind": entry.kind,
        "reverses": None,
        "booked_in": _booked_in(entry.region_id, entry.effective_date, closed),
        "entered_at": now,
        **{name: getattr(entry, name) for name in REPEATED},
    }


def _reversal(row: Entered, version: int, closed: Collection[tuple[str, str]], now: datetime) -> dict[str, Any]:
    return {
        "id": uuid5(row.settles, str(version)),
        "version": version,
        "kind": "reversal",
        "reverses": row.id,
        "booked_in": _booked_in(row.region_id, row.effective_date, closed),
        "entered_at": now,
        **{name: getattr(row, name) for name in REPEATED},
        **{name: Written(getattr(row, name)) for name in _JSON},
    }


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


def versions_of(db: Db, ids: Sequence[UUID]) -> Sequence[Entered]:
    """Return everything that was ever entered for these answers."""
    return db.execute(sa.select(*COLUMNS).where(HourRecordRow.settles.in_(ids))).all() if ids else ()
