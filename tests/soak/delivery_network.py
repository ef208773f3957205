"""The long proofs about the network: storms, a long absence of the gateway, a crowd that comes back."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from kiosk.uplink import Backoff, Uplink
from tandem.simulate import SCANNERS, SimulatedKiosk, allow_files
from tests.cast import company
from tests.fault_proxy import CALM, HALF_OPEN_DOWN, forecast
from tests.fleet import Compared, Site, SmallQueue, TrustingConnection, TrustingUplink, compared, site, until
from tests.tandem.test_bad_network import TinyQueue, drops, has_everything, scan_all, survive

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]

AWAY = 45.0
"""Seconds without a gateway, at least: the kiosks have sent everything in their windows twice."""


def seconds_until(reached: Callable[[], bool], longest: float) -> float:
    begun = time.monotonic()
    assert until(reached, longest), f"not reached within {longest} s"
    return time.monotonic() - begun


def test_after_a_storm_every_stream_is_complete_within_a_minute(tmp_path: Path, postgres: Callable[[], str]) -> None:
    with site(tmp_path, company(postgres()), kiosks=20) as here:
        survive(here, 500, forecast(seed=1, rounds=2), least=4, pause=0.002)
        took = seconds_until(has_everything(here), 240)
        result, done = compared(here), dict(here.kiosks_line.done)

    print(f"\n{result}; complete {took:.1f} s after the storm; faults {done}", end="")
    assert (result.green >= 10_000, result.is_equal) == (True, True)
    assert took <= 60


def test_what_fifty_kiosks_gather_while_the_gateway_is_away_drains(tmp_path: Path, postgres: Callable[[], str]) -> None:
    with site(tmp_path, company(postgres()), kiosks=50, broker=SmallQueue, through=["gateway"]) as here:
        here.gateways_line.weather = HALF_OPEN_DOWN
        here.gateways_line.cut()
        here.gateways_line.mend()
        begun = time.monotonic()
        with ThreadPoolExecutor(SCANNERS) as scanners:
            list(scanners.map(partial(_gather, here, 2000), here.fleet.kiosks))
        wrote = time.monotonic() - begun
        threading.Event().wait(AWAY - wrote)
        waiting = here.fleet.figures().waiting
        here.gateways_line.weather = CALM
        here.gateways_line.cut()
        here.gateways_line.mend()
        took = seconds_until(lambda: not here.fleet.figures().waiting, 300)
        result, dropped = compared(here), "messages are being dropped" in here.log()

    print(
        f"\n{result}; {waiting} waited after {max(wrote, AWAY):.0f} s; drained in {took:.1f} s, "
        f"{waiting / took:.0f} records/s; the broker {'dropped' if dropped else 'dropped nothing'}",
        end="",
    )
    assert (result.green, waiting, result.is_equal) == (100_000, 100_000, True)
    assert waiting / took >= 500


def test_a_twin_that_trusts_the_broker_loses_what_it_drops(tmp_path: Path, postgres: Callable[[], str]) -> None:
    make = partial(site, kiosks=10, broker=TinyQueue, pace=1000, uplink=TrustingUplink, connect=TrustingConnection)
    with make(tmp_path, company(postgres())) as here:
        here.gateways_line.weather = HALF_OPEN_DOWN
        scan_all(here, 1)
        dropped = until(lambda: drops(here))
        scan_all(here, 50)
        believed = until(lambda: not here.fleet.figures().waiting)
        here.gateways_line.cut()
        here.gateways_line.weather = CALM
        here.gateways_line.mend()

        result = compared(here)

        print(f"\nthe sabotaged twin: {result}", end="")
        assert (dropped, believed) == (True, True)
        assert result.missing > 0


def test_five_hundred_kiosks_come_back_from_a_restart_of_the_broker(
    tmp_path: Path, postgres: Callable[[], str]
) -> None:
    with _crowd(tmp_path, postgres(), Backoff()) as (here, took, peak):
        for kiosk in here.fleet.kiosks:
            here.scan(kiosk)
        seconds_until(has_everything(here), 120)
        result = compared(here)

    print(f"\n500 kiosks back after {took:.1f} s, at most {peak} connections in a second; {result}", end="")
    assert (result.green, result.is_equal) == (500, True)
    assert took <= 60
    assert peak <= 50


def test_five_hundred_twins_that_come_back_at_once_are_too_many_in_a_second(
    tmp_path: Path, postgres: Callable[[], str]
) -> None:
    with _crowd(tmp_path, postgres(), Backoff(first=timedelta(seconds=1))) as (_, took, peak):
        print(f"\n500 twins back after {took:.1f} s, at most {peak} connections in a second", end="")

    assert peak > 50


def _at_rest(here: Site) -> Compared:
    """Wait until nothing more arrives for five seconds, and compare."""
    last, since = compared(here), time.monotonic()
    while time.monotonic() - since < 5:
        time.sleep(0.5)
        if (now := compared(here)) != last:
            last, since = now, time.monotonic()
    return last


@contextmanager
def _crowd(folder: Path, database: str, backoff: Backoff) -> Iterator[tuple[Site, float, int]]:
    """Restart the broker of 500 kiosks; give the seconds until all are back, and the most connections in a second."""
    allow_files(500)
    # Here the gateway shares a process with 500 outboxes, and paho cannot wait for a file beyond number 1023.
    low = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    with site(folder, company(database), kiosks=500, through=[], uplink=partial(Uplink, backoff=backoff)) as here:
        seconds_until(lambda: here.fleet.figures().connected == 500, 120)
        before = len(here.log())
        here.kill_broker()
        seconds_until(lambda: here.fleet.figures().connected == 0, 30)
        for file in low:
            os.close(file)
        here.broker.refresh()
        took = seconds_until(lambda: here.fleet.figures().connected == 500, 200)
        log = here.log()[before:].splitlines()
        peak = max(Counter(line.partition(":")[0] for line in log if "New connection from" in line).values())
        yield here, took, peak


def _gather(here: Site, each: int, kiosk: SimulatedKiosk) -> None:
    for _ in range(each):
        here.scan(kiosk)
