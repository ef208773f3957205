"""What lists, single things and changes of them have in common in the API: pages, statuses, parameters."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.path_item import PathItem
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from flask_openapi3.types import ParametersTuple
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError

from gateway.api import SECURITY, Limit, keyed, said
from gateway.api_keys import Scope
from gateway.body import strict
from gateway.clock import Clock
from gateway.fields import After, Id, NewId
from gateway.problem import Refusal, documented
from ledger.database import Ledger
from ledger.refusals import Incomplete

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")

READ = documented(404)
CHANGE = documented(400, 404, 409, 413, 415)
DELETED: dict[str | int, Any] = {204: {"description": "It is gone."}, **documented(404, 409)}

PLAN = Tag(name="plan", description="What is taught, when and where.")
PEOPLE = Tag(name="people", description="Who learns and teaches, what they have agreed to, and their badges.")
PAIRS = Tag(name="pairs", description="Who learns with whom, their joint tasks, and what they have handed in.")
FACTS = Tag(name="facts", description="What learning systems have reported.")
CORRECTIONS = Tag(name="corrections", description="What somebody decides, with reasons.")
REPORTS = Tag(name="reports", description="What it all came to.")

NextAfter = Annotated[str | None, Field(description="Send it as `after` to get the next page; null: there is no more.")]


class ListQuery(BaseModel):
    """Which page."""

    # A misspelt filter that was ignored would give more than was asked for.
    model_config = ConfigDict(extra="forbid")

    after: After = Field("", description="`next_after` of the page before; without it the list begins at its start.")
    limit: Limit = 100


class OfRegion(ListQuery):
    """Which page, and of which region."""

    region: Id | None = Field(None, description="Only of this region.")


class IdPath(BaseModel):
    """Which thing."""

    id: Id


class NewIdPath(BaseModel):
    """Which thing; the id is the caller's own."""

    id: NewId


class NumberPath(BaseModel):
    """Which person, by the company's own personnel number."""

    number: Id


class Part(APIBlueprint):
    """A part of the API under /api/v1.

    What a route tells the document is worked out once in a process: it takes a while, and every application of ours,
    of which tests make many, tells the same.
    """

    def __init__(self, name: str, tag: Tag) -> None:
        super().__init__(
            name,
            __name__,
            url_prefix="/api/v1",
            abp_tags=[tag],
            abp_security=SECURITY,
            abp_responses=documented(401, 403, 405, 422),
        )

    def _collect_openapi_info(
        self, rule: str, func: Callable[..., Any], *, method: str = "GET", **told: Any
    ) -> ParametersTuple:
        key = (self.name, rule, method)
        if key not in _TOLD:
            alone = APIBlueprint(self.name, __name__, url_prefix=self.url_prefix, abp_tags=self.abp_tags)
            alone.abp_security, alone.abp_responses = self.abp_security, self.abp_responses
            _TOLD[key] = alone, alone._collect_openapi_info(rule, func, method=method, **told)
        alone, parameters = _TOLD[key]
        _merge(self.paths, alone.paths)
        self.components_schemas.update(alone.components_schemas)
        self.tags = alone.tags
        return parameters


_TOLD: dict[tuple[str, str, str], tuple[APIBlueprint, ParametersTuple]] = {}


def blueprint(name: str, tag: Tag, ledger: Ledger, clock: Clock, scopes: Mapping[str, Scope]) -> APIBlueprint:
    """Make a part of the API under /api/v1 that only opens to keys with its scopes, and to strict JSON."""
    api = Part(name, tag)
    keyed(api, ledger, clock, scopes)
    strict(api)
    api.register_error_handler(IntegrityError, _at_once)
    return api


def _at_once(error: IntegrityError) -> Response:
    # Routes look before they write, so only somebody who writes at the same moment gets past the look.
    log.warning("the database refused what two have done at once", exc_info=error)
    return Refusal("too-late", "Somebody else has changed this at the same moment; look again, then send it.").answer()


def join(app: OpenAPI, api: APIBlueprint) -> None:
    """Add a part of the API to the application; two parts may share an address, each with methods of its own.

    flask-openapi3 would let the later one take the earlier one's place in the document.
    """
    _merge(api.paths, {address: app.paths[address] for address in api.paths.keys() & app.paths.keys()})
    app.register_api(api)


def _merge(paths: dict[str, PathItem], more: Mapping[str, PathItem]) -> None:
    """Add what is told about addresses to what is told already, method by method."""
    for address in paths.keys() & more.keys():
        methods = {method: told for method, told in more[address] if told is not None}
        paths[address] = paths[address].model_copy(update=methods)
    paths |= {address: item for address, item in more.items() if address not in paths}


def cut(found: Sequence[Thing], limit: int, name: Callable[[Thing], str]) -> tuple[Sequence[Thing], str | None]:
    """Make a page of what was found with one more than fits; returns it and the name behind which it goes on."""
    page = found[:limit]
    return page, name(page[-1]) if len(found) > limit else None


def place(*names: str) -> str:
    """Write a place in a list that is ordered by several names."""
    return json.dumps(names, separators=(",", ":"))


def placed(after: str, names: int) -> tuple[str, ...]:
    """Read the place behind which a list goes on; none names as many empty ones, which come first."""
    try:
        read = json.loads(after) if after else [""] * names
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, list) or len(read) != names or not all(map(_is_name, read)):
        raise Incomplete("wrong_after", "Send `after` exactly as `next_after` gave it, or leave it out.")
    return tuple(read)


def _is_name(read: object) -> bool:
    # What JSON can write and no database stores is no name of ours either.
    return isinstance(read, str) and read.isprintable()


def kept(model: BaseModel, *, new: bool) -> Response:
    """Answer a change: 201 with what is new, 200 with what was there."""
    answer = said(model)
    answer.status_code = 201 if new else 200
    return answer


def gone() -> Response:
    """Answer that a thing has been deleted."""
    answer = Response(status=204, headers={"Cache-Control": "no-store"})
    del answer.headers["Content-Type"]
    return answer
