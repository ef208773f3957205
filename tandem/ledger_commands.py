"""`tandem ledger …`: check what was entered, and work the hours out again; both beside a running system."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tandem.console import errors, plainly, show

app = typer.Typer(help="The ledger: is it as it was entered, and as the facts say?", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("data")
FOUND = 1
"""The exit code when something is not as it should be."""

UNITS = {"acts": "acts of the audit", "records": "hour records", "days": "learners", "months": "pairs"}
SENTENCES = {
    "changed": "was changed after it was entered",
    "missing": "was taken out",
    "gap": "has no place where one is due",
    "id": "has an id that is not its own",
    "differs": "stands with other hours than the facts give",
    "not_entered": "has hours by the facts that do not stand",
    "not_earned": "has hours that the facts do not give",
}


@app.command()
def verify(data: Data = HERE, as_json: AsJson = False) -> None:
    """Check every act and hour record against its hash, and every hour against the facts."""
    _walk(data, tuple(UNITS), "ledger check", as_json=as_json)


@app.command()
def recompute(
    data: Data = HERE,
    check: Annotated[
        bool, typer.Option("--check", help="Only report; otherwise what differs is settled again")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Work every hour out again from the facts, and report each difference."""
    _walk(data, ("days", "months"), "ledger check" if check else "ledger mend", as_json=as_json)


@app.command()
def restored(data: Data = HERE, as_json: AsJson = False) -> None:
    """Say that this ledger is a restored backup: kiosks send again what it lacks, and HR reads anew."""
    with plainly():
        from tandem.acts import do

        show(do(data, "ledger restored", lambda: datetime.now(UTC)), as_json=as_json)


def _walk(data: Path, stages: Sequence[str], act: str, *, as_json: bool) -> None:
    with plainly():
        from tandem.acts import reached

        found: dict[str, list[dict[str, str]]] = {}
        checked: dict[str, int] = {}
        with reached(data, lambda: datetime.now(UTC)) as doing, _progress() as progress:
            sizes = doing("ledger sizes")
            for stage in stages:
                bar = progress.add_task(UNITS[stage], total=sizes[stage])
                found[stage], checked[stage] = _stage(doing, act, stage, partial(progress.advance, bar))
        _tell(found, checked, as_json=as_json)


def _stage(
    doing: Callable[..., Any], act: str, stage: str, advance: Callable[[int], None]
) -> tuple[list[dict[str, str]], int]:
    found: list[dict[str, str]] = []
    checked, after = 0, None
    while True:
        slice = doing(act, stage=stage, after=after)
        found += slice["found"]
        checked += slice["checked"]
        advance(slice["checked"])
        after = slice["next"]
        if after is None:
            return found, checked


def _progress() -> Progress:
    # On standard error, so that the answer can be piped.
    columns = (TextColumn("{task.description:>18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, disable=not errors.is_terminal)


def _tell(found: dict[str, list[dict[str, str]]], checked: dict[str, int], *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps({"checked": checked, "found": found}, ensure_ascii=False))
    else:
        for stage, findings in found.items():
            for one in findings:
                typer.echo(f"{UNITS[stage]}: {one['thing']} {SENTENCES[one['what']]}")
        typer.echo("; ".join(f"{count} {UNITS[stage]} checked" for stage, count in checked.items()))
    if any(found.values()):
        raise typer.Exit(FOUND)
