"""Many things at once: HR sends up to a thousand items, and all of them come in or none."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field, create_model

from gateway import import_texts
from gateway.api import MOST, said
from gateway.api_keys import Scope
from gateway.body import Body
from gateway.clock import Clock
from gateway.import_forms import KINDS, Kind
from gateway.import_plan import Importer, Wrong
from gateway.import_reading import Brought, ItemsWrong, bring
from gateway.problem import WrongParameter, documented, of_values
from gateway.reach import actor, client
from gateway.things import blueprint
from ledger.database import Ledger
from ledger.imports import MOST_ERRORS

MOST_BYTES = 2 * 1024 * 1024
IMPORTS = Tag(name="imports", description="Bring many things in: at once as items, or as a file that is checked first.")
SUMMARIES: Mapping[str, str] = {
    "people": "Bring people in",
    "sessions": "Bring sessions in",
    "rosters": "Bring rosters in",
    "pairs": "Bring pairs in",
    "tasks": "Bring joint tasks in",
    "scores": "Bring scores in",
    "progress": "Bring progress in",
}
SCOPES: dict[str, Scope] = {f"bulk_api.{kind.name}": kind.scope for kind in KINDS.values()}


class Outcome(BaseModel):
    """What the items have come to; sent once more, all of them are as before."""

    added: int
    changed: int = Field(description="Those that were there and said something else; also who was taken off a roster.")
    unchanged: int


def bulk_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes under which kinds of things come in as items."""
    api = blueprint("bulk_api", IMPORTS, ledger, clock, SCOPES)

    @api.url_value_preprocessor
    def allow(*_: Any) -> None:
        # Before anything reads the body.
        request.max_content_length = MOST_BYTES

    @api.errorhandler(ItemsWrong)
    def refused(error: ItemsWrong) -> Response:
        return of_values([_told(one) for one in error.wrong[:MOST_ERRORS]])

    def take(kind: Kind) -> None:
        def route(body: Any) -> Response:
            with ledger.begin() as db:
                importer = Importer(by=actor(), regions=client().regions, now=clock())
                return said(_outcome(bring(db, kind.name, body.items, importer)))

        route.__name__, route.__annotations__["body"] = kind.name, _items(kind)
        route.__doc__ = "Enter what is new and change what is there, all or nothing. " + (kind.form.__doc__ or "")
        answers = {200: Outcome, **documented(400, 409, 413, 415)}
        api.post(f"/{kind.name}", responses=answers, summary=SUMMARIES[kind.name])(route)

    for kind in KINDS.values():
        take(kind)
    return api


def _items(kind: Kind) -> type[BaseModel]:
    listed: Any = list[kind.form]  # type: ignore[name-defined]  # each kind has a form of its own
    field = Field(min_length=1, max_length=MOST)
    return create_model(
        f"{kind.name.title()}Items", __base__=Body, __doc__="What is to come in.", items=(listed, field)
    )


def _outcome(brought: Brought) -> Outcome:
    return Outcome(added=brought.added, changed=brought.changed, unchanged=brought.unchanged)


def _told(wrong: Wrong) -> WrongParameter:
    place = f"items.{wrong.line}.{wrong.name}" if wrong.name else "items"
    if wrong.code == "said_before":
        return WrongParameter(parameter=place, detail=f"items.{wrong.about['earlier']} says this already; keep one.")
    return WrongParameter(parameter=place, detail=import_texts.error(wrong.code, wrong.about, "en"))
