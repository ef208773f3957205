"""A gateway over an empty ledger in memory, with the small company in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.database import Ledger
from tests.gateway.api_cast import Hr, busy
from tests.gateway.cast import Gateway, Kiosk, company, confirmed
from tests.gateway.pair_cast import with_pairs


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Open a ledger with the small company in it."""
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        company(db)
    yield ledger
    ledger.close()


@pytest.fixture
def gateway(ledger: Ledger) -> Gateway:
    """Put a gateway together at nine."""
    return Gateway(ledger)


@pytest.fixture
def kiosk(gateway: Gateway) -> Kiosk:
    """Register and confirm a kiosk in room-1."""
    return confirmed(gateway)


@pytest.fixture
def hr(gateway: Gateway, tmp_path: Path) -> Hr:
    """Give an HR system a key for everything, after a busy day."""
    return Hr(busy(with_pairs(gateway, tmp_path)))


@pytest.fixture
def hr_on_both(database: str, tmp_path: Path) -> Iterator[Hr]:
    """Give an HR system a key for everything, after a busy day; once on each database."""
    ledger = Ledger(database)
    with ledger.begin() as db:
        company(db)
    yield Hr(busy(with_pairs(Gateway(ledger), tmp_path)))
    ledger.close()


@pytest.fixture(scope="module")
def hr_at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hr]:
    """Give an HR system a key for everything, for tests after which everything is as it was."""
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        company(db)
    yield Hr(busy(with_pairs(Gateway(ledger), tmp_path_factory.mktemp("data"))))
    ledger.close()
