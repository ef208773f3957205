"""`tandem gateway person set-pin`: the PIN is asked for, never an argument and never shown."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.database import Ledger
from ledger.tables import PersonRow
from tandem.cli import app
from tests.cast import settle_in

PIN = "730142"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder with the cast in it."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        settle_in(db)
    ledger.close()
    return tmp_path


def pin_hash(data: Path) -> str | None:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as db:
        found = db.get_one(PersonRow, "ann").pin_hash
    ledger.close()
    return found


@pytest.mark.parametrize(
    "options, typed", [(["--pin-stdin"], f"{PIN}\n"), ([], f"{PIN}\n{PIN}\n")], ids=["stdin", "asked"]
)
def test_a_pin_is_set_and_not_shown(data: Path, options: list[str], typed: str) -> None:
    done = CliRunner().invoke(app, ["gateway", "person", "set-pin", "1001", "--data", str(data), *options], input=typed)

    assert done.exit_code == 0, done.output
    assert "1001" in done.output
    assert PIN not in done.output
    assert (pin_hash(data) or "").startswith("$argon2id$")


def test_a_weak_pin_is_refused_with_the_reason(data: Path) -> None:
    arguments = ["gateway", "person", "set-pin", "1001", "--data", str(data), "--pin-stdin"]

    done = CliRunner().invoke(app, arguments, input="123456\n")

    assert done.exit_code == 2
    assert "first that others would try" in done.output
    assert pin_hash(data) is None
