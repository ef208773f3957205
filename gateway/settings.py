"""The gateway's settings: read once, from arguments, the environment and `gateway.toml`, in this order.

* SettingsError     a setting is wrong; the message names it
"""

import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    Field,
    FilePath,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

PREFIX = "TANDEM_GATEWAY_"
FILE = "gateway.toml"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104
PLAIN_MQTT, MQTT_OVER_TLS = 1883, 8883


class SettingsError(Exception):
    """A setting is wrong; correct it and start again."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone such as Asia/Shanghai") from None
    return name


Port = Annotated[int, Field(ge=0, le=65535)]
Zone = Annotated[str, AfterValidator(_zone)]
BrokerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]


def _broker_port(given: dict[str, Any]) -> int:
    return MQTT_OVER_TLS if given.get("broker_tls") or given.get("broker_listen") else PLAIN_MQTT


class GatewaySettings(BaseSettings):
    """Where the gateway keeps its data, where it listens, and what it tells its devices of the broker."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Path("data")
    """The folder of the database and of the keys."""
    database: str = ""
    """A SQLAlchemy address; empty for SQLite in the data folder."""
    host: str = "127.0.0.1"
    port: Port = 8080
    cert: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    """A proxy in front of us ends TLS and sets X-Forwarded-For, -Proto and -Host."""
    public_url: str = ""
    """How browsers and devices reach us; empty for the address that we listen on."""
    broker_listen: str = ""
    """Where `tandem up` lets kiosks on other machines come to its broker, over TLS; empty for this machine only."""
    broker_host: BrokerName = "127.0.0.1"
    """What kiosks are told: by this name or address they reach the broker, and its certificate must show it."""
    broker_tls: bool = False
    broker_port: Port = Field(default_factory=_broker_port)
    broker_cert: FilePath | None = None
    """Of the broker of `tandem up`; without one it makes an authority and a certificate of its own."""
    broker_key: FilePath | None = None
    broker_ca: FilePath | None = None
    """Who signed the broker's certificate, for kiosks; empty for what their system trusts."""
    broker_password: SecretStr | None = None
    """Of the gateway's own account at a broker that it does not run itself."""
    shared_addresses: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    """Networks that many people's phones come from, such as an office behind one address: there the address alone is
    no reason to ask whether one phone has checked in several people."""
    staff_pin: bool = False
    """Kiosks ask for a trainer's PIN after the staff badge, as long as they reach us to check it."""
    metrics_port: Port | None = None
    """Where monitoring on this machine reads /metrics and /health; none without it."""
    zone: Zone = "UTC"
    """The zone of the day's page while there is no region yet."""

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("begins with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_not_open(self) -> "GatewaySettings":
        if self.host not in LOOPBACK and not self.behind_proxy and not (self.cert and self.key):
            raise ValueError(f"host {self.host} is more than this machine: give cert and key, or behind_proxy")
        if bool(self.cert) != bool(self.key):
            raise ValueError("cert and key belong together")
        return self

    @model_validator(mode="after")
    def _leads_kiosks_to_the_broker(self) -> "GatewaySettings":
        if bool(self.broker_cert) != bool(self.broker_key):
            raise ValueError("broker_cert and broker_key belong together")
        if not self.broker_listen and self.broker_cert:
            raise ValueError("broker_cert is for kiosks on other machines: say in broker_listen where they come in")
        if self.broker_listen and self.broker_port == 0:
            raise ValueError("broker_port has to stay the same for kiosks on other machines, so it cannot be 0")
        if self.broker_listen in EVERY_ADDRESS and not self.tells_broker:
            raise ValueError("broker_listen needs broker_host: the name or address by which kiosks reach this machine")
        return self

    @property
    def tells_broker(self) -> bool:
        """Say whether somebody has chosen what kiosks are told of the broker."""
        return "broker_host" in self.model_fields_set

    @property
    def database_url(self) -> str:
        """Say where the ledger is."""
        return self.database or f"sqlite:///{self.data / 'ledger.sqlite'}"

    @property
    def secure(self) -> bool:
        """Say whether browsers reach us over TLS only."""
        return self.url.startswith("https://")

    @property
    def url(self) -> str:
        """Say how browsers and devices reach us."""
        if self.public_url:
            return self.public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.cert or self.behind_proxy else 'http'}://{host}:{self.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look into the data folder, which only the first two sources can name, for the file."""
        folder = init_settings().get("data") or env_settings().get("data") or cls.model_fields["data"].default
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(folder) / FILE)


def read(**given: Any) -> GatewaySettings:
    """Read the settings; what is given here (and is not None) goes before the environment and the file."""
    try:
        return GatewaySettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(_said(entry) for entry in error.errors())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE}: {error}") from None
    except SourceError as error:
        raise SettingsError(str(error)) from None


def _said(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    return f"{name} ({PREFIX}{name.upper()}): {message}" if name else message
