"""Signed badge codes: a kiosk verifies them offline with nothing but a public key.

A code is `T1:` and base45 over some bytes followed by their Ed25519 signature. The first byte says what it is:

* 1  a learner's badge, 2 a staff badge: key id 2, badge id 16, issued 4, expires 4; 140 characters, 41 modules
* 3  a dynamic badge from the learner's phone: key id 2, issued 4, the person's id (1 to 32 letters); at most 158
     characters, 45 modules

Numbers are big-endian, times are seconds since 1970, and 0 as the end says that there is none.
"""

import hashlib
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from nacl.signing import SigningKey, VerifyKey

from protocol import signing
from protocol.signing import SIGNATURE_BYTES, BadSignature

PREFIX = "T1:"
LIFE = timedelta(seconds=30)
"""So long a dynamic badge is good; its code does not say so itself, and therefore cannot say anything else."""
ALLOWANCE = timedelta(seconds=10)
"""What a kiosk's clock may be off: a dynamic badge is taken so much before it was made, or after its life."""
Kind = Literal["learner", "staff"]
_KINDS: dict[int, Kind] = {1: "learner", 2: "staff"}
_KIND_BYTES = {kind: byte for byte, kind in _KINDS.items()}
_DYNAMIC = 3
_PAYLOAD = struct.Struct(">BH16sII")
_DYNAMIC_HEAD = struct.Struct(">BHI")
_PERSON = re.compile(rb"[a-z0-9][a-z0-9-]{0,31}")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """What a badge code says."""

    id: UUID
    key_id: int
    issued_at: datetime
    expires_at: datetime | None = None
    kind: Kind = "learner"

    def expired(self, now: datetime) -> bool:
        """Say whether the badge's own time is over; the last second still counts."""
        return self.expires_at is not None and now > self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicBadge:
    """What the changing code on a learner's phone says: who had signed in there, and when."""

    person: str
    key_id: int
    issued_at: datetime


Age = Literal["fresh", "over", "ahead"]


def age(issued_at: datetime, at: datetime) -> Age:
    """Say whether a dynamic badge was good at this moment; `ahead`: one of the two clocks is wrong."""
    if at < issued_at - ALLOWANCE:
        return "ahead"
    return "fresh" if at <= issued_at + LIFE + ALLOWANCE else "over"


@dataclass(frozen=True, slots=True)
class Forged:
    """A code of a badge's form that none of our keys signed; `digest` recognises it again."""

    digest: str


@dataclass(frozen=True, slots=True)
class NotABadge:
    """A code of something else."""


def issue(badge: Badge, key: SigningKey) -> str:
    """Write a badge as the text of its QR code."""
    payload = _PAYLOAD.pack(
        _KIND_BYTES[badge.kind], badge.key_id, badge.id.bytes, _seconds(badge.issued_at), _seconds(badge.expires_at)
    )
    return _signed(payload, key)


def issue_dynamic(badge: DynamicBadge, key: SigningKey) -> str:
    """Write a dynamic badge as the text of its QR code."""
    head = _DYNAMIC_HEAD.pack(_DYNAMIC, badge.key_id, _seconds(badge.issued_at))
    return _signed(head + badge.person.encode("ascii"), key)


def verify(text: str, keys: Mapping[int, VerifyKey]) -> Badge | DynamicBadge | Forged | NotABadge:
    """Read a code offline; whether the badge is good now, has expired or was revoked is the caller's question."""
    data = from_base45(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    if data is None or not _has_form(payload := data[:-SIGNATURE_BYTES]):
        return NotABadge()
    key = keys.get(int.from_bytes(payload[1:3], "big"))
    try:
        if key is None or payload[0] not in (*_KINDS, _DYNAMIC):
            return Forged(_digest(text))
        signing.verify("badge", payload, data[-SIGNATURE_BYTES:], key)
    except BadSignature:
        return Forged(_digest(text))
    return _dynamic(payload) if payload[0] == _DYNAMIC else _badge(payload)


def _has_form(payload: bytes) -> bool:
    """Say whether these bytes could be what a badge says; of a kind that we do not know, as long as any other."""
    if payload[:1] == bytes([_DYNAMIC]):
        return _PERSON.fullmatch(payload[_DYNAMIC_HEAD.size :]) is not None
    return len(payload) == _PAYLOAD.size


def _signed(payload: bytes, key: SigningKey) -> str:
    return PREFIX + to_base45(payload + signing.sign("badge", payload, key))


def _dynamic(payload: bytes) -> DynamicBadge:
    _, key_id, issued = _DYNAMIC_HEAD.unpack(payload[: _DYNAMIC_HEAD.size])
    return DynamicBadge(
        person=payload[_DYNAMIC_HEAD.size :].decode("ascii"),
        key_id=key_id,
        issued_at=datetime.fromtimestamp(issued, UTC),
    )


def _badge(payload: bytes) -> Badge:
    kind, key_id, badge_id, issued, expires = _PAYLOAD.unpack(payload)
    return Badge(
        id=UUID(bytes=badge_id),
        key_id=key_id,
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC) if expires else None,
        kind=_KINDS[kind],
    )


def to_base45(data: bytes) -> str:
    """Write bytes in RFC 9285 base45, which a QR code packs as alphanumeric text."""
    text = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, 45)
            text.append(_ALPHABET[digit])
    return "".join(text)


def from_base45(text: str) -> bytes | None:
    """Read base45; None for what is not base45."""
    data = bytearray()
    for at in range(0, len(text), 3):
        group = [_VALUES.get(character, -1) for character in text[at : at + 3]]
        value = sum(digit * 45**place for place, digit in enumerate(group))
        size = len(group) - 1
        if size == 0 or -1 in group or value >= 256**size:
            return None
        data += value.to_bytes(size, "big")
    return bytes(data)


def _seconds(at: datetime | None) -> int:
    return int(at.timestamp()) if at else 0


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
