"""Whose badges a sheet is for, and what each shows; asked for a few people at a time, in plain values."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.reasons import Language, Text
from gateway import badges, texts
from gateway.keys import Keys
from ledger.people import find
from ledger.refusals import Incomplete
from ledger.staff import ROLE
from ledger.tables import BadgeRow, PersonRow, RegionRow, RosterRow, SessionRow

STAFF = "STAFF 工作人员"
GOOD_UNTIL = Text("Good until {day}", "有效期至 {day}")
SHOWN = 5
"""Unknown numbers that an error names."""


def people(
    db: Db,
    persons: Sequence[str] | None = None,
    session: str | None = None,
    region: str | None = None,
    staff: bool = False,
) -> list[str]:
    """Return the ids of those who are named, on a session's roster, or of a region; with `staff` its trainers.

    Raises Incomplete if somebody or something is not there, or nobody is left.
    """
    if [persons, session, region].count(None) != 2:
        raise Incomplete("whose_badges", "say whose badges: people, one session or one region")
    if persons is not None:
        return _named(db, persons)
    query = _of_session(db, session, staff) if session else _of_region(db, region or "", staff)
    found = list(db.scalars(query.order_by(PersonRow.number)))
    return found or _nobody(staff)


def cards(
    db: Db,
    people: Sequence[str],
    keys: Keys,
    *,
    actor: str,
    now: datetime,
    organisation: str | None = None,
    staff: bool = False,
) -> list[dict[str, Any]]:
    """Give what the badges of these people show, as the fields of a `Card`; who has no good badge gets one."""
    regions = {row.id: row for row in db.scalars(sa.select(RegionRow))}
    persons = {row.id: row for row in db.scalars(sa.select(PersonRow).where(PersonRow.id.in_(people)))}
    shown = []
    for person in (persons[id] for id in people if id in persons):
        row, _ = badges.current(db, person, keys, actor=actor, now=now, staff=staff)
        shown.append(_card(person, row, regions[person.region_id], keys, organisation))
    return shown


def _card(person: PersonRow, row: BadgeRow, region: RegionRow, keys: Keys, organisation: str | None) -> dict[str, Any]:
    language: Language = "zh" if person.language == "zh" else "en"
    return {
        "name": person.name,
        "role": texts.say(f"role_{person.role}", language),
        "organisation": organisation or region.name,
        "number": person.number,
        "note": STAFF if row.staff else _until(row, region, language),
        "code": badges.code(row, keys),
    }


def _until(row: BadgeRow, region: RegionRow, language: Language) -> str:
    if row.expires_at is None:
        return ""
    return GOOD_UNTIL.told(language).format(day=row.expires_at.astimezone(ZoneInfo(region.zone)).date())


def _named(db: Db, names: Iterable[str]) -> list[str]:
    found = {name: find(db, name) for name in names}
    unknown = [name for name, person in found.items() if person is None]
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise Incomplete(
            "no_such_person", f"there is no person with the id or number {', '.join(unknown[:SHOWN])}{more}"
        )
    # The same person twice, by number and by id, gets one badge.
    return list(dict.fromkeys(person.id for person in found.values() if person)) or _nobody(staff=False)


def _of_session(db: Db, session: str | None, staff: bool) -> sa.Select[str]:
    row = db.get(SessionRow, session)
    if row is None:
        raise Incomplete("no_such_session", f"there is no session {session!r}")
    if staff:
        return sa.select(PersonRow.id).where(PersonRow.id == row.trainer_id, PersonRow.role == ROLE)
    return (
        sa.select(PersonRow.id)
        .join(RosterRow, RosterRow.person_id == PersonRow.id)
        .where(RosterRow.session_id == row.id)
    )


def _of_region(db: Db, region: str, staff: bool) -> sa.Select[str]:
    if db.get(RegionRow, region) is None:
        raise Incomplete("no_such_region", f"there is no region {region!r}")
    role = PersonRow.role == ROLE if staff else PersonRow.role != ROLE
    return sa.select(PersonRow.id).where(PersonRow.region_id == region, role)


def _nobody(staff: bool) -> list[str]:
    raise Incomplete("nobody_there", "there is no trainer there" if staff else "there is nobody there")
