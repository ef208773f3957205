"""The gateway's secrets, as files that only their owner can read: keys for signing, badges, cursors, session codes.

* KeyUnusable
  + KeyExposed      others can read the file
  + KeyDamaged      the file does not hold a key
"""

import base64
import binascii
import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nacl.utils
from nacl.signing import SigningKey, VerifyKey

KEY_BYTES = 32
_BADGE_FILE = re.compile(r"badge-(\d{1,5})\.key")


class KeyUnusable(Exception):
    """A key file cannot be used."""


class KeyExposed(KeyUnusable):
    """Others than the owner can read a key file: treat the key as known to them, and make the file 0600."""


class KeyDamaged(KeyUnusable):
    """A key file does not hold a key: bring it back from the backup, since devices have pinned the old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the gateway signs with."""

    gateway: SigningKey
    """Pinned by every device at its registration."""
    badges: Mapping[int, SigningKey]
    """By key id; the highest one issues, all of them verify."""
    cursor: bytes
    session: bytes
    """What the codes of sessions are made with."""

    @property
    def badge_id(self) -> int:
        """Say which key new badges are signed with."""
        return max(self.badges)

    @property
    def badge_keys(self) -> dict[int, VerifyKey]:
        """Return what badges are verified with."""
        return {id: key.verify_key for id, key in sorted(self.badges.items())}

    @property
    def site(self) -> str:
        """Name this gateway in topics; the same for as long as its key."""
        return hashlib.sha256(bytes(self.gateway.verify_key)).hexdigest()[:16]


def make() -> Keys:
    """Make new keys, kept nowhere."""
    return Keys(
        gateway=SigningKey.generate(),
        badges={1: SigningKey.generate()},
        cursor=nacl.utils.random(KEY_BYTES),
        session=nacl.utils.random(KEY_BYTES),
    )


def load(folder: Path) -> Keys:
    """Read the keys, and make those that are missing; raises KeyUnusable."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ids = [int(match[1]) for path in folder.iterdir() if (match := _BADGE_FILE.fullmatch(path.name))]
    return Keys(
        gateway=SigningKey(_secret(folder / "gateway.key")),
        badges={id: SigningKey(_secret(folder / f"badge-{id}.key")) for id in ids or [1]},
        cursor=_secret(folder / "cursor.key"),
        session=_secret(folder / "session.key"),
    )


def _secret(path: Path) -> bytes:
    with contextlib.suppress(FileExistsError):
        _write_new(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyExposed(f"{path} can be read by others than its owner: chmod 600, and think about a new key")
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyDamaged(f"{path} does not hold a key of {KEY_BYTES} bytes in base64")
    return secret


def _write_new(path: Path) -> None:
    # O_EXCL: of two programs that start at once, one makes the key and both read it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(nacl.utils.random(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
