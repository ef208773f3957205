"""Hashes over what was entered, each with the one before: whoever changes a row later breaks every hash after it.

Acts stand in the audit's chain, hour records in the feed. A row is hashed as its JSON: keys sorted, no spaces,
UTF-8; instants in UTC, decimals and ids as text.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AuditRow, ChainRow, UnchainedRow
from ledger.tables import EpochRow

FIRST = "0" * 64
"""What stands for the hash before the first."""


def link(before: str, row: Mapping[str, Any]) -> str:
    """Hash a row together with the hash before it."""
    said = json.dumps(row, default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{said}".encode()).hexdigest()


def chain(db: Db, *, limit: int = 5000) -> int:
    """Give committed acts their place in the chain and return how many; one transaction at a time does so."""
    db.execute(sa.select(EpochRow).with_for_update()).all()
    query = sa.select(AuditRow.__table__).join(UnchainedRow, UnchainedRow.audit_id == AuditRow.id)
    acts = [dict(act) for act in db.execute(query.order_by(AuditRow.id).limit(limit)).mappings()]
    if not acts:
        return 0
    seq, before = head(db) or (0, FIRST)
    db.execute(sa.insert(ChainRow), list(_links(seq, before, acts)))
    db.execute(sa.delete(UnchainedRow).where(UnchainedRow.audit_id.in_([act["id"] for act in acts])))
    return len(acts)


def head(db: Db) -> tuple[int, str] | None:
    """Return number and hash of the audit's last link; who keeps them can tell later whether an act was changed."""
    row = db.execute(sa.select(ChainRow.seq, ChainRow.hash).order_by(ChainRow.seq.desc()).limit(1)).first()
    return (row.seq, row.hash) if row else None


def _links(seq: int, before: str, acts: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for act in acts:
        seq, before = seq + 1, link(before, act)
        yield {"seq": seq, "audit_id": act["id"], "hash": before}


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            # 3.50 and 3.5 are one amount, and PostgreSQL and SQLite may keep it either way.
            return f"{value.normalize():f}"
        case UUID():
            return str(value)
    raise TypeError(f"there is no word for {type(value).__name__} in a hash")
