"""The site's other kiosks that somebody here has vouched for: faces go to nobody else, and come from nobody else.

* TrustError
  + NoSuchKiosk          the gateway names no such kiosk to share with
  + NotTrusted           nobody here has vouched for such a kiosk
  + FingerprintsDiffer   the keys that the gateway has are not those that the other kiosk shows
  + TrustDamaged         the file cannot be read
"""

import hmac
from pathlib import Path
from typing import Final

from kiosk.keeping import keep
from protocol.boxes import Neighbours
from protocol.signing import Unreadable
from protocol.wire import TopicId, Wire

FILE: Final = "trusted-kiosks.json"


class TrustError(Exception):
    """Another kiosk is not trusted."""


class NoSuchKiosk(TrustError):
    """The gateway names no such kiosk to share faces with."""


class NotTrusted(TrustError):
    """No such kiosk is trusted here: `tandem kiosk share list` shows those that are."""


class FingerprintsDiffer(TrustError):
    """The gateway has other keys of that kiosk than you typed: type what `tandem kiosk share list` shows there."""


class TrustDamaged(TrustError):
    """The list of trusted kiosks cannot be read: remove the file, and trust them again."""


class _Kiosk(Wire):
    device: TopicId
    fingerprint: str


class _Kiosks(Wire):
    kiosks: tuple[_Kiosk, ...] = ()


def trusted(folder: Path) -> dict[str, str]:
    """Return the fingerprints of the trusted kiosks by device id; raises TrustDamaged."""
    path = folder / FILE
    try:
        return {kiosk.device: kiosk.fingerprint for kiosk in _Kiosks.read(path.read_bytes()).kiosks}
    except FileNotFoundError:
        return {}
    except Unreadable:
        raise TrustDamaged(f"{TrustDamaged.__doc__} ({path})") from None


def trust(folder: Path, neighbours: Neighbours, device: str, typed: str) -> None:
    """Trust a kiosk by the digits that it shows itself; raises NoSuchKiosk, FingerprintsDiffer or TrustDamaged."""
    known = {kiosk.device: kiosk for kiosk in neighbours.kiosks}
    if device not in known:
        raise NoSuchKiosk(
            f"the gateway names no kiosk {device} to share faces with: it has to be confirmed, in the same region, and"
            " set up with --faces --share-faces, and so has this one"
        )
    found = known[device].fingerprint
    if not hmac.compare_digest(_hex(found), _hex(typed)):
        raise FingerprintsDiffer(
            f"{FingerprintsDiffer.__doc__} If you did, somebody has swapped them at the gateway or on the way to it:"
            " do not share faces, and tell whoever runs the gateway."
        )
    _save(folder, trusted(folder) | {device: found})


def distrust(folder: Path, device: str) -> None:
    """Share with a kiosk no longer; what came from it is forgotten within a minute. Raises NotTrusted or TrustDamaged.

    An id that was mistyped must not pass for done: the kiosk that was meant would go on getting faces.
    """
    before = trusted(folder)
    if device not in before:
        raise NotTrusted(f"no kiosk {device} is trusted here: `tandem kiosk share list` shows those that are")
    _save(folder, {known: digits for known, digits in before.items() if known != device})


def _save(folder: Path, kiosks: dict[str, str]) -> None:
    entries = tuple(_Kiosk(device=device, fingerprint=digits) for device, digits in sorted(kiosks.items()))
    keep(folder / FILE, _Kiosks(kiosks=entries).line())


def _hex(fingerprint: str) -> str:
    return "".join(letter for letter in fingerprint.lower() if letter in "0123456789abcdef")
