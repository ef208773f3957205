"""Sums over the hour records of a day and region, which whoever has read the feed can compute as well."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.effective import Asked, effective
from ledger.tables import HourRecordRow

FIELDS = (
    HourRecordRow.id,
    HourRecordRow.settles,
    HourRecordRow.version,
    HourRecordRow.kind,
    HourRecordRow.person_id,
    HourRecordRow.region_id,
    HourRecordRow.source_id,
    HourRecordRow.effective_date,
    HourRecordRow.booked_in,
    HourRecordRow.minutes,
    HourRecordRow.credit,
    HourRecordRow.unit,
    HourRecordRow.rule,
)
"""What a record's line says, in this order; it is published (docs/hr-api.md), so it never changes."""

ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
AT_ONCE = 2000
"""So many rows are held at a time."""


@dataclass(slots=True, kw_only=True)
class Sum:
    """What the records of a day and region come to."""

    day: date
    region_id: str
    count: int = 0
    minutes: int = 0
    credit: dict[str, Decimal] = field(default_factory=dict)
    """For each unit."""
    hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Over the lines of the records, in the order of their ids."""
        return self.hash.hexdigest()


def sums(db: Db, asked: Asked) -> list[Sum]:
    """Add up and hash the records that count, for each day and region that has any."""
    # Ids are in the same order on both databases, whatever they sort texts by.
    query = effective(asked, *FIELDS).order_by(HourRecordRow.effective_date, HourRecordRow.id)
    found: dict[tuple[date, str], Sum] = {}
    for row in db.execute(query.execution_options(yield_per=AT_ONCE)):
        key = row.effective_date, row.region_id
        if key not in found:
            found[key] = Sum(day=row.effective_date, region_id=row.region_id)
        _add(found[key], row)
    return [found[key] for key in sorted(found)]


def line(values: Sequence[object]) -> bytes:
    """Write a record as the line that is hashed: its fields with TABs between, and a line feed at the end."""
    return ("\t".join(map(_word, values)) + "\n").encode()


def normal(value: Decimal) -> str:
    """Write a decimal in its one shortest form: 3.50 and 3.5 are one amount."""
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _add(sum: Sum, row: sa.Row[Any]) -> None:
    sum.count += 1
    sum.minutes += row.minutes
    sum.credit[row.unit] = sum.credit.get(row.unit, Decimal(0)) + row.credit
    sum.hash.update(line(row))


def _word(value: object) -> str:
    if isinstance(value, Decimal):
        return normal(value)
    return "" if value is None else str(value).translate(ESCAPED)
