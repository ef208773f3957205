"""`tandem gateway account …`: how an operator gives accounts, also while a running gateway has the ledger."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import keys, settings
from ledger.database import Ledger
from tandem.acts import table
from tandem.cli import app
from tandem.control import Control
from tests.cast import settle_in

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder with the cast in it."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        settle_in(db)
    ledger.close()
    return tmp_path


def run(data: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["gateway", "account", *words, "--data", str(data)])
    assert done.exit_code == code, done.output
    return done.output


def test_an_account_is_made_listed_changed_and_closed(data: Path) -> None:
    made = json.loads(run(data, "create", "Tina", "--role", "trainer", "--region", "north"))
    again = json.loads(run(data, "link", "tina"))
    run(data, "create", "ada", "--role", "admin")
    run(data, "set", "tina", "--role", "viewer", "--all-regions")
    run(data, "close", "tina")

    listed = json.loads(run(data, "list"))

    assert (made["login"], made["role"], made["regions"]) == ("tina", "trainer", ["north"])
    assert "/choose/" in made["url"]
    assert made["url"] != again["url"]
    assert [(one["login"], one["role"], one["regions"], one["closed_at"] is None) for one in listed] == [
        ("ada", "admin", None, True), ("tina", "viewer", None, False),
    ]  # fmt: skip
    assert "password" not in str(listed)


@pytest.mark.parametrize(
    "words, said",
    [
        pytest.param(["close", "ada"], "This is the last admin; make another one first.", id="last admin"),
        pytest.param(["set", "ada", "--role", "viewer"], "This is the last admin", id="last admin demoted"),
        pytest.param(["create", "ada", "--role", "viewer"], "There is an account 'ada' already", id="taken"),
        pytest.param(["create", "eve", "--role", "owner"], "there are admin, trainer, viewer", id="no role"),
        pytest.param(["set", "eve", "--role", "viewer"], "no account 'eve'", id="no account"),
        pytest.param(["set", "ada", "--region", "north"], "An admin has every region", id="admin of a region"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(data: Path, words: list[str], said: str) -> None:
    run(data, "create", "ada", "--role", "admin")

    assert said in run(data, *words, code=2)


def test_the_commands_reach_the_gateway_that_has_the_ledger(data: Path) -> None:
    read = settings.read(data=data)
    ledger = Ledger(read.database_url)
    control = Control(data, table(ledger, keys.load(data / "keys"), read, lambda: NOON))
    control.start()

    made = json.loads(run(data, "create", "tina", "--role", "viewer", "--region", "north"))
    refused = run(data, "create", "tina", "--role", "viewer", code=2)

    control.stop()
    ledger.close()
    assert made["created_at"] == "2026-03-02T12:00:00Z"
    assert "There is an account 'tina' already" in refused
