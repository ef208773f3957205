"""The base of everything that crosses the wire: frozen, strictly typed, unknown fields ignored."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar

import uuid_utils.compat
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints
from pydantic import ValidationError as _ValidationError

from protocol.signing import Malformed

W = TypeVar("W", bound="Wire")

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> Any:
    # Pydantic would take a number, also one in quotes, for seconds since 1970; and in strict mode it reads no text
    # that another validator has seen before it.
    if not isinstance(value, str):
        return value if isinstance(value, datetime) else _no_instant()
    return datetime.fromisoformat(value) if _RFC3339.fullmatch(value) else _no_instant()


def _no_instant() -> NoReturn:
    raise ValueError("an instant is written as RFC 3339 text")


def _as_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, BeforeValidator(_instant), PlainSerializer(_as_utc, return_type=str)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
TopicId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{16,32}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+]{1,32}$")]


class Wire(BaseModel):
    """One message, as JSON of one line."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)

    def line(self) -> bytes:
        """Write the message as one line of JSON, without the line's end; what is None is left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def read(cls: type[W], line: bytes) -> W:
        """Read one line; raises Malformed with what is wrong, never with what it said."""
        try:
            return cls.model_validate_json(line)
        except _ValidationError as error:
            where = ", ".join(".".join(map(str, e["loc"])) or "JSON" for e in error.errors()[:3])
            raise Malformed(f"{cls.__name__} cannot be read at: {where}") from None


def new_id() -> str:
    """Make an id that sorts by time and fits a topic: 32 hex digits."""
    return uuid_utils.compat.uuid7().hex
