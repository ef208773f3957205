"""Claims about a kiosk and the real gateway's application, without a network between them."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from gateway import devices
from kiosk.asking import GatewayRefuses
from kiosk.identity import Identity
from kiosk.registration import RegistrationRefused, register, standing
from kiosk.roster import RosterBook
from tests.gateway.cast import Gateway, code, company
from tests.sqlite import in_memory

ADDRESS = "http://gateway.test"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    ledger = in_memory(company)
    yield Gateway(ledger)
    ledger.close()


def client(gateway: Gateway) -> httpx2.Client:
    return httpx2.Client(base_url=ADDRESS, transport=httpx2.WSGITransport(app=gateway.app))


def registered(gateway: Gateway, folder: Path) -> Identity:
    return register(ADDRESS, code(gateway), name="door", data_dir=folder, client=client(gateway))


def confirmed(gateway: Gateway, folder: Path) -> Identity:
    identity = registered(gateway, folder)
    with gateway.ledger.begin() as db:
        devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=gateway.clock.now)
    return identity


def test_a_kiosk_registers_is_confirmed_by_its_fingerprint_and_knows_the_day(gateway: Gateway, tmp_path: Path) -> None:
    identity = registered(gateway, tmp_path)
    book = RosterBook(tmp_path, now=gateway.clock)
    with client(gateway) as line:
        assert standing(identity, line, at=gateway.clock.now).account is None
        with gateway.ledger.begin() as db:
            devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=gateway.clock.now)

        account = standing(identity, line, at=gateway.clock.now).account
        assert account is not None
        assert (account.username, account.port) == (identity.device, 1884)
        assert book.pull(line, identity)
        assert not book.pull(line, identity)

    day = book.day()
    assert day is not None
    assert day.learners["ann"].name == "Ann Li"
    assert day.titles["order-101"].title == "Order entry"


def test_a_revoked_kiosk_hears_it_from_the_gateway_itself(gateway: Gateway, tmp_path: Path) -> None:
    identity = confirmed(gateway, tmp_path)
    with gateway.ledger.begin() as db:
        devices.revoke(db, identity.device, actor="test", now=gateway.clock.now)

    with client(gateway) as line, pytest.raises(GatewayRefuses) as refused:
        RosterBook(tmp_path, now=gateway.clock).pull(line, identity)

    assert refused.value.kind == "device-revoked"


def test_a_wrong_code_is_refused_with_what_to_do(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(RegistrationRefused, match="Make a new code"):
        register(ADDRESS, "WRON-GCODE123", name="door", data_dir=tmp_path, client=client(gateway))
