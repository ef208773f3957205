"""What changes something keeps the word of the OpenAPI document on PostgreSQL too, which takes no NUL."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
import schemathesis
from flask_openapi3.blueprint import APIBlueprint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from gateway.api_keys import SCOPES
from ledger.database import Ledger
from tests.gateway.api_cast import busy
from tests.gateway.cast import Gateway, company
from tests.gateway.pair_cast import with_pairs

EXAMPLES = 3
PARTS = (
    "people_api", "badges_api", "places_api", "courses_api", "sessions_api", "rules_api", "programs_api", "pairs_api",
    "facts_api", "corrections_api", "reports_api", "devices_api",
)  # fmt: skip
READ_ONLY = {"pairs_api", "facts_api", "reports_api"}
UNASKED: list[Any] = [negative_data_rejection, positive_data_acceptance]
"""Ids are put in below, so what was generated as wrong may be right, and the other way round."""
IDS = ("order-101", "west-7", "order-entry", "east", "room-1", "sales", "ann-bo", "spring-orders", "yes-ann", "nobody")
NUMBERS = ("1001", "1003", "2001", "3001", "nobody")


@pytest.fixture(scope="module")
def served(
    postgres: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """Serve a company in which something of everything has happened, with a key for all of it."""
    ledger = Ledger(postgres())
    with ledger.begin() as db:
        company(db)
    gateway = busy(with_pairs(Gateway(ledger), tmp_path_factory.mktemp("data")))
    yield gateway, gateway.key(scopes=list(SCOPES))
    ledger.close()


@pytest.fixture(scope="module")
def document(served: tuple[Gateway, dict[str, str]]) -> Any:
    """Read the document as a client does."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", served[0].app)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("part", sorted(set(PARTS) - READ_ONLY))
def test_every_answer_is_as_the_document_says(
    part: str, mode: GenerationMode, document: Any, served: tuple[Gateway, dict[str, str]]
) -> None:
    # A program cannot make up a thing that is there, so it is told some; and that a thing is not there is no fault.
    known = {"id": st.sampled_from(IDS), "number": st.sampled_from(NUMBERS)}
    operations = [found.ok() for found in document.get_all_operations() if _is_of(part, found.ok())]
    assert operations

    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode), there=st.fixed_dictionaries(known), told=st.booleans())
        @settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        def check(case: Case[Any], there: dict[str, str], told: bool) -> None:
            if told:
                case.path_parameters |= {name: there[name] for name in case.path_parameters if name in there}
            case.call_and_validate(headers=served[1], excluded_checks=UNASKED)

        check()


def _is_of(part: str, operation: Any) -> bool:
    id: str = operation.definition.raw["operationId"]
    return operation.method.upper() != "GET" and id.startswith(f"{part}_")


def test_no_two_models_share_a_name(served: tuple[Gateway, dict[str, str]]) -> None:
    parts = [part for part in served[0].app.blueprints.values() if isinstance(part, APIBlueprint)]
    told: dict[str, Any] = {}

    for part in parts:
        for name, schema in part.components_schemas.items():
            assert told.setdefault(name, schema) == schema, f"{name} of {part.name} is another one elsewhere"
    assert len(parts) > len(PARTS)


def test_every_route_of_ours_says_what_it_opens_to(served: tuple[Gateway, dict[str, str]]) -> None:
    endpoints = {endpoint for endpoint in served[0].app.view_functions if endpoint.startswith(PARTS)}

    scopes = {name: import_module(f"gateway.{name}").SCOPES for name in PARTS}

    assert {endpoint for of_part in scopes.values() for endpoint in of_part} == endpoints
    assert all(scope in SCOPES for of_part in scopes.values() for scope in of_part.values())
