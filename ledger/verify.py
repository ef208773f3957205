"""Checks that what was entered is what it was: every act and every hour record against the hash that it got then."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AuditRow, ChainRow, UnchainedRow
from ledger.chain import FIRST, link
from ledger.findings import Finding, Place, Slice
from ledger.tables import FeedRow, HourRecordRow, UnnumberedRow


def audit(db: Db, after: Place | None = None, *, limit: int = 1000) -> Slice:
    """Check a slice of the acts against their chain; at the first that is not what its hash says, it ends."""
    after = int(after or 0)
    query = sa.select(ChainRow.seq, ChainRow.hash, AuditRow.__table__)
    rows = _mappings(db, query.outerjoin(AuditRow, AuditRow.id == ChainRow.audit_id), ChainRow.seq, after, limit)
    found = list(_broken(rows, after, _hash_at(db, ChainRow, after)))
    if len(rows) < limit and not found:
        found += _left_out(db, AuditRow.id, ChainRow.audit_id, UnchainedRow.audit_id)
    return _slice(rows, found, limit)


def feed(db: Db, after: Place | None = None, *, limit: int = 1000) -> Slice:
    """Check a slice of the hour records against the feed's hashes, and their ids against what they settle."""
    after = int(after or 0)
    query = sa.select(FeedRow.seq, FeedRow.hash, HourRecordRow.__table__)
    joined = query.outerjoin(HourRecordRow, HourRecordRow.id == FeedRow.hour_record_id)
    rows = _mappings(db, joined, FeedRow.seq, after, limit)
    found = list(_broken(rows, after, _hash_at(db, FeedRow, after)))
    found += [
        Finding("id", str(row["id"]))
        for row in rows
        if row["id"] and row["id"] != uuid5(row["settles"], str(row["version"]))
    ]
    if len(rows) < limit and not found:
        found += _left_out(db, HourRecordRow.id, FeedRow.hour_record_id, UnnumberedRow.hour_record_id)
    return _slice(rows, found, limit)


def _derived(row: Mapping[str, Any]) -> UUID:
    return uuid5(row["settles"], str(row["version"]))


def _mappings(db: Db, query: sa.Select[Any], seq: Any, after: int, limit: int) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query.where(seq > after).order_by(seq).limit(limit)).mappings()]


def _broken(rows: Iterable[Mapping[str, Any]], after: int, before: str | None) -> Iterator[Finding]:
    """Find the first row that is not what its hash was made of; after it every hash is as good as unknown."""
    for expected, row in enumerate(rows, after + 1):
        content = {name: value for name, value in row.items() if name not in ("seq", "hash")}
        if row["seq"] != expected:
            yield Finding("gap", str(expected))
        elif row["id"] is None:
            yield Finding("missing", str(row["seq"]))
        elif row["hash"] is not None and row["hash"] != link(before or FIRST, content):
            yield Finding("changed", str(row["id"]))
        else:
            before = row["hash"]
            continue
        return


def _hash_at(db: Db, table: type[ChainRow] | type[FeedRow], seq: int) -> str | None:
    return db.scalar(sa.select(table.hash).where(table.seq == seq))


def _left_out(db: Db, id: Any, placed: Any, waiting: Any) -> list[Finding]:
    """Find rows that have no place and do not wait for one either."""
    query = (
        sa.select(id)
        .outerjoin(placed.class_, placed == id)
        .outerjoin(waiting.class_, waiting == id)
        .where(placed.is_(None), waiting.is_(None))
    )
    return [Finding("gap", str(left)) for left in db.scalars(query.limit(10))]


def _slice(rows: Sequence[Mapping[str, Any]], found: Sequence[Finding], limit: int) -> Slice:
    more = len(rows) == limit and not any(one.what != "id" for one in found)
    return Slice(found, len(rows), rows[-1]["seq"] if more else None)
