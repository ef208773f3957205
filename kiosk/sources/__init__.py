"""Every kind of source, and how the settings name it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from kiosk.settings import KioskSettings
from kiosk.source import Source
from kiosk.sources.camera import Camera, device, stream
from kiosk.sources.folder import Folder, Video
from kiosk.sources.scanner import Lines, Scanner


def open_sources(settings: KioskSettings) -> list[Source]:
    """Open what the setting `source` names, in its order."""
    return [_opened(text, settings) for text in settings.sources]


def _opened(text: str, settings: KioskSettings) -> Source:
    kind, _, where = text.partition(":")
    return KINDS.get(kind, _stream)(where if kind in KINDS else text, settings)


def _camera(where: str, settings: KioskSettings) -> Source:
    size = {"width": settings.camera_width, "height": settings.camera_height}
    return Camera(int(where), open_capture=partial(device, int(where), **size), rotate=settings.rotate)


def _stream(address: str, settings: KioskSettings) -> Source:
    return Camera(address, open_capture=partial(stream, address), rotate=settings.rotate)


KINDS: dict[str, Callable[[str, KioskSettings], Source]] = {
    "camera": _camera,
    "folder": lambda where, _: Folder(Path(where), repeat=True),
    "video": lambda where, _: Video(Path(where), repeat=True),
    "scanner": lambda where, _: Scanner(Path(where)),
    "stdin": lambda *_: Lines(),
}
