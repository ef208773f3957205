"""Signed badge codes: a kiosk verifies them offline with nothing but a public key.

A code is `T1:` and base45 over 27 bytes (version 1, key id 2, badge id 16, issued 4, expires 4; big-endian, seconds
since 1970, 0 = does not expire) followed by their Ed25519 signature: 140 characters, a QR code of 41 modules.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from nacl.signing import SigningKey, VerifyKey

from protocol import signing
from protocol.signing import SIGNATURE_BYTES, BadSignature

PREFIX = "T1:"
VERSION = 1
_PAYLOAD = struct.Struct(">BH16sII")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """What a badge code says."""

    id: UUID
    key_id: int
    issued_at: datetime
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Say whether the badge's own time is over; the last second still counts."""
        return self.expires_at is not None and now > self.expires_at


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
        VERSION, badge.key_id, badge.id.bytes, _seconds(badge.issued_at), _seconds(badge.expires_at)
    )
    return PREFIX + to_base45(payload + signing.sign("badge", payload, key))


def verify(text: str, keys: Mapping[int, VerifyKey]) -> Badge | Forged | NotABadge:
    """Read a code offline; whether the badge has expired or was revoked is the caller's question."""
    data = from_base45(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    if data is None or len(data) != _PAYLOAD.size + SIGNATURE_BYTES:
        return NotABadge()
    payload, signature = data[: _PAYLOAD.size], data[_PAYLOAD.size :]
    version, key_id, badge_id, issued, expires = _PAYLOAD.unpack(payload)
    if version != VERSION or key_id not in keys:
        return Forged(_digest(text))
    try:
        signing.verify("badge", payload, signature, keys[key_id])
    except BadSignature:
        return Forged(_digest(text))
    return Badge(
        id=UUID(bytes=badge_id),
        key_id=key_id,
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC) if expires else None,
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
