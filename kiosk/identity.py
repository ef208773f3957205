"""Who this kiosk is: its keys, its names at the gateway, and the gateway's key as pinned at registration.

* IdentityError
  + NotRegistered      there is no identity in the data folder
  + IdentityExposed    others could read the keys
  + IdentityDamaged    the file cannot be read
  + IdentityCopied     the data folder comes from another machine
"""

import hashlib
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import UUID

from nacl.public import PrivateKey
from nacl.signing import SigningKey, VerifyKey
from pydantic import Field

from kiosk.keeping import keep
from protocol import registration
from protocol.registration import BrokerAccount, Key
from protocol.signing import Unreadable, from_base64, to_base64
from protocol.wire import TopicId, Wire

FILE = "identity.json"
MACHINE = "machine"
"""The file that says which machine the identity lives on."""
MARKS = (Path("/proc/device-tree/serial-number"), Path("/etc/machine-id"))
"""What tells machines apart, best first: a card that was cloned brings its machine-id along, not the board's number."""


class IdentityError(Exception):
    """This kiosk does not know who it is."""


class NotRegistered(IdentityError):
    """This kiosk is not registered: get a code from the gateway and run `tandem kiosk register`."""


class IdentityExposed(IdentityError):
    """Others may read the kiosk's keys: register it anew, or if nobody had access set the file's mode to 600."""


class IdentityDamaged(IdentityError):
    """The kiosk's identity cannot be read: restore the file, or register the kiosk anew."""


class IdentityCopied(IdentityError):
    """This kiosk's data was copied from another machine, and two kiosks must not give out the same numbers."""


class Identity(Wire):
    """What registration leaves on the kiosk."""

    device: TopicId
    site: TopicId
    stream: UUID
    gateway: str
    """The gateway's address."""
    gateway_key: Key
    signing_seed: Key = Field(repr=False)
    sealing_seed: Key = Field(repr=False)
    account: BrokerAccount | None = Field(default=None, repr=False)
    """At the broker; None until an admin has confirmed the device."""

    @property
    def key(self) -> SigningKey:
        return SigningKey(from_base64(self.signing_seed))

    @property
    def sealing_key(self) -> PrivateKey:
        return PrivateKey(from_base64(self.sealing_seed))

    @property
    def pinned(self) -> VerifyKey:
        """The only key whose receipts, configuration and answers count."""
        return registration.verify_key(self.gateway_key)

    @property
    def fingerprint(self) -> str:
        """Say what an admin compares with the gateway's page."""
        return registration.fingerprint(self.key.verify_key, self.pinned)

    @property
    def gallery_key(self) -> bytes:
        """The key of the stored face templates; it is derived, so that it is never kept beside them."""
        return hashlib.blake2b(from_base64(self.sealing_seed), digest_size=32, person=b"tandem-gallery").digest()

    @classmethod
    def load(cls, data_dir: Path) -> Self:
        """Read the identity; raises IdentityError."""
        path = data_dir / FILE
        try:
            exposed = stat.S_IMODE(path.stat().st_mode) & 0o077
            text = path.read_bytes()
        except FileNotFoundError:
            raise NotRegistered(f"{NotRegistered.__doc__} (no {path})") from None
        except OSError as error:
            raise IdentityDamaged(f"{path}: {error.strerror}") from None
        if exposed:
            raise IdentityExposed(f"{IdentityExposed.__doc__} ({path})")
        try:
            return cls.read(text)
        except Unreadable as error:
            raise IdentityDamaged(f"{IdentityDamaged.__doc__} ({path}: {error})") from None

    def save(self, data_dir: Path) -> None:
        """Write the identity for the kiosk's own user only."""
        keep(data_dir / FILE, self.line())


def this_machine(marks: Sequence[Path] = MARKS) -> bytes:
    """Return what tells this machine from others, as a digest; nothing where the system does not say."""
    for path in marks:
        with suppress(OSError):
            said = path.read_bytes().strip(b"\0\n ")
            if said.strip(b"0"):  # boards without a serial number say zeros
                return hashlib.blake2b(said, digest_size=16, person=b"tandem-machine").hexdigest().encode()
    return b""


def stay_here(data_dir: Path, machine: bytes) -> None:
    """Bind the identity to this machine if it is bound to none; raises IdentityCopied if it belongs to another."""
    path = data_dir / MACHINE
    bound = path.read_bytes() if path.exists() else b""
    if not machine:
        return
    if not bound:
        keep(path, machine)
    elif bound != machine:
        raise IdentityCopied(
            f"{IdentityCopied.__doc__} Move everything out of {data_dir}, keep it, and register this kiosk anew. Only "
            f"if the other machine is gone for good, as after a repair: remove {path} instead, and start again."
        )


def new_seeds() -> tuple[str, str]:
    """Make the two secrets of a device: for signing, and for what is sealed to it."""
    return to_base64(bytes(SigningKey.generate())), to_base64(bytes(PrivateKey.generate()))
