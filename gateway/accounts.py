"""Accounts of people who look at the pages: roles and regions, passwords, signed-in browsers, one-time links.

* NotPossible (ledger.refusals)
  + Unknown       no such account or region
  + Incomplete    a login, password, role or choice of regions that makes no sense
  + TooLate       the login is taken, the account is closed, or it is the last admin
"""

import base64
import hashlib
import secrets
from collections.abc import Collection, Set
from datetime import datetime, timedelta
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AccountRow, LinkRow, WebSessionRow
from ledger.accounts import (
    account_by_login,
    forget_browsers,
    forget_expired,
    forget_links,
    good_link,
    has_admin,
    locked_admins,
    use_link,
)
from ledger.audit import note
from ledger.people import regions as all_regions
from ledger.refusals import Incomplete, TooLate, Unknown
from protocol.wire import new_id

LinkKind = Literal["set-up", "in", "choose"]
"""What a one-time link is for: to make the first admin, to sign a browser in, to choose a password and sign in."""

ROLES = ("admin", "trainer", "viewer")
LEAST_PASSWORD = 12
LONGEST_PASSWORD = 256
LONGEST_LOGIN = 64
LINK_LIFE = timedelta(hours=24)
SIGNED_IN = timedelta(hours=12)
NO_PASSWORD = ""
"""Stands where a password's hash will, until somebody has chosen one; no password fits it."""

_HASHER = PasswordHasher()


def nobodys_hash(hasher: PasswordHasher) -> str:
    """Make up a hash that no secret fits; to compare with it takes as long as with any other of this hasher.

    It is not worked out: that would take every start of every command the time of a sign-in.
    """
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (hasher.salt_len, hasher.hash_len)
    )
    work = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${work}${salt}${digest}"


_NOBODY = nobodys_hash(_HASHER)
"""What a password is compared with when there is no such login, so that the answer takes as long."""


# Accounts


def create(
    db: Db,
    login: str,
    password: str | None,
    *,
    role: str,
    actor: str,
    now: datetime,
    regions: Collection[str] | None = None,
) -> AccountRow:
    """Make an account for some regions or all (None); without a password, until its owner chooses one by a link."""
    login = login.strip().lower()
    _check_choice(login, password)
    _check_rights(db, role, regions)
    if account_by_login(db, login):
        raise TooLate("login_taken", f"There is an account {login!r} already; closed accounts keep their login.")
    row = AccountRow(
        id=new_id(),
        login=login,
        password_hash=NO_PASSWORD if password is None else hashed(password),
        role=role,
        regions=_ordered(regions),
        created_at=now,
    )
    db.add(row)
    note(db, actor=actor, act="account created", thing=row.id, at=now, role=role, regions=row.regions)
    db.flush()
    return row


def change(
    db: Db, account_id: str, *, role: str, regions: Collection[str] | None, actor: str, now: datetime
) -> AccountRow:
    """Give an account another role or other regions, for its next request on."""
    admins, row = locked_admins(db), _open(db, account_id)
    _check_rights(db, role, regions)
    if role != "admin":
        _check_not_last(row, admins)
    before = {"role": row.role, "regions": row.regions}
    row.role, row.regions = role, _ordered(regions)
    if before != {"role": row.role, "regions": row.regions}:
        details = {"role": row.role, "regions": row.regions, "before": before}
        note(db, actor=actor, act="account changed", thing=row.id, at=now, **details)
    db.flush()
    return row


def close(db: Db, account_id: str, *, actor: str, now: datetime) -> AccountRow:
    """End an account: its browsers are signed out and its links are over; what it has done keeps its id."""
    admins, row = locked_admins(db), _open(db, account_id)
    _check_not_last(row, admins)
    row.closed_at = now
    forget_browsers(db, row.id)
    forget_links(db, row.id)
    note(db, actor=actor, act="account closed", thing=row.id, at=now)
    db.flush()
    return row


def wrong_choice(login: str, password: str) -> str | None:
    """Say what is wrong with a login and password that somebody has chosen: `choose_login`, `choose_password`."""
    if not 1 <= len(login) <= LONGEST_LOGIN or not login.isprintable():
        return "choose_login"
    return None if LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD else "choose_password"


def hashed(password: str) -> str:
    """Hash a password; it takes a tenth of a second, so do it before a transaction that writes."""
    return _HASHER.hash(password)


def choose(db: Db, account: AccountRow, password_hash: str, *, now: datetime) -> None:
    """Let an account have the password that its owner has chosen, and sign it out everywhere else."""
    account.password_hash = password_hash
    forget_browsers(db, account.id)
    note(db, actor=f"account:{account.id}", act="password chosen", thing=account.id, at=now)
    db.flush()


def _check_choice(login: str, password: str | None) -> None:
    wrong = wrong_choice(login, "-" * LEAST_PASSWORD if password is None else password)
    if wrong == "choose_login":
        raise Incomplete(wrong, f"A login has 1 to {LONGEST_LOGIN} characters.")
    if wrong:
        raise Incomplete(wrong, f"A password has {LEAST_PASSWORD} characters or more.")


def _check_rights(db: Db, role: str, regions: Collection[str] | None) -> None:
    if role not in ROLES:
        raise Incomplete("no_role", f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    if regions is None:
        return
    if role == "admin":
        raise Incomplete("admin_everywhere", "An admin has every region; name none, or choose another role.")
    if not regions:
        raise Incomplete("no_regions", "Name at least one region, or let the account have all of them.")
    known = {row.id for row in all_regions(db)}
    if strange := set(regions) - known:
        listed = ", ".join(sorted(known))
        raise Unknown("no_region", f"There is no region {', '.join(sorted(strange))}; there are {listed}.")


def _check_not_last(row: AccountRow, admins: Set[str]) -> None:
    if admins == {row.id}:
        raise TooLate("last_admin", "This is the last admin; make another one first.")


def _open(db: Db, account_id: str) -> AccountRow:
    row = db.get(AccountRow, account_id, with_for_update=True)
    if row is None:
        raise Unknown("no_account", f"There is no account {account_id!r}.")
    if row.closed_at is not None:
        raise TooLate("account_closed", f"The account {row.login!r} is closed; make a new one under another login.")
    return row


def _ordered(regions: Collection[str] | None) -> list[str] | None:
    return None if regions is None else sorted(set(regions))


# Signing in


def with_password(db: Db, login: str, password: str) -> AccountRow | None:
    """Return the open account that login and password open."""
    login = login.strip().lower()
    # PostgreSQL takes no NUL; nobody has a login with anything of the kind.
    row = account_by_login(db, login) if login.isprintable() else None
    try:
        _HASHER.verify((row and row.password_hash) or _NOBODY, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return row if row and row.closed_at is None else None


def sign_in(db: Db, account: AccountRow, *, now: datetime) -> str:
    """Make a new web session and return the value of its cookie."""
    forget_expired(db, now)
    token = secrets.token_urlsafe(32)
    db.add(WebSessionRow(token_hash=token_hash(token), account_id=account.id, expires_at=now + SIGNED_IN))
    note(db, actor=f"account:{account.id}", act="signed in", thing=account.id, at=now)
    return token


def token_hash(token: str) -> str:
    """Hash a token as it is stored; 256 bits of chance need no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()


# One-time links


def set_up_link(db: Db, *, now: datetime) -> str:
    """Make the token of a link with which somebody makes the first admin."""
    return _link(db, None, "set-up", now)


def link(db: Db, account_id: str, kind: LinkKind, *, actor: str, now: datetime) -> str:
    """Make the token of a link for somebody with an account; it takes the place of any earlier one."""
    row = _open(db, account_id)
    forget_links(db, row.id)
    note(db, actor=actor, act="link made", thing=row.id, at=now, kind=kind)
    return _link(db, row.id, kind, now)


def may_set_up(db: Db, token: str, *, now: datetime) -> bool:
    """Say whether a set-up link may still be used, without using it."""
    return good_link(db, _link_hash("set-up", token), now, for_set_up=True) is not None and not has_admin(db)


def set_up(db: Db, token: str, login: str, password: str, *, now: datetime) -> AccountRow | None:
    """Make the first admin and use the link up; None if the link is not good or there is an admin already."""
    if use_link(db, _link_hash("set-up", token), now, for_set_up=True) is None or has_admin(db):
        return None
    return create(db, login, password, role="admin", actor="set-up", now=now)


def of_link(db: Db, token: str, kind: LinkKind, *, now: datetime) -> AccountRow | None:
    """Return whose one-time link this is, without using it: whoever looks behind a link is not yet its owner."""
    return _owner(db, good_link(db, _link_hash(kind, token), now, for_set_up=False))


def by_link(db: Db, token: str, kind: LinkKind, *, now: datetime) -> AccountRow | None:
    """Return whose one-time link this is, and use it up."""
    return _owner(db, use_link(db, _link_hash(kind, token), now, for_set_up=False))


def _link(db: Db, account_id: str | None, kind: LinkKind, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    made = LinkRow(token_hash=_link_hash(kind, token), account_id=account_id, expires_at=now + LINK_LIFE)
    db.add(made)
    return token


def _owner(db: Db, found: LinkRow | None) -> AccountRow | None:
    row = db.get(AccountRow, found.account_id) if found else None
    return row if row and row.closed_at is None else None


def _link_hash(kind: LinkKind, token: str) -> str:
    """Hash a link's token with what it is for: a link that was made for one thing opens nothing else."""
    return token_hash(f"{kind}/{token}")
