"""Everything on one machine: broker, ingest, watch, pages and API as threads of one process."""

import logging
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from prometheus_client.registry import Collector

from gateway import admin, devices, figures, keys
from gateway.clock import Clock
from gateway.devices import password_hash
from gateway.import_desk import Desk
from gateway.reception import BrokerAddress, Reception
from gateway.settings import MQTT_OVER_TLS, PLAIN_MQTT, GatewaySettings
from gateway.watch import Watch
from gateway.web import DESK, create_app
from ledger.database import Ledger
from sync.archives import open_archives
from sync.run import Sync
from sync.settings import ArchiveSettings
from tandem import certificates
from tandem.acts import table
from tandem.broker import BrokerError, EmbeddedBroker, Mosquitto, Outward, free_port
from tandem.collector import look_less
from tandem.control import Control
from tandem.embedded import GATEWAY
from tandem.serving import Served

log = logging.getLogger(__name__)

SCHEMES = ("mqtt://", "mqtts://")
HOW_TO_WRITE = (
    "a broker's address is mqtts://user:password@host:port, or mqtt:// without TLS; "
    "the password may stand in TANDEM_GATEWAY_BROKER_PASSWORD instead"
)
READY = 10
"""Seconds that the gateway may take to reach its broker."""


class _Broker(Protocol):
    host: str
    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def refresh(self) -> None: ...


class Machine:
    """A running Tandem; `start` and `stop` it once."""

    def __init__(
        self,
        settings: GatewaySettings,
        clock: Clock,
        *,
        broker: str = "embedded",
        every: float = 1.0,
        archives: Sequence[ArchiveSettings] = (),
        luck: Callable[[], float] = random.random,
    ) -> None:
        """Open the ledger, the keys and the archives; raises LedgerError, KeyUnusable, BrokerError or ArchiveError."""
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock, self._password = clock, secrets.token_urlsafe(32)
        self._gateway_hash = password_hash(self._password, salt=secrets.token_bytes(12))
        self.keys = keys.load(settings.data / "keys")
        self.ledger = Ledger(settings.database_url)
        self._broker, address, told = self._make_broker(broker, settings)
        port = settings.port or free_port(settings.host)
        self.settings = settings.model_copy(update={"port": port} | told)
        app = create_app(self.ledger, self.keys, self.settings, clock)
        self._desk: Desk = app.extensions[DESK]
        self._web = Served(app, host=settings.host, port=port, cert=settings.cert, key=settings.key)
        self._reception = Reception(self.ledger, self.keys.gateway, address, clock)
        self.watch = Watch(self.ledger, clock, every=every)
        self.archives = open_archives(archives, self.ledger, clock)
        self._sync = Sync(self.ledger, self.archives, clock, every=every, luck=luck)
        self.acts = table(self.ledger, self.keys, self.settings, clock, self._desk)
        self._control = Control(settings.data, self.acts)
        self._stopping = threading.Event()
        self._refresher = threading.Thread(target=self._keep_accounts, name="accounts")

    def start(self) -> None:
        """Bring everything up, or nothing; raises BrokerError or CannotListen."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        look_less()
        # First, because its port is the one that somebody else may have.
        self._web.start()
        if self._broker:
            self._broker.start()
        self._refresher.start()
        self._reception.start()
        self.watch.start()
        self._sync.start()
        self._control.start()
        if not self._reception.subscribed.wait(READY):
            raise BrokerError("the gateway cannot reach its broker, or is not let in")

    def stop(self) -> None:
        """Take down whatever is up, the doors first."""
        self._stopping.set()
        self._control.stop()
        self._web.stop()
        self._desk.stop()
        self._reception.stop()
        self.watch.stop()
        self._sync.stop()
        if self._refresher.ident:
            self._refresher.join(5)
        if self._broker:
            self._broker.stop()
        self.ledger.close()

    def figures(self) -> list[Collector]:
        """Return what monitoring reads of it."""
        return [figures.LedgerFigures(self.ledger, self._clock), figures.ReceptionFigures(self._reception)]

    def health(self) -> tuple[dict[str, Any], int]:
        """Say whether everything works: an answer in JSON, and 200 or 503."""
        checks = (
            figures.check_database(self.ledger),
            figures.check_ingest(self._reception),
            figures.check_watch(self.watch, self._clock()),
        )
        return figures.health(checks)

    @property
    def url(self) -> str:
        """Where the pages and the API are."""
        return self.settings.url

    def set_up_link(self) -> str | None:
        """Make the link for the first admin; None when there is one already."""
        with self.ledger.begin() as db:
            link = admin.set_up_link(db, self.settings, now=self._clock())
        return link["url"] if link else None

    def _make_broker(
        self, kind: str, settings: GatewaySettings
    ) -> tuple[_Broker | None, BrokerAddress, dict[str, Any]]:
        """Make the broker, say how the gateway reaches it, and what its devices are told of it."""
        if kind.startswith(SCHEMES):
            address = outside(kind, settings)
            there = {"broker_host": address.host, "broker_port": address.port, "broker_tls": address.tls}
            return None, address, {} if settings.tells_broker else there
        if kind not in ("embedded", "mosquitto"):
            raise BrokerError(f"--broker is embedded, mosquitto or mqtts://user:password@host:port, not {kind!r}")
        outward, told = _outward(settings)
        accounts, folder = self._accounts, settings.data / "mosquitto"
        broker: _Broker = (
            EmbeddedBroker(accounts, outward=outward)
            if kind == "embedded"
            else Mosquitto(accounts, folder, outward=outward)
        )
        address = BrokerAddress(
            host=broker.host,
            port=broker.port,
            username=GATEWAY,
            password=self._password,
            is_old=kind == "embedded",
        )
        return broker, address, told or {"broker_host": address.host, "broker_port": address.port, "broker_tls": False}

    def _accounts(self) -> Mapping[str, str]:
        """List who may come to the broker: the gateway, and every confirmed device that was not revoked."""
        with self.ledger.read() as db:
            return devices.accounts(db) | {GATEWAY: self._gateway_hash}

    def _keep_accounts(self) -> None:
        while self._broker and not self._stopping.wait(0.5):
            try:
                self._broker.refresh()
            except Exception:
                log.exception("the broker's accounts cannot be written; the next turn tries again")


def _outward(settings: GatewaySettings) -> tuple[Outward | None, dict[str, Any]]:
    """Say where kiosks on other machines come in, and what they are told; raises CertificateNotMade."""
    if not (host := settings.broker_listen):
        return None, {}
    told: dict[str, Any] = {"broker_tls": True}
    if not settings.tells_broker:
        told["broker_host"] = host
    if settings.broker_cert and settings.broker_key:
        return Outward(host=host, port=settings.broker_port, cert=settings.broker_cert, key=settings.broker_key), told
    made = certificates.make(settings.data / "broker-tls", told.get("broker_host", settings.broker_host))
    told["broker_ca"] = made.authority
    return Outward(host=host, port=settings.broker_port, cert=made.cert, key=made.key), told


def outside(url: str, settings: GatewaySettings) -> BrokerAddress:
    """Read the address of a broker that we do not run; raises BrokerError."""
    try:
        parts = urlsplit(url)
        port = parts.port or (MQTT_OVER_TLS if parts.scheme == "mqtts" else PLAIN_MQTT)
    except ValueError as error:
        raise BrokerError(f"{error}: {HOW_TO_WRITE}") from None
    password = unquote(parts.password or "") or (
        settings.broker_password.get_secret_value() if settings.broker_password else ""
    )
    if parts.scheme not in ("mqtt", "mqtts") or not (parts.hostname and parts.username and password):
        raise BrokerError(HOW_TO_WRITE)
    return BrokerAddress(
        host=parts.hostname,
        port=port,
        username=unquote(parts.username),
        password=password,
        tls=parts.scheme == "mqtts",
        ca=settings.broker_ca.read_text() if settings.broker_ca else "",
    )
