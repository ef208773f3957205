"""Claims about check-ins on a bad network: whatever it does, the ledger has in the end what turned green."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from kiosk.uplink import Backoff, Uplink
from tests.cast import company
from tests.fault_proxy import (
    BLACK_HOLE,
    CALM,
    CUT,
    DOUBLING,
    HALF_OPEN_DOWN,
    HALF_OPEN_UP,
    REORDERING,
    SLICED,
    SLOW,
    THIEVING,
    Weather,
    storm,
)
from tests.fleet import Compared, Site, SmallQueue, TrustingConnection, TrustingUplink, compared, site, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.long]

QUICK = partial(Uplink, luck=lambda: 0.02)
"""Comes back at once: how a crowd spreads is another claim."""
WEATHERS = (
    SLOW, SLICED, DOUBLING, REORDERING, THIEVING, CUT, BLACK_HOLE, CUT, HALF_OPEN_UP, CUT, HALF_OPEN_DOWN, CUT,
)  # fmt: skip
"""A dead connection is found out after a minute. That is for the long proof; here it is cut."""


class TinyQueue(SmallQueue):
    queue = 20


@pytest.fixture(autouse=True)
def mosquitto(program: Callable[[str], str]) -> None:
    program("mosquitto")


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite'}"


def scan_all(here: Site, each: int, *, pause: float = 0.0) -> None:
    """Let every kiosk scan so often, in turns."""
    for _ in range(each):
        for kiosk in here.fleet.kiosks:
            here.scan(kiosk)
            time.sleep(pause)


def survive(here: Site, each: int, weathers: Sequence[Weather | None], *, least: float, pause: float) -> None:
    """Let every kiosk scan so often, or oftener, while one weather follows another."""
    bad = threading.Thread(target=storm, args=(here.kiosks_line, weathers), kwargs={"least": least})
    bad.start()
    scan_all(here, each, pause=pause)
    while bad.is_alive():
        scan_all(here, 1, pause=0.05)


def drops(here: Site) -> bool:
    """Have every kiosk repeat what has no receipt (by its quick clock it is time), until it is too much."""
    for kiosk in here.fleet.kiosks:
        kiosk.uplink.wake()
    return "messages are being dropped" in here.log()


def has_everything(here: Site) -> Callable[[], bool]:
    """Say what to wait for: every outbox has its receipts, and the ledger what turned green."""
    return lambda: not here.fleet.figures().waiting and compared(here).is_equal


def test_through_every_weather_the_ledger_has_what_turned_green(tmp_path: Path) -> None:
    with site(tmp_path, company(address(tmp_path)), kiosks=3, pace=20, uplink=QUICK) as here:
        survive(here, 100, WEATHERS, least=0.2, pause=0.01)
        until(has_everything(here))
        result = compared(here)

        assert (result.green >= 300, result.is_equal) == (True, True)
        faults = {"cut", "dead", "delayed", "sliced", "doubled", "reordered", "stolen"}
        assert {fault for fault, times in here.kiosks_line.done.items() if times} == faults


def test_a_broker_that_promises_and_forgets_loses_nothing_but_for_an_uplink_that_trusts_it(tmp_path: Path) -> None:
    outcomes = {}
    for name, uplink, connect in (("ours", QUICK, None), ("trusting", TrustingUplink, TrustingConnection)):
        folder = tmp_path / name
        folder.mkdir()
        with site(folder, company(address(folder)), kiosks=1, pace=30, uplink=uplink, connect=connect) as here:
            here.kiosks_line.weather = Weather(stolen=1)
            for stolen in range(1, 6):
                scan_all(here, 1)
                until(lambda stolen=stolen: here.kiosks_line.done["stolen"] >= stolen)  # type: ignore[misc]
            here.kiosks_line.weather = CALM
            until(lambda: here.fleet.figures().waiting == 0)
            outcomes[name] = (compared(here).missing, here.fleet.figures().waiting)

    assert outcomes["ours"] == (0, 0)
    assert outcomes["trusting"][0] > 0
    assert outcomes["trusting"][1] == 0


def test_what_a_broker_drops_while_the_gateway_is_away_is_sent_again(tmp_path: Path) -> None:
    with site(tmp_path, company(address(tmp_path)), kiosks=3, broker=TinyQueue, pace=1000, uplink=QUICK) as here:
        # The broker believes that the gateway is there, queues for it, and drops what does not fit.
        here.gateways_line.weather = HALF_OPEN_DOWN
        scan_all(here, 150)
        dropped = until(lambda: drops(here))
        here.gateways_line.cut()
        here.gateways_line.weather = CALM
        here.gateways_line.mend()
        until(has_everything(here))

        assert dropped
        assert compared(here) == Compared(green=450, missing=0, strange=0, incomplete_streams=0)


def test_kiosks_come_back_from_a_restart_of_the_broker(tmp_path: Path) -> None:
    with site(tmp_path, company(address(tmp_path)), kiosks=20, through=[], pace=20, uplink=QUICK) as here:
        until(lambda: here.fleet.figures().connected == 20)
        here.kill_broker()
        gone = until(lambda: here.fleet.figures().connected == 0)
        here.broker.refresh()
        back = until(lambda: here.fleet.figures().connected == 20)
        scan_all(here, 1)
        until(has_everything(here))

        assert (gone, back) == (True, True)
        assert compared(here) == Compared(green=20, missing=0, strange=0, incomplete_streams=0)


@pytest.mark.parametrize(
    ("backoff", "is_spread"),
    [(Backoff(), True), (Backoff(first=timedelta(seconds=1)), False)],
    ids=["ours", "a twin that comes back at once"],
)
def test_five_hundred_kiosks_never_come_back_more_than_fifty_in_a_second(backoff: Backoff, is_spread: bool) -> None:
    peaks = []
    for seed in range(200):
        chance = random.Random(seed)
        came = Counter(int(backoff.wait(0, luck=chance.random()).total_seconds()) for _ in range(500))
        peaks.append(max(came.values()))

    assert (max(peaks) <= 50) is is_spread
