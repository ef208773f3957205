"""What a kiosk's record shows for who it was: a badge, a code of the phone, the word of a member of staff."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.admission import Credential
from attendance.assurance import Method
from ledger import staff
from ledger.audit import note
from ledger.check_ins import Issued, badge_id, badges_by_id, credential, standing
from ledger.tables import CheckInRow
from protocol.badge import ALLOWANCE, LIFE, age
from protocol.records import CheckInRecord

BY_STAFF: frozenset[Method] = frozenset({"staff", "static_badge+staff"})
BY_PHONE: Method = "dynamic_badge"
STAFF_ACT = "checked somebody in"
TWICE = "phone code at two kiosks"
NEAR = LIFE + 2 * ALLOWANCE
"""One code is taken at two kiosks at most so far apart, by their own clocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """What the ledger says of the staff badges in a batch, and of the places where they were shown."""

    badges: Mapping[UUID, Issued] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    """Of their owners, as far as they are trainers."""
    rooms: Mapping[str, str] = field(default_factory=dict)
    """Room -> region."""
    trainers: Mapping[str, str | None] = field(default_factory=dict)
    """Session -> who gives it."""


NOBODY = Staff()


def staff_in(db: Db, records: Collection[CheckInRecord], sessions: Collection[str]) -> Staff:
    """Look up the staff badges of these records; nothing is asked where there is none."""
    named = {id for record in records if record.staff and (id := badge_id(record.staff))}
    badges = {id: issued for id, issued in badges_by_id(db, named).items() if issued.staff}
    if not badges:
        return NOBODY
    return Staff(
        badges=badges,
        regions=staff.regions_of_trainers(db, {issued.person_id for issued in badges.values()}),
        rooms=staff.regions_of_rooms(db, {record.room for record in records if record.staff and record.room}),
        trainers=staff.trainers_of(db, sessions),
    )


def shown(record: CheckInRecord, badges: Mapping[UUID, Issued], known: Staff, *, uncertain: bool) -> Credential:
    """Say whether everything that this record was taken on was good at its time."""
    found = credential(record.badge, badges, record.learner, record.at)
    # The gateway's own records name who has signed in, and nobody else vouches.
    if found != "good" or record.stream is None:
        return found
    if record.method in BY_STAFF:
        return _vouched(record, known)
    return _fresh(record, uncertain=uncertain) if record.method == BY_PHONE else "good"


def contradicts_its_clock(record: CheckInRecord) -> bool:
    """Say whether a record shows a code of ours from before we made it: its kiosk's clock is behind."""
    return record.code_at is not None and age(record.code_at, record.at) == "ahead"


def _vouched(record: CheckInRecord, known: Staff) -> Credential:
    issued = known.badges.get(badge_id(record.staff) or UUID(int=0))
    if issued is None:
        return "unknown"
    found = standing(issued, record.at)
    return found if found != "good" or _may_act(issued.person_id, record, known) else "elsewhere"


def _may_act(person: str, record: CheckInRecord, known: Staff) -> bool:
    """A trainer checks people in in the rooms of their region, and in their own sessions wherever those are."""
    region = known.regions.get(person)
    if region is None:
        return False
    return known.rooms.get(record.room or "") == region or known.trainers.get(record.session or "") == person


def _fresh(record: CheckInRecord, *, uncertain: bool) -> Credential:
    if record.code_at is None or record.learner is None:
        return "unknown"
    # A clock that nobody set proves nothing against a code; the record goes on review for that already.
    return "good" if uncertain or age(record.code_at, record.at) == "fresh" else "expired"


def note_admitted(db: Db, records: Collection[CheckInRecord], known: Staff, *, now: datetime) -> None:
    """Put into the audit who of the staff has checked somebody in, and a phone's code that two kiosks have taken."""
    for record in records:
        if record.method in BY_STAFF and (issued := known.badges.get(badge_id(record.staff) or UUID(int=0))):
            _note_staff(db, record, issued.person_id, now)
        elif record.method == BY_PHONE and record.stream is not None:
            _note_second_kiosk(db, record, now)


def _note_staff(db: Db, record: CheckInRecord, person: str, now: datetime) -> None:
    details: dict[str, Any] = {
        "person": record.learner,
        "session": record.session,
        "method": record.method,
        "badge": record.staff,
    }
    if record.staff_pin is not None:
        details["pin checked"] = record.staff_pin
    note(db, actor=f"person:{person}", act=STAFF_ACT, thing=str(record.id), at=now, **details)


def _note_second_kiosk(db: Db, record: CheckInRecord, now: datetime) -> None:
    query = sa.select(CheckInRow.id, CheckInRow.line).where(
        CheckInRow.person_id == record.learner,
        CheckInRow.method == BY_PHONE,
        CheckInRow.at.between(record.at - NEAR, record.at + NEAR),
        CheckInRow.stream != record.stream,
    )
    for id, line in db.execute(query):
        if CheckInRecord.read(line).code_at == record.code_at:
            details = {"person": record.learner, "other": str(id)}
            note(db, actor="gateway", act=TWICE, thing=str(record.id), at=now, **details)
