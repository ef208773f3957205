"""The OpenAPI document keeps its word: what it promises is what comes, for requests that nobody wrote by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from gateway import cursor
from ledger import feed
from ledger.database import Ledger
from tests.gateway.cast import KEYS, Gateway, attend, company, evening


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Gateway, dict[str, str]]]:
    """Serve a settled day, with a key that may read all of it."""
    ledger = Ledger("sqlite://")
    gateway = Gateway(ledger)
    with ledger.begin() as db:
        company(db)
        for person in ("ann", "bo"):
            attend(db, person)
        evening(db)
    key = gateway.key(scopes=["hours:read", "reviews:read"])
    client = key["Authorization"].split("_")[1]
    with ledger.read() as db:
        epoch = feed.epoch(db)
    # Nobody can make up a cursor, so the document calls it a format of its own, and here is where it comes from.
    good = [cursor.write(after, client=client, epoch=epoch, key=KEYS.cursor) for after in range(4)]
    schemathesis.openapi.format("tandem-cursor", st.sampled_from(good))
    yield gateway, key
    ledger.close()


@pytest.fixture(scope="module")
def document(served: tuple[Gateway, dict[str, str]]) -> Any:
    """Read the document as a client does."""
    return schemathesis.openapi.from_wsgi("/api/openapi.json", served[0].app)


OPERATIONS = ["/api/v1/hour-records", "/api/v1/hour-records/{id}", "/api/v1/reviews"]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("path", OPERATIONS)
def test_every_answer_is_as_the_document_says(
    path: str, mode: GenerationMode, document: Any, served: tuple[Gateway, dict[str, str]]
) -> None:
    @given(case=document[path]["GET"].as_strategy(generation_mode=mode))
    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(headers=served[1])

    check()


def test_the_document_lists_the_operations(served: tuple[Gateway, dict[str, str]]) -> None:
    said = served[0].get("/api/openapi.json").get_json()

    assert said["openapi"].startswith("3.1")
    assert sorted(said["paths"]) == OPERATIONS
    assert said["components"]["securitySchemes"] == {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `tdm_…`."}
    }


def test_the_page_to_try_it_loads_nothing_from_elsewhere(served: tuple[Gateway, dict[str, str]]) -> None:
    page = served[0].get("/api/").text

    assert "swagger-ui-bundle.js" in page
    assert "http" not in page
    with served[0].get("/api/swagger/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
    assert served[0].get("/api/swagger/../../__init__.py").status_code == 404
