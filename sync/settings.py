"""Sync's settings: read once, from arguments, the environment and `sync.toml`, in this order.

* SettingsError     a setting is wrong; the message names it
"""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

PREFIX = "TANDEM_SYNC_"
FILE = "sync.toml"
LOCAL = "local"
TAKEN = ("sms",)
"""Targets of the outbox that are no archives."""


class SettingsError(Exception):
    """A setting is wrong; correct it and start again."""


class ArchiveSettings(BaseModel):
    """One learner archive. Its key comes from `TANDEM_SYNC_KEY_<NAME>`, or from a file that only we can read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    """Deliveries are kept under it: another name is another archive, which gets everything from the start."""
    kind: Literal["local", "rest"] = "rest"
    url: str = ""
    key: SecretStr | None = None
    key_file: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    """Hosts that may be called over http or inside the network."""
    batch: Annotated[int, Field(ge=1, le=1000)] = 100
    """Records of one request."""

    @field_validator("name")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value in TAKEN:
            raise ValueError(f"{value!r} is taken; choose another name")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "ArchiveSettings":
        if (self.name == LOCAL) != (self.kind == "local"):
            raise ValueError("the archive in this database is named local, and only it")
        if self.kind == "rest" and not self.url.startswith(("http://", "https://")):
            raise ValueError("url begins with http:// or https://")
        return self

    def secret(self) -> str:
        """Return the key; raises SettingsError."""
        variable = f"{PREFIX}KEY_{self.name.upper().replace('-', '_')}"
        found = os.environ.get(variable) or (self.key and self.key.get_secret_value()) or self._from_file()
        if not found:
            raise SettingsError(f"archive {self.name} has no key: set {variable}, or key_file")
        if not found.isascii() or not found.isprintable() or " " in found:
            raise SettingsError(f"the key of archive {self.name} has characters that cannot stand in a header")
        return found

    def _from_file(self) -> str:
        if self.key_file is None:
            return ""
        check_private(self.key_file)
        return self.key_file.read_text().strip()


class SyncSettings(BaseSettings):
    """Where the ledger is, and which archives beside the local one get its records."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data: Path = Path("data")
    """The gateway's data folder."""
    database: str = ""
    """A SQLAlchemy address; empty for SQLite in the data folder."""
    archives: tuple[ArchiveSettings, ...] = ()

    @field_validator("archives")
    @classmethod
    def _have_their_own_names(cls, value: tuple[ArchiveSettings, ...]) -> tuple[ArchiveSettings, ...]:
        names = [one.name for one in value]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two archives are named {', '.join(sorted(twice))}")
        return value

    @property
    def database_url(self) -> str:
        """Say where the ledger is."""
        return self.database or f"sqlite:///{self.data / 'ledger.sqlite'}"

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


def read(**given: Any) -> SyncSettings:
    """Read the settings; what is given here (and is not None) goes before the environment and the file."""
    try:
        settings = SyncSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(_said(entry) for entry in error.errors())) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{FILE}: {error}") from None
    except SourceError as error:
        raise SettingsError(str(error)) from None
    _check_file(settings.data / FILE, settings.archives)
    return settings


def check_private(file: Path) -> None:
    """Raise SettingsError unless a file that holds a key is there and its owner's alone."""
    try:
        mode = file.stat().st_mode & 0o777
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from None
    if mode & 0o077:
        raise SettingsError(f"{file} holds a key and others can read it ({mode:o}); chmod 600 {file}")


def _check_file(file: Path, archives: Sequence[ArchiveSettings]) -> None:
    if any(one.key for one in archives) and file.exists() and "key" in _keys_in(file):
        check_private(file)


def _keys_in(file: Path) -> set[str]:
    written = tomllib.loads(file.read_text()).get("archives", [])
    return {name for one in written if isinstance(one, dict) for name in one}


def _said(error: Any) -> str:
    name, message = ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")
    return f"{name} ({PREFIX}{str(error['loc'][0]).upper()}): {message}" if name else message
