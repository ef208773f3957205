"""The results: a table to read, and a file to keep."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS, SHRUNK = HERE / "results.json", HERE / "results-shrunk.json"

Line = Mapping[str, Any]


def keep(path: Path, machine: Line, lines: Mapping[str, Line]) -> None:
    """Write new results over the old ones of the same names; what another machine measured is dropped."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    old = kept["measurements"] if kept.get("machine") == machine else {}
    text = json.dumps({"machine": machine, "measurements": {**old, **lines}}, ensure_ascii=False, indent=2)
    path.write_text(text + "\n")


def dated(line: Line, *, scale: float) -> Line:
    """Add when it was measured, how far the run was shrunk, and how busy the machine was."""
    return {**line, "scale": scale, "load": round(os.getloadavg()[0], 2), "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"}


def show(console: Console, lines: Mapping[str, Line]) -> None:
    """Print the results as a table."""
    table = Table("what", "n", "value", "target", "met", "CPU", "load", title_justify="left")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name, line in lines.items():
        table.add_row(name, *_cells(line))
    console.print(table)


def _cells(line: Line) -> Iterable[str]:
    yield f"{line['n']:,}"
    yield f"{line['value']:,g} {line['unit']}"
    yield line["target"] or ""
    yield {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[line["met"]]
    yield ", ".join(f"{name} {seconds:g} s" for name, seconds in line["cpu_seconds"].items())
    yield f"{line['load']:g}"
