"""Badges: issued, drawn as a QR code, revoked; and the changing ones of learners' phones."""

import uuid
from datetime import datetime
from io import BytesIO

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.base import BaseImage
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathFillImage
from sqlalchemy.orm import Session as Db

from gateway.keys import Keys
from gateway.problem import NotDone
from ledger.audit import note
from ledger.people import badges as badges_of
from ledger.people import find
from ledger.refusals import Incomplete
from ledger.staff import ROLE
from ledger.tables import BadgeRow, PersonRow
from protocol import badge
from protocol.badge import Badge, DynamicBadge

QUIET = 4
"""Modules of white around a code; readers take less for a part of the picture."""


def issue(
    db: Db,
    person: str,
    keys: Keys,
    *,
    actor: str,
    now: datetime,
    expires_at: datetime | None = None,
    staff: bool = False,
) -> BadgeRow:
    """Issue a badge to a person, named by id or personnel number; a staff badge only to a trainer."""
    found = find(db, person)
    if found is None:
        raise NotDone(f"there is no person with the id or number {person!r}")
    if staff and found.role != ROLE:
        raise Incomplete("no_trainer", f"{found.number} is no trainer: only trainers have staff badges")
    row = BadgeRow(
        # Version 4: a badge is carried about, and its id need not tell when it was made.
        id=uuid.uuid4(),
        person_id=found.id,
        key_id=keys.badge_id,
        # A code holds whole seconds, and must come out the same when it is drawn again.
        issued_at=now.replace(microsecond=0),
        expires_at=expires_at and expires_at.replace(microsecond=0),
        revoked_at=None,
        staff=staff,
    )
    db.add(row)
    act = "staff badge issued" if staff else "badge issued"
    note(db, actor=actor, act=act, thing=str(row.id), at=now, person=found.id)
    return row


def current(
    db: Db, person: PersonRow, keys: Keys, *, actor: str, now: datetime, staff: bool = False
) -> tuple[BadgeRow, bool]:
    """Return somebody's newest good badge to hand out, or a new one (True): a reprint makes no second badge."""
    for row in reversed(badges_of(db, person.id)):
        over = row.expires_at is not None and row.expires_at <= now
        if row.staff == staff and row.revoked_at is None and not over and row.key_id in keys.badges:
            note(db, actor=actor, act="badge handed out again", thing=str(row.id), at=now, person=person.id)
            return row, False
    return issue(db, person.id, keys, actor=actor, now=now, staff=staff), True


def staff_number(db: Db, badge_id: uuid.UUID, *, now: datetime) -> str | None:
    """Return the personnel number of whoever holds this staff badge; None if it is none that is good."""
    row = db.get(BadgeRow, badge_id)
    over = row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at < now)
    return None if row is None or over or not row.staff else db.get_one(PersonRow, row.person_id).number


def revoke(db: Db, badge_id: str, *, actor: str, now: datetime) -> BadgeRow:
    """Take a badge's power away; kiosks hear of it with their next roster."""
    row = db.get(BadgeRow, _uuid(badge_id), with_for_update=True)
    if row is None:
        raise NotDone(f"there is no badge {badge_id!r}")
    if row.revoked_at is None:
        row.revoked_at = now
        note(db, actor=actor, act="badge revoked", thing=str(row.id), at=now, person=row.person_id)
    return row


def code(row: BadgeRow, keys: Keys) -> str:
    """Write a badge's code; the same badge gives the same code every time."""
    if row.key_id not in keys.badges:
        raise NotDone(f"badge {row.id} was signed with key {row.key_id}, which is not here")
    said = Badge(
        id=row.id,
        key_id=row.key_id,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        kind="staff" if row.staff else "learner",
    )
    return badge.issue(said, keys.badges[row.key_id])


def code_of_phone(person: str, keys: Keys, *, now: datetime) -> str:
    """Write the code that whoever has signed in shows for the next half minute; nothing of it is stored."""
    said = DynamicBadge(person=person, key_id=keys.badge_id, issued_at=now.replace(microsecond=0))
    return badge.issue_dynamic(said, keys.badges[keys.badge_id])


def picture(text: str) -> bytes:
    """Draw a code as SVG, with the quiet zone that readers need."""
    return _drawn(text, SvgPathFillImage)


def png(text: str) -> bytes:
    """Draw a code as PNG, with the quiet zone that readers need and ten pixels a module."""
    return _drawn(text, PilImage)


def modules(text: str) -> list[list[bool]]:
    """Say which modules of a code are dark, row by row and without a quiet zone."""
    return _code(text, border=0).get_matrix()  # type: ignore[no-any-return]  # the library has no types


def _code(text: str, *, border: int = QUIET) -> qrcode.QRCode:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=border)
    code.add_data(text)
    code.make()
    return code


def _drawn(text: str, factory: type[BaseImage]) -> bytes:
    out = BytesIO()
    _code(text).make_image(image_factory=factory).save(out)
    return out.getvalue()


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotDone(f"{text!r} is not a badge's id") from None
