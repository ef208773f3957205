"""Ed25519 signatures with a context, so that a signature made for one purpose is never good for another.

* Unreadable        what arrived cannot be used; the bytes are kept and somebody may look
  + TooLarge        more bytes or records than a packet may carry
  + BadSignature    not signed by the key that is on file, or for another purpose
  + Malformed       well signed, but not of the form that this version reads
"""

import base64
import binascii
import hashlib
from typing import Literal

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

Context = Literal[
    "check-ins", "state", "receipt", "config", "command", "request", "answer", "registration", "badge", "face-box"
]

PREFIX = "tandem/v1/"
SIGNATURE_BYTES = 64


class Unreadable(Exception):
    """What arrived cannot be used."""


class TooLarge(Unreadable):
    """What arrived is larger than a packet may be."""


class BadSignature(Unreadable):
    """What arrived is not signed by the key that is on file for its sender."""


class Malformed(Unreadable):
    """What arrived is well signed, but this version cannot read it."""


def sign(context: Context, body: bytes, key: SigningKey) -> bytes:
    """Sign body for one purpose; returns the 64 bytes of the signature."""
    return key.sign(_bound(context, body)).signature


def verify(context: Context, body: bytes, signature: bytes, key: VerifyKey) -> None:
    """Raise BadSignature unless `key` signed body for this purpose."""
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature("a signature has 64 bytes")
    try:
        key.verify(_bound(context, body), signature)
    except BadSignatureError:
        raise BadSignature(f"the signature does not fit this {context}") from None


def seal(context: Context, body: bytes, key: SigningKey) -> bytes:
    """Put the signature on a line of its own (base64) before the body."""
    return base64.b64encode(sign(context, body, key)) + b"\n" + body


def unseal(context: Context, data: bytes, key: VerifyKey) -> bytes:
    """Return the body of what `seal` made; raises BadSignature."""
    signature, _, body = data.partition(b"\n")
    verify(context, body, from_base64(signature), key)
    return body


def fingerprint(*keys: VerifyKey) -> str:
    """Say keys in 24 hex digits, grouped by four, for two people to compare."""
    digest = hashlib.sha256(b"".join(bytes(key) for key in keys)).hexdigest()[:24]
    return "-".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def to_base64(data: bytes) -> str:
    """Write bytes as they stand in JSON and in headers."""
    return base64.b64encode(data).decode()


def from_base64(text: bytes | str) -> bytes:
    """Read strict base64; raises BadSignature, since only keys and signatures are written so."""
    try:
        written = text if isinstance(text, bytes) else text.encode("ascii")
        data = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("a key or signature is not base64") from None
    # The last digit has bits to spare: only one way of writing is taken, so that no byte can change unnoticed.
    if base64.b64encode(data) != written:
        raise BadSignature("a key or signature is not written as base64 is")
    return data


def _bound(context: Context, body: bytes) -> bytes:
    return PREFIX.encode() + context.encode() + b"\0" + body
