"""Looks at joint tasks when something may have become true, and tells both partners once for each change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from attendance.lag import Changes, Lag, changes
from attendance.notices import TRAINER, Notice, notices
from attendance.pace import lags, next_moment
from attendance.progress import Completion, Progress
from attendance.task import JointTask, Submission
from ledger import apart, inbox, tasks
from ledger.delivery_tables import DeliveryRow
from ledger.insertion import insert, insert_or_nothing
from ledger.pair_tables import JointTaskRow, LagRow, ProgressRow
from ledger.pairs import mark_months, month_of
from ledger.tasks import TaskView

SMS = "sms"
"""The outbox's name for text messages."""

Facts = Mapping[tuple[str, str], Sequence[ProgressRow]]
"""What learning systems have said, by person and programme, oldest first."""


def look(db: Db, *, now: datetime, limit: int = 500) -> int:
    """Look at up to `limit` tasks whose moment has come and return how many; a task that fails is put off."""
    query = sa.select(JointTaskRow.id).where(JointTaskRow.next_at <= now).order_by(JointTaskRow.next_at).limit(limit)
    ids = db.scalars(query.with_for_update(skip_locked=True)).all()
    for id in apart.work(db, ids, lambda some: _look_at(db, some, now), named=lambda id: f"joint task {id}"):
        db.get_one(JointTaskRow, id).next_at = now + apart.PUT_OFF
    return len(ids)


def _look_at(db: Db, ids: Sequence[str], now: datetime) -> None:
    views, announced = tasks.views(db, ids, now=now), _announced(db, ids)
    progress = _progress(db, views)
    new: list[dict[str, Any]] = []
    told: list[tuple[str, Notice]] = []
    months: list[tuple[str, str]] = []
    for view in views:
        task, given = view.standing.task, tasks.submissions_of(view)
        before = {_as_lag(row, task): row for row in announced.get(task.id, ())}
        after = _lags(view, given, progress, now)
        changed = changes(frozenset(before), after)
        new += _kept(before, after, now)
        told += ((task.id, notice) for notice in _notices(changed, view, now))
        if _hours_change(changed, after):
            months.append((task.pair.id, month_of(task.due, view.zone.key)))
        view.row.next_at = next_moment(task, given, now=now)
    insert(db, LagRow, new)
    _tell(db, told, now)
    mark_months(db, months, due_at=now)


def _lags(view: TaskView, given: Sequence[Submission], progress: Facts, now: datetime) -> frozenset[Lag]:
    facts = [row for who in view.people for row in progress.get((who, view.program.id), ())]
    task = view.standing.task
    return lags(task, given, progress=_begun(task, facts), completion=_completion(facts), now=now)


def _kept(before: Mapping[Lag, LagRow], after: frozenset[Lag], now: datetime) -> list[dict[str, Any]]:
    """Note which announced lags are over, and return the rows of the new ones."""
    for lag in before.keys() - after:
        before[lag].cleared_at = now
    return [_row(lag, now) for lag in sorted(after - before.keys(), key=lambda lag: lag.key)]


def _notices(changed: Changes, view: TaskView, now: datetime) -> Iterator[Notice]:
    for lag in sorted(changed.announced | changed.cleared, key=lambda lag: lag.key):
        yield from notices(lag, view.standing.task, now=now, zone=view.zone.key)


def _hours_change(changed: Changes, after: frozenset[Lag]) -> bool:
    """Say whether hours are entered, or what explains them: nothing is, as long as no part is forfeited."""
    forfeited = {lag.kind for lag in after} | {lag.was for lag in changed.cleared}
    return "forfeited" in forfeited and bool(changed.announced or changed.cleared)


def _tell(db: Db, told: Sequence[tuple[str, Notice]], now: datetime) -> None:
    """Put notices into the inboxes, and for the learners among them into the outbox of text messages."""
    new = inbox.put(db, told, now=now, trainer_id=TRAINER)
    rows = [
        {"target": SMS, "notice_id": id, "state": "queued", "due_at": now, "attempts": 0}
        for id, person in inbox.told_to(db, new)
        if person != TRAINER
    ]
    insert_or_nothing(db, DeliveryRow, rows, DeliveryRow.id)


def _announced(db: Db, task_ids: Collection[str]) -> dict[str, list[LagRow]]:
    query = sa.select(LagRow).where(LagRow.task_id.in_(task_ids), LagRow.cleared_at.is_(None))
    found: dict[str, list[LagRow]] = {}
    for row in db.scalars(query) if task_ids else ():
        found.setdefault(row.task_id, []).append(row)
    return found


def _progress(db: Db, views: Iterable[TaskView]) -> Facts:
    people = {person for view in views for person in view.people}
    query = sa.select(ProgressRow).where(ProgressRow.person_id.in_(people)).order_by(ProgressRow.at)
    found: dict[tuple[str, str], list[ProgressRow]] = {}
    for row in db.scalars(query) if people else ():
        found.setdefault((row.person_id, row.program_id), []).append(row)
    return found


def _begun(task: JointTask, facts: Iterable[ProgressRow]) -> list[Progress]:
    """Take a fact from a learning system for work on the learner's own part."""
    return [Progress(part_id=task.part_of(row.person_id).id, at=row.at) for row in facts if row.percent > 0]


def _completion(facts: Iterable[ProgressRow]) -> dict[str, Completion]:
    """Return the last that is known of each partner's course."""
    return {row.person_id: Completion(done=int(row.percent), of=100) for row in facts}


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


def _row(lag: Lag, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid_utils.compat.uuid7().hex,
        "task_id": lag.task,
        "kind": lag.kind,
        "part_id": lag.part,
        "person_id": lag.who,
        "since": lag.since,
        "until": lag.until,
        "announced_at": now,
    }
