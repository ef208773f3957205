"""The kiosk's settings: read once, from arguments, the environment and `kiosk.toml`, in this order.

* SettingsError    a setting is wrong; the message names it
"""

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import httpx2
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as _SourceError,
)

from kiosk.faces.gallery import MARGIN, THRESHOLD

PREFIX = "TANDEM_KIOSK_"
FILE = "kiosk.toml"
ADDRESSES = ("http://", "https://")
STREAMS = ("rtsp://", "rtsps://", *ADDRESSES)
MOST_SOURCES = 8
A_SOURCE = "is camera:NUMBER, an address that begins with rtsp:// or http://, video:PATH, folder:PATH, "
A_SOURCE += "scanner:/dev/input/by-id/NAME or stdin, or a list of such; @ : / ? # in a password are %40 %3A %2F %3F %23"
AN_ADDRESS = "names a host, and perhaps a port from 1 to 65535, such as https://gateway.example:8443"
TYPES: dict[type, str] = {
    bool: "true or false, without quotation marks",
    int: "a whole number, without quotation marks",
    float: "a number, without quotation marks",
    str: "a text in quotation marks",
}
"""What a setting in the file looks like."""
NOT_HERE = "the file lies in this folder, and cannot name it: give --data, or set the environment"


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
    source: str | tuple[str, ...] = Field(default="camera:0", repr=False)  # an address may hold a password
    """One of `camera:NUMBER`, a network camera's address, `video:PATH` and `folder:PATH`; scanners beside it."""
    camera_width: Annotated[int, Field(ge=160, le=3840)] = 1280
    camera_height: Annotated[int, Field(ge=120, le=2160)] = 720
    """What a camera of this machine is asked for; it gives what it can."""
    rotate: int = 0
    """Degrees clockwise by which the camera's picture is turned: the camera may be mounted on its side."""
    mirror: bool = True
    """People find themselves in a mirror; only the screen shows it so."""
    sound: bool = True
    language: Literal["en", "zh"] = "en"
    screen_host: Literal["127.0.0.1", "localhost"] = "127.0.0.1"
    """The page shows the camera's picture and asks nobody who they are: it is for this machine only."""
    screen_port: Annotated[int, Field(ge=0, le=65535)] = 8090
    threshold: Annotated[float, Field(gt=0, lt=1)] = THRESHOLD
    """The distance up to which two faces may be one person's."""
    margin: Annotated[float, Field(ge=0, lt=1)] = MARGIN
    """How much further away the second-best person has to be."""
    challenge: bool = True
    """Where a face is the only factor, ask for a blink or a turn of the head."""
    face_engine: Literal["dlib", "sface"] = "dlib"
    detector_model: Path | None = Field(default=None, validate_default=True)
    recognizer_model: Path | None = Field(default=None, validate_default=True)
    """The two files of `sface`."""
    dlib_model: Path | None = None
    """A recognition model in dlib's format, in place of the one that face_recognition brings along."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source, one or several."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @field_validator("gateway")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(ADDRESSES):
            raise ValueError("begins with http:// or https://")
        if value and not (_has_host(value) and _can_be_asked(value)):
            raise ValueError(AN_ADDRESS)
        return value.rstrip("/")

    @field_validator("source", mode="before")
    @classmethod
    def _are_sources(cls, value: Any) -> str | tuple[str, ...]:
        texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list | tuple) else ()
        if not texts or not all(isinstance(text, str) and _is_source(text) for text in texts):
            raise ValueError(A_SOURCE)
        if len(texts) > MOST_SOURCES or len(set(texts)) < len(texts):
            raise ValueError(f"names each source once, {MOST_SOURCES} at most")
        if sum(not text.startswith(("scanner:", "stdin")) for text in texts) > 1:
            raise ValueError("has one picture at most, any other is a scanner: a second camera is a second kiosk")
        return value if isinstance(value, str) else texts

    @field_validator("rotate")
    @classmethod
    def _is_a_quarter_turn(cls, value: int) -> int:
        if value not in (0, 90, 180, 270):
            raise ValueError("is 0, 90, 180 or 270")
        return value

    @field_validator("detector_model", "recognizer_model", "dlib_model", mode="before")
    @classmethod
    def _is_a_path_or_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("detector_model", "recognizer_model", "dlib_model")
    @classmethod
    def _is_a_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.field_name != "dlib_model" and info.data.get("face_engine") == "sface":
            raise ValueError('is needed for face_engine = "sface"')
        if value is not None and not value.is_file():
            raise ValueError("names a file that is not there")
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
        return init_settings, env_settings, _File(settings_cls, Path(folder) / FILE)


class _File(TomlConfigSettingsSource):
    """The file, in which a value has the type that is written there; in the environment everything is text."""

    def __call__(self) -> dict[str, Any]:
        found = super().__call__()
        wrong = [_named(name, f"is {TYPES[kind]}") for name, kind in _types().items() if not _is(found.get(name), kind)]
        if "data" in found:
            wrong.insert(0, _named("data", NOT_HERE))
        if wrong:
            raise SettingsError("; ".join(wrong))
        return found


def _types() -> dict[str, type]:
    """Say which type each setting has in the file; `source`, which may be a list, looks for itself."""
    defaults = {name: field.default for name, field in KioskSettings.model_fields.items() if name != "source"}
    return {name: type(value) if type(value) in TYPES else str for name, value in defaults.items()}


def _is(value: Any, kind: type) -> bool:
    # Not isinstance: to Python, true is a number.
    return value is None or type(value) is kind or (kind is float and type(value) is int)


def read(**given: Any) -> KioskSettings:
    """Read the settings; what is given here (and is not None) goes before the environment and the file."""
    _assert_known(os.environ)
    try:
        return KioskSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(_said(entry) for entry in error.errors())) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE}: {error}") from None
    except _SourceError as error:
        raise SettingsError(str(error)) from None


def _assert_known(names: Iterable[str]) -> None:
    """Refuse a slip of the pen in the environment, as in the file: otherwise it would pass for the default."""
    known = {PREFIX + name.upper() for name in KioskSettings.model_fields}
    unknown = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise SettingsError(f"{unknown[0]}: there is no such setting")


def _is_source(text: str) -> bool:
    kind, _, where = text.partition(":")
    match kind:
        case "camera":
            return re.fullmatch(r"[0-9]{1,2}", where) is not None
        case "folder" | "video":
            return bool(where)
        case "scanner":
            return where.startswith("/")
        case "stdin":
            return text == "stdin"
    return text.startswith(STREAMS) and _has_host(text)


def _has_host(address: str) -> bool:
    """Say whether it is clear where the host is: a / in a password would make its first half the host, and be said."""
    try:
        parts = urlsplit(address)
        rest = parts.path + parts.query + parts.fragment
        return bool(parts.hostname) and (parts.port is None or parts.port > 0) and "@" not in rest
    except ValueError:
        return False


def _can_be_asked(address: str) -> bool:
    """Say whether a request can be made to it: what asks, and then Python, would else fail at each."""
    if any(one.isspace() for one in address):
        return False
    try:
        return bool(httpx2.URL(address).raw_host.decode("ascii").encode("idna"))
    except (httpx2.InvalidURL, UnicodeError):
        return False


def _named(name: str, message: str) -> str:
    return f"{name} ({PREFIX}{name.partition('.')[0].upper()}): {message}"


def _said(error: Any) -> str:
    # Never what was given: it may hold a password.
    name = ".".join(map(str, error["loc"]))
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such setting"
    return _named(name, message)
