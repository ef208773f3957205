"""`tandem sync …`, as an operator types it, and sync inside `tandem up`."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway import settings
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.delivery_tables import ArchiveRow
from ledger.tables import PersonRow, RegionRow
from sync.reconcile import effective
from sync.settings import ArchiveSettings
from tandem.demo.hr_system import HrSystem, environment
from tandem.up import Machine
from tests.sync.cast import StandIn, company, corrected, decline, run_dry, states

pytestmark = pytest.mark.enable_socket

TANDEM = str(Path(sys.executable).with_name("tandem"))
KEY = "a-bearer-key"


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TANDEM, *words], capture_output=True, text=True, timeout=60, env=os.environ | variables)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "hr")
    corrected(ledger, 12)
    run_dry(ledger, StandIn(script=[decline(0, 1)]))
    ledger.close()
    return tmp_path


@pytest.fixture
def hr() -> Iterator[HrSystem]:
    system = HrSystem(key=KEY)
    system.start()
    yield system
    system.stop()


def test_the_status_counts_and_a_replay_queues_again(data: Path) -> None:
    before = json.loads(run("sync", "status", "--data", str(data), "--json").stdout)
    replayed = json.loads(run("sync", "replay", "hr", "--data", str(data), "--json").stdout)
    after = json.loads(run("sync", "status", "--data", str(data), "--json").stdout)

    assert [(line["state"], line["count"], line["reason"]) for line in before] == [
        ("accepted", 16, None),
        ("refused", 2, "cost centre is closed"),
    ]
    assert replayed == {"archive": "hr", "queued": 2}
    assert [(line["state"], line["count"]) for line in after] == [("accepted", 16), ("queued", 2)]
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as db:
        [act] = db.scalars(sa.select(AuditRow).where(AuditRow.act == "deliveries replayed"))
    ledger.close()
    assert (act.actor, act.thing, act.details) == ("console", "hr", {"count": 2})


def test_an_archive_that_is_not_there_is_said(data: Path) -> None:
    done = run("sync", "replay", "fax", "--data", str(data))

    assert (done.returncode, done.stderr) == (
        2,
        "tandem: there is no archive 'fax'; `tandem sync status` lists them\n",
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({"TANDEM_SYNC_ARCHIVES": "["}, "archives", id="no JSON"),
        pytest.param({"TANDEM_SYNC_ARCHIVES": '[{"name": "hr", "url": "hr"}]'}, "url begins with", id="no address"),
        pytest.param(
            {"TANDEM_SYNC_ARCHIVES": '[{"name": "hr", "url": "https://hr.example/"}]'}, "has no key", id="no key"
        ),
        pytest.param(
            {"TANDEM_SYNC_ARCHIVES": '[{"name": "hr", "url": "http://hr.example/"}]', "TANDEM_SYNC_KEY_HR": "k"},
            "over https only",
            id="no TLS",
        ),
    ],
)
def test_a_wrong_setting_stops_the_program_and_is_named(data: Path, variables: dict[str, str], said: str) -> None:
    done = run("sync", "run", "--data", str(data), **variables)

    assert done.returncode == 2
    assert done.stderr.startswith("tandem: ")
    assert said in done.stderr


def test_sync_beside_a_gateway_that_has_the_file_is_refused(data: Path) -> None:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")

    done = run("sync", "run", "--data", str(data))
    ledger.close()

    assert done.returncode == 2
    assert "is open in another process" in done.stderr


def test_the_machine_delivers_to_the_local_archive_and_to_hr(tmp_path: Path, hr: HrSystem) -> None:
    [archive] = json.loads(environment(hr)["TANDEM_SYNC_ARCHIVES"])
    machine = Machine(
        settings.read(data=tmp_path, port=0),
        lambda: datetime.now(UTC),
        every=0.05,
        archives=[ArchiveSettings.model_validate(archive | {"key": KEY})],
    )
    machine.start()
    try:
        with machine.ledger.read() as db:
            known = {row.name: row.kind for row in db.scalars(sa.select(ArchiveRow))}
        fill(machine.ledger)
        wait_for(lambda: states(machine.ledger) == states(machine.ledger, "local") == {"accepted": 14})
        held = {archive.name: effective(archive.content()) for archive in machine.archives}  # type: ignore[attr-defined]
    finally:
        machine.stop()

    assert known == {"local": "local", "hr": "rest"}
    assert held["local"].keys() == held["hr"].keys() == hr.effective.keys()
    assert len(hr.effective) == 8


def fill(ledger: Ledger) -> None:
    """Enter what the small cast of sync enters, people included."""
    with ledger.begin() as db:
        db.add(RegionRow(id="north", name="North", zone="UTC", rule="cn-45"))
        db.flush()
        db.add(PersonRow(id="ann", region_id="north", number="1001", name="Ann", role="clerk"))
    corrected(ledger, 9)


def wait_for(fact: Callable[[], bool]) -> None:
    for _ in range(400):
        if fact():
            return
        time.sleep(0.05)
    pytest.fail("it did not come true")
