"""Measures a kiosk's outbox after a long time without a network: how fast it keeps, and how fast it starts."""

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.machine import spending
from bench.measured import RUNS, Measured, Target, timed
from bench.stage import Stage, program
from kiosk.outbox import FILE, Outbox
from protocol.records import KioskRecord
from tests.kiosk.cast import IDENTITY, STREAM, a_record
from tests.kiosk.crash_images import recorded
from tests.kiosk.door import HISTORY, RECEIPT_EVERY

WAITING, A_DAY = 100_000, 10_000
PUTS, SCANS = 5_000, 300
GREEN, READY, OPEN = Target("at most", 0.15), Target("at most", 5), Target("at most", 5)
SYNCED = Target("at least", 1)
START = """
import sys
from kiosk.clock import system_clock
from kiosk.settings import read
from kiosk.opening import open_station
settings = read(data=sys.argv[1], source=f"folder:{sys.argv[1]}", gateway="http://127.0.0.1:9")
open_station(settings, system_clock()).stop()
"""


def measure(stage: Stage) -> Iterator[Measured]:
    """Fill outboxes with records that nobody has received, and keep more."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        place = Path(folder)
        waiting, day = stage.sized(WAITING), stage.sized(A_DAY)
        _fill(place / "long", waiting)
        _fill(place / "day", day)
        yield _opened(place / "long", waiting)
        yield _kept(stage, place / "long", waiting)
        yield _ready(place / "day", day)
        if strace := program("strace"):
            yield _synced(strace, place, stage.sized(SCANS, least=RECEIPT_EVERY))


def _opened(folder: Path, waiting: int) -> Measured:
    with spending() as spent:
        values = tuple(timed(lambda: Outbox(folder / FILE, stream=STREAM).close()) for _ in range(RUNS))
    return Measured(
        name="outbox: open it, with its file checked", n=waiting, value=median(values), unit="s", values=values,
        target=OPEN, cpu_seconds=spent, note="rows wait for a receipt",
    )  # fmt: skip


def _kept(stage: Stage, folder: Path, waiting: int) -> Measured:
    puts = stage.sized(PUTS, least=100)
    with closing(Outbox(folder / FILE, stream=STREAM)) as outbox, stage.bar("puts", puts) as moved, spending() as spent:
        values = sorted(_put(outbox, moved) for _ in range(puts))
    return Measured(
        name="outbox: put, p99", n=puts, value=_at(values, 0.99), unit="s", target=GREEN, cpu_seconds=spent,
        note=f"{waiting} rows wait; p50 {_at(values, 0.5) * 1000:.2f} ms, longest {values[-1] * 1000:.1f} ms",
    )  # fmt: skip


def _put(outbox: Outbox, moved: Callable[[int], None]) -> float:
    moved(1)
    return timed(lambda: outbox.put(_now))


def _at(values: Sequence[float], share: float) -> float:
    return values[math.ceil(len(values) * share) - 1]


def _ready(folder: Path, waiting: int) -> Measured:
    """Start a kiosk as a process of its own, from nothing to the moment at which a badge could be shown."""
    IDENTITY.save(folder)
    command = [sys.executable, "-c", START, str(folder)]
    values = tuple(timed(lambda: subprocess.run(command, check=True)) for _ in range(RUNS))
    return Measured(
        name="kiosk: ready, from nothing", n=waiting, value=median(values), unit="s", values=values, target=READY,
        note="rows of today wait for a receipt; a process of its own, imports and its end included",
    )  # fmt: skip


def _synced(strace: str, folder: Path, scans: int) -> Measured:
    acts = recorded(strace, folder, scans=scans)
    shown = [place for place, act in enumerate(acts) if act.file == HISTORY and act.what == "write"]
    own = acts[shown[0] : shown[-1]]
    syncs = sum(act.what == "sync" and act.file != HISTORY for act in own)
    return Measured(
        name="outbox: syncs per green", n=len(shown) - 1, value=syncs / (len(shown) - 1), unit="fdatasync",
        target=SYNCED, note=f"counted by strace; a receipt after every {RECEIPT_EVERY} scans is in it",
    )  # fmt: skip


def _fill(folder: Path, rows: int) -> None:
    """Enter records that look like today's; each with a commit of its own would take the measurement's time."""
    at = datetime.now(UTC)
    text = at.isoformat(timespec="milliseconds")
    lines = ((seq, text, a_record(seq, at=at, badge=f"{seq:032x}").line()) for seq in range(1, rows + 1))
    with closing(Outbox(folder / FILE, stream=STREAM)) as outbox, outbox._transaction() as db:
        db.executemany("INSERT INTO records (seq, at, line) VALUES (?, ?, ?)", lines)
        db.execute("UPDATE stream SET last_assigned = ?", (rows,))


def _now(seq: int) -> KioskRecord:
    return a_record(seq, at=datetime.now(UTC), badge=f"{seq:032x}")
