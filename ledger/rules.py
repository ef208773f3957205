"""Credit rules: their versions, and from which day on they hold where.

* NotPossible (ledger.refusals)
  + Unknown       no such rule, region or course
  + Incomplete    the use names no place, or begins before any rule
  + TooLate       this version, or a use from this day, is there already and says something else
"""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import LONG_AGO, PRESETS, CreditRule
from attendance.rule_choice import RuleChoice, RuleUse, rule_choice
from attendance.rule_values import credit_rule
from ledger.audit import note
from ledger.check_ins import mark_days
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.rule_tables import RuleRow, RuleUseRow
from ledger.tables import CourseRow, RegionRow, SessionRow

COLUMNS = tuple(column.name for column in RuleRow.__table__.columns)


def choice(db: Db) -> RuleChoice:
    """Return what says which rule holds for a region, a course and a day."""
    return rule_choice([*_from_the_first_day(db), *(_as_use(row) for row in uses(db))], versions(db))


def versions(db: Db) -> list[CreditRule]:
    """Return every version beside the presets."""
    return [_as_rule(row) for row in db.scalars(sa.select(RuleRow).order_by(RuleRow.name, RuleRow.version))]


def uses(db: Db) -> Sequence[RuleUseRow]:
    """Return from which days on rules hold where, beside the first ones of courses and regions."""
    return db.scalars(sa.select(RuleUseRow).order_by(RuleUseRow.effective_from)).all()


def add_version(db: Db, rule: CreditRule, *, actor: str, now: datetime) -> bool:
    """Enter a version of a rule; False if it is there already just so. Days on which it holds are settled again."""
    known = {known.key: known for known in (*PRESETS.values(), *versions(db))}
    if rule.key in known:
        if known[rule.key] != rule:
            raise TooLate("version_taken", f"There is a version {rule.key} already; a change is a new version.")
        return False
    db.add(_row(rule))
    note(db, actor=actor, act="rule entered", thing=rule.key, at=now)
    db.flush()
    for region_id, course_id in _places_of(db, rule.name):
        hold_anew(db, region_id, course_id, since=rule.effective_from, now=now)
    return True


def use(
    db: Db,
    rule: str,
    *,
    effective_from: date,
    region_id: str | None,
    course_id: str | None,
    actor: str,
    now: datetime,
) -> bool:
    """Let a rule hold from a day on, in a region, for a course, or both; False if it is so already."""
    _check(db, rule, effective_from, region_id, course_id)
    key = region_id or "", course_id or "", effective_from
    row = db.get(RuleUseRow, key)
    if row is not None and row.rule != rule:
        raise TooLate("use_taken", f"From {effective_from} on {row.rule} holds there already; choose a later day.")
    if row is not None:
        return False
    db.add(RuleUseRow(region_id=key[0], course_id=key[1], effective_from=effective_from, rule=rule))
    details = {"region": region_id, "course": course_id, "from": effective_from.isoformat()}
    note(db, actor=actor, act="rule used", thing=rule, at=now, **details)
    hold_anew(db, region_id, course_id, since=effective_from, now=now)
    return True


def hold_anew(db: Db, region_id: str | None, course_id: str | None, *, since: date, now: datetime) -> None:
    """Ask for every day since then of a region, a course or both (None: any): another rule holds for it."""
    db.flush()
    places = [SessionRow.local_date >= since]
    if region_id is not None:
        places.append(SessionRow.region_id == region_id)
    if course_id is not None:
        places.append(SessionRow.course_id == course_id)
    mark_days(db, places, due_at=now)


def _check(db: Db, rule: str, effective_from: date, region_id: str | None, course_id: str | None) -> None:
    if region_id is None and course_id is None:
        raise Incomplete("no_place", "Say for which region or course the rule is to hold.")
    if effective_from <= LONG_AGO:
        raise Incomplete("before_all", f"Choose a day after {LONG_AGO}.")
    if rule not in {known.name for known in (*PRESETS.values(), *versions(db))}:
        raise Unknown("no_rule", f"There is no credit rule {rule!r}.")
    if region_id is not None and db.get(RegionRow, region_id) is None:
        raise Unknown("no_region", f"There is no region {region_id!r}.")
    if course_id is not None and db.get(CourseRow, course_id) is None:
        raise Unknown("no_course", f"There is no course {course_id!r}.")


def _places_of(db: Db, rule: str) -> set[tuple[str | None, str | None]]:
    """Return the regions and courses for which a rule holds on any day."""
    every = [*_from_the_first_day(db), *(_as_use(row) for row in uses(db))]
    return {(use.region_id, use.course_id) for use in every if use.rule == rule}


def _from_the_first_day(db: Db) -> list[RuleUse]:
    courses = db.execute(sa.select(CourseRow.id, CourseRow.rule).where(CourseRow.rule.is_not(None)))
    found = [RuleUse(rule=str(rule), effective_from=LONG_AGO, course_id=id) for id, rule in courses]
    regions = db.execute(sa.select(RegionRow.id, RegionRow.rule))
    return found + [RuleUse(rule=rule, effective_from=LONG_AGO, region_id=id) for id, rule in regions]


def _as_use(row: RuleUseRow) -> RuleUse:
    return RuleUse(
        rule=row.rule,
        effective_from=row.effective_from,
        region_id=row.region_id or None,
        course_id=row.course_id or None,
    )


def _as_rule(row: RuleRow) -> CreditRule:
    return credit_rule({name: getattr(row, name) for name in COLUMNS})


def _row(rule: CreditRule) -> RuleRow:
    tiers = [[tier.from_minutes, str(tier.units)] for tier in rule.tiers]
    return RuleRow(**{name: getattr(rule, name) for name in COLUMNS} | {"tiers": tiers})
