"""Faces on their way between the kiosks of a site: who may share with whom, and boxes that are kept unread."""

from datetime import datetime
from typing import Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.direction import NEAR
from gateway.devices import FACE_CONSENT, ROSTER_LEASE
from ledger import face_boxes
from ledger.face_tables import FaceBoxRow
from ledger.tables import ConsentRow, DeviceRow, RoomRow, RosterRow, SessionRow
from protocol import boxes
from protocol.boxes import PER_ANSWER, FaceBox, FaceBoxes, Neighbour, Neighbours, Outcome, Taken
from protocol.registration import verify_key
from protocol.requests import FRESH

MOST_WAITING = 2000
"""Boxes between two kiosks; more than the learners of a day, and 32 MB at worst."""

Refused: TypeAlias = Literal["not_yours", "not_sharing", "not_now", "no_consent", "not_on_roster", "too_many"]


def neighbours(db: Db, device: DeviceRow, *, now: datetime) -> Neighbours:
    """Say with which kiosks this one may share, their keys as they are on file, and of whom something waits."""
    senders = face_boxes.senders(db, device.id, now=now)
    rows = face_boxes.sharing(db, device)
    return Neighbours(kiosks=tuple(_neighbour(row, waiting=row.id in senders) for row in rows))


def take_in(db: Db, device: DeviceRow, data: bytes, *, now: datetime) -> Outcome:
    """Keep a box for its recipient, if it may have it; raises TooLarge, BadSignature or Malformed."""
    box = boxes.read(data, verify_key(device.signing_key))
    refused = _refusal(db, device, box, now)
    if refused is None:
        face_boxes.put(db, _row(box, data))
    return Outcome(refused=refused)


def waiting(db: Db, device: DeviceRow, sender_id: str, *, after: str, now: datetime) -> FaceBoxes:
    """Give a kiosk what one sender has for it; nothing once one of the two may not share any more."""
    if sender_id not in {row.id for row in face_boxes.sharing(db, device)}:
        return FaceBoxes()
    rows = face_boxes.waiting(db, device.id, sender_id, after=after, limit=PER_ANSWER, now=now)
    return FaceBoxes(boxes=tuple(row.box.decode("ascii") for row in rows))


def taken(db: Db, device: DeviceRow, done: Taken) -> None:
    """Delete what a kiosk has taken, or never will."""
    face_boxes.remove(db, device.id, done.boxes)


def _neighbour(row: DeviceRow, *, waiting: bool) -> Neighbour:
    keys = {"signing_key": row.signing_key, "sealing_key": row.sealing_key}
    return Neighbour(device=row.id, name=row.name, waiting=waiting, **keys)


def _refusal(db: Db, device: DeviceRow, box: FaceBox, now: datetime) -> Refused | None:
    if box.sender != device.id:
        return "not_yours"
    if box.recipient not in {row.id for row in face_boxes.sharing(db, device)}:
        return "not_sharing"
    if abs(now - box.made_at) > FRESH or box.good_until <= now:
        return "not_now"
    if not _consents(db, box):
        return "no_consent"
    if not _is_on_roster(db, device, box.learner, now):
        return "not_on_roster"
    is_full = face_boxes.count(db, box.sender, box.recipient, but=box.learner) >= MOST_WAITING
    return "too_many" if is_full else None


def _consents(db: Db, box: FaceBox) -> bool:
    # Locked: a withdrawal at this moment either is seen here, or finds the box and deletes it.
    row = db.get(ConsentRow, box.consent, with_for_update=True)
    return row is not None and (row.person_id, row.purpose, row.withdrawn_at) == (box.learner, FACE_CONSENT, None)


def _is_on_roster(db: Db, device: DeviceRow, person_id: str, now: datetime) -> bool:
    """Say whether the kiosks of this region hear of somebody in their rosters now."""
    region = sa.select(RoomRow.region_id).where(RoomRow.id == device.room_id).scalar_subquery()
    query = (
        sa.select(sa.literal(1))
        .select_from(RosterRow)
        .join(SessionRow, SessionRow.id == RosterRow.session_id)
        .where(
            RosterRow.person_id == person_id,
            SessionRow.region_id == region,
            SessionRow.ends_at >= now - NEAR,
            SessionRow.starts_at <= now + ROSTER_LEASE,
        )
    )
    return db.execute(query.limit(1)).first() is not None


def _row(box: FaceBox, data: bytes) -> FaceBoxRow:
    return FaceBoxRow(
        sender_id=box.sender,
        recipient_id=box.recipient,
        person_id=box.learner,
        consent_id=box.consent,
        name=boxes.name_of(data),
        made_at=box.made_at,
        good_until=box.good_until,
        box=data,
    )
