import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from gateway.ingest import ingest
from gateway.watch import tick
from ledger import feed
from ledger.database import Ledger
from ledger.tables import DirtyDayRow, EpochRow
from tandem.cli import app
from tests.cast import EVENING, company, seen

CLEAN: dict[str, list[object]] = {"acts": [], "records": [], "days": [], "months": []}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder whose ledger has Ann's hours in it."""
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        both = [seen("ann", "09:00", seq=1), seen("ann", "12:00", seq=2, direction="out")]
        ingest(db, both, received_at=EVENING)
    tick(ledger, now=EVENING)
    ledger.close()
    return tmp_path


def tandem(*words: str, data: Path) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(app, ["ledger", *words, "--data", str(data), "--json"])
    return result.exit_code, json.loads(result.stdout)


def opened(data: Path) -> Ledger:
    return Ledger(f"sqlite:///{data / 'ledger.sqlite'}")


def test_a_good_ledger_is_said_to_be_good(data: Path) -> None:
    code, said = tandem("verify", data=data)

    assert (code, said["found"]) == (0, CLEAN)
    assert said["checked"] == {"acts": 0, "records": 1, "days": 1, "months": 0}


def test_hours_that_are_not_what_the_facts_give_are_reported_and_then_mended(data: Path) -> None:
    ledger = opened(data)
    with ledger.begin() as db:
        ingest(db, [seen("ann", "11:00", seq=3, direction="out")], received_at=EVENING)
        ingest(db, [seen("ann", "11:30", seq=4)], received_at=EVENING)
        db.execute(sa.delete(DirtyDayRow))
    ledger.close()
    differs = [{"what": "differs", "thing": "ann order-101"}]

    assert tandem("recompute", "--check", data=data)[1]["found"] == {"days": differs, "months": []}
    assert tandem("recompute", data=data)[0] == 1
    ledger = opened(data)
    tick(ledger, now=EVENING)
    ledger.close()

    assert tandem("recompute", "--check", data=data) == (
        0,
        {"checked": {"days": 1, "months": 0}, "found": {"days": [], "months": []}},
    )


def test_a_restored_ledger_begins_a_later_epoch(data: Path) -> None:
    ledger = opened(data)
    with ledger.read() as db:
        before = feed.epoch(db)
    ledger.close()

    code, said = tandem("restored", data=data)

    ledger = opened(data)
    with ledger.read() as db:
        assert (code, said) == (0, {"epoch": str(feed.epoch(db))})
        assert str(feed.epoch(db)) > str(before)
        assert db.scalar(sa.select(sa.func.count()).select_from(EpochRow)) == 2
    ledger.close()
