"""What an operator asks about the ledger itself, slice by slice: here, or in the running gateway that holds it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import feed, recompute, verify
from ledger.account_tables import ChainRow
from ledger.findings import Place, Slice
from ledger.pair_tables import PairRow
from ledger.tables import FeedRow

Stage = Literal["acts", "records", "days", "months"]


def sizes(db: Db) -> dict[Stage, int]:
    """Say how much there is to check at each stage."""

    def count(table: type[Any]) -> int:
        return db.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    return {
        "acts": count(ChainRow),
        "records": count(FeedRow),
        "days": recompute.count_people(db),
        "months": count(PairRow),
    }


def check(db: Db, stage: Stage, after: Place | None, *, now: datetime) -> dict[str, Any]:
    """Check one slice of a stage; goes on after `next` until that is None."""
    return _told(_slice(db, stage, after, now, mend=False))


def mend(db: Db, stage: Stage, after: Place | None, *, now: datetime) -> dict[str, Any]:
    """Check one slice of hours, and have settled again what differs."""
    return _told(_slice(db, stage, after, now, mend=True))


def restored(db: Db, *, actor: str, now: datetime) -> dict[str, Any]:
    """Begin a new epoch: the ledger has gone back to a backup."""
    return {"epoch": str(feed.begin_epoch(db, actor=actor, now=now))}


def _slice(db: Db, stage: Stage, after: Place | None, now: datetime, *, mend: bool) -> Slice:
    match stage:
        case "acts":
            return verify.audit(db, after)
        case "records":
            return verify.feed(db, after)
        case "days":
            return recompute.days(db, after, now=now, mend=mend)
        case "months":
            return recompute.pair_months(db, after, now=now, mend=mend)


def _told(slice: Slice) -> dict[str, Any]:
    return {"found": [asdict(one) for one in slice.found], "checked": slice.checked, "next": slice.next}
