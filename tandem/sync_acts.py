"""What an operator asks about deliveries, here or in the running gateway that holds the ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session as Db

from ledger import deliveries
from ledger.audit import note
from ledger.delivery_tables import ArchiveRow


class NoArchive(Exception):
    """There is no archive of this name; `tandem sync status` lists them."""


def status(db: Db) -> list[dict[str, Any]]:
    """Count the deliveries of each target and state."""
    return [
        {
            "archive": one.target,
            "state": one.state,
            "count": one.count,
            "oldest": one.oldest.isoformat(),
            "reason": one.reason,
        }
        for one in deliveries.standing(db)
    ]


def replay(db: Db, archive: str, *, actor: str, now: datetime) -> dict[str, Any]:
    """Queue again what an archive has refused; raises NoArchive."""
    if db.get(ArchiveRow, archive) is None:
        raise NoArchive(f"there is no archive {archive!r}; `tandem sync status` lists them")
    count = deliveries.replay(db, archive, now=now)
    note(db, actor=actor, act="deliveries replayed", thing=archive, at=now, count=count)
    return {"archive": archive, "queued": count}
