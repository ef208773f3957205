"""Today's roster across a restart of the program: encrypted on the disk, under a key that only memory holds.

A power cut takes the key, and with it the roster: a stolen kiosk tells nobody who was expected.
"""

import logging
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

from kiosk.keeping import keep
from protocol.roster import Roster
from protocol.signing import Unreadable

log = logging.getLogger(__name__)

FILE = "roster.sealed"
KEY = "roster.key"
RUNTIME = "RUNTIME_DIRECTORY"
"""Where systemd names a folder in memory that is this service's own, and outlives its restart."""
MOUNTS = Path("/proc/self/mounts")
IN_MEMORY = ("ramfs", "tmpfs")


class Recall:
    """Keeps one roster; without a place in memory for the key it keeps none."""

    def __init__(self, folder: Path, runtime: Path | None = None) -> None:
        self._path = folder / FILE
        place = runtime or _runtime()
        self._box = SecretBox(_key(place / KEY)) if place else None

    def keep(self, roster: Roster) -> None:
        """Write the roster in place of the last one; without room for it, a restart begins without a roster."""
        if self._box is None:
            return
        try:
            keep(self._path, self._box.encrypt(roster.line()))
        except OSError as error:
            log.warning("the roster is not kept for a restart: %s", error.strerror)
            self.forget()

    def roster(self, now: datetime) -> Roster | None:
        """Read the roster, if its lease still runs; what cannot be read any more is removed."""
        found = self._read()
        if found and now <= found.good_until:
            return found
        self.forget()
        return None

    def forget(self) -> None:
        """Remove the roster."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> Roster | None:
        try:
            return Roster.read(self._box.decrypt(self._path.read_bytes())) if self._box else None
        except (OSError, CryptoError, ValueError, Unreadable):
            return None


def _runtime() -> Path | None:
    """Find the folder that the service was given, if it is in memory."""
    named = os.environ.get(RUNTIME, "").partition(":")[0]
    if not named:
        return None
    place = Path(named).resolve()
    if _is_in_memory(place):
        return place
    log.warning("%s is not in memory: after a restart the roster is pulled anew", place)
    return None


def _is_in_memory(place: Path, mounts: Path = MOUNTS) -> bool:
    """Look at what the deepest mount above this place is."""
    try:
        found = [line.split(" ")[1:3] for line in mounts.read_text().splitlines()]
    except OSError:
        return False
    above = [(where, kind) for where, kind in found if place.is_relative_to(where)]
    return bool(above) and max(above, key=lambda mount: len(mount[0]))[1] in IN_MEMORY


def _key(path: Path) -> bytes:
    with suppress(OSError):
        key = path.read_bytes()
        if len(key) == SecretBox.KEY_SIZE:
            return key
    key = random(SecretBox.KEY_SIZE)
    keep(path, key)
    return key
