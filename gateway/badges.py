"""Badges: issued, drawn as a QR code, revoked."""

import uuid
from datetime import datetime
from io import BytesIO

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.image.svg import SvgPathFillImage
from sqlalchemy.orm import Session as Db

from gateway.keys import Keys
from gateway.problem import NotDone
from ledger.audit import note
from ledger.people import find
from ledger.tables import BadgeRow
from protocol import badge
from protocol.badge import Badge


def issue(
    db: Db, person: str, keys: Keys, *, actor: str, now: datetime, expires_at: datetime | None = None
) -> BadgeRow:
    """Issue a badge to a person, named by id or personnel number."""
    found = find(db, person)
    if found is None:
        raise NotDone(f"there is no person with the id or number {person!r}")
    row = BadgeRow(
        # Version 4: a badge is carried about, and its id need not tell when it was made.
        id=uuid.uuid4(),
        person_id=found.id,
        key_id=keys.badge_id,
        # A code holds whole seconds, and must come out the same when it is drawn again.
        issued_at=now.replace(microsecond=0),
        expires_at=expires_at and expires_at.replace(microsecond=0),
        revoked_at=None,
    )
    db.add(row)
    note(db, actor=actor, act="badge issued", thing=str(row.id), at=now, person=found.id)
    return row


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
    said = Badge(id=row.id, key_id=row.key_id, issued_at=row.issued_at, expires_at=row.expires_at)
    return badge.issue(said, keys.badges[row.key_id])


def picture(text: str) -> bytes:
    """Draw a code as SVG, with the quiet zone that readers need."""
    drawing = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4, image_factory=SvgPathFillImage)
    drawing.add_data(text)
    out = BytesIO()
    drawing.make_image().save(out)
    return out.getvalue()


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotDone(f"{text!r} is not a badge's id") from None
