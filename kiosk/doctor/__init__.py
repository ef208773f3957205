"""Looks a station over before people come, or while they do: what works, what does not, and what to do about it."""

from collections.abc import Callable, Iterator

import httpx2

from kiosk.asking import gateway_client
from kiosk.broker import Connect, PahoConnection
from kiosk.clock import KioskClock
from kiosk.doctor import lines, sight, storage
from kiosk.doctor.findings import Finding, safely
from kiosk.doctor.running import Running, find_running
from kiosk.faces.engine import FaceEngine
from kiosk.faces.engines import open_engine
from kiosk.settings import KioskSettings
from kiosk.source import Source
from kiosk.sources import open_sources

__all__ = ["Finding", "examine"]


def examine(
    settings: KioskSettings,
    clock: KioskClock,
    *,
    badge: bool = False,
    engine: Callable[[KioskSettings], FaceEngine] = open_engine,
    sources: Callable[[KioskSettings], list[Source]] = open_sources,
    client: Callable[[str], httpx2.Client] = gateway_client,
    connect: Connect = PahoConnection,
    running: Callable[[KioskSettings], Running | None] = find_running,
) -> Iterator[Finding]:
    """Check one thing after the other; `badge` asks for one to be held up. A running station is not disturbed."""
    there = running(settings)
    if there:
        yield lines.station(there)
    opened = [there.picture()] if there else sources(settings)
    yield from safely("camera", sight.examine(opened, badge=badge))
    yield from safely("faces", sight.faces(lambda: engine(settings)))
    yield from safely("clock", lines.clock(clock.state()))
    yield from safely("disk", storage.disk(settings.data))
    identity, found = storage.identity(settings.data)
    yield from found
    if identity is None:
        return
    yield from safely("outbox", storage.outbox(settings.data, identity, running=there is not None, now=clock.now()))
    address = settings.gateway or identity.gateway
    yield from safely("gateway", lines.gateway(identity, client(address), now=clock.now))
    yield from safely("broker", lines.broker(identity, connect, there))
