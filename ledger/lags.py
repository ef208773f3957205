"""Looks at joint tasks when something may have become true, and tells both partners once for each change."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from attendance.lag import Lag, changes
from attendance.notices import TRAINER, Notice, notices
from attendance.pace import lags, next_moment
from attendance.progress import Completion, Progress
from attendance.task import JointTask
from ledger import inbox, tasks
from ledger.apart import PUT_OFF, apart
from ledger.database import insert_or_nothing
from ledger.delivery_tables import DeliveryRow
from ledger.pair_tables import JointTaskRow, LagRow, ProgressRow
from ledger.pairs import mark_months, month_of
from ledger.tasks import TaskView

SMS = "sms"
"""The outbox's name for text messages."""


def look(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Look at up to `limit` tasks whose moment has come and return how many; the index on `next_at` finds them."""
    query = sa.select(JointTaskRow).where(JointTaskRow.next_at <= now).order_by(JointTaskRow.next_at).limit(limit)
    rows = db.scalars(query.with_for_update(skip_locked=True)).all()
    views = tasks.views(db, [row.id for row in rows], now=now)
    announced = _announced(db, [view.row.id for view in views])
    progress = _progress(db, views)
    for view in views:
        with apart(db, f"joint task {view.row.id}") as looked:
            _look_at(db, view, announced.get(view.row.id, []), progress, now)
        if not looked.done:
            view.row.next_at = now + PUT_OFF
    return len(rows)


def _look_at(
    db: Db, view: TaskView, open_rows: Sequence[LagRow], progress: Sequence[ProgressRow], now: datetime
) -> None:
    task, given = view.standing.task, tasks.submissions_of(view)
    after = lags(task, given, progress=_begun(task, view, progress), completion=_completion(view, progress), now=now)
    before = {_as_lag(row, task): row for row in open_rows}
    changed = changes(frozenset(before), after)
    for lag in before.keys() - after:
        before[lag].cleared_at = now
    db.add_all(_row(lag, now) for lag in sorted(after - before.keys(), key=lambda lag: lag.key))
    told = [
        notice
        for lag in sorted(changed.announced | changed.cleared, key=lambda lag: lag.key)
        for notice in notices(lag, task, now=now, zone=view.zone.key)
    ]
    _tell(db, told, task.id, now)
    if changed.announced or changed.cleared:
        # A part that is forfeited, or counts again, changes the hours of its month.
        mark_months(db, [(task.pair.id, month_of(task.due, view.zone.key))], due_at=now)
    view.row.next_at = next_moment(task, given, now=now)


def _tell(db: Db, told: Sequence[Notice], task_id: str, now: datetime) -> None:
    """Put notices into the inboxes, and for the learners among them into the outbox of text messages."""
    new = inbox.put(db, told, task_id=task_id, now=now, trainer_id=TRAINER)
    by_key = {notice.key: notice for notice in told}
    rows = [
        {"target": SMS, "notice_id": id, "state": "queued", "due_at": now, "attempts": 0}
        for id, key in inbox.keys_of(db, new)
        if by_key[key].to != TRAINER
    ]
    insert_or_nothing(db, DeliveryRow, rows, DeliveryRow.id)


def _announced(db: Db, task_ids: Collection[str]) -> dict[str, list[LagRow]]:
    query = sa.select(LagRow).where(LagRow.task_id.in_(task_ids), LagRow.cleared_at.is_(None))
    found: dict[str, list[LagRow]] = {}
    for row in db.scalars(query) if task_ids else ():
        found.setdefault(row.task_id, []).append(row)
    return found


def _progress(db: Db, views: Iterable[TaskView]) -> Sequence[ProgressRow]:
    people = {person for view in views for person in view.people}
    query = sa.select(ProgressRow).where(ProgressRow.person_id.in_(people)).order_by(ProgressRow.at)
    return db.scalars(query).all() if people else []


def _begun(task: JointTask, view: TaskView, progress: Iterable[ProgressRow]) -> list[Progress]:
    """Take a fact from a learning system for work on the learner's own part."""
    return [
        Progress(part_id=task.part_of(row.person_id).id, at=row.at)
        for row in progress
        if row.person_id in view.people and row.program_id == view.program.id and row.percent > 0
    ]


def _completion(view: TaskView, progress: Iterable[ProgressRow]) -> dict[str, Completion]:
    """Return the last that is known of each partner's course."""
    return {
        row.person_id: Completion(done=int(row.percent), of=100)
        for row in progress
        if row.person_id in view.people and row.program_id == view.program.id
    }


def _as_lag(row: LagRow, task: JointTask) -> Lag:
    return Lag(
        kind=row.kind,  # type: ignore[arg-type]  # it came from a Lag
        pair=task.pair.id,
        task=task.id,
        part=row.part_id,
        who=row.person_id,
        since=row.since,
        until=row.until,
    )


def _row(lag: Lag, now: datetime) -> LagRow:
    values: dict[str, Any] = {"kind": lag.kind, "part_id": lag.part, "person_id": lag.who, "since": lag.since}
    id = uuid_utils.compat.uuid7().hex
    return LagRow(id=id, task_id=lag.task, until=lag.until, announced_at=now, **values)
