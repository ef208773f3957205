"""A ticket is a browser's right to check in: got for a code that was good at that moment, and good for ten minutes.

What is recorded is the moment of the scan, not that of the last tap: who signs in slowly, or stands in a queue of
forms, was here when the code was on the screen. The check-in's id is the ticket's, so a ticket checks in once.
"""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, Literal
from uuid import UUID

import uuid_utils.compat
from sqlalchemy.orm import Session as Db

from attendance.admission import CheckIn, Refused, admit
from attendance.direction import Ask, Direction, Leave, choose
from attendance.session import Session
from gateway.ingest import Arrival, ingest
from gateway.session_code import LIFE
from ledger import phones
from ledger.check_ins import sessions_by_id
from ledger.phones import Sitting
from ledger.tables import CheckInRow, PersonRow, TicketRow
from protocol.records import CheckInRecord

TICKET_LIFE = timedelta(minutes=10)
KEPT = timedelta(days=2)
"""So long a receipt can be looked at again."""
METHOD: Final = "session_code"

Network = IPv4Network | IPv6Network
NotNow = Literal["no_session_now", "session_cancelled", "too_early", "session_over"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where a request comes from, as far as we keep it."""

    hash: str
    address_hash: str
    shared_address: bool
    """Many people come from this address, so it says nothing about any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner's state in the session."""

    person: PersonRow
    state: Literal["in", "left", "expected"]
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a learner is asked to confirm."""

    sitting: Sitting
    session: Session
    direction: Direction | None
    """None: the learner has to say."""
    refused: Refused | None
    """Why it will be entered but not count."""
    since: datetime | None
    """In the session already since then."""
    partners: tuple[Partner, ...]


def where(secret: bytes, browser_hash: str, address: str, shared: Collection[Network]) -> Browser:
    """Describe a browser; an address is kept as a MAC, since a bare hash of so few could be looked up."""
    ip = ip_address(address.partition("%")[0])
    # A phone changes the second half of its IPv6 address as it likes.
    place = ip_network((ip, 64), strict=False) if ip.version == 6 else ip
    digest = hmac.digest(secret, f"address\0{place}".encode(), hashlib.sha256).hex()
    return Browser(hash=browser_hash, address_hash=digest, shared_address=any(ip in network for network in shared))


def trade(db: Db, session_id: str, browser: Browser, *, now: datetime) -> TicketRow | NotNow:
    """Give a browser a ticket for a session whose code it has shown; the same one again for the same scan."""
    if why := _not_now(db, session_id, now):
        return why
    if found := phones.fresh_ticket(db, session_id, browser.hash, since=now - LIFE):
        return found
    phones.forget_tickets(db, _first_id(now - KEPT))
    ticket = TicketRow(
        id=_new_id(now),
        browser_hash=browser.hash,
        address_hash=browser.address_hash,
        session_id=session_id,
        made_at=now,
        expires_at=now + TICKET_LIFE,
    )
    db.add(ticket)
    db.flush()
    return ticket


def offer(db: Db, ticket: TicketRow, person: PersonRow) -> Offer | None:
    """Work out what this ticket would record for this learner; None when the session is gone."""
    sitting = phones.sitting(db, ticket.session_id)
    if sitting is None:
        return None
    others = phones.partners(db, person.id)
    people = {person.id, *(other.id for other in others)}
    session = sessions_by_id(db, [ticket.session_id], people)[ticket.session_id]
    check_ins = phones.own_check_ins(db, session.id, people)
    direction = _direction(session, person.id, check_ins[person.id], ticket.made_at)
    mine = check_ins[person.id]
    return Offer(
        sitting=sitting,
        session=session,
        direction=direction,
        refused=_refusal(session, ticket, person.id, direction or "in"),
        since=mine[-1].at if mine and mine[-1].direction == "in" else None,
        partners=tuple(_partner(other, check_ins[other.id]) for other in others if other.id in session.roster),
    )


def check_in(
    db: Db, ticket: TicketRow, person: PersonRow, direction: Direction, *, browser: Browser, now: datetime
) -> None:
    """Use a ticket up and hand its record to the door; a ticket that has been used changes nothing."""
    shared = phones.others_from_here(db, ticket, person.id, by_address=not browser.shared_address)
    if not phones.use_ticket(db, ticket.id, person.id, now):
        return
    record = CheckInRecord(
        id=ticket.id,
        at=ticket.made_at,
        clock="synced",
        method=METHOD,
        direction=direction,
        session=ticket.session_id,
        learner=person.id,
    )
    ingest(db, [Arrival(record=record, line=record.line(), device_id=None, shared_phone=shared)], received_at=now)


def _not_now(db: Db, session_id: str, now: datetime) -> NotNow | None:
    session = sessions_by_id(db, [session_id], ()).get(session_id)
    if session is None:
        return "no_session_now"
    if session.cancelled:
        return "session_cancelled"
    if now < session.opens_at:
        return "too_early"
    return "session_over" if now > session.closes_at else None


def _direction(session: Session, person: str, mine: list[CheckInRow], at: datetime) -> Direction | None:
    inside = session.id if mine and mine[-1].direction == "in" else None
    seen = frozenset({session.id}) if mine else frozenset[str]()
    choice = choose([session], person, room_id=None, inside=inside, at=at, setting="auto", seen=seen)
    if isinstance(choice, Ask):
        return None
    return "out" if isinstance(choice, Leave) else "in"


def _refusal(session: Session, ticket: TicketRow, person: str, direction: Direction) -> Refused | None:
    tried = CheckIn(
        id=str(ticket.id),
        learner_id=person,
        session_id=session.id,
        room_id=None,
        direction=direction,
        at=ticket.made_at,
        method=METHOD,
    )
    verdict = admit(tried, session)
    return verdict if isinstance(verdict, Refused) else None


def _partner(person: PersonRow, check_ins: list[CheckInRow]) -> Partner:
    if not check_ins:
        return Partner(person=person, state="expected", at=None)
    last = check_ins[-1]
    return Partner(person=person, state="in" if last.direction == "in" else "left", at=last.at)


def _new_id(now: datetime) -> UUID:
    # From our own clock, so that the ids sort by it.
    return uuid_utils.compat.uuid7(nanoseconds=int(now.timestamp() * 1000) * 1_000_000)


def _first_id(at: datetime) -> UUID:
    """Say from where on the ids of this moment sort."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
