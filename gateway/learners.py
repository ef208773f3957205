"""Learners who sign in with their personnel number and a PIN; they have no account, and see only their own things."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Request
from sqlalchemy.orm import Session as Db

from gateway.accounts import SIGNED_IN, nobodys_hash, token_hash
from gateway.limits import Limit
from gateway.problem import NotDone
from ledger.account_tables import WebSessionRow
from ledger.accounts import forget_browser, forget_expired
from ledger.audit import note
from ledger.database import Ledger
from ledger.tables import PersonRow

PER_PERSON_AND_ADDRESS = 5
PER_PERSON = 30
"""From all addresses together: many addresses must not search a PIN, and no colleague lock somebody out too easily."""
PER_ADDRESS = 100
"""A whole class may stand behind one address."""
LEAST_PIN, LONGEST_PIN = 6, 12
LONGEST_NUMBER = 64
RUNS = "01234567890123456789"

COOKIE = "tandem_learner"
SECURE_COOKIE = "__Host-tandem_learner"

_HASHER = PasswordHasher()
_NOBODY = nobodys_hash(_HASHER)
"""What a PIN is compared with when there is no such person or no PIN, so that the answer takes as long."""


def cookie_name(*, secure: bool) -> str:
    """Name the cookie of a learner who has signed in; staff have their own, so that one browser may hold both."""
    return SECURE_COOKIE if secure else COOKIE


def token(request: Request) -> str:
    """Return the value of the learner's cookie, or nothing; the secret of their forms' tokens too."""
    # Over TLS only the name counts that neither plain HTTP nor a neighbouring host can set.
    return request.cookies.get(SECURE_COOKIE) or ("" if request.is_secure else request.cookies.get(COOKIE, ""))


def signed_in(db: Db, request: Request, now: datetime) -> PersonRow | None:
    """Return the learner who has signed in with this browser."""
    cookie = token(request)
    if not cookie:
        return None
    query = sa.select(PersonRow).join(WebSessionRow, WebSessionRow.person_id == PersonRow.id)
    return db.scalar(query.where(WebSessionRow.token_hash == token_hash(cookie), WebSessionRow.expires_at > now))


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """Why not, and how many seconds to wait before the next try (0: none)."""

    reason: Literal["wrong_pin", "too_many_tries"]
    wait: int = 0


@dataclass(slots=True)
class Door:
    """Lets learners in by their PIN, and counts who failed."""

    _one: Limit = field(default_factory=lambda: Limit(most=PER_PERSON_AND_ADDRESS))
    _person: Limit = field(default_factory=lambda: Limit(most=PER_PERSON))
    _address: Limit = field(default_factory=lambda: Limit(most=PER_ADDRESS))

    def sign_in(
        self, ledger: Ledger, number: str, pin: str, *, address: str, now: datetime, old: str = ""
    ) -> str | NotSignedIn:
        """Make a new web session and return its cookie's value, or say why not; `old` is the cookie it replaces."""
        person = self.check(ledger, number, pin, address=address, now=now)
        if isinstance(person, NotSignedIn):
            return person
        with ledger.begin() as db:
            forget_browser(db, token_hash(old))
            return open_session(db, person, now=now)

    def check(self, ledger: Ledger, number: str, pin: str, *, address: str, now: datetime) -> PersonRow | NotSignedIn:
        """Return whose number and PIN these are, or say why not; wrong tries are counted."""
        number = number.strip()[:LONGEST_NUMBER]
        here = f"{number} {address}"
        if wait := max(self._one.wait(here, now), self._person.wait(number, now), self._address.wait(address, now)):
            return NotSignedIn("too_many_tries", wait)
        # Counted before the slow comparison, so that many tries at once are not all the first.
        self._one.failed(here, now)
        person = _with_pin(ledger, number, pin)
        if person is None:
            self._person.failed(number, now)
            self._address.failed(address, now)
            return NotSignedIn("wrong_pin")
        self._one.passed(here)
        return person


def _with_pin(ledger: Ledger, number: str, pin: str) -> PersonRow | None:
    # PostgreSQL takes no NUL; nobody has a number with anything of the kind.
    query = sa.select(PersonRow).where(PersonRow.number == number) if number.isprintable() else None
    with ledger.read() as db:
        person = db.scalar(query) if query is not None else None
    # Outside of the transaction: the comparison is slow on purpose, and a class signs in at once.
    try:
        _HASHER.verify((person and person.pin_hash) or _NOBODY, pin[:LONGEST_PIN])
    except (VerificationError, InvalidHashError):
        return None
    return person


def open_session(db: Db, person: PersonRow, *, now: datetime) -> str:
    """Make a new web session of a learner and return the value of its cookie."""
    forget_expired(db, now)
    cookie = secrets.token_urlsafe(32)
    db.add(WebSessionRow(token_hash=token_hash(cookie), person_id=person.id, expires_at=now + SIGNED_IN))
    note(db, actor=f"person:{person.id}", act="signed in", thing=person.id, at=now)
    return cookie


def sign_out(db: Db, request: Request, now: datetime) -> None:
    """End the learner's web session in this browser."""
    person = signed_in(db, request, now)
    forget_browser(db, token_hash(token(request)))
    if person:
        note(db, actor=f"person:{person.id}", act="signed out", thing=person.id, at=now)


def set_pin(db: Db, person: PersonRow, pin: str, *, actor: str, now: datetime) -> None:
    """Give a person a new PIN and sign them out everywhere; raises NotDone with what is wrong."""
    if why := wrong_pin(person, pin):
        raise NotDone(why)
    person.pin_hash = _HASHER.hash(pin)
    db.execute(sa.delete(WebSessionRow).where(WebSessionRow.person_id == person.id))
    note(db, actor=actor, act="pin set", thing=person.id, at=now)
    db.flush()


def wrong_pin(person: PersonRow, pin: str) -> str | None:
    """Say what is wrong with a PIN that somebody has chosen."""
    if not (pin.isascii() and pin.isdigit() and LEAST_PIN <= len(pin) <= LONGEST_PIN):
        return f"a PIN has {LEAST_PIN} to {LONGEST_PIN} digits"
    if len(set(pin)) == 1 or pin in RUNS or pin in RUNS[::-1] or pin == person.number:
        return "this PIN is the first that others would try: no repeated digit, no row of digits, not the number"
    return None
