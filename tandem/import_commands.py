"""`tandem gateway import`: a file is checked, its errors are printed line by line, and it comes in when asked to."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from tandem.console import errors, plainly

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
EVERY = 0.2
"""Seconds between two looks at how far it is."""
FOUND = 1
"""The exit code when the file has errors."""

Doing = Callable[..., dict[str, Any]]


def bring_in(
    kind: Annotated[str, typer.Argument(help="people, sessions, rosters, pairs, tasks, scores or progress")],
    file: Annotated[Path, typer.Argument(help="Excel (.xlsx) or CSV")],
    land: Annotated[bool, typer.Option("--land", help="Bring it in if it has no errors; otherwise only check")] = False,
    data: Data = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Check a file of people, sessions and so on, and bring it in as a whole or not at all."""
    with plainly():
        from tandem.acts import reached

        # A file that is not there is told of here, whoever reads it afterwards.
        file.open("rb").close()
        with reached(data, lambda: datetime.now(UTC)) as doing:
            made = doing("import read", kind=kind, path=str(file.resolve()))
            with _dropped_when_broken_off(doing, made["id"]):
                told = _read(doing, made, file.name)
                told = _ended(doing, told, land=land)
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(_lines(told, file.name)))
    if told["wrong"]:
        raise typer.Exit(FOUND)


@contextmanager
def _dropped_when_broken_off(doing: Doing, id: str) -> Iterator[None]:
    """Leave nothing behind that nobody waits for any more."""
    try:
        yield
    except BaseException:
        with suppress(Exception):
            doing("import drop", id=id)
        raise


def _read(doing: Doing, told: dict[str, Any], name: str) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    # On standard error, so that the answer can be piped.
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        bar = progress.add_task(name, total=told["size"] or 1)
        while told["state"] == "reading":
            time.sleep(EVERY)
            told = doing("import state", id=told["id"])
            progress.update(bar, completed=told["done"])
    return told


def _ended(doing: Doing, told: dict[str, Any], *, land: bool) -> dict[str, Any]:
    """Let it land, or forget what was read: who only checks comes back with the file."""
    if told["state"] != "ready":
        return told
    return doing("import land" if land else "import drop", id=told["id"])


def _lines(told: dict[str, Any], name: str) -> Iterator[str]:
    for error in told["errors"]:
        place = ", ".join(part for part in (f"line {error['line']}" if error["line"] else "", error["column"]) if part)
        yield f"{name}: {place + ': ' if place else ''}{error['text']['en']}"
    if told["wrong"]:
        yield f"{told['wrong']} to correct; nothing has been brought in."
        return
    counts = (
        f"{told['added']} added, {told['changed']} changed, {told['rows'] - told['added'] - told['changed']} as before"
    )
    if told["state"] == "landed":
        yield f"Brought in: {counts}."
    else:
        yield f"No errors. It would be: {counts}. Again with --land to bring it in."
