"""A station is put together from its settings and from what lies in its data folder."""

import logging
import time
from pathlib import Path

from kiosk.clock import KioskClock
from kiosk.faces.engine import FaceEngine, FaceEngineMissing
from kiosk.faces.engines import open_engine
from kiosk.faces.enrolling import Enrolling
from kiosk.faces.gallery import FILE as GALLERY
from kiosk.faces.gallery import Gallery, GalleryLocked
from kiosk.faces.sharing import Sharing
from kiosk.identity import Identity, stay_here, this_machine
from kiosk.look import Look
from kiosk.outbox import FILE as OUTBOX
from kiosk.outbox import OutboxUnsafe
from kiosk.settings import KioskSettings
from kiosk.sources import open_sources
from kiosk.station import Station

log = logging.getLogger(__name__)


def open_station(settings: KioskSettings, clock: KioskClock) -> Station:
    """Put a station together from its settings; raises IdentityError, OutboxError or ModelUnusable."""
    identity = Identity.load(settings.data)
    stay_here(settings.data, this_machine())
    _assert_not_forgotten(identity, settings.data / OUTBOX)
    if settings.gateway:
        identity = identity.model_copy(update={"gateway": settings.gateway})
    engine, mirror = _installed_engine(settings), settings.mirror
    sources = open_sources(settings)
    if engine is None:
        return Station(identity, folder=settings.data, sources=sources, clock=clock, mirror=mirror)
    gallery = _opened(settings, identity, clock, engine)
    if gallery is None:
        return Station(identity, folder=settings.data, sources=sources, clock=clock, mirror=mirror)
    threshold, margin = settings.threshold, settings.margin
    return Station(
        identity,
        folder=settings.data,
        sources=sources,
        clock=clock,
        look=Look(engine, gallery, threshold=threshold, margin=margin, challenge=settings.challenge),
        gallery=gallery,
        enrolling=Enrolling(engine, gallery, time=time.monotonic, threshold=threshold, margin=margin),
        sharing=Sharing(gallery, engine.name, folder=settings.data, key=identity.gallery_key),
        mirror=mirror,
    )


def _assert_not_forgotten(identity: Identity, path: Path) -> None:
    """Refuse an outbox that is gone: an empty one would begin at 1, and the gateway has other check-ins there."""
    if identity.account is not None and not path.exists():
        raise OutboxUnsafe(f"{path} is missing: put it back, or register this kiosk anew")


def _opened(settings: KioskSettings, identity: Identity, clock: KioskClock, engine: FaceEngine) -> Gallery | None:
    try:
        return Gallery(settings.data / GALLERY, identity.gallery_key, now=clock.now, engine=engine.name)
    except GalleryLocked as error:
        # Faces are an extra; a damaged file of theirs must not close the door for badges.
        log.error("this station works by badge until that is mended: %s", error)
        return None


def _installed_engine(settings: KioskSettings) -> FaceEngine | None:
    try:
        return open_engine(settings)
    except FaceEngineMissing:
        log.info("no face engine is installed: this station works by badge")
        return None
