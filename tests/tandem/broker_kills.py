"""Kills the broker while kiosks send, as often as is wanted; a real gateway, real outboxes, `kill -9`."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from kiosk.broker import PahoConnection
from kiosk.uplink import Uplink
from ledger.database import Ledger
from ledger.tables import CheckInRow
from tandem.broker import EmbeddedBroker, Mosquitto
from tests.fleet import Compared, Site, TrustingConnection, TrustingUplink, compared, site, until

KIOSKS = 5
PACE = 30
"""Kiosks send again after one second instead of thirty."""
BETWEEN, DOWN = 40, 20
"""Scans between two kills, and scans without a broker."""
PAUSE = 0.01  # seconds between two scans


class EmbeddedChild(Mosquitto):
    """The embedded broker in a process of its own, so that it can be killed."""

    def start(self) -> None:
        """Run it and wait for its port."""
        self._folder.mkdir(parents=True, exist_ok=True)
        accounts = self._folder / "accounts.json"
        accounts.write_text(json.dumps(dict(self._accounts())))
        self._command = [sys.executable, "-m", __name__, str(self.port), str(accounts)]
        self._run()
        self._wait_for_port()


KINDS: dict[str, type[Mosquitto]] = {"mosquitto": Mosquitto, "embedded": EmbeddedChild}


def kill_again_and_again(
    folder: Path,
    ledger: Ledger,
    kind: str,
    *,
    kills: int,
    twin: bool = False,
    late_gateway: bool = False,
    seed: int = 1,
) -> Compared:
    """Kill the broker so many times under load; return the ledger beside what turned green.

    The twin takes the broker's acknowledgement for the gateway's receipt. A late gateway is back after the kiosks are,
    to whom the broker meanwhile acknowledges what nobody takes.
    """
    # Back at once: how a crowd of kiosks spreads is another claim.
    uplink = partial(TrustingUplink if twin else Uplink, luck=lambda: 0.05)
    connect: Callable[..., PahoConnection] | None = TrustingConnection if twin else None
    make = partial(site, kiosks=KIOSKS, broker=KINDS[kind], pace=PACE, uplink=uplink, connect=connect)
    through: tuple[Literal["gateway"], ...] = ("gateway",) if late_gateway else ()
    with make(folder, ledger, through=through) as running:
        chance = random.Random(seed)
        for _ in range(kills):
            _scan(running, BETWEEN, chance)
            if late_gateway:
                running.gateways_line.cut()
            _kill(running)
            _scan(running, DOWN, chance)
            running.broker.refresh()
            if late_gateway:
                _let_the_kiosks_be_first(running, chance)
            _scan_until_it_flows(running, chance)
        until(lambda: not running.fleet.figures().waiting and (twin or compared(running).is_equal))
        return compared(running)


def _let_the_kiosks_be_first(running: Site, chance: random.Random) -> None:
    assert until(lambda: running.fleet.figures().connected == KIOSKS, 60)
    _scan(running, DOWN, chance)
    running.gateways_line.mend()


def _kill(running: Site) -> None:
    pid = int((running.folder / "mosquitto" / "mosquitto.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: _is_over(pid), 10)


def _is_over(pid: int) -> bool:
    """Say whether a child has ended; nobody has waited for it yet."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def _scan(running: Site, scans: int, chance: random.Random) -> None:
    for _ in range(scans):
        running.scan(chance.choice(running.fleet.kiosks))
        time.sleep(PAUSE)


def _scan_until_it_flows(running: Site, chance: random.Random) -> None:
    before = _entered(running.ledger)

    def flows() -> bool:
        _scan(running, 5, chance)
        return _entered(running.ledger) > before

    assert until(flows, 60)


def _entered(ledger: Ledger) -> int:
    with ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(CheckInRow)) or 0


if __name__ == "__main__":
    known = json.loads(Path(sys.argv[2]).read_text())
    broker = EmbeddedBroker(lambda: known, port=int(sys.argv[1]))
    broker.start()
    signal.pause()
