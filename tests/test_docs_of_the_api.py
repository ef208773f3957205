"""What docs/api.md shows is what a running gateway answers, and every route stands in it."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.api_keys import SCOPES
from gateway.problem import KINDS
from gateway.reporting import NAMES
from ledger.database import Ledger
from tandem.serving import Served
from tests.gateway.api_cast import Hr
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, company, evening, seen
from tests.gateway.pair_cast import with_pairs
from tests.test_docs import ROOT, asked_and_answered, shape

DOCUMENT = ROOT / "docs/api.md"
PARTS = (
    "people_api", "badges_api", "places_api", "courses_api", "sessions_api", "rules_api", "programs_api", "pairs_api",
    "facts_api", "corrections_api", "reports_api", "devices_api",
)  # fmt: skip
MADE_HERE = {"id", "decided_by"}
"""Values that are different each time."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Hr, str]]:
    """Serve a gateway in the evening of a day on which Bo has not checked out, with pairs."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        company(db)
        attend(db, "ann")
        seen(db, "bo", "in", NINE)
    gateway = with_pairs(Gateway(ledger), tmp_path / "data")
    gateway.clock.now = TWELVE + timedelta(hours=2)
    with ledger.begin() as db:
        evening(db, gateway.clock.now)
    server = Served(gateway.app, host="127.0.0.1", port=0)
    server.start()
    yield Hr(gateway), server.url
    server.stop()
    ledger.close()


def lasting(value: Any) -> Any:
    """Leave out what is different each time."""
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in MADE_HERE}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.enable_socket
def test_every_example_answers_as_shown(served: tuple[Hr, str], program: Callable[[str], str], tmp_path: Path) -> None:
    hr, url = served
    bearer = hr.key["Authorization"].removeprefix("Bearer ")
    shown = {"PATH": str(Path(program("curl")).parent), "TANDEM": url, "KEY": bearer}
    examples = list(asked_and_answered(DOCUMENT))

    for command, answer in examples:
        typed = ["/bin/bash", "-c", command]
        got = subprocess.run(typed, env=shown, cwd=tmp_path, check=True, capture_output=True).stdout.decode()

        if "-sOJ" in command:
            assert not got
        elif answer.isdigit():
            assert got == answer
        else:
            assert shape(json.loads(got)) == shape(json.loads(answer)), command
            assert lasting(json.loads(got)) == lasting(json.loads(answer)), command
    assert len(examples) == 11
    [file] = tmp_path.glob("*.csv")
    assert "签到率" in file.read_text(encoding="utf-8-sig")


def test_every_scope_report_and_kind_of_error_is_explained() -> None:
    text = DOCUMENT.read_text()

    cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([a-z]+:[a-z]+)`", cell)} == set(SCOPES)
    assert {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)} >= set(NAMES)
    explained = set(re.findall(r"^\| \d+ \| `([a-z-]+)` \|", text, re.MULTILINE))
    assert explained <= set(KINDS)
    assert explained == {
        "body-wrong", "key-bound", "not-found", "in-use", "too-late", "media-wrong", "parameter-wrong", "value-wrong",
    }  # fmt: skip


def test_every_address_and_method_of_ours_is_listed() -> None:
    ledger = Ledger("sqlite://")
    told = Gateway(ledger).get("/api/openapi.json").get_json()["paths"]
    ledger.close()
    ours = {
        (address.removeprefix("/api/v1"), method.upper())
        for address, methods in told.items()
        for method, operation in methods.items()
        if operation["operationId"].startswith(PARTS)
    }

    rows = re.findall(r"^\| (`/.+?) \| ([A-Z, ]+) \|", DOCUMENT.read_text(), re.MULTILINE)
    listed = {address: set(methods.split(", ")) for cell, methods in rows for address in re.findall(r"`(.+?)`", cell)}

    assert {address for address, _ in ours} == set(listed)
    assert all(method in listed[address] for address, method in ours)
    for cell, methods in rows:
        known = {method for address, method in ours if f"`{address}`" in cell}
        assert known == set(methods.split(", ")), cell
