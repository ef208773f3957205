"""What all routes under /api/v1 share: keys with scopes, and how values are written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from gateway import api_keys
from gateway.api_keys import Scope
from gateway.clock import Clock
from ledger.database import Ledger

MOST = 1000
SECURITY: list[dict[str, list[Any]]] = [{"key": []}]


def _whole_number(value: Any) -> Any:
    # pydantic alone also reads "1_0", "+1", " 1 " and "1.0" as numbers; the OpenAPI document promises digits.
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("digits are expected")
    return value


def _canonical(value: Any) -> Any:
    if isinstance(value, str) and len(value) != 36:
        raise ValueError("an id is written with four hyphens")
    return value


def _as_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(_as_utc, return_type=str)]
_Bounded = Annotated[int, Field(ge=1, le=MOST)]
Limit = Annotated[_Bounded, BeforeValidator(_whole_number, json_schema_input_type=_Bounded)]
RecordId = Annotated[UUID, BeforeValidator(_canonical, json_schema_input_type=UUID)]


class NoQuery(BaseModel):
    """There are no parameters."""

    model_config = ConfigDict(extra="forbid")


def keyed(api: Blueprint, ledger: Ledger, clock: Clock, scopes: Mapping[str, Scope]) -> None:
    """Let only keys in that have the scope of the route; `g.client` says whose key it is."""

    @api.before_request
    def authenticate() -> None:
        with ledger.read() as db:
            g.client = api_keys.authenticate(db, request.headers.get("Authorization"), now=clock())
        # A route without a scope is a fault of ours and opens to nobody.
        api_keys.demand(g.client, scopes[request.endpoint or ""])


def said(model: BaseModel) -> Response:
    """Answer with a model as JSON that no cache keeps."""
    return Response(model.model_dump_json(), content_type="application/json", headers={"Cache-Control": "no-store"})
