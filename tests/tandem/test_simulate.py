"""Claims about `tandem kiosk simulate`, as somebody types it who tries a gateway before buying kiosks."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kiosk.clock import system_clock
from kiosk.uplink import Uplink
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeviceRow
from tandem import simulate
from tandem.broker import free_port
from tandem.simulate import Fleet, Network, SimulatedKiosk, strangers_badge
from tests.cast import company
from tests.fleet import site, until
from tests.kiosk.cast import ACCOUNT, IDENTITY
from tests.tandem.test_up import brought_up, run, with_a_cast

pytestmark = [pytest.mark.enable_socket, pytest.mark.long]


def simulated(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run("kiosk", "simulate", "--data", str(data), "--room", "room-1", *words)


def devices_and_check_ins(data: Path) -> tuple[list[DeviceRow], list[Any]]:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as db:
        devices = db.scalars(sa.select(DeviceRow).where(DeviceRow.name.startswith("simulated"))).all()
        verdicts = db.scalars(sa.select(CheckInRow.verdict)).all()
    ledger.close()
    return list(devices), list(verdicts)


def test_simulated_kiosks_deliver_what_they_scanned_and_are_revoked(tmp_path: Path) -> None:
    data = with_a_cast(tmp_path)
    with brought_up(data) as up:
        address = up.said.partition("Tandem is up: ")[2].split()[0]
        words = ["--kiosks", "3", "--rate", "5", "--seconds", "2", "--yes", "--json"]
        done = simulated(data, "--gateway", address, *words)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["complete"]
    assert said["scans"] == said["receipted"] > 0
    assert (said["kiosks"], said["connected"], said["waiting"], said["rejected"]) == (3, 3, 0, 0)
    devices, verdicts = devices_and_check_ins(data)
    assert [device.revoked_at is None for device in devices] == [False] * 3
    assert verdicts == ["unknown_badge"] * said["scans"]


def test_an_outage_costs_nothing_but_a_new_connection(tmp_path: Path, program: Callable[[str], str]) -> None:
    program("mosquitto")
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    heard = list[simulate.Figures]()

    with site(tmp_path, ledger, kiosks=2, through=[], pace=20, uplink=partial(Uplink, luck=lambda: 0.02)) as here:
        until(lambda: here.fleet.figures().connected == 2)
        figures = simulate.run(here.fleet, rate=10, seconds=2, offline=(0.5, 1.2), told=heard.append)

    assert figures.complete
    assert figures.reconnects == 2
    assert 0 in {now.connected for now in heard}


def test_what_the_gateway_does_not_have_is_missing(tmp_path: Path) -> None:
    clock, network = system_clock(), Network()
    account = ACCOUNT.model_copy(update={"port": free_port("127.0.0.1")})
    identity, scan = IDENTITY.model_copy(update={"account": account}), strangers_badge(clock, "room-1")
    fleet = Fleet([SimulatedKiosk(identity, tmp_path, scan=scan, now=clock.now, network=network)], network)

    fleet.connect()
    figures = simulate.run(fleet, rate=20, seconds=1, offline=None, told=lambda _: None, patience=0.1)
    fleet.close()

    assert figures.waiting == figures.scans > 0
    assert not figures.complete


def test_it_says_what_it_would_add_and_does_nothing_without_a_yes(tmp_path: Path) -> None:
    data = with_a_cast(tmp_path)

    done = simulated(data, "--kiosks", "3")

    assert done.returncode == 1
    assert "3 devices in room-1" in done.stderr
    assert devices_and_check_ins(data) == ([], [])


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--kiosks", "501"], 2, "less than or equal to 500"),
        (["--offline", "9-3"], 2, "FROM-TO in seconds"),
        (["--yes"], 2, "does not answer"),
    ],
    ids=["too many", "offline", "no gateway"],
)
def test_what_cannot_be_simulated_is_said(tmp_path: Path, words: list[str], code: int, sentence: str) -> None:
    data = with_a_cast(tmp_path)

    done = simulated(data, "--gateway", f"http://127.0.0.1:{free_port('127.0.0.1')}", *words)

    assert done.returncode == code
    assert sentence in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
