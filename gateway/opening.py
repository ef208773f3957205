"""Opens envelopes while the group before them is in the database; whose they are is settled only there."""

import logging
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from ledger.database import Ledger
from ledger.tables import DeviceRow
from protocol import envelope, topics
from protocol.envelope import Header
from protocol.records import KioskRecord
from protocol.registration import verify_key
from protocol.signing import Malformed, Unreadable

log = logging.getLogger(__name__)

KNOWN = 4096
"""Devices whose keys are remembered."""

key_of = lru_cache(KNOWN)(verify_key)  # reading a device's key costs a tenth of what a check with it does


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that this key has signed; it counts if the key is still its device's when the records are entered."""

    key: str
    header: Header
    found: tuple[tuple[bytes, KioskRecord | None], ...]
    """Each line, and its record if it can be read."""


def open_with(key: str, payload: bytes) -> Opened:
    """Check size, signature and form, and read the records; raises Unreadable."""
    sealed = envelope.unseal(payload, key_of(key))
    return Opened(key, sealed.header, tuple((line, _read(sealed, line)) for line in sealed.lines))


def _read(sealed: envelope.Envelope, line: bytes) -> KioskRecord | None:
    try:
        return sealed.record(line)
    except Malformed:
        return None


class Opener:
    """Opens by the keys that it has seen in the ledger; for one thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._key_of_device = lru_cache(KNOWN)(lambda device_id: _key_of_device(ledger, device_id))

    def open(self, topic: str, payload: bytes) -> Opened | None:
        """Open an envelope, or leave it to whoever enters it: nothing is decided here."""
        _, device_id, leaf = topics.parts(topic) or ("", "", "")
        if leaf != "up":
            return None
        try:
            return open_with(self._key_of_device(device_id), payload)
        except Unreadable:
            return None
        except Exception:
            log.debug("an envelope is opened when it is entered", exc_info=True)
            return None


def _key_of_device(ledger: Ledger, device_id: str) -> str:
    """Look a key up; raises NoResultFound, so that a device that is registered a moment later is found then."""
    with ledger.read() as db:
        return db.scalars(sa.select(DeviceRow.signing_key).where(DeviceRow.id == device_id)).one()
