"""The ledger's outbox: what every archive has still to be told, and how far that has come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from sqlalchemy.orm import aliased

from ledger.delivery_tables import ArchiveRow, DeliveryRow
from ledger.insertion import insert_or_nothing
from ledger.pair_tables import NoticeRow
from ledger.tables import HourRecordRow

State = Literal["queued", "sent", "accepted", "refused", "reversed"]
"""As the API tells it: the outbox says `leased` for what is on its way, and a reversal is a row of its own."""

UNANSWERED = ("queued", "leased")
CHUNK = 5000
"""Records of one statement, when many are queued at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that one worker holds until its lease runs out."""

    id: int
    attempts: int
    """This one included."""
    record: HourRecordRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many deliveries of one target are in one state."""

    target: str
    state: str
    """`queued`, `leased`, `accepted` or `refused`."""
    count: int
    oldest: datetime
    """When the oldest of them was entered in the ledger."""
    reason: str | None
    """Why one of them is not accepted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far one record has come with one target."""

    state: State
    reason: str | None
    answered_at: datetime | None


# Put


def put(db: Db, hour_record_ids: Collection[UUID], *, now: datetime) -> int:
    """Queue records for every active archive, in the transaction that enters them; return how many rows were new."""
    archives = db.scalars(sa.select(ArchiveRow.name).where(ArchiveRow.active).order_by(ArchiveRow.name)).all()
    rows = [_queued(name, id, now) for id in hour_record_ids for name in archives]
    # Two settlements may enter the same version of one answer; the second insert finds it and does nothing.
    return sum(
        len(insert_or_nothing(db, DeliveryRow, rows[first : first + CHUNK], DeliveryRow.id))
        for first in range(0, len(rows), CHUNK)
    )


def ensure(db: Db, name: str, *, kind: str) -> bool:
    """Make sure that an archive is there and active; say whether it is new."""
    new = bool(insert_or_nothing(db, ArchiveRow, [{"name": name, "kind": kind, "active": True}], ArchiveRow.name))
    if not new:
        db.execute(sa.update(ArchiveRow).where(ArchiveRow.name == name).values(kind=kind, active=True))
    return new


def retire(db: Db, *, but: Collection[str]) -> Sequence[str]:
    """Queue nothing more for archives that are not among these; return the names of those that were active."""
    statement = (
        sa.update(ArchiveRow)
        .where(ArchiveRow.active, ArchiveRow.name.not_in(but))
        .values(active=False)
        .returning(ArchiveRow.name)
        .execution_options(synchronize_session=False)
    )
    return db.scalars(statement).all()


def backfill(db: Db, archive: str, *, now: datetime) -> int:
    """Queue what an archive has not been sent yet, for one that was added later; return how many.

    On PostgreSQL a settlement that began before the archive was there may commit after this has looked; so it is
    called again from time to time.
    """
    queued = sa.exists().where(DeliveryRow.target == archive, DeliveryRow.hour_record_id == HourRecordRow.id)
    missing = (
        sa.select(HourRecordRow.id)
        .where(~queued)
        .order_by(HourRecordRow.entered_at, HourRecordRow.settles, HourRecordRow.version)
    )
    ids, new = db.scalars(missing).all(), 0
    for first in range(0, len(ids), CHUNK):
        rows = [_queued(archive, id, now) for id in ids[first : first + CHUNK]]
        new += len(insert_or_nothing(db, DeliveryRow, rows, DeliveryRow.id))
    return new


def _queued(target: str, id: UUID, now: datetime) -> dict[str, Any]:
    return {"target": target, "hour_record_id": id, "state": "queued", "due_at": now, "attempts": 0}


# Due


def due(db: Db, target: str, *, now: datetime) -> bool:
    """Say whether something could be claimed for a target."""
    # Two questions, since each of them goes by the index and both in one would not.
    row = aliased(DeliveryRow)
    return any(
        db.scalar(sa.select(row.id).where(*these).limit(1)) is not None
        for these in (_claimable(row, target, now), _expired(row, target, now))
    )


def claim(db: Db, target: str, *, worker: str, now: datetime, limit: int, lease: timedelta) -> list[Claim]:
    """Take up to `limit` deliveries, first those due first; what a dead worker held is due when its lease is over.

    One statement decides who gets which row: two workers that look first and take then would both send it.
    Versions of one answer are never under way together, so that a reversal cannot overtake its credit.
    """
    _expire(db, target, now)
    # An alias of its own: SQLAlchemy would otherwise read the inner table as the row that is being updated.
    row = aliased(DeliveryRow)
    chosen = (
        sa.select(row.id)
        .where(*_claimable(row, target, now))
        .order_by(row.due_at, row.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=row)
        # PostgreSQL may run a plain subquery more than once, and each time it would lock other rows.
        .cte("chosen")
    )
    taken = (
        sa.update(DeliveryRow)
        .where(DeliveryRow.id.in_(sa.select(chosen.c.id)))
        .values(state="leased", worker=worker, lease_until=now + lease, attempts=DeliveryRow.attempts + 1)
        .returning(DeliveryRow.id, DeliveryRow.attempts, DeliveryRow.hour_record_id)
        .execution_options(synchronize_session=False)
    )
    found = sorted((id, attempts, record) for id, attempts, record in db.execute(taken))
    records = _records(db, [record for _, _, record in found if record])
    return [Claim(id=id, attempts=attempts, record=records[record]) for id, attempts, record in found if record]


def _expire(db: Db, target: str, now: datetime) -> None:
    """Queue again what is held longer than its lease; until another takes it, its worker may still finish it."""
    db.execute(
        sa.update(DeliveryRow)
        .where(*_expired(DeliveryRow, target, now))
        .values(state="queued", due_at=DeliveryRow.lease_until, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _expired(row: type[DeliveryRow], target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return row.target == target, row.state == "leased", row.lease_until < now


def _claimable(row: type[DeliveryRow], target: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    # Nested, so that PostgreSQL goes by keys, one row after the other. As one join it took 30 s instead of 20 ms while
    # 100,000 new rows had no statistics yet.
    mine, before, earlier = aliased(HourRecordRow), aliased(HourRecordRow), aliased(DeliveryRow)
    settles, version = (
        sa.select(column).where(mine.id == row.hour_record_id).correlate(row).scalar_subquery()
        for column in (mine.settles, mine.version)
    )
    is_unanswered = (
        sa.select(earlier.state.in_(UNANSWERED))
        .where(earlier.target == row.target, earlier.hour_record_id == before.id)
        .correlate(row, before)
        .scalar_subquery()
    )
    waits_for = (
        sa.select(before.id)
        .where(before.settles == settles, before.version < version, is_unanswered.is_(sa.true()))
        .limit(1)
        .correlate(row)
        .scalar_subquery()
    )
    return (
        row.target == target,
        row.state == "queued",
        row.due_at <= now,
        row.hour_record_id.is_not(None),
        waits_for.is_(None),
    )


def _records(db: Db, ids: Collection[UUID]) -> dict[UUID, HourRecordRow]:
    return {row.id: row for row in db.scalars(sa.select(HourRecordRow).where(HourRecordRow.id.in_(ids)))} if ids else {}


# Delivered


def accepted(db: Db, ids: Collection[int], worker: str, now: datetime) -> int:
    """Note that the archive has these; return how many this worker still held."""
    return _finish(db, ids, worker, state="accepted", answered_at=now, reason=None)


def refused(db: Db, id: int, worker: str, reason: str, now: datetime) -> int:
    """Note that the archive read this one and declined it: a person has to look, then it can be replayed."""
    return _finish(db, [id], worker, state="refused", answered_at=now, reason=reason)


def later(db: Db, ids: Collection[int], worker: str, due_at: datetime, reason: str) -> int:
    """Put back what was not answered; return how many this worker still held."""
    return _finish(db, ids, worker, state="queued", due_at=due_at, reason=reason)


def release(db: Db, target: str) -> int:
    """Let go of what a target's workers hold, where it is certain that they are dead; return how many."""
    statement = (
        sa.update(DeliveryRow)
        .where(DeliveryRow.target == target, DeliveryRow.state == "leased")
        .values(state="queued", worker=None, lease_until=None)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(db.scalars(statement).all())


def delivered(db: Db, target: str) -> set[UUID]:
    """Return the records that a target has accepted."""
    query = sa.select(DeliveryRow.hour_record_id).where(DeliveryRow.target == target, DeliveryRow.state == "accepted")
    return {id for id in db.scalars(query) if id}


def _finish(db: Db, ids: Collection[int], worker: str, **values: Any) -> int:
    """Change rows that this worker holds; the count is lower when its lease ran out and another one took them over."""
    if not ids:
        return 0
    statement = (
        sa.update(DeliveryRow)
        .where(DeliveryRow.id.in_(ids), DeliveryRow.state.in_(UNANSWERED), DeliveryRow.worker == worker)
        .values(worker=None, lease_until=None, **values)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(db.scalars(statement).all())


# What a person asks


def replay(db: Db, target: str, *, now: datetime, hour_record_ids: Collection[UUID] | None = None) -> int:
    """Queue again what a target refused (all of it, or these records), with the same ids; return how many."""
    statement = (
        sa.update(DeliveryRow)
        .where(DeliveryRow.target == target, DeliveryRow.state == "refused")
        .values(state="queued", due_at=now, attempts=0, reason=None, answered_at=None)
        .returning(DeliveryRow.id)
        .execution_options(synchronize_session=False)
    )
    if hour_record_ids is not None:
        statement = statement.where(DeliveryRow.hour_record_id.in_(hour_record_ids))
    return len(db.scalars(statement).all())


def standing(db: Db) -> Sequence[Standing]:
    """Count the deliveries of each target and state, with the age of the oldest."""
    query = (
        sa.select(
            DeliveryRow.target,
            DeliveryRow.state,
            sa.func.count(),
            sa.func.min(sa.func.coalesce(HourRecordRow.entered_at, NoticeRow.made_at)),
            sa.func.max(DeliveryRow.reason),
        )
        .outerjoin(HourRecordRow, HourRecordRow.id == DeliveryRow.hour_record_id)
        .outerjoin(NoticeRow, NoticeRow.id == DeliveryRow.notice_id)
        .group_by(DeliveryRow.target, DeliveryRow.state)
        .order_by(DeliveryRow.target, DeliveryRow.state)
    )
    return [
        Standing(target=target, state=state, count=count, oldest=oldest, reason=reason)
        for target, state, count, oldest, reason in db.execute(query)
    ]


def told(db: Db, hour_record_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Told]]:
    """Say for each record how far it has come with each target."""
    reversal, taken_back = aliased(HourRecordRow), aliased(DeliveryRow)
    is_reversed = sa.exists().where(
        reversal.reverses == DeliveryRow.hour_record_id,
        taken_back.hour_record_id == reversal.id,
        taken_back.target == DeliveryRow.target,
        taken_back.state == "accepted",
    )
    query = sa.select(DeliveryRow, is_reversed).where(DeliveryRow.hour_record_id.in_(hour_record_ids))
    found: dict[UUID, dict[str, Told]] = {}
    for row, gone in db.execute(query) if hour_record_ids else ():
        if row.hour_record_id:
            found.setdefault(row.hour_record_id, {})[row.target] = _told(row, gone)
    return found


def _told(row: DeliveryRow, gone: bool) -> Told:
    states: dict[str, State] = {"leased": "sent", "accepted": "reversed" if gone else "accepted", "refused": "refused"}
    return Told(state=states.get(row.state, "queued"), reason=row.reason, answered_at=row.answered_at)
