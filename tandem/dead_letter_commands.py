"""`tandem gateway dead-letter …`: what could not be processed, to look at, let in after all, or throw away."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem.console import plainly, show

app = typer.Typer(help="Dead letters: messages and records that could not be entered.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Id = Annotated[str, typer.Argument(help="As `dead-letter list` shows it")]
HERE = Path("data")


@app.command("list")
def list_(
    device: Annotated[str | None, typer.Option(help="Only those of this device")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List them, the newest first (1,000 at most)."""
    _do(data, "dead-letter list", as_json=as_json, **({"device": device} if device else {}))


@app.command("show")
def show_(id: Id, data: Data = HERE, as_json: AsJson = False) -> None:
    """Show one with its bytes: text if it can be printed, otherwise hexadecimal digits."""
    _do(data, "dead-letter show", id=id, as_json=as_json)


@app.command()
def replay(id: Id, data: Data = HERE, as_json: AsJson = False) -> None:
    """Let one in after all, once what kept it out is mended; it stays here if it is refused again."""
    _do(data, "dead-letter replay", id=id, as_json=as_json)


@app.command()
def discard(id: Id, data: Data = HERE, as_json: AsJson = False) -> None:
    """Throw one away for good; the kiosk that sent it keeps its own copy in quarantine."""
    _do(data, "dead-letter discard", id=id, as_json=as_json)


def _do(data: Path, act: str, *, as_json: bool, **given: Any) -> None:
    with plainly():
        from tandem.acts import do

        show(do(data, act, lambda: datetime.now(UTC), **given), as_json=as_json)
