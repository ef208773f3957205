"""A device's broker password, and its keys, are replaced without losing a check-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.settings import GatewaySettings
from kiosk.asking import gateway_client
from kiosk.identity import Identity
from kiosk.outbox import FILE, Outbox
from kiosk.registration import register, standing
from kiosk.uplink import Uplink
from ledger.account_tables import AuditRow
from ledger.tables import CheckInRow
from tandem.up import Machine
from tests.cast import settle_in
from tests.fleet import anns_badge, until

pytestmark = pytest.mark.enable_socket


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(GatewaySettings(data=tmp_path_factory.mktemp("gateway"), port=0), now)
    with made.ledger.begin() as db:
        settle_in(db)
    made.start()
    yield made
    made.stop()


@dataclass
class Kiosk:
    """A registered kiosk's outbox and uplink."""

    identity: Identity
    outbox: Outbox

    def scan(self, times: int) -> None:
        for _ in range(times):
            self.outbox.put(lambda seq: anns_badge(self.outbox.stream, seq))

    def ask_for_account(self) -> None:
        """Do what the station's errands do when the uplink stays away."""
        with gateway_client(self.identity.gateway) as client:
            self.identity = standing(self.identity, client, at=now())


@contextmanager
def at_work(machine: Machine, folder: Path) -> Iterator[tuple[Kiosk, Uplink]]:
    code = machine.acts["device code"](room="room-1")["code"]
    identity = register(machine.url, code, name="door", data_dir=folder)
    machine.acts["device confirm"](device=identity.device, fingerprint=identity.fingerprint)
    kiosk = Kiosk(identity, Outbox(folder / FILE, stream=identity.stream))
    kiosk.ask_for_account()
    uplink = Uplink(identity, kiosk.outbox, account=lambda: kiosk.identity.account, now=now, luck=lambda: 0.01)
    uplink.start()
    try:
        yield kiosk, uplink
    finally:
        uplink.stop()
        kiosk.outbox.close()


def all_delivered(kiosk: Kiosk) -> bool:
    return until(lambda: kiosk.outbox.standing().count == 0, 10)


def entered(machine: Machine, *kiosks: Kiosk) -> int:
    streams = [kiosk.identity.stream for kiosk in kiosks]
    with machine.ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).where(CheckInRow.stream.in_(streams))) or 0


def test_a_new_broker_password_costs_a_connection_and_no_check_in(machine: Machine, tmp_path: Path) -> None:
    with at_work(machine, tmp_path / "kiosk") as (kiosk, uplink):
        kiosk.scan(3)
        before = all_delivered(kiosk)

        machine.acts["device roll"](device=kiosk.identity.device)
        out = until(lambda: not uplink.connected, 5)
        kiosk.scan(3)
        kiosk.ask_for_account()
        after = all_delivered(kiosk)

    with machine.ledger.read() as db:
        audited = db.scalars(sa.select(AuditRow.thing).where(AuditRow.act == "device rolled")).all()
    assert (before, out, after, entered(machine, kiosk)) == (True, True, True, 6)
    assert audited == [kiosk.identity.device]


def test_new_keys_are_a_new_registration_once_the_old_outbox_is_empty(machine: Machine, tmp_path: Path) -> None:
    with at_work(machine, tmp_path / "kiosk") as (old, _):
        old.scan(3)
        drained = all_delivered(old)

    with at_work(machine, tmp_path / "kiosk-anew") as (new, _):
        new.scan(3)
        delivered = all_delivered(new)
        machine.acts["device revoke"](device=old.identity.device)
        new.scan(1)
        goes_on = all_delivered(new)

    assert (drained, delivered, goes_on, entered(machine, old, new)) == (True, True, True, 7)
    assert old.identity.key != new.identity.key


def test_a_revoked_device_that_is_connected_is_out_and_its_check_ins_stay(machine: Machine, tmp_path: Path) -> None:
    with at_work(machine, tmp_path / "kiosk") as (kiosk, uplink):
        kiosk.scan(3)
        delivered = all_delivered(kiosk)

        machine.acts["device revoke"](device=kiosk.identity.device)
        out = until(lambda: not uplink.connected, 5)
        kiosk.scan(1)
        stays_out = not until(lambda: uplink.connected, 1)

    assert (delivered, out, stays_out, entered(machine, kiosk)) == (True, True, True, 3)
