"""Devices: how one becomes known, is confirmed, learns what it needs, and is revoked."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey
from sqlalchemy.orm import Session as Db

from attendance.direction import NEAR
from gateway.keys import Keys
from gateway.settings import GatewaySettings
from ledger import staff
from ledger.audit import note
from ledger.devices import device_of_stream, locked_code, rosters, sessions_around
from ledger.face_boxes import shares
from ledger.insertion import insert_or_nothing
from ledger.people import (
    good_badges,
    partners_among,
    people_by_id,
    revoked_badges,
    standing_consents,
    withdrawn_consents,
)
from ledger.people import rooms as rooms_of
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.tables import CourseRow, DeviceRow, RegistrationCodeRow, RoomRow, SessionRow, StreamRow
from protocol import registration
from protocol.registration import Accepted, Application, BrokerAccount, Standing
from protocol.roster import BadgeKey, Pause, Roster, RosterLearner, RosterSession, RosterStaff
from protocol.signing import to_base64
from protocol.wire import new_id

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 and O, 1 and I and L, which people take for each other."""
ID_LENGTH, SECRET_LENGTH = 4, 8
CODE_LIFE = timedelta(minutes=15)
CODE_TRIES = 5
ROSTER_LEASE = timedelta(hours=24)
Direction = Literal["auto", "in", "out"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
WITHDRAWN = 2 * ROSTER_LEASE
"""For so long a kiosk is told; one that heard nothing for a lease has forgotten everybody by itself."""
FACE_CONSENT = "face"
"""The purpose under which consents to face recognition are filed."""
# mosquitto's own number; the passwords have 256 bits of chance, so stretching them adds nothing.
BROKER_ROUNDS = 101

WHAT_TO_DO = "Make a new code with `tandem gateway device code`, and type it on the device."


# Registration


def make_code(db: Db, room_id: str, *, actor: str, now: datetime) -> str:
    """Make a one-time code for a device of this room; it is shown once and stored hashed. Raises Incomplete."""
    if db.get(RoomRow, room_id) is None:
        raise Incomplete("no_room", f"there is no room {room_id!r}")
    id, secret = _letters(ID_LENGTH), _letters(SECRET_LENGTH)
    while db.get(RegistrationCodeRow, id) is not None:
        id = _letters(ID_LENGTH)
    expires_at = now + CODE_LIFE
    db.add(RegistrationCodeRow(id=id, secret_hash=_hash(secret), room_id=room_id, expires_at=expires_at))
    note(db, actor=actor, act="device code", thing=id, at=now, room=room_id)
    return f"{id}-{secret}"


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """An application that was turned down."""

    reason: Literal["code-refused", "stream-taken"]
    detail: str


def register(db: Db, application: Application, keys: Keys, *, now: datetime) -> Accepted | NotRegistered:
    """Make a device known, if its code is good; every wrong try is counted, so commit also after a refusal."""
    code, refused = _check_code(db, application.code, now)
    if code is None or refused == "wrong":
        return NotRegistered("code-refused", f"The code is wrong, used or expired. {WHAT_TO_DO}")
    known = device_of_stream(db, application.stream)
    if known is not None and _is_same(known, application, code):
        # The first answer was lost on its way: the same device asks again and hears the same.
        return _accepted(known, keys)
    if refused is not None:
        return NotRegistered("code-refused", f"The code is {refused}. {WHAT_TO_DO}")
    device = _device(application, code.room_id, keys, now)
    db.add(device)
    db.flush()
    stream = {"id": application.stream, "device_id": device.id, "upto": 0, "receipts": 0}
    if not insert_or_nothing(db, StreamRow, [stream], StreamRow.id):
        db.delete(device)
        return NotRegistered("stream-taken", "Make a new stream on the device and register again.")
    code.used_at = now
    note(db, actor=f"device:{device.id}", act="device registered", thing=device.id, at=now, room=code.room_id)
    return _accepted(device, keys)


def _check_code(
    db: Db, text: str, now: datetime
) -> tuple[RegistrationCodeRow | None, Literal["wrong", "used", "expired"] | None]:
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    id, secret = letters[:ID_LENGTH], letters[ID_LENGTH:]
    code = locked_code(db, id)
    # An unknown id costs the same time as a wrong secret.
    right = hmac.compare_digest(code.secret_hash if code else _hash(""), _hash(secret))
    if code is None or code.tries >= CODE_TRIES:
        return None, "wrong"
    if not right:
        code.tries += 1
        return code, "wrong"
    if code.used_at is not None:
        return code, "used"
    return code, "expired" if now > code.expires_at else None


def _is_same(known: DeviceRow, application: Application, code: RegistrationCodeRow) -> bool:
    same = (known.signing_key, known.sealing_key) == (application.signing_key, application.sealing_key)
    return same and known.room_id == code.room_id and known.revoked_at is None


def _device(application: Application, room_id: str, keys: Keys, now: datetime) -> DeviceRow:
    key = registration.verify_key(application.signing_key)
    return DeviceRow(
        id=new_id(),
        site=keys.site,
        room_id=room_id,
        name=application.name,
        direction="auto",
        faces=False,
        share_faces=False,
        signing_key=application.signing_key,
        sealing_key=application.sealing_key,
        fingerprint=registration.fingerprint(key, keys.gateway.verify_key),
        registered_at=now,
    )


def _accepted(device: DeviceRow, keys: Keys) -> Accepted:
    return Accepted(device=device.id, site=device.site, gateway_key=to_base64(bytes(keys.gateway.verify_key)))


def can_be_sealed_to(sealing_key: str) -> bool:
    """Say whether anything can be encrypted to this key; some 32 bytes are no key of the curve."""
    try:
        registration.seal_account(BrokerAccount(host="", port=0, tls=False, username="", password=""), sealing_key)
    except (CryptoError, RuntimeError):
        return False
    return True


# What an admin does


def confirm(db: Db, device_id: str, fingerprint: str, *, actor: str, now: datetime) -> DeviceRow:
    """Take a device in, once an admin has typed the fingerprint that its own screen shows; raises NotPossible."""
    device = _unrevoked(db, device_id)
    if not hmac.compare_digest(_hex(device.fingerprint), _hex(fingerprint)):
        raise Incomplete(
            "fingerprints_differ",
            "the fingerprints differ: if you typed what the device shows, somebody stands between it and the gateway",
        )
    if device.confirmed_at is None:
        device.confirmed_at = now
        note(db, actor=actor, act="device confirmed", thing=device.id, at=now, fingerprint=device.fingerprint)
    return device


def revoke(db: Db, device_id: str, *, actor: str, now: datetime) -> DeviceRow:
    """Shut a device out: its records, requests and broker account are refused from now on. Raises Unknown."""
    device = _known(db, device_id)
    if device.revoked_at is None:
        device.revoked_at, device.broker_hash = now, None
        note(db, actor=actor, act="device revoked", thing=device.id, at=now)
    return device


def roll(db: Db, device_id: str, *, actor: str, now: datetime) -> DeviceRow:
    """End a device's broker password; it asks for a new one with its signature, and its records wait until then."""
    device = _unrevoked(db, device_id)
    device.broker_hash = None
    note(db, actor=actor, act="device rolled", thing=device.id, at=now)
    return device


def set_up(
    db: Db,
    device_id: str,
    *,
    actor: str,
    now: datetime,
    direction: str | None = None,
    faces: bool | None = None,
    share_faces: bool | None = None,
) -> DeviceRow:
    """Change how a device works; None leaves a setting as it is, and what is so already is no change."""
    device = _known(db, device_id)
    if direction not in (None, *DIRECTIONS):
        raise Incomplete("no_direction", f"direction is in, out or auto, not {direction!r}")
    asked = {"direction": direction, "faces": faces, "share_faces": share_faces}
    wanted = {name: getattr(device, name) if value is None else value for name, value in asked.items()}
    if any(getattr(device, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(device, name, value)
        note(db, actor=actor, act="device set up", thing=device.id, at=now, **wanted)
    return device


def _known(db: Db, device_id: str) -> DeviceRow:
    device = db.get(DeviceRow, device_id, with_for_update=True)
    if device is None:
        raise Unknown("no_device", f"there is no device {device_id!r}")
    return device


def _unrevoked(db: Db, device_id: str) -> DeviceRow:
    device = _known(db, device_id)
    if device.revoked_at is not None:
        raise TooLate("device_revoked", f"device {device_id} has been revoked: register it again")
    return device


Stage = Literal["unconfirmed", "confirmed", "revoked"]


def stage(device: DeviceRow) -> Stage:
    """Say how far a device has come."""
    if device.revoked_at is not None:
        return "revoked"
    return "unconfirmed" if device.confirmed_at is None else "confirmed"


# The broker account


def standing(db: Db, device: DeviceRow, settings: GatewaySettings) -> Standing:
    """Say whether a device is confirmed; if so it gets a new broker password, and only it can read it."""
    if device.confirmed_at is None:
        return Standing(confirmed=False)
    password = secrets.token_urlsafe(32)
    device.broker_hash = password_hash(password, salt=secrets.token_bytes(12))
    account = BrokerAccount(
        host=settings.broker_host,
        port=settings.broker_port,
        tls=settings.broker_tls,
        username=device.id,
        password=password,
        ca=settings.broker_ca.read_text() if settings.broker_ca else "",
    )
    return Standing(confirmed=True, account=registration.seal_account(account, device.sealing_key))


def accounts(db: Db) -> dict[str, str]:
    """List what confirmed devices come to the broker with: id and password hash of each that was not revoked."""
    query = sa.select(DeviceRow.id, DeviceRow.broker_hash).where(
        DeviceRow.confirmed_at.is_not(None), DeviceRow.revoked_at.is_(None), DeviceRow.broker_hash.is_not(None)
    )
    return {id: hash for id, hash in db.execute(query) if hash}


def password_hash(password: str, *, salt: bytes) -> str:
    """Hash a broker password as mosquitto's password file has it."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, BROKER_ROUNDS)
    return f"$7${BROKER_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def check_password(hash: str | None, password: str) -> bool:
    """Say whether a password fits the hash that `password_hash` made; no hash, no password fits."""
    if not hash:
        return False
    salt = base64.b64decode(hash.split("$")[3])
    return hmac.compare_digest(hash, password_hash(password, salt=salt))


# The roster


def roster(db: Db, device: DeviceRow, keys: Keys, *, now: datetime, staff_pin: bool = False) -> Roster:
    """Collect what a device has to know until its lease ends, the same content under the same version."""
    room = db.get_one(RoomRow, device.room_id)
    rooms = rooms_of(db, room.region_id)
    # Also what is just over, so that the screen can say that it is.
    sessions = sessions_around(db, room.region_id, since=now - NEAR, until=now + ROSTER_LEASE)
    learners = rosters(db, [session.id for session, _ in sessions])
    roster = Roster(
        version="",
        made_at=now,
        good_until=now + ROSTER_LEASE,
        room=room.id,
        room_name=room.name,
        direction=device.direction,  # type: ignore[arg-type]  # set_up checked it
        faces=device.faces,
        share_faces=shares(device),
        withdrawn=tuple(withdrawn_consents(db, FACE_CONSENT, since=now - WITHDRAWN)) if device.faces else (),
        sessions=tuple(_session(session, course, rooms, learners[session.id]) for session, course in sessions),
        learners=_learners(db, sorted({id for ids in learners.values() for id in ids}), faces=device.faces),
        revoked=tuple(revoked_badges(db, now)),
        badge_keys=tuple(_badge_key(id, key) for id, key in keys.badge_keys.items()),
        staff=_staff(db, room, [session for session, _ in sessions], now),
        staff_pin=staff_pin,
    )
    return roster.model_copy(update={"version": _version(roster)})


def _version(roster: Roster) -> str:
    content = roster.model_dump_json(exclude={"version", "made_at", "good_until"})
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _session(
    session: SessionRow, course: CourseRow, rooms: dict[str, RoomRow], learners: Sequence[str]
) -> RosterSession:
    room = rooms.get(session.room_id or "")
    return RosterSession(
        id=session.id,
        course=course.id,
        title=course.title,
        title_zh=course.title_zh,
        room=session.room_id,
        room_name=room.name if room else "",
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        zone=session.zone,
        breaks=tuple(Pause(starts_at=_instant(a), ends_at=_instant(b)) for a, b in session.breaks),
        learners=tuple(learners),
        methods=tuple(session.methods),
        least_assurance=session.least_assurance,
        cancelled=session.cancelled,
    )


def _learners(db: Db, ids: Sequence[str], *, faces: bool) -> tuple[RosterLearner, ...]:
    people, badges, partners = people_by_id(db, ids), good_badges(db, ids), partners_among(db, ids)
    consents = standing_consents(db, ids, FACE_CONSENT) if faces else {}
    return tuple(
        RosterLearner(
            id=id,
            name=people[id].name,
            role=people[id].role,
            badges=tuple(badges.get(id, ())),
            face_consent=consents.get(id),
            partners=tuple(partners.get(id, ())),
            number=people[id].number if id in consents else None,
        )
        for id in ids
        if id in people
    )


def _staff(db: Db, room: RoomRow, sessions: Sequence[SessionRow], now: datetime) -> tuple[RosterStaff, ...]:
    """Name who may check people in here: the region's trainers, and whoever gives a session in this room."""
    trainers = {session.trainer_id for session in sessions if session.trainer_id and session.room_id == room.id}
    found = staff.on_duty(db, room.region_id, trainers, now=now)
    return tuple(RosterStaff(id=person.id, name=person.name, badges=tuple(badges)) for person, badges in found)


def _badge_key(id: int, key: VerifyKey) -> BadgeKey:
    return BadgeKey(id=id, key=to_base64(bytes(key)))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _letters(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _hex(fingerprint: str) -> str:
    return "".join(letter for letter in fingerprint.lower() if letter in "0123456789abcdef")
