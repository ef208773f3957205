"""Kills a kiosk's door again and again, and says what its outbox holds of what had turned green."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from kiosk.outbox import FILE, Outbox
from protocol.records import KioskRecord
from tests.kiosk.cast import NINE, STREAM
from tests.kiosk.door import HISTORY

ROOT = Path(__file__).parents[2]
STARTING, SCANNING = 0.8, 0.003
"""Seconds: about what a door takes to open, and for a scan; a kill comes at any moment within."""
ENOUGH = 500
"""Scans by which a door may be ahead of whoever kills it."""
AT_THE_START = 6
"""Of so many kills one comes while the outbox is being opened, or mended after the kill before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What the checker found."""

    green: int
    """Scans that turned green."""
    kills: int
    lost: tuple[int, ...]
    """Numbers of scans that turned green, and are not in the outbox as they were."""
    doubled: tuple[int, ...]
    gaps: int
    """Numbers of the stream that no record has."""

    def __str__(self) -> str:
        found = f"{len(self.lost)} lost, {len(self.doubled)} doubled, {self.gaps} gaps"
        return f"{self.green} greens, {self.kills} kills: {found}"


def kill_again_and_again(folder: Path, *, kind: str = "Outbox", scans: int, kills: int, seed: int) -> Aftermath:
    """Let so many people scan, killing the kiosk at random moments; then check what is left."""
    chance, first = random.Random(seed), 0
    for kill in range(kills):
        first = _next(folder, first)
        most = max(2 * (scans - first) // (kills - kill), 1)
        with _door(kind, folder, first, scans + ENOUGH) as door:
            if kill % AT_THE_START == AT_THE_START // 2:
                time.sleep(chance.uniform(0, STARTING))
            else:
                _let_in(door, chance.randint(1, most))
                time.sleep(chance.uniform(0, SCANNING))
            door.kill()
        assert door.returncode == -signal.SIGKILL
    with _door(kind, folder, _next(folder, first), scans) as door:
        door.communicate()
    assert door.returncode == 0
    return check(folder, kills=kills)


def _door(kind: str, folder: Path, first: int, last: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.kiosk.door", kind, str(folder), str(first), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _let_in(door: "subprocess.Popen[str]", greens: int) -> None:
    """Read that the door is open, and then so many greens, if there are as many."""
    assert door.stdout
    for _ in zip(range(1 + greens), door.stdout, strict=False):
        pass


def _next(folder: Path, first: int) -> int:
    """Say who comes next; whoever was interrupted is left out, also when that was the first at the last door."""
    path = folder / HISTORY
    green = max(history(path.read_bytes()), default=-1) if path.exists() else -1
    return max(green + 2, first + 1)


def history(data: bytes) -> dict[int, int]:
    """Read which scans turned green, with their numbers in the stream; the last line may have been cut."""
    lines = data.split(b"\n")[:-1]
    return {int(number): int(seq) for number, seq in (line.split() for line in lines)}


def check(folder: Path, *, kills: int) -> Aftermath:
    """Open what is left, and compare it with what had turned green."""
    with closing(Outbox(folder / FILE, stream=STREAM)) as outbox:
        records, last = outbox.since(NINE), outbox.standing().last_assigned
    green = history((folder / HISTORY).read_bytes())
    return compared(green, records, last, kills=kills)


def compared(green: dict[int, int], records: list[KioskRecord], last: int, *, kills: int) -> Aftermath:
    """Compare the history with the records of an outbox."""
    kept = {record.seq: UUID(record.badge or "").int for record in records}
    return Aftermath(
        green=len(green),
        kills=kills,
        lost=tuple(number for number, seq in green.items() if kept.get(seq) != number),
        doubled=tuple(number for number, times in Counter(kept.values()).items() if times > 1),
        gaps=len(set(range(1, last + 1)) - kept.keys()),
    )
