"""A kiosk finds out when its boot began: what it recorded with a wrong clock is judged again, by the right time."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from gateway.boot_times import AHEAD
from gateway.ingest import Arrival, judged
from ledger import boots
from ledger.check_ins import mark_dirty
from ledger.tables import CheckInRow, SessionRow
from protocol.messages import State
from protocol.records import CheckInRecord

OLDEST = timedelta(days=3650)
"""No kiosk has been running for so long; a clock that says so was never set."""
WHATEVER_THE_TIME = frozenset({"unknown_badge", "no_consent"})
"""The reasons that no other time can take away."""
BY_TIME = frozenset({"too_early", "session_over", "no_session_now", "expired_code", "revoked_badge"})
"""The reasons for which a corrected time takes an admission back; other changes since then take nothing back."""


def heed(db: Db, state: State, now: datetime) -> None:
    """Keep when the kiosk says that its boots began, and judge again what that puts at another time.

    It moves only the times of records of the stream in whose name the heartbeat is signed.
    """
    # A heartbeat from the future would outrank all that come until then.
    if state.at > now + AHEAD:
        return
    said = {time.boot: time.began_at for time in state.boots if now - OLDEST <= time.began_at <= now + AHEAD}
    news = boots.note(db, state.stream, said, at=state.at, now=now) if said else set()
    if news:
        _judge_again(db, state.stream, news, now)


def _judge_again(db: Db, stream: UUID, of: Collection[UUID], now: datetime) -> None:
    for rows in boots.recorded(db, stream, of):
        before = _seats(rows)
        _, _, found = judged(db, [_arrival(row) for row in rows], [row.received_at for row in rows])
        for row, values in zip(rows, found, strict=True):
            _change(row, values)
        db.flush()
        _mark(db, before | _seats(rows), now)


def _arrival(row: CheckInRow) -> Arrival:
    return Arrival(record=CheckInRecord.read(row.line), line=row.line, device_id=row.device_id)


def _change(row: CheckInRow, values: dict[str, Any]) -> None:
    """Let the row have its time, and the verdict too unless something else than the time decides it."""
    row.at, row.flags = values["at"], values["flags"]
    verdict = values["verdict"]
    is_kept = row.verdict == "admitted" and verdict != "admitted" and verdict not in BY_TIME
    if not is_kept and row.verdict not in WHATEVER_THE_TIME:
        row.verdict, row.session_id, row.direction = verdict, values["session_id"], values["direction"]


def _seats(rows: Sequence[CheckInRow]) -> set[tuple[str, str]]:
    """Return the sessions and people whose hours stand on these rows."""
    return {
        (row.session_id, row.person_id)
        for row in rows
        if row.verdict == "admitted" and row.session_id and row.person_id
    }


def _mark(db: Db, seats: Collection[tuple[str, str]], now: datetime) -> None:
    query = sa.select(SessionRow.id, SessionRow.local_date).where(SessionRow.id.in_({id for id, _ in seats}))
    days = dict(db.execute(query).all()) if seats else {}
    mark_dirty(db, ((person, days[id], now) for id, person in seats if id in days))
