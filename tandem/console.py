"""How the commands speak: answers as tables or JSON, and errors as one sentence."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

OURS = ("attendance", "protocol", "ledger", "kiosk", "gateway", "sync", "tandem")
WRONG = 2
"""The exit code when the command could not do what it was asked."""

screen = Console()
errors = Console(stderr=True)


@contextmanager
def plainly() -> Iterator[None]:
    """Say an error of ours as its sentence; anything else is a fault and keeps its traceback."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] in OURS:
            _fail(str(error) or str(type(error).__doc__))
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] not in OURS:
            _fail(f"{error.name} is not installed: this command needs another extra of tandem-checkin (see README)")
        if isinstance(error, OSError) and error.strerror:
            _fail(": ".join(str(part) for part in (error.filename, error.strerror) if part))
        raise


def _fail(sentence: str) -> None:
    errors.print(f"tandem: {sentence}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(WRONG)


def show(answer: Any, *, as_json: bool) -> None:
    """Print what an act answered."""
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(answer, ensure_ascii=False))
    elif isinstance(answer, list):
        screen.print(_table(answer))
    else:
        for name, value in answer.items():
            screen.print(f"[dim]{name:>14}[/]  {value}", highlight=False)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(*(rows[0] if rows else ["nothing yet"]))
    for row in rows:
        table.add_row(*(("" if value is None else str(value)) for value in row.values()))
    return table


def until_stopped() -> None:
    """Wait for Ctrl-C or a polite end from outside."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.5):
        pass
