"""Questions about what other systems report: points in tests, satisfaction, and progress; page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.pair_tables import ProgressRow
from ledger.plan import Regions, within
from ledger.tables import PersonRow, ScoreRow

Query = sa.Select[*tuple[Any, ...]]
ScorePlace = tuple[str, str, str, datetime]
"""A person, a course, a kind, a moment."""
ProgressPlace = tuple[str, str, datetime]
"""A person, a programme, a moment."""


def scores_page(
    db: Db,
    regions: Regions,
    *,
    person_id: str | None,
    course_id: str | None,
    kind: str | None,
    after: ScorePlace | None,
    limit: int,
) -> Sequence[tuple[ScoreRow, str]]:
    """Return some scores behind a place, each with the personnel number."""
    key = (ScoreRow.person_id, ScoreRow.course_id, ScoreRow.kind, ScoreRow.at)
    query = sa.select(ScoreRow, PersonRow.number).join(PersonRow, PersonRow.id == ScoreRow.person_id)
    wishes = ((ScoreRow.person_id, person_id), (ScoreRow.course_id, course_id), (ScoreRow.kind, kind))
    return _page(db, query, regions, wishes, key, after, limit)


def progress_page(
    db: Db,
    regions: Regions,
    *,
    person_id: str | None,
    program_id: str | None,
    after: ProgressPlace | None,
    limit: int,
) -> Sequence[tuple[ProgressRow, str]]:
    """Return some reports of progress behind a place, each with the personnel number."""
    key = (ProgressRow.person_id, ProgressRow.program_id, ProgressRow.at)
    query = sa.select(ProgressRow, PersonRow.number).join(PersonRow, PersonRow.id == ProgressRow.person_id)
    wishes = ((ProgressRow.person_id, person_id), (ProgressRow.program_id, program_id))
    return _page(db, query, regions, wishes, key, after, limit)


def _page(
    db: Db, query: Query, regions: Regions, wishes: Any, key: Any, after: Any, limit: int
) -> Sequence[tuple[Any, str]]:
    query = query.where(within(PersonRow.region_id, regions))
    for column, wish in wishes:
        query = query.where(column == wish) if wish is not None else query
    query = query.where(sa.tuple_(*key) > after) if after else query
    return [(row, number) for row, number in db.execute(query.order_by(*key).limit(limit))]
