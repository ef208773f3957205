"""Topic names: `tandem/v1/<site>/<device>/<leaf>`."""

import re
from typing import Literal

Leaf = Literal["up", "receipt", "config", "command", "state"]

WRITTEN_BY_DEVICE: tuple[Leaf, ...] = ("up", "state")
READ_BY_DEVICE: tuple[Leaf, ...] = ("receipt", "config", "command")
EVERY_UP = "tandem/v1/+/+/up"
EVERY_STATE = "tandem/v1/+/+/state"

_TOPIC = re.compile(r"tandem/v1/([a-z0-9]{16,32})/([a-z0-9]{16,32})/(up|receipt|config|command|state)")


def topic(site: str, device: str, leaf: Leaf) -> str:
    """Name a topic of one device."""
    return f"tandem/v1/{site}/{device}/{leaf}"


def parts(name: str) -> tuple[str, str, str] | None:
    """Take site, device and leaf out of a topic; None if it is not one of ours."""
    match = _TOPIC.fullmatch(name)
    return (match[1], match[2], match[3]) if match else None


def may(device: str, name: str, *, write: bool) -> bool:
    """Say whether this device may write to or read from a topic."""
    found = parts(name)
    return found is not None and found[1] == device and found[2] in (WRITTEN_BY_DEVICE if write else READ_BY_DEVICE)
