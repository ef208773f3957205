"""Keeps things under ids that somebody outside has chosen: entered, changed and taken out again, each audited.

* NotPossible (ledger.refusals)
  + TooLate       somebody else has taken it out at this moment
    + InUse       something refers to it, so it stays
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm import Session as Db

from ledger.audit import note
from ledger.insertion import insert_or_nothing
from ledger.pair_tables import ProgramRow
from ledger.refusals import TooLate
from ledger.rule_tables import RuleUseRow
from ledger.tables import Base, CourseRow, HourRecordRow, RegionRow, SessionRow

Row = TypeVar("Row", bound=Base)

FREE_TEXT = ("name", "title", "title_zh")
"""Somebody's name may stand in it, so the audit says that it changed and not what it was."""
BY_NAME_ONLY: dict[type[Any], tuple[InstrumentedAttribute[Any], ...]] = {
    RegionRow: (HourRecordRow.region_id, RuleUseRow.region_id),
    CourseRow: (RuleUseRow.course_id,),
    ProgramRow: (SessionRow.program_id,),
}
"""Columns that name a row without a foreign key."""


class InUse(TooLate):
    """Something refers to it."""


@dataclass(frozen=True, slots=True)
class Kept(Generic[Row]):
    """A row as it stands now."""

    row: Row
    new: bool
    before: Mapping[str, Any]
    """What its changed columns said; empty when nothing changed."""


def put(
    db: Db,
    table: type[Row],
    id: str,
    values: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    check: Callable[[Row], None] | None = None,
) -> Kept[Row]:
    """Enter a row under an id, or let the one that is there say this; what is so already is left alone.

    `check` sees a row that is there before it changes, and may refuse.
    """
    # The database decides whether it is new: two callers who look first would both find nothing.
    if insert_or_nothing(db, table, [{"id": id, **values}], table.__table__.c.id):
        note(db, actor=actor, act=f"{name_of(table)} entered", thing=id, at=now)
        return Kept(db.get_one(table, id), new=True, before={})
    row = db.get(table, id, with_for_update=True, populate_existing=True)
    if row is None:
        raise TooLate("gone", f"The {name_of(table)} {id!r} has just been deleted; send it again.")
    if check:
        check(row)
    return Kept(row, new=False, before=change(db, row, values, thing=id, actor=actor, now=now))


def change(db: Db, row: Base, values: Mapping[str, Any], *, thing: str, actor: str, now: datetime) -> dict[str, Any]:
    """Set what differs and return what it was."""
    before = differing(row, values)
    if before:
        for name in before:
            setattr(row, name, values[name])
        told = {name: _plain(value) for name, value in before.items() if name not in FREE_TEXT}
        act = f"{name_of(type(row))} changed"
        note(db, actor=actor, act=act, thing=thing, at=now, changed=sorted(before), before=told)
        db.flush()
    return before


def differing(row: Base, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says where these values say something else."""
    return {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}


def remove(db: Db, row: Base, id: str, *, actor: str, now: datetime) -> None:
    """Take a row out unless something refers to it."""
    table = type(row)
    if used := sorted(uses(db, row, id)):
        raise InUse("in_use", f"The {name_of(table)} {id!r} is in use, by {', '.join(used)}; it stays.")
    note(db, actor=actor, act=f"{name_of(table)} deleted", thing=id, at=now)
    try:
        db.delete(row)
        db.flush()
    except sa.exc.IntegrityError:
        # Somebody has referred to it since the look above.
        raise InUse("in_use", f"The {name_of(table)} {id!r} is in use; it stays.") from None


def uses(db: Db, row: Base, id: str) -> set[str]:
    """Return what kinds of things refer to a row."""
    return {
        column.table.name.replace("_", " ")
        for column in _referring(type(row))
        if db.execute(sa.select(sa.literal(1)).where(column == id).limit(1)).first()
    }


def name_of(table: type[Base]) -> str:
    """Say what a row of a table is called."""
    return str(table.__tablename__).removesuffix("s")


def _referring(table: type[Base]) -> Iterator[sa.Column[Any]]:
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table.__table__:
                yield key.parent
    for attribute in BY_NAME_ONLY.get(table, ()):
        yield attribute.property.columns[0]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
