"""Questions about what was decided about the learners of a session."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.decisions import decisions_of, standing
from ledger.tables import DecisionRow


def about(db: Db, session_id: str) -> Sequence[DecisionRow]:
    """Return everything that was decided about a session, oldest first."""
    query = sa.select(DecisionRow).where(DecisionRow.session_id == session_id)
    return db.scalars(query.order_by(DecisionRow.decided_at, DecisionRow.id)).all()


def standing_ids(rows: Sequence[DecisionRow]) -> set[str]:
    """Return the ids of a session's decisions that no later one has taken back."""
    by_person = groupby(sorted(rows, key=lambda row: row.person_id), key=lambda row: row.person_id)
    return {row.id for _, theirs in by_person for row in standing(list(theirs))}


def standing_alike(
    db: Db, session_id: str, person_id: str, *, kind: str, at: datetime | None, check_in_id: UUID | None, reason: str
) -> DecisionRow | None:
    """Return the decision that says just this and stands, if there is one."""
    seat = (session_id, person_id)
    rows = standing(decisions_of(db, [seat]).get(seat, []))
    wanted = (kind, at, check_in_id, reason)
    return next((row for row in rows if (row.kind, row.at, row.check_in_id, row.reason) == wanted), None)
