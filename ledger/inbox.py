"""The inbox in the app: notices that were put there once, read by one person."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from attendance.notices import TRAINER, Notice
from ledger.insertion import insert_or_nothing
from ledger.pair_tables import NoticeRow
from ledger.tasks import tasks_in


def put(db: Db, told: Iterable[tuple[str, Notice]], *, now: datetime, trainer_id: str | None = None) -> set[str]:
    """Put notices, each with its joint task's id, into inboxes and return the ids of those that are new.

    What was told once is not told again. The words stay as they were when they became true, but for the names:
    those stand in the people's table only.
    """
    rows = [
        {
            "id": uuid_utils.compat.uuid7().hex,
            "person_id": trainer_id if notice.to == TRAINER else notice.to,
            "key": notice.key,
            "kind": notice.kind,
            "about": {
                "task": task_id,
                "one": notice.one,
                "partner": notice.partner,
                "text": {"en": notice.text.en, "zh": notice.text.zh},
            },
            "made_at": now,
            "read_at": None,
        }
        for task_id, notice in told
        if notice.to != TRAINER or trainer_id
    ]
    return insert_or_nothing(db, NoticeRow, rows, NoticeRow.id)


def notices_of(db: Db, person_id: str, *, limit: int = 100) -> Sequence[NoticeRow]:
    """Return somebody's notices, newest first."""
    query = sa.select(NoticeRow).where(NoticeRow.person_id == person_id)
    return db.scalars(query.order_by(NoticeRow.made_at.desc(), NoticeRow.id.desc()).limit(limit)).all()


def notices_to_trainers(db: Db, regions: Collection[str] | None, *, limit: int = 100) -> Sequence[NoticeRow]:
    """Return what trainers were told about the joint tasks of some regions or all (None), newest first."""
    query = sa.select(NoticeRow).where(NoticeRow.person_id == TRAINER)
    if regions is not None:
        query = query.where(NoticeRow.about["task"].as_string().in_(tasks_in(regions)))
    return db.scalars(query.order_by(NoticeRow.made_at.desc(), NoticeRow.id.desc()).limit(limit)).all()


def count_unread(db: Db, person_id: str) -> int:
    """Count the notices that somebody has not read."""
    query = sa.select(sa.func.count()).select_from(NoticeRow)
    return db.scalar(query.where(NoticeRow.person_id == person_id, NoticeRow.read_at.is_(None))) or 0


def mark_read(db: Db, person_id: str, *, upto: datetime, now: datetime) -> int:
    """Mark somebody's notices as read and return how many; those made after `upto` were not on the page."""
    statement = sa.update(NoticeRow).where(
        NoticeRow.person_id == person_id, NoticeRow.read_at.is_(None), NoticeRow.made_at <= upto
    )
    return len(db.scalars(statement.values(read_at=now).returning(NoticeRow.id)).all())


def told_to(db: Db, ids: Collection[str]) -> Sequence[tuple[str, str]]:
    """Return whom these notices tell, in order: id and person."""
    query = sa.select(NoticeRow.id, NoticeRow.person_id).where(NoticeRow.id.in_(ids)).order_by(NoticeRow.id)
    return [(id, person) for id, person in db.execute(query)] if ids else []
