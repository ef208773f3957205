"""Measures how long a check-in waits for its second tick: from the scan, over the disk, broker and ledger, and back."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.machine import spending
from bench.measured import Measured, Target
from bench.stage import Stage, Store
from tandem.broker import EmbeddedBroker, Mosquitto
from tandem.embedded import Accounts
from tandem.simulate import Fleet
from tests.cast import settle_in
from tests.fleet import MakeBroker, site
from tests.postgres import MEMORY

KIOSKS, RATE, SECONDS = 50, 2.0, 30
WARM = 3
"""Seconds before the first scan, in which the kiosks connect."""
ARRIVED = 60
"""Seconds in which the last receipt has to come."""
TARGETS = {"p50": Target("at most", 150), "p99": Target("at most", 1000)}


def _embedded(accounts: Accounts, _: Path) -> EmbeddedBroker:
    return EmbeddedBroker(accounts)


BROKERS: Mapping[str, tuple[str, MakeBroker]] = {
    "sqlite": ("embedded broker", _embedded),
    "postgresql": ("mosquitto", Mosquitto),
}


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Let kiosks scan as in a busy minute; unlike in a room, they and the gateway share one process."""
    broker, _ = BROKERS[engine]
    with stage.store(engine) as store, spending(store.server) as spent:
        waits = _waits(stage, store)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Measured(
            name=f"scan to receipt, {KIOSKS} kiosks, {RATE:g} scans/s each, {broker}, {engine}, {name}", n=len(waits),
            value=waits[int(len(waits) * share)] * 1000, unit="ms", target=TARGETS[name], cpu_seconds=spent,
            note="kiosks, gateway and, if embedded, the broker in one process",
        )  # fmt: skip


def _waits(stage: Stage, store: Store) -> list[float]:
    """Return the seconds from scan to receipt, in order; raises RuntimeError if a receipt is missing."""
    with store.ledger.begin() as db:
        settle_in(db)
    _, broker = BROKERS[store.engine]
    with (
        tempfile.TemporaryDirectory(prefix="tandem-bench-", dir=MEMORY) as folder,
        site(Path(folder), store.ledger, kiosks=KIOSKS, broker=broker, through=[]) as here,
    ):
        time.sleep(WARM)
        _scan(stage, here.fleet)
        return sorted(wait for kiosk in here.fleet.kiosks for wait in kiosk.outbox.waits)


def _scan(stage: Stage, fleet: Fleet) -> None:
    seconds = stage.sized(SECONDS, least=2)
    with stage.bar("scans", seconds) as moved:
        fleet.start_scanning(RATE)
        for _ in range(seconds):
            time.sleep(1)
            moved(1)
        fleet.stop_scanning()
    end = time.monotonic() + ARRIVED
    while fleet.figures().waiting:
        if time.monotonic() > end:
            raise RuntimeError(f"no receipt: {fleet.figures()}")
        time.sleep(0.1)
