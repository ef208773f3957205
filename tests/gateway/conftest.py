"""A gateway over an empty ledger in memory, with the small company in it."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from ledger.database import Ledger
from tests.gateway.api_cast import EVENING, BusyDay, Hr, after_a_busy_day
from tests.gateway.cast import Gateway, Hands, Kiosk, company, confirmed
from tests.sqlite import in_memory


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Open a ledger with the small company in it."""
    ledger = in_memory(company)
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


@pytest.fixture(scope="session")
def busy_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyDay]:
    """Let a day be busy once; tests begin again at its end."""
    day = BusyDay(after_a_busy_day("sqlite://", tmp_path_factory.mktemp("busy")))
    yield day
    day.close()


@pytest.fixture(scope="session")
def busy_database(postgres: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Let a day be busy on PostgreSQL, to be copied; returns the database's name and a key for everything."""
    url = postgres()
    hr = after_a_busy_day(url, tmp_path_factory.mktemp("busy"))
    hr.gateway.ledger.close()
    return str(sa.make_url(url).database), hr.key


@pytest.fixture
def hr(busy_day: BusyDay) -> Hr:
    """Give an HR system a key for everything, after a busy day."""
    return busy_day.again()


@pytest.fixture(params=["sqlite", "postgresql"])
def hr_on_both(request: pytest.FixtureRequest) -> Iterator[Hr]:
    """Give an HR system a key for everything, after a busy day; once on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("hr")
        return
    name, key = request.getfixturevalue("busy_database")
    server = request.getfixturevalue("postgres_server")
    url = server.make(name)
    ledger = Ledger(url)
    yield Hr(Gateway(ledger, clock=Hands(EVENING)), key=key)
    ledger.close()
    server.drop(url)
