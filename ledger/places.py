"""Regions, rooms and courses as somebody outside keeps them; another credit rule has hours settled again.

* NotPossible (ledger.refusals)
  + Incomplete    no such zone, rule or region
  + InUse         (ledger.keeping) the zone of a region, or the region of a room, that is in use already
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import LONG_AGO, PRESETS
from ledger import keeping, rules
from ledger.keeping import InUse, Kept
from ledger.pair_tables import ProgramRow
from ledger.refusals import Incomplete
from ledger.rule_tables import RuleRow
from ledger.tables import CourseRow, RegionRow, RoomRow, SessionRow


def put_region(db: Db, id: str, *, name: str, zone: str, rule: str, actor: str, now: datetime) -> Kept[RegionRow]:
    """Enter or change a region; its zone stays once there is something in it that lives by its clock."""
    check_rule(db, rule)
    if zone not in _zones():
        raise Incomplete("no_zone", f"There is no IANA zone {zone!r}; write one like Asia/Shanghai.")

    def check(row: RegionRow) -> None:
        if row.zone != zone and _has_days(db, id):
            raise InUse("zone_in_use", f"Region {id!r} has sessions or programmes, whose days are those of {row.zone}.")

    values = {"name": name, "zone": zone, "rule": rule}
    kept = keeping.put(db, RegionRow, id, values, actor=actor, now=now, check=check)
    if "rule" in kept.before:
        rules.hold_anew(db, id, None, since=LONG_AGO, now=now)
    return kept


def put_room(
    db: Db, id: str, *, region_id: str, name: str, actor: str, now: datetime, check: Callable[[RoomRow], None]
) -> Kept[RoomRow]:
    """Enter or change a room; it stays in its region once it is in use."""

    def stays(row: RoomRow) -> None:
        check(row)
        if row.region_id != region_id and keeping.uses(db, row, id):
            raise InUse("room_in_use", f"Room {id!r} is in use in region {row.region_id!r}; enter another room.")

    values = {"region_id": region_id, "name": name}
    return keeping.put(db, RoomRow, id, values, actor=actor, now=now, check=stays)


def put_course(
    db: Db,
    id: str,
    *,
    title: str,
    title_zh: str,
    rule: str | None,
    pass_mark: Decimal | None,
    actor: str,
    now: datetime,
) -> Kept[CourseRow]:
    """Enter or change a course."""
    if rule is not None:
        check_rule(db, rule)
    values = {"title": title, "title_zh": title_zh, "rule": rule, "pass_mark": pass_mark}
    kept = keeping.put(db, CourseRow, id, values, actor=actor, now=now)
    if "rule" in kept.before:
        rules.hold_anew(db, None, id, since=LONG_AGO, now=now)
    return kept


def check_rule(db: Db, rule: str) -> None:
    """Raise Incomplete unless there is a credit rule of this name."""
    if rule not in PRESETS and not db.scalar(sa.select(sa.exists().where(RuleRow.name == rule))):
        raise Incomplete("no_rule", f"There is no credit rule {rule!r}.")


def _has_days(db: Db, region_id: str) -> bool:
    sessions = sa.exists().where(SessionRow.region_id == region_id)
    return bool(db.scalar(sa.select(sessions | sa.exists().where(ProgramRow.region_id == region_id))))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
