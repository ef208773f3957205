"""A plan that changes once it has begun: who came as planned then has come, and the days are settled again.

Around a change of sessions: `before = moving(db, ids, now=now)`, then the change, then `moved(db, before, now=now)`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.admission import Admitted, CheckIn, Credential, Verdict, admit_replanned
from attendance.reasons import Reason
from ledger.basis import beside
from ledger.check_ins import FACE, NEAR, badge_id, badges_by_id, consenting, credential, mark_dirty, plans_by_id
from ledger.tables import CheckInRow, DecisionRow, HourRecordRow, SessionRow

CHUNK = 500
JUDGED_BY_PLAN: tuple[Reason, ...] = (
    "not_on_roster",
    "wrong_room",
    "too_early",
    "session_over",
    "session_cancelled",
    "method_not_allowed",
    "assurance_too_low",
)
"""The reasons that may fall away when a session or its roster changes; the others are about the badge or the person."""


def moving(db: Db, ids: Iterable[str], *, now: datetime) -> dict[str, date]:
    """Keep the plans of sessions that are about to change; return the days on which they count so far.

    A plan whose session has not opened yet is forgotten: nobody can have come by it.
    """
    before: dict[str, date] = {}
    for some in _some(set(ids)):
        for row in db.scalars(sa.select(SessionRow).where(SessionRow.id.in_(some)).with_for_update()):
            before[row.id] = row.local_date
            if row.starts_at - NEAR <= now:
                row.earlier = _with(row.earlier, row)
    db.flush()
    return before


def moved(db: Db, before: Mapping[str, date], *, now: datetime) -> None:
    """Judge again what these sessions had refused, and ask for every day that has facts or hours in them.

    A check-in that was admitted stays so: what turned green is not taken back.
    """
    db.flush()
    for some in _some(before):
        _judge_again(db, some)
        days = dict(db.execute(sa.select(SessionRow.id, SessionRow.local_date).where(SessionRow.id.in_(some))).all())
        seats = _seats(db, some)
        # The old day's neighbours too: time that this session took from theirs is theirs again.
        mark_dirty(
            db, ((who, day, now) for id, who in seats for day in {days.get(id, before[id]), *beside(before[id])})
        )


def _some(ids: Collection[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))


def _with(earlier: list[object], row: SessionRow) -> list[object]:
    plan = [row.starts_at.isoformat(), row.ends_at.isoformat(), row.room_id]
    return earlier if plan in earlier else [*earlier, plan]


def _judge_again(db: Db, ids: Collection[str]) -> None:
    query = sa.select(CheckInRow).where(
        CheckInRow.session_id.in_(ids),
        CheckInRow.verdict.in_(JUDGED_BY_PLAN),
        CheckInRow.person_id.is_not(None),
        CheckInRow.direction.is_not(None),
    )
    refused = db.scalars(query.order_by(CheckInRow.id).with_for_update()).all()
    people = {str(row.person_id) for row in refused}
    plans = plans_by_id(db, {str(row.session_id) for row in refused}, people)
    badges = badges_by_id(db, {id for row in refused if (id := badge_id(row.badge))})
    consented = consenting(db, people, FACE)
    for row in refused:
        shown = credential(row.badge, badges, row.person_id, row.at)
        check_in = _as_rule(row, shown, consented)
        _judge(row, admit_replanned(check_in, plans.get(str(row.session_id), ())))
    db.flush()


def _judge(row: CheckInRow, verdict: Verdict) -> None:
    if isinstance(verdict, Admitted):
        row.verdict, row.flags = "admitted", sorted(verdict.flags)
    else:
        row.verdict = verdict.reason


def _as_rule(row: CheckInRow, credential: Credential, consented: Collection[str]) -> CheckIn:
    return CheckIn(
        id=str(row.id),
        learner_id=row.person_id,
        session_id=row.session_id,
        room_id=row.room_id,
        direction=row.direction,  # type: ignore[arg-type]  # chosen by the query
        at=row.at,
        method=row.method,  # type: ignore[arg-type]  # a strange one is in no session's list, and stays refused
        credential=credential,
        consented=FACE not in row.method or row.person_id in consented,
        time_uncertain="time_uncertain" in row.flags,
        time_corrected="time_corrected" in row.flags,
        offline="offline" in row.flags,
        shared_phone="shared_phone" in row.flags,
    )


def _seats(db: Db, ids: Collection[str]) -> set[tuple[str, str]]:
    """Return each session with each person who has a check-in, a decision or hours in it."""
    queries = (
        sa.select(CheckInRow.session_id, CheckInRow.person_id).where(
            CheckInRow.session_id.in_(ids), CheckInRow.person_id.is_not(None)
        ),
        sa.select(DecisionRow.session_id, DecisionRow.person_id).where(DecisionRow.session_id.in_(ids)),
        sa.select(HourRecordRow.source_id, HourRecordRow.person_id).where(HourRecordRow.source_id.in_(ids)),
    )
    return {(str(session), str(person)) for query in queries for session, person in db.execute(query.distinct())}
