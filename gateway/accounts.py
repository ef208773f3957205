"""Accounts of people who look at the pages: passwords, signed-in browsers, one-time links."""

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session as Db

from gateway.problem import NotDone
from ledger.account_tables import AccountRow, LinkRow, WebSessionRow
from ledger.accounts import account_by_login, forget_expired, has_admin, use_link
from ledger.audit import note
from protocol.wire import new_id

ROLES = ("admin", "trainer", "viewer")
LEAST_PASSWORD = 12
LONGEST_PASSWORD = 256
LONGEST_LOGIN = 64
LINK_LIFE = timedelta(hours=24)
SIGNED_IN = timedelta(hours=12)

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
"""What a password is compared with when there is no such login, so that the answer takes as long."""


def create(db: Db, login: str, password: str, *, role: str, actor: str, now: datetime) -> AccountRow:
    """Make an account; raises NotDone with what is wrong."""
    login = login.strip().lower()
    if why := wrong_choice(login, password):
        raise NotDone(why)
    if role not in ROLES:
        raise NotDone(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    if account_by_login(db, login):
        raise NotDone(f"there is an account {login!r} already")
    row = AccountRow(id=new_id(), login=login, password_hash=_HASHER.hash(password), role=role, created_at=now)
    db.add(row)
    note(db, actor=actor, act="account created", thing=row.id, at=now, role=role)
    db.flush()
    return row


def wrong_choice(login: str, password: str) -> str | None:
    """Say what is wrong with a login and password that somebody has chosen."""
    if not 1 <= len(login) <= LONGEST_LOGIN or not login.isprintable():
        return f"a login has 1 to {LONGEST_LOGIN} characters"
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password has {LEAST_PASSWORD} characters or more"
    return None


def with_password(db: Db, login: str, password: str) -> AccountRow | None:
    """Return the account that login and password open."""
    login = login.strip().lower()
    # PostgreSQL takes no NUL; nobody has a login with anything of the kind.
    row = account_by_login(db, login) if login.isprintable() else None
    try:
        _HASHER.verify(row.password_hash if row else _NOBODY, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return row


def sign_in(db: Db, account: AccountRow, *, now: datetime) -> str:
    """Make a new web session and return the value of its cookie."""
    forget_expired(db, now)
    token = secrets.token_urlsafe(32)
    db.add(WebSessionRow(token_hash=token_hash(token), account_id=account.id, expires_at=now + SIGNED_IN))
    note(db, actor=f"account:{account.id}", act="signed in", thing=account.id, at=now)
    return token


def link(db: Db, account: AccountRow | None, *, now: datetime) -> str:
    """Make the token of a one-time link: to sign in as somebody, or (None) to make the first admin."""
    token = secrets.token_urlsafe(32)
    id = account.id if account else None
    db.add(LinkRow(token_hash=token_hash(token), account_id=id, expires_at=now + LINK_LIFE, used_at=None))
    return token


def set_up(db: Db, token: str, login: str, password: str, *, now: datetime) -> AccountRow | None:
    """Make the first admin and use the link up; None if the link is not good or there is an admin already."""
    if use_link(db, token_hash(token), now, for_set_up=True) is None or has_admin(db):
        return None
    return create(db, login, password, role="admin", actor="set-up", now=now)


def by_link(db: Db, token: str, *, now: datetime) -> AccountRow | None:
    """Return whose one-time sign-in link this is, and use it up."""
    found = use_link(db, token_hash(token), now, for_set_up=False)
    return db.get(AccountRow, found.account_id) if found else None


def token_hash(token: str) -> str:
    """Hash a token as it is stored; 256 bits of chance need no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()
