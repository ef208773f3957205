"""The kiosk's settings: read once, from arguments, the environment and `kiosk.toml`, in this order.

* SettingsError    a setting is wrong; the message names it
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as _SourceError,
)

from kiosk.gallery import MARGIN, THRESHOLD

PREFIX = "TANDEM_KIOSK_"
FILE = "kiosk.toml"
ADDRESSES = ("http://", "https://")
STREAMS = ("rtsp://", "rtsps://", *ADDRESSES)


class SettingsError(Exception):
    """A setting is wrong; correct it and start again."""


class KioskSettings(BaseSettings):
    """Where the kiosk keeps its data, what it looks through, and how it speaks to people."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Path("kiosk-data")
    """The folder of the outbox and of the keys."""
    gateway: str = ""
    """The gateway's address; empty for the one that the kiosk was registered at."""
    name: str = Field(default="kiosk", min_length=1, max_length=80)
    """How the kiosk introduces itself when it is registered."""
    source: str = "camera:0"
    """`camera:0`, `folder:PATH`, or the address of a network camera."""
    language: Literal["en", "zh"] = "en"
    screen_host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    """The page shows the camera's picture and asks nobody who they are: it is for this machine only."""
    screen_port: Annotated[int, Field(ge=0, le=65535)] = 8090
    threshold: Annotated[float, Field(gt=0, lt=1)] = THRESHOLD
    """The distance up to which two faces may be one person's."""
    margin: Annotated[float, Field(ge=0, lt=1)] = MARGIN
    """How much further away the second-best person has to be."""

    @field_validator("gateway")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(ADDRESSES):
            raise ValueError("begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("source")
    @classmethod
    def _is_a_source(cls, value: str) -> str:
        kind, _, where = value.partition(":")
        good = where.isdecimal() if kind == "camera" else bool(where) if kind == "folder" else value.startswith(STREAMS)
        if not good:
            raise ValueError("is camera:NUMBER, folder:PATH, or an address that begins with rtsp:// or http://")
        return value

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


def read(**given: Any) -> KioskSettings:
    """Read the settings; what is given here (and is not None) goes before the environment and the file."""
    try:
        return KioskSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(_said(entry) for entry in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE}: {error}") from None
    except _SourceError as error:
        raise SettingsError(str(error)) from None


def _said(error: Any) -> str:
    name = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    return f"{name} ({PREFIX}{name.upper()}): {message}"
