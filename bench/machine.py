"""What the measurements ran on, and what each process spent."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


def machine(postgres: str | None, settings: Sequence[str]) -> dict[str, Any]:
    """Describe this machine; `postgres` is the path of the server's program, if there is one, run with `settings`."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": _version(postgres) if postgres else None,
        "postgresql_settings": list(settings),
    }


@contextmanager
def spending(server: int | None = None) -> Iterator[dict[str, float]]:
    """Fill in, at the end of the block, the CPU seconds of this process with its ended ones, and of a server."""
    spent: dict[str, float] = {}
    own, theirs = _own(), _of_tree(server)
    yield spent
    spent["bench"] = _own() - own
    if server:
        spent["postgresql"] = _of_tree(server) - theirs


def _own() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _of_tree(pid: int | None) -> float:
    """Add up a server with the processes that it has now and those that have ended."""
    if pid is None:
        return 0.0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_of_process(child, waited=False) for child in children) + _of_process(str(pid), waited=True)


def _of_process(pid: str, *, waited: bool) -> float:
    try:
        # The second field, the name in brackets, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(field) for field in fields[11 : 15 if waited else 13]) / TICKS


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.machine())


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return said.partition(")")[2].split()[0]
