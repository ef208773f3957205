"""What an operator does from the command line, answered as JSON can say it; raises NotDone or NotPossible."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session as Db

from gateway import accounts, api_keys, badges, devices, learners
from gateway.keys import Keys
from gateway.problem import NotDone
from gateway.settings import GatewaySettings
from ledger import holes
from ledger.account_tables import AccountRow, ApiKeyRow
from ledger.accounts import account_by_login, has_admin
from ledger.accounts import accounts as all_accounts
from ledger.accounts import api_keys as all_keys
from ledger.devices import devices as all_devices
from ledger.people import badges as all_badges
from ledger.people import find
from ledger.tables import BadgeRow, DeviceRow

Answer = dict[str, Any]


def device_code(db: Db, room: str, *, actor: str, now: datetime) -> Answer:
    """Make a registration code for a room."""
    code = devices.make_code(db, room, actor=actor, now=now)
    return {"code": code, "room": room, "expires_at": _text(now + devices.CODE_LIFE)}


def device_list(db: Db) -> list[Answer]:
    """List the devices."""
    return [_device(row) for row in all_devices(db)]


def device_confirm(db: Db, device: str, fingerprint: str, *, actor: str, now: datetime) -> Answer:
    """Take a device in, by the fingerprint that its screen shows."""
    return _device(devices.confirm(db, device, fingerprint, actor=actor, now=now))


def device_set_up(
    db: Db,
    device: str,
    *,
    actor: str,
    now: datetime,
    direction: str | None = None,
    faces: bool | None = None,
    share_faces: bool | None = None,
) -> Answer:
    """Set a device's direction, and whether it may recognise faces and share them."""
    wanted = {"direction": direction, "faces": faces, "share_faces": share_faces}
    return _device(devices.set_up(db, device, actor=actor, now=now, **wanted))  # type: ignore[arg-type]


def device_revoke(db: Db, device: str, *, actor: str, now: datetime) -> Answer:
    """Shut a device out."""
    return _device(devices.revoke(db, device, actor=actor, now=now))


def device_roll(db: Db, device: str, *, actor: str, now: datetime) -> Answer:
    """End a device's broker password, so that it gets a new one."""
    return _device(devices.roll(db, device, actor=actor, now=now))


def hole_list(db: Db, *, now: datetime) -> list[Answer]:
    """List the numbers that kiosks have given out and the ledger lacks."""
    return [_hole(hole, now) for hole in holes.holes(db)]


def hole_write_off(db: Db, stream: str, upto: int, reason: str, *, actor: str, now: datetime) -> Answer:
    """Stop waiting for a lost kiosk's numbers."""
    try:
        id = UUID(stream)
    except ValueError:
        raise NotDone(f"{stream!r} is no stream: take it from `tandem gateway hole list`") from None
    row = holes.write_off(db, id, upto, actor=actor, reason=reason, now=now)
    return {"stream": str(row.stream), "first": row.first, "last": row.last, "reason": row.reason}


def badge_issue(
    db: Db, person: str, keys: Keys, *, actor: str, now: datetime, days: int | None = None, staff: bool = False
) -> Answer:
    """Issue a badge, good for some days or (None) until it is revoked; `text` is what its QR code `svg` says."""
    expires_at = None if days is None else now + timedelta(days=days)
    row = badges.issue(db, person, keys, actor=actor, now=now, expires_at=expires_at, staff=staff)
    text = badges.code(row, keys)
    return {**_badge(row), "text": text, "svg": badges.picture(text).decode()}


def badge_revoke(db: Db, badge: str, *, actor: str, now: datetime) -> Answer:
    """Take a badge's power away."""
    return _badge(badges.revoke(db, badge, actor=actor, now=now))


def badge_list(db: Db, person: str | None = None) -> list[Answer]:
    """List the badges of a person (by id or number) or of all."""
    found = find(db, person) if person else None
    if person and found is None:
        raise NotDone(f"there is no person with the id or number {person!r}")
    return [_badge(row) for row in all_badges(db, found.id if found else None)]


def key_create(
    db: Db,
    name: str,
    *,
    actor: str,
    now: datetime,
    scopes: Sequence[str] | None = None,
    regions: Sequence[str] | None = None,
    days: int = api_keys.LIFE.days,
) -> Answer:
    """Make an API key, for hours:read and all regions unless said otherwise; `key` is shown this once."""
    wanted = scopes or api_keys.DEFAULT_SCOPES
    row, key = api_keys.create(
        db, name, actor=actor, now=now, scopes=wanted, regions=regions, life=timedelta(days=days)
    )
    return {**_key(row), "key": key}


def key_list(db: Db) -> list[Answer]:
    """List the API keys, without their secrets."""
    return [_key(row) for row in all_keys(db)]


def key_revoke(db: Db, key: str, *, actor: str, now: datetime) -> Answer:
    """End an API key."""
    return _key(api_keys.revoke(db, key, actor=actor, now=now))


def person_set_pin(db: Db, person: str, pin: str, *, actor: str, now: datetime) -> Answer:
    """Give a person (by id or number) a new PIN to sign in with on a phone; it is not shown again."""
    found = find(db, person)
    if found is None:
        raise NotDone(f"there is no person with the id or number {person!r}")
    learners.set_pin(db, found, pin, actor=actor, now=now)
    return {"person": found.id, "number": found.number, "set_at": _text(now)}


def account_create(
    db: Db,
    login: str,
    password: str | None = None,
    *,
    role: str,
    actor: str,
    now: datetime,
    regions: Sequence[str] | None = None,
) -> Answer:
    """Make an account for the pages; without a password its owner needs a link, see `account_link`."""
    return _account(accounts.create(db, login, password, role=role, regions=regions, actor=actor, now=now))


def account_list(db: Db) -> list[Answer]:
    """List the accounts, the closed ones last."""
    return [_account(row) for row in all_accounts(db)]


def account_set(
    db: Db,
    login: str,
    *,
    actor: str,
    now: datetime,
    role: str | None = None,
    regions: Sequence[str] | None = None,
    everywhere: bool = False,
) -> Answer:
    """Give an account another role, or other regions; what is not named stays, but an admin has every region."""
    row = _named(db, login)
    theirs = None if everywhere or (role == "admin" and not regions) else regions or row.regions
    changed = accounts.change(db, row.id, role=role or row.role, regions=theirs, actor=actor, now=now)
    return _account(changed)


def account_close(db: Db, login: str, *, actor: str, now: datetime) -> Answer:
    """End an account and sign it out everywhere."""
    return _account(accounts.close(db, _named(db, login).id, actor=actor, now=now))


def account_link(db: Db, login: str, settings: GatewaySettings, *, actor: str, now: datetime) -> Answer:
    """Make a link with which the owner of an account chooses a password, once."""
    return _link(settings, "choose", accounts.link(db, _named(db, login).id, "choose", actor=actor, now=now), now)


def set_up_link(db: Db, settings: GatewaySettings, *, now: datetime) -> Answer | None:
    """Make a link for the first admin; None when there is one already."""
    if has_admin(db):
        return None
    return _link(settings, "set-up", accounts.set_up_link(db, now=now), now)


def sign_in_link(db: Db, login: str, settings: GatewaySettings, *, actor: str, now: datetime) -> Answer:
    """Make a link that signs a browser in once."""
    return _link(settings, "in", accounts.link(db, _named(db, login).id, "in", actor=actor, now=now), now)


def _named(db: Db, login: str) -> AccountRow:
    account = account_by_login(db, login.strip().lower())
    if account is None:
        raise NotDone(f"there is no account {login!r}")
    return account


def _account(row: AccountRow) -> Answer:
    return {
        "account": row.id,
        "login": row.login,
        "role": row.role,
        "regions": row.regions,
        "created_at": _text(row.created_at),
        "closed_at": _text(row.closed_at),
    }


def _link(settings: GatewaySettings, place: str, token: str, now: datetime) -> Answer:
    return {"url": f"{settings.url}/{place}/{token}", "expires_at": _text(now + accounts.LINK_LIFE)}


def _device(row: DeviceRow) -> Answer:
    return {
        "device": row.id,
        "name": row.name,
        "room": row.room_id,
        "site": row.site,
        "fingerprint": row.fingerprint,
        "direction": row.direction,
        "faces": row.faces,
        "share_faces": row.share_faces,
        "registered_at": _text(row.registered_at),
        "confirmed_at": _text(row.confirmed_at),
        "revoked_at": _text(row.revoked_at),
        "seen_at": _text(row.seen_at),
        "trouble": (row.state or {}).get("trouble"),
        "state": row.state,
    }


def _badge(row: BadgeRow) -> Answer:
    return {
        "badge": str(row.id),
        "kind": "staff" if row.staff else "learner",
        "person": row.person_id,
        "key": row.key_id,
        "issued_at": _text(row.issued_at),
        "expires_at": _text(row.expires_at),
        "revoked_at": _text(row.revoked_at),
    }


def _key(row: ApiKeyRow) -> Answer:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "regions": row.regions,
        "created_at": _text(row.created_at),
        "expires_at": _text(row.expires_at),
        "revoked_at": _text(row.revoked_at),
    }


def _hole(hole: holes.Hole, now: datetime) -> Answer:
    return {
        "stream": str(hole.stream),
        "device": hole.device_id,
        "first": hole.first,
        "last": hole.last,
        "since": _text(hole.since),
        "alert": now - hole.since >= holes.ALERT,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
