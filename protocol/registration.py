"""How a device becomes known: a one-time code, keys made on the device, a fingerprint that two people compare."""

from typing import Annotated, Literal
from uuid import UUID

from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey, VerifyKey
from pydantic import StringConstraints

from protocol import signing
from protocol.signing import from_base64, to_base64
from protocol.wire import TopicId, Wire

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]


class Application(Wire):
    """A device asks to be registered."""

    v: Literal[1] = 1
    code: Annotated[str, StringConstraints(max_length=32)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    signing_key: Key
    sealing_key: Key
    stream: UUID


class Accepted(Wire):
    """The gateway knows the device now; an admin still has to compare the fingerprint."""

    v: Literal[1] = 1
    device: TopicId
    site: TopicId
    gateway_key: Key


class Standing(Wire):
    """Whether the admin has confirmed the device; if so, with its broker account."""

    v: Literal[1] = 1
    confirmed: bool
    account: str | None = None
    """A BrokerAccount, sealed to the device's sealing key (base64)."""


class BrokerAccount(Wire):
    """Where the broker is, and the device's own account there."""

    v: Literal[1] = 1
    host: str
    port: int
    tls: bool
    username: str
    password: str
    ca: str = ""
    """Who must have signed the broker's certificate (PEM); empty for whoever the device's system trusts."""


def fingerprint(device: VerifyKey, gateway: VerifyKey) -> str:
    """Say both keys at once: a stranger between the two cannot show both sides the same digits."""
    return signing.fingerprint(device, gateway)


def seal_account(account: BrokerAccount, sealing_key: str) -> str:
    """Encrypt an account so that only the device can read it."""
    return to_base64(SealedBox(PublicKey(from_base64(sealing_key))).encrypt(account.line()))


def open_account(sealed: str, key: PrivateKey) -> BrokerAccount:
    """Decrypt an account on the device."""
    return BrokerAccount.read(SealedBox(key).decrypt(from_base64(sealed)))


def public(key: SigningKey | PrivateKey) -> str:
    """Write the public half of a key."""
    return to_base64(bytes(key.verify_key if isinstance(key, SigningKey) else key.public_key))


def verify_key(text: str) -> VerifyKey:
    """Read the public half of a signing key."""
    return VerifyKey(from_base64(text))
