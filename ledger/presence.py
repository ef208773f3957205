"""Presence checks: drawn when a session begins, asked at their moment, answered by the learners who are there.

* NotPossible (ledger.refusals)
  + Unknown       no such check, or one of a session that the learner is not in
  + TooLate       its time is over, or has not come
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random, SystemRandom
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.check_moments import draw_checks
from attendance.presence_check import ANSWER_WITHIN
from ledger.check_ins import as_rule, mark_dirty
from ledger.insertion import insert_or_nothing
from ledger.refusals import TooLate, Unknown
from ledger.replanning import LONGEST
from ledger.tables import PresenceAnswerRow, PresenceCheckRow, RosterRow, SessionRow

NAMESPACE = UUID("0b8f0c36-9a4e-5d0c-8a6f-7f6d1c3e2b90")
"""Ids of checks are derived in it, so that of two programs that draw at once one draws for a session."""


@dataclass(frozen=True, slots=True)
class Put:
    """A check that the learners of a session were asked, and who answered when."""

    asked_at: datetime
    answers: dict[str, datetime] = field(default_factory=dict)


def draw(db: Db, *, now: datetime, random: Random | None = None, limit: int = 100) -> int:
    """Draw the checks of sessions that have begun, and return for how many; nobody can foresee the moments.

    What was drawn too late to be asked is left out: nobody missed it.
    """
    drawn = sa.select(PresenceCheckRow.session_id).where(PresenceCheckRow.session_id == SessionRow.id)
    query = sa.select(SessionRow).where(
        SessionRow.presence_checks > 0,
        SessionRow.starts_at <= now,
        SessionRow.ends_at > now,
        ~SessionRow.cancelled,
        ~drawn.exists(),
    )
    rows = db.scalars(query.order_by(SessionRow.id).limit(limit)).all()
    made = [check for row in rows for check in _checks(row, now, random or SystemRandom())]
    insert_or_nothing(db, PresenceCheckRow, made, PresenceCheckRow.id)
    return len(rows) if made else 0


def asked(db: Db, session_ids: Sequence[str], *, now: datetime) -> Sequence[PresenceCheckRow]:
    """Return the checks of these sessions that wait for an answer now."""
    query = _checks_by_plan(now).where(SessionRow.id.in_(session_ids), PresenceCheckRow.answer_until >= now)
    return db.scalars(query).all() if session_ids else ()


def asked_of(db: Db, person_id: str, *, now: datetime) -> Sequence[PresenceCheckRow]:
    """Return the checks that a learner has still to answer now."""
    answered = sa.select(PresenceAnswerRow.check_id).where(
        PresenceAnswerRow.check_id == PresenceCheckRow.id, PresenceAnswerRow.person_id == person_id
    )
    query = (
        _checks_by_plan(now)
        .join(RosterRow, RosterRow.session_id == SessionRow.id)
        .where(
            RosterRow.person_id == person_id,
            # By this index few sessions are left; somebody's own are many after a year, and every phone asks this.
            SessionRow.starts_at.between(now - LONGEST - ANSWER_WITHIN, now),
            PresenceCheckRow.answer_until >= now,
            ~answered.exists(),
        )
    )
    return db.scalars(query).all()


def put_so_far(db: Db, session_ids: Sequence[str], *, now: datetime) -> Mapping[str, Sequence[Put]]:
    """Return, for each of these sessions that has asked, its checks up to now with their answers, in their order."""
    query = _checks_by_plan(now).where(SessionRow.id.in_(session_ids))
    with_answers = query.outerjoin(PresenceAnswerRow, PresenceAnswerRow.check_id == PresenceCheckRow.id)
    rows = db.execute(with_answers.add_columns(PresenceAnswerRow.person_id, PresenceAnswerRow.at))
    found: dict[str, dict[str, Put]] = {}
    for check, person, at in rows if session_ids else ():
        put = found.setdefault(check.session_id, {}).setdefault(check.id, Put(check.asked_at))
        if person:
            put.answers[person] = at
    return {id: tuple(puts.values()) for id, puts in found.items()}


def answer(db: Db, check_id: str, person_id: str, *, now: datetime) -> None:
    """Enter a learner's answer; the first one counts, and another changes nothing."""
    check = db.get(PresenceCheckRow, check_id)
    if check is None or db.get(RosterRow, (check.session_id, person_id)) is None:
        raise Unknown("no_check", "There is no such presence check for you.")
    if not check.asked_at <= now <= check.answer_until:
        raise TooLate("check_over", "The time to answer is over. Please tell the trainer that you are there.")
    given = {"check_id": check_id, "person_id": person_id, "at": now}
    if insert_or_nothing(db, PresenceAnswerRow, [given], PresenceAnswerRow.check_id):
        # An answer of the last second may be entered when the day has been settled without it.
        session = db.get_one(SessionRow, check.session_id)
        mark_dirty(db, [(person_id, session.local_date, session.ends_at)])


def _checks_by_plan(now: datetime) -> sa.Select[PresenceCheckRow]:
    """Choose what has been asked by now; a session that was cancelled or moved asks nothing outside of its plan."""
    return (
        sa.select(PresenceCheckRow)
        .join(SessionRow, SessionRow.id == PresenceCheckRow.session_id)
        .where(
            ~SessionRow.cancelled,
            PresenceCheckRow.asked_at <= now,
            PresenceCheckRow.asked_at.between(SessionRow.starts_at, SessionRow.ends_at),
        )
        .order_by(PresenceCheckRow.asked_at, PresenceCheckRow.id)
    )


def _checks(row: SessionRow, now: datetime, random: Random) -> list[dict[str, object]]:
    moments = draw_checks(as_rule(row, frozenset()), row.presence_checks, random)
    return [
        {
            "id": uuid5(NAMESPACE, f"{row.id}\n{number}").hex,
            "session_id": row.id,
            "asked_at": moment,
            "answer_until": moment + ANSWER_WITHIN,
        }
        for number, moment in enumerate(moments)
        if moment >= now
    ]
