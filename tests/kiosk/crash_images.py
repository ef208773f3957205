"""Makes the files that a power cut may leave: what was synced is there, what was not is kept, dropped or torn.

strace writes down what a real kiosk's door does with its files; the disk is played from that. The index beside the
log (-shm) is left out: it is memory, and SQLite makes it anew.
"""

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kiosk.outbox import FILE, Outbox, OutboxError
from tests.kiosk.cast import NINE, STREAM
from tests.kiosk.door import HISTORY
from tests.kiosk.killing import ROOT, Aftermath, check, compared, history

LOG, JOURNAL = f"{FILE}-wal", f"{FILE}-journal"
"""SQLite uses the journal once, to make the file one that has a log."""
FOLDER = ""
"""The one that they are in."""
SECTOR = 512
"""Bytes that a disk writes whole or not at all."""
CALLS = "openat,pwrite64,write,ftruncate,fdatasync,fsync,unlink"
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)")


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to a file."""

    file: str
    what: str
    """"write", "cut", "sync" or "unlink"."""
    at: int = 0
    data: bytes = b""


def recorded(strace: str, folder: Path, *, kind: str = "Outbox", scans: int) -> list[Act]:
    """Run a door to its end and return what it did to the outbox and the history, in order."""
    log, files = folder / "strace", [folder, *(folder / name for name in (FILE, LOG, JOURNAL, HISTORY))]
    only = [argument for file in files for argument in ("-P", str(file))]
    door = [sys.executable, "-m", "tests.kiosk.door", kind, str(folder), "1", str(scans)]
    # Without -f it follows the first thread alone, which does all the writing; so no call is torn over two lines.
    command = [strace, "-o", str(log), "-xx", "-s", "65536", "-e", f"trace={CALLS}", *only, *door]
    ran = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ran.returncode == 0, f"the door cannot be traced (is ptrace allowed here?): {ran.stderr}"
    return list(_acts(log, folder))


def _acts(log: Path, folder: Path) -> Iterator[Act]:
    names: dict[str, str] = {}
    lengths: Counter[str] = Counter()
    with log.open() as lines:
        for line in lines:
            if line.startswith("+++"):
                continue
            call = CALL.match(line)
            assert call, f"strace says what nobody reads: {line[:200]}"
            name, given, result = call[1], call[2].split(", "), call[3]
            assert int(result) >= 0, f"a call has failed: {line[:200]}"
            match name:
                case "openat":
                    names[result] = _name(given[1], folder)
                case "unlink":
                    yield Act(_name(given[0], folder), "unlink")
                case "fsync" | "fdatasync":
                    yield Act(names[given[0]], "sync")
                case "ftruncate":
                    yield Act(names[given[0]], "cut", int(given[1]))
                case "pwrite64":
                    yield Act(names[given[0]], "write", int(given[3]), _bytes(given[1]))
                case "write":
                    yield Act(names[given[0]], "write", lengths[given[0]], _bytes(given[1]))
                    lengths[given[0]] += int(result)


def _name(path: str, folder: Path) -> str:
    name = str(Path(_bytes(path).decode()).relative_to(folder))
    return FOLDER if name == "." else name


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.strip('"').replace("\\x", ""))


def image(acts: Sequence[Act], folder: Path, chance: random.Random) -> None:
    """Write the files as they may be when the power fails after the last of these acts."""
    named = _synced(acts, FOLDER)
    for file in (FILE, LOG, JOURNAL):
        content, exists, most = bytearray(), False, chance.random()
        synced = _synced(acts, file)
        for place, act in enumerate(acts):
            if act.file != file:
                continue
            # That a name is gone is on disk when its folder is.
            certain = place <= synced or (act.what == "unlink" and place < named)
            for part in [act] if certain else _what_survives(act, chance, most):
                exists = part.what != "unlink"
                _play(content, part)
        if exists:
            (folder / file).write_bytes(content)


def _synced(acts: Sequence[Act], file: str) -> int:
    return max((place for place, act in enumerate(acts) if (act.file, act.what) == (file, "sync")), default=-1)


def _what_survives(act: Act, chance: random.Random, most: float) -> Iterator[Act]:
    """Drop, tear or keep what nothing has synced; so a later write may outlive an earlier one."""
    if chance.random() < most:
        return
    if act.what == "write" and chance.random() < 0.5:
        yield from (sector for sector in _sectors(act) if chance.random() < 0.5)
    else:
        yield act


def _sectors(act: Act) -> Iterator[Act]:
    begin, end = act.at, act.at + len(act.data)
    for sector in range(begin // SECTOR * SECTOR, end, SECTOR):
        first, last = max(begin, sector), min(end, sector + SECTOR)
        yield replace(act, at=first, data=act.data[first - begin : last - begin])


def _play(content: bytearray, act: Act) -> None:
    match act.what:
        case "write":
            content.extend(bytes(max(0, act.at - len(content))))
            content[act.at : act.at + len(act.data)] = act.data
        case "cut":
            content[:] = content[: act.at].ljust(act.at, b"\0")
        case "unlink":
            content.clear()


def cut_the_power(acts: Sequence[Act], folder: Path, *, images: int, seed: int) -> tuple[list[Aftermath], int]:
    """Fail at so many random moments; return what the real outbox finds of each, and how many it cannot open."""
    chance, found, unreadable = random.Random(seed), list[Aftermath](), 0
    # The log goes into the file now and then only; half of the moments are around that.
    moving = [place for place, act in enumerate(acts) if act.file == FILE]
    for number in range(images):
        moment = chance.choice(moving) + chance.randint(-3, 3) if number % 2 else chance.randrange(len(acts))
        before = acts[: max(0, moment + 1)]
        own = folder / f"image-{number}"
        own.mkdir()
        image(before, own, chance)
        try:
            found.append(_found(before, own))
        except OutboxError:
            unreadable += 1
    return found, unreadable


def _found(acts: Sequence[Act], folder: Path) -> Aftermath:
    """Compare the image with what the screen had shown by then, whether or not the history itself was synced."""
    with closing(Outbox(folder / FILE, stream=STREAM)) as outbox:
        records, last = outbox.since(NINE), outbox.standing().last_assigned
    shown = b"".join(act.data for act in acts if act.file == HISTORY and act.what == "write")
    return compared(history(shown), records, last, kills=1)


def run_on_a_failing_disk(
    strace: str, folder: Path, *, fault: str, scans: int, kind: str = "Outbox"
) -> tuple[Aftermath, list[str]]:
    """Have the system answer some of the outbox's calls with an error; return what the door refused, too."""
    only = [argument for name in (FILE, LOG) for argument in ("-P", str(folder / name))]
    door = [sys.executable, "-m", "tests.kiosk.door", kind, str(folder), "1", str(scans)]
    command = [strace, "-o", str(folder / "strace"), "-e", f"inject={fault}", *only, *door]
    ran = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ran.returncode == 0, f"the door cannot be traced (is ptrace allowed here?): {ran.stderr}"
    return check(folder, kills=0), [line for line in ran.stdout.splitlines() if line.startswith("no green")]
