"""What a month comes to for each person and unit, also where a closed month has moved hours into a later one."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import aliased

from ledger.tables import FeedRow, HourRecordRow


@dataclass(slots=True, kw_only=True)
class Amounts:
    """What records come to when reversals are subtracted; as a difference, it may be negative."""

    credited: Decimal = Decimal(0)
    bonus: Decimal = Decimal(0)
    minutes: int = 0


@dataclass(slots=True, kw_only=True)
class Total:
    """A person's month in one unit."""

    person_id: str
    unit: str
    records: int = 0
    """How many records of the month's own days count."""
    own: Amounts = field(default_factory=Amounts)
    """What the month's own days come to, whenever it was booked."""
    booked_later: Amounts = field(default_factory=Amounts)
    """The part of it that is booked in a later month, because this one had been closed."""
    from_closed_months: Amounts = field(default_factory=Amounts)
    """What is booked in this month for days of earlier months, which had been closed."""
    booked: Amounts = field(default_factory=Amounts)
    """What is booked in this month, all in all."""


def days_of(month: str) -> tuple[date, date]:
    """Return the first and the last day of a month such as "2026-11"."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, 1), date(year, number, monthrange(year, number)[1])


def people(db: Db, month: str, *, regions: Sequence[str] | None, after: str, limit: int) -> Sequence[str]:
    """Return the next people who have anything in a month, in order of their ids."""
    query = sa.select(HourRecordRow.person_id).distinct().where(*_of(month, regions), HourRecordRow.person_id > after)
    return db.scalars(query.order_by(HourRecordRow.person_id).limit(limit)).all()


def totals(db: Db, month: str, people: Sequence[str], *, regions: Sequence[str] | None, upto: int) -> list[Total]:
    """Add up a month for these people, as who has read the feed up to a number knows it."""
    found: dict[tuple[str, str], Total] = {}
    for row in db.execute(_grouped(month, people, regions, upto)):
        total = found.setdefault((row.person_id, row.unit), Total(person_id=row.person_id, unit=row.unit))
        _add(total, row)
    places = {person: place for place, person in enumerate(people)}
    return sorted(found.values(), key=lambda total: (places[total.person_id], total.unit))


def _grouped(month: str, people: Sequence[str], regions: Sequence[str] | None, upto: int) -> sa.Select[Any]:
    """Ask for counts of equal credits: SQLite would add decimals up as floats."""
    original = aliased(HourRecordRow)
    given_as = sa.func.coalesce(original.kind, HourRecordRow.kind).label("given_as")
    taken_back = HourRecordRow.reverses.is_not(None).label("taken_back")
    own_day = HourRecordRow.effective_date.between(*days_of(month)).label("own_day")
    moved = HourRecordRow.booked_in.is_not(None).label("moved")
    columns: tuple[Any, ...] = (HourRecordRow.person_id, HourRecordRow.unit, HourRecordRow.credit)
    labels: tuple[Any, ...] = (given_as, taken_back, own_day, moved)
    counted = (sa.func.count().label("records"), sa.func.sum(HourRecordRow.minutes).label("minutes"))
    return (
        sa.select(*columns, *labels, *counted)
        .join(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
        .outerjoin(original, original.id == HourRecordRow.reverses)
        .where(*_of(month, regions), FeedRow.seq <= upto, HourRecordRow.person_id.in_(people))
        # By label: PostgreSQL takes an expression with parameters for another one each time it is written.
        .group_by(*columns, *(label.name for label in labels))
    )


def _of(month: str, regions: Sequence[str] | None) -> list[sa.ColumnElement[bool]]:
    mine = sa.or_(HourRecordRow.effective_date.between(*days_of(month)), HourRecordRow.booked_in == month)
    return [mine] if regions is None else [mine, HourRecordRow.region_id.in_(regions)]


def _add(total: Total, row: sa.Row[Any]) -> None:
    sign = -1 if row.taken_back else 1
    if row.own_day:
        total.records += sign * row.records
        _count(total.own, row, sign)
    if row.own_day and row.moved:
        _count(total.booked_later, row, sign)
        return
    if row.moved:
        _count(total.from_closed_months, row, sign)
    _count(total.booked, row, sign)


def _count(amounts: Amounts, row: sa.Row[Any], sign: int) -> None:
    amounts.minutes += sign * int(row.minutes)
    if row.given_as == "bonus":
        amounts.bonus += sign * row.records * row.credit
    else:
        amounts.credited += sign * row.records * row.credit
