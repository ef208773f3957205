"""A station that runs on the same data: it holds the camera, the outbox and the account at the broker."""

import fcntl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import httpx2
import numpy as np

from kiosk.outbox import FILE as OUTBOX
from kiosk.picture import Image
from kiosk.settings import KioskSettings
from kiosk.source import CAMERA_LOST, Frame, Trouble

PATIENCE = 5.0  # seconds
PACE = timedelta(milliseconds=100)
DARK = "the running station has no picture to show"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running station tells those who ask on this machine."""

    url: str

    def health(self) -> dict[str, Any]:
        """Ask how it is; nothing where it does not answer."""
        with suppress(httpx2.HTTPError, ValueError), self._client() as client:
            said = client.get("/health").json()
            return said if isinstance(said, dict) else {}
        return {}

    def picture(self) -> "Peephole":
        """Look through its camera, which nobody else can open meanwhile."""
        return Peephole(self._client())

    def _client(self) -> httpx2.Client:
        # Not through a proxy that the environment may name: the station is on this machine.
        return httpx2.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)


class Peephole:
    """The picture on a running station's screen, as a source; it may be mirrored, which codes do not mind."""

    lost_code = CAMERA_LOST

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Trouble]:
        number = 0
        while not self._closed.is_set():
            image = self._picture()
            if image is None:
                yield Trouble(where="screen", why=DARK)
            else:
                yield Frame(image=image, number=number)
                number += 1
            self._closed.wait(PACE.total_seconds())

    def close(self) -> None:
        self._closed.set()
        self._client.close()

    def _picture(self) -> Image | None:
        try:
            response = self._client.get("/picture.jpg")
        except httpx2.HTTPError:
            return None
        decoded = cv2.imdecode(np.frombuffer(response.content or b"\0", np.uint8), cv2.IMREAD_COLOR)
        return None if decoded is None else np.asarray(decoded, np.uint8)


def find_running(settings: KioskSettings) -> Running | None:
    """Say whether a station runs on this data."""
    if not _is_held((settings.data / OUTBOX).with_suffix(".lock")):
        return None
    return Running(url=f"http://{settings.screen_host}:{settings.screen_port}")


def _is_held(guard: Path) -> bool:
    # A station that begins in this very moment is refused, and begins again two seconds later.
    try:
        with guard.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
