"""The tables of who may sign in or pull, and of who did what."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ledger.tables import Base


class AccountRow(Base):
    """Somebody who may sign in to the gateway's pages."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str]
    regions: Mapped[list[str] | None]
    """None: all of them."""
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class WebSessionRow(Base):
    """A browser that has signed in; the cookie's value is stored hashed."""

    __tablename__ = "web_sessions"
    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[str | None] = mapped_column(sa.ForeignKey("accounts.id"))
    person_id: Mapped[str | None] = mapped_column(sa.ForeignKey("people.id"))
    """A learner, who has no account; one of the two is set."""
    expires_at: Mapped[datetime]


class LinkRow(Base):
    """A one-time link, for the first admin's set-up or a browser's sign-in."""

    __tablename__ = "links"
    token_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    account_id: Mapped[str | None] = mapped_column(sa.ForeignKey("accounts.id"))
    """None: the link makes the first admin."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKeyRow(Base):
    """An HR system's key: shown once, stored hashed."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[list[str]]
    regions: Mapped[list[str] | None]
    """None: all of them."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditRow(Base):
    """Who did what to which thing; never with a name in it."""

    __tablename__ = "audit"
    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    act: Mapped[str]
    thing: Mapped[str]
    details: Mapped[dict[str, Any]]


class UnchainedRow(Base):
    """An act that has no link in the chain yet."""

    __tablename__ = "unchained"
    audit_id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)


class ChainRow(Base):
    """A link: an act, and the hash over it and the link before; one leader writes them for committed acts."""

    __tablename__ = "audit_chain"
    seq: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    audit_id: Mapped[str] = mapped_column(sa.ForeignKey("audit.id"), unique=True)
    hash: Mapped[str] = mapped_column(sa.String(64))
