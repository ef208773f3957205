"""The OpenAPI document keeps its word: what it promises is what comes, for requests that nobody wrote by hand."""

import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway import cursor
from gateway.api_keys import SCOPES
from gateway.problem import TYPE
from gateway.web import DESK
from ledger import chain, feed, pairs
from ledger.tables import Base
from tests.gateway.cast import KEYS, Gateway, attend, company, evening
from tests.gateway.pair_cast import task
from tests.sqlite import in_memory

# Read before the environment is cleaned.
LONG = os.environ.get("TANDEM_API_EXAMPLES")
RUN = settings(
    max_examples=int(LONG or 4),
    derandomize=not LONG,
    phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""So many requests of each kind for each operation: the same ones each time, but other ones in a long run."""
ALIASES = {"tasks": "joint_tasks", "hour-records": "hour_records"}
"""Parts of an address that are called otherwise than the table behind them."""


@dataclass
class Served:
    """A gateway with something of everything in it, and how that was at the start."""

    gateway: Gateway
    key: dict[str, str]
    start: sqlite3.Connection

    @property
    def database(self) -> sqlite3.Connection:
        """The only connection to the ledger."""
        found = self.gateway.ledger.engine.raw_connection().driver_connection
        assert isinstance(found, sqlite3.Connection)
        return found

    def said(self) -> Any:
        """Read the document."""
        return self.gateway.get("/api/openapi.json").get_json()

    def begin_again(self) -> None:
        """Undo whatever requests have done, after what they have set going has come to its end."""
        self.gateway.app.extensions[DESK].finish()
        self.start.backup(self.database)

    def close(self) -> None:
        self.gateway.app.extensions[DESK].stop()
        self.start.close()
        self.gateway.ledger.close()

    def there(self, path: str) -> dict[str, str]:
        """Return parameters with which an address is one of something that is there, as far as that is known."""
        return {
            name: str(found)
            for thing, name in re.findall(r"/([a-z-]+)/{(\w+)}", path)
            if (found := self._first(thing, name))
        }

    def _first(self, thing: str, name: str) -> Any:
        table = Base.metadata.tables.get(ALIASES.get(thing, thing.replace("-", "_")))
        if table is None or name not in table.columns:
            return {"region": "east", "number": "1001"}.get(name)
        with self.gateway.ledger.read() as db:
            return db.scalar(sa.select(table.columns[name]).limit(1))


def serve() -> Served:
    """Put a gateway together, with a key that may do everything."""
    gateway = Gateway(in_memory(company))
    with gateway.ledger.begin() as db:
        pairs.add_program(db, "sales", region_id="east", title="Sales school", title_zh="销售训练营", rule="cn-45")
        pairs.add_pair(db, "ann-bo", program_id="sales", clerk_id="ann", manager_id="bo")
        task(db)
        for person in ("ann", "bo"):
            attend(db, person)
        evening(db)
    key = gateway.key(scopes=list(SCOPES))
    with gateway.ledger.begin() as db:
        chain.chain(db)
    served = Served(gateway, key, sqlite3.connect(":memory:"))
    served.database.backup(served.start)
    return served


SERVED = serve()
DOCUMENT = schemathesis.openapi.from_wsgi("/api/openapi.json", SERVED.gateway.app)
OPERATIONS = [(method.upper(), path) for path, told in sorted(SERVED.said()["paths"].items()) for method in told]


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[Served]:
    """Say where cursors come from: nobody can make one up, so the document calls them a format of its own."""
    client = SERVED.key["Authorization"].split("_")[1]
    with SERVED.gateway.ledger.read() as db:
        epoch = feed.epoch(db)
    good = [cursor.write(after, client=client, epoch=epoch, key=KEYS.cursor) for after in range(4)]
    schemathesis.openapi.format("tandem-cursor", st.sampled_from(good))
    yield SERVED
    SERVED.close()


def cases(operation: Any, mode: GenerationMode) -> Any:
    """Make requests to any address, and as many to one that is there."""
    anywhere = operation.as_strategy(generation_mode=mode).filter(can_be_written)
    there = SERVED.there(operation.path)
    if not there or (mode is GenerationMode.NEGATIVE and not operation.body and not operation.query):
        return anywhere
    return anywhere | operation.as_strategy(generation_mode=mode, path_parameters=there).filter(can_be_written)


def can_be_written(case: Case[Any]) -> bool:
    """Leave out what the document and the wire mean differently.

    Objects, and lists of one, become texts like any other in an address, and those may well be right. JSON Schema
    takes 7.0 for a whole number; we do not.
    """
    values = [*(case.query or {}).values(), *(case.path_parameters or {}).values()]
    lists = [value for value in values if isinstance(value, list)]
    flat = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
    address = all(len(found) > 1 for found in lists) and not any(isinstance(value, dict | list) for value in flat)
    return address and not any(isinstance(value, float) and value.is_integer() for value in leaves(case.body))


def leaves(value: Any) -> Iterator[Any]:
    """Yield what stands in a body, at any depth."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.timeout(0 if LONG else 120)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("method, path", OPERATIONS, ids=map(" ".join, OPERATIONS))
def test_every_answer_is_as_the_document_says(method: str, path: str, mode: GenerationMode, served: Served) -> None:
    @given(case=cases(DOCUMENT[path][method], mode))
    @settings(RUN)
    def check(case: Case[Any]) -> None:
        answer = case.call_and_validate(headers=served.key, excluded_checks=[positive_data_acceptance])
        # What a schema cannot say is told apart: that a day is before another one, that somebody is not there.
        if mode is GenerationMode.POSITIVE and answer.status_code in (400, 422):
            assert answer.json()["type"] == f"{TYPE}value-wrong", answer.text

    served.begin_again()
    check()


def test_every_route_of_the_api_is_in_the_document(served: Served) -> None:
    rules = [rule for rule in served.gateway.app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    routes = [(method, re.sub("<(.+?)>", r"{\1}", rule.rule)) for rule in rules for method in rule.methods or ()]

    assert sorted(route for route in routes if route[0] not in ("HEAD", "OPTIONS")) == sorted(OPERATIONS)


def test_the_document_asks_for_a_key_everywhere(served: Served) -> None:
    said = served.said()

    assert said["openapi"].startswith("3.1")
    assert said["components"]["securitySchemes"] == {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `tdm_…`."}
    }
    told = [operation for path in said["paths"].values() for operation in path.values()]
    assert [operation for operation in told if operation["security"] != [{"key": []}]] == []


def test_the_page_to_try_it_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.gateway.get("/api/").text

    assert "swagger-ui-bundle.js" in page
    assert "http" not in page
    with served.gateway.get("/api/swagger/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
    assert served.gateway.get("/api/swagger/../../__init__.py").status_code == 404
