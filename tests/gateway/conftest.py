"""A gateway over an empty ledger in memory, with the small company in it."""

from collections.abc import Iterator

import pytest

from ledger.database import Ledger
from tests.gateway.cast import Gateway, Kiosk, company, confirmed


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
