"""HR's keys: shown once, stored hashed, with scopes, regions and an end."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy.orm import Session as Db

from gateway.problem import NotDone, Refusal
from ledger.account_tables import ApiKeyRow
from ledger.audit import note
from ledger.people import regions as all_regions
from protocol.wire import new_id

Scope = Literal[
    "hours:read",
    "reviews:read",
    "corrections:write",
    "people:read",
    "people:write",
    "badges:write",
    "plan:read",
    "plan:write",
    "pairs:read",
    "pairs:write",
    "facts:read",
    "facts:write",
    "reports:read",
    "devices:read",
    "devices:write",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
DEFAULT_SCOPES: tuple[Scope, ...] = ("hours:read",)
LIFE = timedelta(days=365)
_FORM = re.compile(r"Bearer +tdm_([0-9a-f]{32})_([A-Za-z0-9_-]{43})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An HR system that has shown a good key."""

    id: str
    scopes: frozenset[str]
    regions: tuple[str, ...] | None
    """None: all of them."""


def create(
    db: Db,
    name: str,
    *,
    actor: str,
    now: datetime,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    regions: Sequence[str] | None = None,
    life: timedelta = LIFE,
) -> tuple[ApiKeyRow, str]:
    """Make a key; returns its row and the text that is shown once."""
    _check(db, scopes, regions)
    secret = secrets.token_urlsafe(32)
    row = ApiKeyRow(
        id=new_id(),
        name=name,
        secret_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        regions=None if regions is None else sorted(set(regions)),
        created_at=now,
        expires_at=now + life,
        revoked_at=None,
    )
    db.add(row)
    note(db, actor=actor, act="key created", thing=row.id, at=now, scopes=row.scopes, regions=row.regions)
    return row, f"tdm_{row.id}_{secret}"


def revoke(db: Db, key_id: str, *, actor: str, now: datetime) -> ApiKeyRow:
    """End a key now."""
    row = db.get(ApiKeyRow, key_id, with_for_update=True)
    if row is None:
        raise NotDone(f"there is no key {key_id!r}")
    if row.revoked_at is None:
        row.revoked_at = now
        note(db, actor=actor, act="key revoked", thing=row.id, at=now)
    return row


def authenticate(db: Db, header: str | None, *, now: datetime) -> Client:
    """Return the client of an Authorization header; raises Refusal."""
    if not header:
        raise Refusal("key-missing", "Send `Authorization: Bearer tdm_…`.", {"WWW-Authenticate": "Bearer"})
    match = _FORM.fullmatch(header)
    row = db.get(ApiKeyRow, match[1].lower()) if match else None
    # The same work whether or not there is such a key.
    right = hmac.compare_digest(row.secret_hash if row else _hash(""), _hash(match[2] if match else "-"))
    if row is None or not right or row.revoked_at is not None or _over(row, now):
        raise Refusal(
            "key-wrong",
            "The key is unknown, expired or revoked. Ask the gateway's admin for a new one.",
            {"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    regions = None if row.regions is None else tuple(row.regions)
    return Client(id=row.id, scopes=frozenset(row.scopes), regions=regions)


def demand(client: Client, scope: Scope) -> None:
    """Raise Refusal unless the client's key has this scope."""
    if scope not in client.scopes:
        challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        raise Refusal("scope-missing", f"The key needs the scope {scope}. Ask the gateway's admin.", challenge)


def _check(db: Db, scopes: Sequence[str], regions: Sequence[str] | None) -> None:
    if strange := set(scopes) - set(SCOPES):
        raise NotDone(f"there is no scope {', '.join(sorted(strange))}; there are {', '.join(SCOPES)}")
    known = {row.id for row in all_regions(db)}
    if strange := set(regions or ()) - known:
        raise NotDone(f"there is no region {', '.join(sorted(strange))}; there are {', '.join(sorted(known))}")


def _over(row: ApiKeyRow, now: datetime) -> bool:
    return row.expires_at is not None and now > row.expires_at


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
