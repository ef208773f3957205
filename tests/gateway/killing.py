"""Kills gateways, one after the other, while a kiosk goes on scanning."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ledger.database import Ledger
from tests.gateway.dying_gateway import TOO_EARLY
from tests.gateway.wired import Kiosk, Line, asking_nothing, line, missing, receiving, wait

ROOT = Path(__file__).parents[2]
KILLED = -9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    kills: int
    recorded: int
    lost: int
    doubled: int
    undelivered: int
    """Rows at the kiosk that no receipt has named."""


def kill(url: str, folder: Path, deaths: Sequence[tuple[str, int]], *, patience: float = 20) -> Outcome:
    """Let a gateway die at each of these points, after so many passages, and then one live; the ledger has the cast.

    After the twin's deaths it does not ask for what is missing: what the deaths lost would come back.
    """
    ledger = Ledger(url)
    with line(folder, ledger, kiosks=1) as made:
        [kiosk] = made.kiosks
        # SQLite lets one process have the file.
        ledger.close()
        kills = _die(url, made, deaths)
        ledger = Ledger(url)
        try:
            is_twin = any(point == TOO_EARLY for point, _ in deaths)
            with asking_nothing() if is_twin else nullcontext(), receiving(ledger, made.address):
                kiosk.scan()
                wait(lambda: made.waits() == 0, patience)
            lost, doubled = missing(ledger, made.held())
        finally:
            ledger.close()
        return Outcome(kills, len(made.held()), lost, doubled, made.waits())


def _die(url: str, made: Line, deaths: Sequence[tuple[str, int]]) -> int:
    command = [sys.executable, "-m", "tests.gateway.dying_gateway", url, made.broker.host, str(made.broker.port)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program,
        _scanning(made.kiosks[0]),
    ):
        assert program.stdin
        assert program.stdout
        kills = 0
        for point, passages in deaths:
            print(f"{point} {passages}", file=program.stdin, flush=True)
            kills += int(program.stdout.readline()) == KILLED
        program.stdin.close()
    return kills


@contextmanager
def _scanning(kiosk: Kiosk) -> Iterator[None]:
    """Let people come in, a hundred in a second."""
    stop = threading.Event()

    def scan() -> None:
        while not stop.wait(0.01):
            kiosk.scan()

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
