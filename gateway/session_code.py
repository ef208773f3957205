"""The code of a session: changes every few seconds, so that a picture of it is worth nothing a moment later.

Nothing is stored: a code is a MAC over the session and the number of the step that the clock is in. Whoever sees a
code live can pass it on live; a code alone cannot exclude that, and the docs say so.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

STEP = timedelta(seconds=10)
TYPED_STEP = timedelta(seconds=60)
ACCEPTED = 2
"""Steps: the current one and the one before."""
LIFE = STEP * ACCEPTED
"""The longest that a token is good."""
MAC_BYTES = 12
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 and O, 1, I and L, and U, which looks like V."""
TYPED_LENGTH = 8
SESSION = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
"""How the id of a session is written."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN = re.compile(rf"({SESSION.pattern})\.([A-Za-z0-9_-]{{22}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Good:
    """A token that is good now."""

    session: str


@dataclass(frozen=True, slots=True)
class Bad:
    """A token that is not: never ours, or of an earlier moment."""

    reason: Literal["altered", "expired"]


def token(secret: bytes, session: str, now: datetime) -> str:
    """Make the token that the session's QR code carries at this moment."""
    said = _said(_count(now, STEP))
    return f"{session}.{base64.urlsafe_b64encode(said + _mac(secret, session, said)).decode().rstrip('=')}"


def read(secret: bytes, text: str, now: datetime) -> Good | Bad:
    """Say for which session a token is good at this moment."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return Bad("altered")
    session, data = found[1], _bytes(found[2])
    said, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
    # The last character holds four bits that mean nothing; a token has one way of being written.
    if not hmac.compare_digest(mac, _mac(secret, session, said)) or _text(data) != found[2]:
        return Bad("altered")
    steps = _count(now, STEP) - struct.unpack(">I", said)[0]
    return Good(session) if 0 <= steps < ACCEPTED else Bad("expired")


def typed(secret: bytes, session: str, now: datetime) -> str:
    """Make the code that somebody who cannot scan types at this moment."""
    return _typed(secret, session, _count(now, TYPED_STEP))


def session_of(secret: bytes, sessions: Iterable[str], text: str, now: datetime) -> str | None:
    """Say for which of these sessions somebody has typed the code; small letters, spaces and hyphens are no mistake."""
    wanted = re.sub(r"[\s-]", "", text).upper()
    count = _count(now, TYPED_STEP)
    found = None
    for session in sessions:  # to the end, so that the answer takes as long whichever it is
        for steps in range(ACCEPTED):
            if hmac.compare_digest(_typed(secret, session, count - steps).encode(), wanted.encode()):
                found = session
    return found


def receipt(secret: bytes, record: UUID) -> str:
    """Make a check-in's receipt code, which only we can make: two groups of four that can be read out."""
    code = _letters(hmac.digest(secret, b"receipt\0" + record.bytes, hashlib.sha256))
    return f"{code[:4]}-{code[4:]}"


def left(now: datetime, step: timedelta = STEP) -> float:
    """Say how many seconds are left until the next step."""
    return step.total_seconds() - ((now - _EPOCH) % step).total_seconds()


def _count(now: datetime, step: timedelta) -> int:
    return (now - _EPOCH) // step


def _said(count: int) -> bytes:
    return struct.pack(">I", count)


def _mac(secret: bytes, session: str, said: bytes) -> bytes:
    return hmac.digest(secret, b"\0".join((b"token", session.encode(), said)), hashlib.sha256)[:MAC_BYTES]


def _typed(secret: bytes, session: str, count: int) -> str:
    return _letters(hmac.digest(secret, b"\0".join((b"typed", session.encode(), _said(count))), hashlib.sha256))


def _letters(digest: bytes) -> str:
    number, letters = int.from_bytes(digest), []
    for _ in range(TYPED_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "==")
    except binascii.Error:  # pragma: no cover  # the pattern lets nothing else through
        return b""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
