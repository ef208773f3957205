import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import DeviceRow, StreamRow
from tandem.cli import app
from tests.cast import DEVICE, NINE, STREAM, company


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder whose one kiosk was lost with its last three check-ins."""
    with closing(company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger, ledger.begin() as db:
        stream = db.get_one(StreamRow, STREAM)
        stream.upto, stream.assigned, stream.missing_since = 7, 10, NINE
        db.get_one(DeviceRow, DEVICE).revoked_at = NINE + timedelta(days=1)
    return tmp_path


def hole(*words: str, data: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["gateway", "hole", *words, "--data", str(data), "--json"])
    return result.exit_code, result.stdout or result.stderr


def test_a_hole_is_listed_with_its_alert_and_can_be_written_off(data: Path) -> None:
    before = json.loads(hole("list", data=data)[1])
    given_up = json.loads(hole("write-off", str(STREAM), "10", "--reason", "stolen", data=data)[1])
    after = json.loads(hole("list", data=data)[1])

    assert [(one["device"], one["first"], one["last"], one["alert"]) for one in before] == [(DEVICE, 8, 10, True)]
    assert (given_up["first"], given_up["last"], given_up["reason"]) == (8, 10, "stolen")
    assert after == []
    with closing(Ledger(f"sqlite:///{data / 'ledger.sqlite'}")) as ledger, ledger.read() as db:
        assert "stream.write_off" in [row.act for row in db.query(AuditRow)]


@pytest.mark.parametrize(
    ("stream", "upto", "said"),
    [
        ("nonsense", "10", "is no stream"),
        ("00000000-0000-4000-8000-0000000000ff", "10", "there is no stream"),
        (str(STREAM), "99", "nothing up to 99 is missing"),
    ],
    ids=["no id", "unknown", "past the end"],
)
def test_what_is_no_hole_is_not_written_off(data: Path, stream: str, upto: str, said: str) -> None:
    code, told = hole("write-off", stream, upto, "--reason", "stolen", data=data)

    assert code == 2
    assert said in told
