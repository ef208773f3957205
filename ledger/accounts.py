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
    query = query.where(WebSessionRow.token_hash == token_hash, WebSessionRow.expires_at > now)
    return db.scalar(query.where(AccountRow.closed_at.is_(None)))


def accounts(db: Db) -> Sequence[AccountRow]:
    """Return every account, the closed ones last, in order of their logins."""
    return db.scalars(sa.select(AccountRow).order_by(AccountRow.closed_at.is_not(None), AccountRow.login)).all()


def has_admin(db: Db) -> bool:
    """Say whether the first admin has been made."""
    return db.scalar(sa.select(AccountRow.id).where(*_OPEN_ADMIN).limit(1)) is not None


def locked_admins(db: Db) -> set[str]:
    """Return the open admins, locked: of two who close each other at once, the second finds the first closed."""
    query = sa.select(AccountRow.id).where(*_OPEN_ADMIN).order_by(AccountRow.id)
    return set(db.scalars(query.with_for_update()))


def forget_browser(db: Db, token_hash: str) -> None:
    """Sign a browser out."""
    db.execute(sa.delete(WebSessionRow).where(WebSessionRow.token_hash == token_hash))


def forget_browsers(db: Db, account_id: str) -> None:
    """Sign an account out everywhere."""
    db.execute(sa.delete(WebSessionRow).where(WebSessionRow.account_id == account_id))


def forget_links(db: Db, account_id: str) -> None:
    """Let an account's one-time links be over."""
    db.execute(sa.delete(LinkRow).where(LinkRow.account_id == account_id))


def forget_expired(db: Db, now: datetime) -> None:
    """Drop the browsers and links whose time is over."""
    for table in (WebSessionRow, LinkRow):
        db.execute(sa.delete(table).where(table.expires_at <= now))


def use_link(db: Db, token_hash: str, now: datetime, *, for_set_up: bool) -> LinkRow | None:
    """Use a link up and return it; None if it is unknown, used, too old or meant for something else.

    The condition is part of the update: of two browsers that open a link at once, one gets it.
    """
    statement = sa.update(LinkRow).where(*_good(token_hash, now, for_set_up=for_set_up))
    return db.scalar(statement.values(used_at=now).returning(LinkRow))


def good_link(db: Db, token_hash: str, now: datetime, *, for_set_up: bool) -> LinkRow | None:
    """Return a link that may still be used, without using it."""
    return db.scalar(sa.select(LinkRow).where(*_good(token_hash, now, for_set_up=for_set_up)))


def api_keys(db: Db) -> Sequence[ApiKeyRow]:
    """Return every key, oldest first."""
    return db.scalars(sa.select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)).all()


def _good(token_hash: str, now: datetime, *, for_set_up: bool) -> Sequence[sa.ColumnElement[bool]]:
    kind = LinkRow.account_id.is_(None) if for_set_up else LinkRow.account_id.is_not(None)
    return LinkRow.token_hash == token_hash, LinkRow.used_at.is_(None), LinkRow.expires_at > now, kind


_OPEN_ADMIN = (AccountRow.role == "admin", AccountRow.closed_at.is_(None))
