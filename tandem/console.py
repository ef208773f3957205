"""How the commands speak: answers as tables or JSON, and errors as one sentence."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer
from rich.console import Console

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
        return
    entries = answer if isinstance(answer, list) else [answer]
    typer.echo("\n\n".join(_lines(entry) for entry in entries) or "nothing yet")


def _lines(entry: dict[str, Any]) -> str:
    # Never wrapped and never decorated, so that it can be copied.
    return "\n".join(f"{name:>14}  {value}" for name, value in entry.items() if value is not None)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Let Ctrl-C, or a polite end from outside, end the block: it is interrupted, and nothing is said about it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    with suppress(KeyboardInterrupt):
        yield


def wait() -> None:
    """Wait for Ctrl-C or a polite end from outside."""
    with until_stopped():
        signal.pause()
