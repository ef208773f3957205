"""When kiosks' boots began: from that follow the times of what was recorded before the clock was synced."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.tables import BootRow, CheckInRow

KEPT = 16
"""Of so many boots of a stream, the latest, it is known when they began; a kiosk itself remembers fewer."""
STEP = timedelta(seconds=1)
"""A boot that is said to have begun so much earlier or later is none that anybody has to judge again for."""
PAUSE = timedelta(minutes=10)
"""Between two times that a stream's boots are news: each time many records may have to be judged again."""
PAGE = 500


def began(db: Db, streams: Collection[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """Return when the boots of these streams began, by stream and boot."""
    rows = db.scalars(sa.select(BootRow).where(BootRow.stream.in_(streams)))
    return {(row.stream, row.boot): row.began_at for row in rows}


def note(db: Db, stream: UUID, said: Mapping[UUID, datetime], *, at: datetime, now: datetime) -> set[UUID]:
    """Keep when boots began, as a heartbeat of this moment (`at`) says; return those that are news.

    An older heartbeat adds what was not known, and changes nothing. Soon after other news nothing is taken in: a kiosk
    says it again and again, and one that lies each time must not keep the ledger busy.
    """
    known = {row.boot: row for row in db.scalars(sa.select(BootRow).where(BootRow.stream == stream))}
    if any(now - row.heard_at < PAUSE for row in known.values()):
        return set()
    news = {boot for boot, began_at in said.items() if _is_news(known.get(boot), began_at, at)}
    wanted = {row.boot: row.began_at for row in known.values()} | {boot: said[boot] for boot in news}
    kept = set(sorted(wanted, key=lambda boot: (wanted[boot], boot.int))[-KEPT:])
    for boot in news & kept:
        db.merge(BootRow(stream=stream, boot=boot, began_at=said[boot], said_at=at, heard_at=now))
    for boot in known.keys() - kept:
        db.delete(known[boot])
    db.flush()
    return news & kept


def _is_news(row: BootRow | None, began_at: datetime, at: datetime) -> bool:
    return row is None or (at > row.said_at and abs(began_at - row.began_at) > STEP)


def recorded(db: Db, stream: UUID, boots: Collection[UUID]) -> Iterator[Sequence[CheckInRow]]:
    """Give what was recorded in these boots while the clock was not synced, by the page, locked until the commit."""
    query = sa.select(CheckInRow).where(CheckInRow.stream == stream, CheckInRow.boot.in_(boots))
    after = 0
    while rows := db.scalars(
        query.where(CheckInRow.seq > after).order_by(CheckInRow.seq).limit(PAGE).with_for_update()
    ).all():
        yield rows
        after = rows[-1].seq or 0
