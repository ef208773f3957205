"""Who did what to which thing: one row per act, never with a name in it."""

from datetime import datetime
from typing import Any, Literal

import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AuditRow

Through = Literal["account", "key"]
"""What somebody decided with: their account on a page, or an API key."""


def note(db: Db, *, actor: str, act: str, thing: str, at: datetime, **details: Any) -> None:
    """Write down an act, in the transaction that does it."""
    db.add(AuditRow(id=uuid_utils.compat.uuid7().hex, at=at, actor=actor, act=act, thing=thing, details=details))
