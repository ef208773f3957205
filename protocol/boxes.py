"""Faces on their way from one kiosk of a site to another: sealed to the one, signed by the other, opaque to between.

* Unreadable (protocol.signing)
  + NotForUs    not sealed to this key, or what is inside does not belong to what is written on the box
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Literal

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey
from pydantic import Field, StringConstraints

from protocol import signing
from protocol.registration import Key, verify_key
from protocol.signing import Malformed, TooLarge, Unreadable, from_base64, to_base64
from protocol.wire import Code, Id, Instant, TopicId, Wire

LIFE = timedelta(hours=24)
"""A box that nobody has taken by then is deleted unread."""
MAX_BYTES = 16 * 1024
MAX_TEMPLATES = 16
TEMPLATE_BYTES = 128 * 4
"""128 numbers of 32 bits each, little-endian."""
PER_ANSWER = 20
"""Boxes in one answer; who has more waiting asks again."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Sealed = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=MAX_BYTES)]
Posted = Annotated[str, StringConstraints(max_length=MAX_BYTES)]


class NotForUs(Unreadable):
    """A box was not made for who opened it, or holds something else than what is written on it."""


class Neighbour(Wire):
    """Another kiosk of the site, with the keys that the gateway has of it."""

    device: TopicId
    name: str
    signing_key: Key
    sealing_key: Key
    waiting: bool = False
    """Whether a box of it is there to be taken."""

    @property
    def fingerprint(self) -> str:
        """Say both keys, for somebody to compare with what that kiosk itself shows."""
        return fingerprint(verify_key(self.signing_key), PublicKey(from_base64(self.sealing_key)))


class Neighbours(Wire):
    """The kiosks with which this one may share faces now; none where the switch is off."""

    v: Literal[1] = 1
    kiosks: tuple[Neighbour, ...]


class Contents(Wire):
    """The first line inside a seal; the numbers of the templates follow it."""

    v: Literal[1] = 1
    sender: TopicId
    learner: Id
    consent: Id
    engine: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Which engine has made the templates: those of two engines must not be compared."""


class FaceBox(Wire):
    """What is written on a box, and the box; all of it is signed by its sender."""

    v: Literal[1] = 1
    sender: TopicId
    recipient: TopicId
    learner: Id
    consent: Id
    """Under which the face was enrolled; it has to stand when the box is opened."""
    made_at: Instant
    good_until: Instant
    sealed: Sealed


class FaceBoxes(Wire):
    """Boxes that wait for a kiosk, in order of their names."""

    v: Literal[1] = 1
    boxes: Annotated[tuple[Posted, ...], Field(max_length=PER_ANSWER)] = ()


class Taken(Wire):
    """Boxes that a kiosk has opened, or never will; the gateway deletes them."""

    v: Literal[1] = 1
    boxes: Annotated[tuple[Digest, ...], Field(max_length=PER_ANSWER)]


class Outcome(Wire):
    """Whether the gateway has kept a box for its recipient, and if not why."""

    v: Literal[1] = 1
    refused: Code | None = None


def fingerprint(signing_key: VerifyKey, sealing_key: PublicKey) -> str:
    """Say the keys of a kiosk that others seal to and verify with; not the digits that confirm a registration."""
    # A gateway that swaps the sealing key alone would pass a comparison of the signing key.
    digits = hashlib.sha256(b"tandem/v1/neighbour\0" + bytes(signing_key) + bytes(sealing_key)).hexdigest()[:24]
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def name_of(box: bytes) -> str:
    """Name a box by what it is, so that nobody can give it another one's name."""
    return hashlib.sha256(box).hexdigest()


def pack(contents: Contents, templates: bytes, sealing_key: str) -> str:
    """Seal a person's templates so that only one kiosk can read them; raises TooLarge."""
    if not templates or len(templates) % TEMPLATE_BYTES or len(templates) > MAX_TEMPLATES * TEMPLATE_BYTES:
        raise TooLarge(f"a box holds 1 to {MAX_TEMPLATES} templates of {TEMPLATE_BYTES} bytes")
    plain = contents.line() + b"\n" + templates
    return to_base64(SealedBox(PublicKey(from_base64(sealing_key))).encrypt(plain))


def post(box: FaceBox, key: SigningKey) -> bytes:
    """Sign a box for its way; raises TooLarge."""
    return _fitting(signing.seal("face-box", box.line(), key))


def read(data: bytes, sender: VerifyKey) -> FaceBox:
    """Return a box that this sender signed; raises TooLarge, BadSignature or Malformed."""
    box = FaceBox.read(signing.unseal("face-box", _fitting(data), sender))
    if not timedelta(0) < box.good_until - box.made_at <= LIFE:
        raise Malformed("a box is good for some time, and for a day at most")
    return box


def unpack(box: FaceBox, key: PrivateKey) -> tuple[Contents, bytes]:
    """Open a box that `read` gave; returns what it says and the templates' bytes. Raises NotForUs or Malformed."""
    try:
        plain = SealedBox(key).decrypt(from_base64(box.sealed))
    except (CryptoError, ValueError):
        raise NotForUs("the box is not sealed to this kiosk") from None
    line, _, templates = plain.partition(b"\n")
    contents = Contents.read(line)
    # Somebody may have put another sender's seal, which they cannot read, into a box of their own.
    if (contents.sender, contents.learner, contents.consent) != (box.sender, box.learner, box.consent):
        raise NotForUs("the box holds something else than what is written on it")
    if not templates or len(templates) % TEMPLATE_BYTES or len(templates) > MAX_TEMPLATES * TEMPLATE_BYTES:
        raise Malformed(f"a box holds 1 to {MAX_TEMPLATES} templates of {TEMPLATE_BYTES} bytes")
    return contents, templates


def _fitting(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a box has {MAX_BYTES} bytes at most")
    return data
