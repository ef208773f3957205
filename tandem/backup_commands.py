"""`tandem backup …`: copy everything beside a running system, and put a copy in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from tandem.backup import Moved
from tandem.console import errors, plainly, show

app = typer.Typer(help="Backups of the ledger, the keys and the files.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("data")


@app.command()
def create(
    target: Annotated[Path, typer.Argument(help="A folder, or the file itself")],
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a backup while everything runs; it holds secret keys and personal data, so keep it as carefully."""
    with plainly():
        from tandem import backup

        with _bar("copying", backup.size(data)) as moved:
            made = backup.create(data, target, now=datetime.now(UTC), moved=moved)
        show({"backup": str(made), "bytes": made.stat().st_size}, as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `tandem backup create` wrote")],
    data: Annotated[Path, typer.Option(help="The data folder to make; it must not be there yet")],
    as_json: AsJson = False,
) -> None:
    """Put a backup in place; kiosks then send again what it lacks, and HR reads anew."""
    with plainly():
        from tandem import backup
        from tandem.acts import ACTOR

        with _bar("restoring", file.stat().st_size) as moved:
            epoch = backup.restore(file, data, now=datetime.now(UTC), actor=ACTOR, moved=moved)
        show({"data": str(data), "epoch": epoch}, as_json=as_json)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Moved]:
    # On standard error, so that the answer can be piped.
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(bar, steps)
