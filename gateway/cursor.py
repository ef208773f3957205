"""The feed's cursor: opaque to the client, and only good for the client and the ledger that it was given for."""

import base64
import binascii
import hashlib
import hmac
import struct
from uuid import UUID

from gateway.problem import Refusal

_FORM = struct.Struct(">16s16sQ")
_MAC_BYTES = 32


def write(after: int, *, client: str, epoch: UUID, key: bytes) -> str:
    """Write the cursor behind which everything above feed number `after` is still to be read."""
    payload = _FORM.pack(bytes.fromhex(client), epoch.bytes, after)
    return base64.urlsafe_b64encode(payload + _mac(payload, key)).decode()


def read(text: str, *, client: str, epoch: UUID, key: bytes) -> int:
    """Return the feed number of a cursor; raises Refusal."""
    payload = _authentic(text, key)
    if payload is None:
        raise Refusal("cursor-altered", "Send a `next_cursor` exactly as it was given, or none to begin at the start.")
    owner, life, after = _FORM.unpack(payload)
    if owner != bytes.fromhex(client):
        raise Refusal("cursor-foreign", "Use the cursor that was given to this API key, or none to begin at the start.")
    if life != epoch.bytes:
        raise Refusal(
            "cursor-stale",
            "The gateway was restored from a backup. Read again without a cursor, and replace by id what you hold.",
        )
    return int(after)


def _authentic(text: str, key: bytes) -> bytes | None:
    try:
        data = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    payload, mac = data[: _FORM.size], data[_FORM.size :]
    return payload if len(payload) == _FORM.size and hmac.compare_digest(mac, _mac(payload, key)) else None


def _mac(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"cursor" + payload, hashlib.sha256)
