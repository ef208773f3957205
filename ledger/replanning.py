"""One session planned anew, and its roster, one learner at a time; what that changes is settled again.

* NotPossible (ledger.refusals)
  + Incomplete    times, breaks, room or trainer that make no sense
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session as Db

from ledger import keeping
from ledger.audit import note
from ledger.insertion import insert_or_nothing
from ledger.planning import moved, moving
from ledger.refusals import Incomplete
from ledger.tables import PersonRow, RoomRow, RosterRow, SessionRow

LONGEST = timedelta(hours=24)
"""A sitting that is longer is a slip of the pen."""
MOST_BREAKS = 20

Break = tuple[datetime, datetime]


def replan(db: Db, row: SessionRow, changes: Mapping[str, Any], *, actor: str, now: datetime) -> bool:
    """Set columns of a session, `breaks` as instants; False if all of it is so already.

    The row has to be locked. Its local date follows its start.
    """
    values = {name: value for name, value in changes.items() if name != "breaks"}
    if "breaks" in changes and sorted(changes["breaks"]) != breaks_of(row):
        values["breaks"] = [[since.isoformat(), until.isoformat()] for since, until in sorted(changes["breaks"])]
    if not keeping.differing(row, values):
        return False
    _check(db, row, values)
    before = moving(db, [row.id], now=now)
    if "starts_at" in values:
        values["local_date"] = values["starts_at"].astimezone(ZoneInfo(row.zone)).date()
    keeping.change(db, row, values, thing=row.id, actor=actor, now=now)
    moved(db, before, now=now)
    return True


def breaks_of(row: SessionRow) -> list[Break]:
    """Return when a session pauses."""
    return _as_instants(row.breaks)


def enrol(db: Db, row: SessionRow, person: PersonRow, *, actor: str, now: datetime) -> bool:
    """Put a learner on a session's roster; False if they are on it already. Who was refused for it is let in."""
    if person.role == "trainer":
        raise Incomplete("no_learner", "Trainers are not put on rosters; name them as the session's trainer.")
    seat = {"session_id": row.id, "person_id": person.id}
    if not insert_or_nothing(db, RosterRow, [seat], RosterRow.person_id):
        return False
    note(db, actor=actor, act="roster joined", thing=row.id, at=now, person=person.id)
    moved(db, {row.id: row.local_date}, now=now)
    return True


def withdraw(db: Db, row: SessionRow, person: PersonRow, *, actor: str, now: datetime) -> bool:
    """Take a learner off a session's roster; False if they are not on it. Check-ins that were admitted still count."""
    seat = db.get(RosterRow, (row.id, person.id), with_for_update=True)
    if seat is None:
        return False
    db.delete(seat)
    note(db, actor=actor, act="roster left", thing=row.id, at=now, person=person.id)
    moved(db, {row.id: row.local_date}, now=now)
    return True


def _check(db: Db, row: SessionRow, values: Mapping[str, Any]) -> None:
    wanted = {name: values.get(name, getattr(row, name)) for name in ("starts_at", "ends_at", "breaks")}
    _check_times(wanted["starts_at"], wanted["ends_at"], _as_instants(wanted["breaks"]))
    if id := values.get("room_id"):
        room = db.get(RoomRow, id)
        if room is None or room.region_id != row.region_id:
            raise Incomplete("wrong_room", f"There is no room {id!r} in the session's region, {row.region_id!r}.")
    if id := values.get("trainer_id"):
        trainer = db.get(PersonRow, id)
        if trainer is None or trainer.role != "trainer":
            raise Incomplete("no_trainer", "This person is no trainer.")


def _check_times(starts_at: datetime, ends_at: datetime, breaks: Sequence[Break]) -> None:
    if not starts_at < ends_at <= starts_at + LONGEST:
        raise Incomplete("wrong_times", "A session ends after its start, and within 24 hours.")
    if len(breaks) > MOST_BREAKS:
        raise Incomplete("too_many_breaks", f"A session has at most {MOST_BREAKS} breaks.")
    last = starts_at
    for since, until in breaks:
        if not last <= since < until <= ends_at:
            raise Incomplete("wrong_breaks", "Breaks lie within the session, one after the other; send them anew.")
        last = until


def _as_instants(breaks: Sequence[Sequence[str]]) -> list[Break]:
    return sorted((datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in breaks)
