"""Questions about accounts, signed-in browsers, one-time links and HR's keys."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AccountRow, ApiKeyRow, LinkRow, WebSessionRow


def account_by_login(db: Db, login: str) -> AccountRow | None:
    """Return the account with this login."""
    return db.scalar(sa.select(AccountRow).where(AccountRow.login == login))


def account_of(db: Db, token_hash: str, now: datetime) -> AccountRow | None:
    """Return who has signed in with this browser."""
    query = sa.select(AccountRow).join(WebSessionRow, WebSessionRow.account_id == AccountRow.id)
    return db.scalar(query.where(WebSessionRow.token_hash == token_hash, WebSessionRow.expires_at > now))


def has_admin(db: Db) -> bool:
    """Say whether the first admin has been made."""
    return db.scalar(sa.select(AccountRow.id).where(AccountRow.role == "admin").limit(1)) is not None


def forget_browser(db: Db, token_hash: str) -> None:
    """Sign a browser out."""
    db.execute(sa.delete(WebSessionRow).where(WebSessionRow.token_hash == token_hash))


def forget_expired(db: Db, now: datetime) -> None:
    """Drop the browsers and links whose time is over."""
    for table in (WebSessionRow, LinkRow):
        db.execute(sa.delete(table).where(table.expires_at <= now))


def use_link(db: Db, token_hash: str, now: datetime, *, for_set_up: bool) -> LinkRow | None:
    """Use a link up and return it; None if it is unknown, used, too old or meant for something else.

    The condition is part of the update: of two browsers that open a link at once, one gets it.
    """
    kind = LinkRow.account_id.is_(None) if for_set_up else LinkRow.account_id.is_not(None)
    statement = (
        sa.update(LinkRow)
        .where(LinkRow.token_hash == token_hash, LinkRow.used_at.is_(None), LinkRow.expires_at > now, kind)
        .values(used_at=now)
        .returning(LinkRow)
    )
    return db.scalar(statement)


def link_is_good(db: Db, token_hash: str, now: datetime) -> bool:
    """Say whether a set-up link may still be used, without using it."""
    query = sa.select(LinkRow.token_hash).where(
        LinkRow.token_hash == token_hash,
        LinkRow.used_at.is_(None),
        LinkRow.expires_at > now,
        LinkRow.account_id.is_(None),
    )
    return db.scalar(query) is not None


def api_keys(db: Db) -> Sequence[ApiKeyRow]:
    """Return every key, oldest first."""
    return db.scalars(sa.select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)).all()
