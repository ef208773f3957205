"""The kiosk of the sample company: a real station on a cable that can be pulled and a plug that can be drawn."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from kiosk.asking import gateway_client
from kiosk.broker import PahoConnection
from kiosk.clock import KioskClock
from kiosk.faces.engine import DlibFaces, FaceEngine
from kiosk.faces.gallery import Gallery
from kiosk.identity import Identity
from kiosk.look import Look
from kiosk.outbox import FILE, Outbox
from kiosk.registration import register, standing
from kiosk.screen import create_screen
from kiosk.source import Easel
from kiosk.station import Station
from protocol.registration import BrokerAccount
from tandem.broker import free_port
from tandem.demo import pictures
from tandem.demo.cable import Cable
from tandem.demo.clock import DayClock
from tandem.demo.company import CONSENT, ROOM, ZONE, Company
from tandem.serving import Served
from tandem.up import Machine

MakeOutbox = Callable[..., Outbox]


class Door:
    """One kiosk at the door of room A 201."""

    def __init__(
        self, machine: Machine, clock: DayClock, folder: Path, *, screen_port: int = 0, make_outbox: MakeOutbox = Outbox
    ) -> None:
        self._clock, self._folder, self._make_outbox = clock, folder, make_outbox
        # Chosen once: after the power cut the screen comes back under its address.
        self._screen_port = screen_port or free_port("127.0.0.1")
        self._to_gateway = Cable(machine.settings.port)
        self._to_broker = Cable(machine.settings.broker_port)
        self._engine: FaceEngine = DlibFaces()
        self.easel = Easel()
        self.station: Station
        self.screen: Served

    def install(self, machine: Machine, company: Company) -> None:
        """Register the kiosk as an admin and a technician would, and enrol the one face."""
        self._to_gateway.start()
        self._to_broker.start()
        url = f"http://127.0.0.1:{self._to_gateway.port}"
        code = machine.acts["device code"](room=ROOM)["code"]
        identity = register(url, code, name="Door A 201", data_dir=self._folder)
        machine.acts["device confirm"](device=identity.device, fingerprint=identity.fingerprint)
        machine.acts["device set-up"](device=identity.device, faces=True)
        with gateway_client(url) as client:
            standing(identity, client, at=self._clock.now()).save(self._folder)
        self._enrol(identity, company)

    def power_up(self) -> None:
        """Start the station and its screen."""
        identity = Identity.load(self._folder)
        gallery = Gallery(self._folder / "gallery.db", identity.gallery_key)
        clock = KioskClock(now=self._clock.now, monotonic=self._clock.monotonic, boot=uuid4(), state=lambda: "synced")
        self.easel = Easel()
        self.easel.show(pictures.empty_frame(0))
        self.station = Station(
            identity,
            folder=self._folder,
            sources=[self.easel],
            clock=clock,
            # The people of the sample day are still pictures: they cannot do what a challenge asks.
            look=Look(self._engine, gallery, challenge=False),
            gallery=gallery,
            outbox=self._make_outbox(self._folder / FILE, stream=identity.stream),
            connect=self._connect,
            frame_time=self._clock.monotonic,
            # One kiosk has no crowd to spread, and nobody wants to watch it wait.
            luck=lambda: 0.02,
        )
        screen = create_screen(self.station, language="en", now=self._clock.now, zone=ZONE)
        self.screen = Served(screen, host="127.0.0.1", port=self._screen_port)
        self.station.start()
        self.screen.start()

    def power_cut(self) -> None:
        """Draw the plug: nobody gets to finish anything."""
        self.station.power_cut()
        self.screen.stop()

    def cut(self) -> None:
        """Pull the network cables."""
        self._to_gateway.cut()
        self._to_broker.cut()

    def mend(self) -> None:
        """Put them back."""
        self._to_gateway.mend()
        self._to_broker.mend()

    def close(self) -> None:
        """Take the kiosk down in order."""
        self.station.stop()
        self.screen.stop()
        self._to_gateway.stop()
        self._to_broker.stop()

    def _connect(self, account: BrokerAccount, subscribe: Sequence[str]) -> PahoConnection:
        return PahoConnection(account.model_copy(update={"port": self._to_broker.port}), subscribe)

    def _enrol(self, identity: Identity, company: Company) -> None:
        gallery = Gallery(self._folder / "gallery.db", identity.gallery_key)
        frames = [pictures.face_frame("hopper", seed=seed) for seed in (101, 102, 103)]
        encodings = [self._engine.encode(frame, self._engine.find(frame)[0]) for frame in frames]
        gallery.enrol(company.ids["bo"], encodings, consent=CONSENT)
        gallery.close()
