"""`tandem gateway hole …`: numbers of a kiosk's stream that the ledger lacks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem.console import plainly, show

app = typer.Typer(help="Holes: check-ins that a kiosk gave out and the ledger lacks.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("data")


@app.command("list")
def list_(data: Data = HERE, as_json: AsJson = False) -> None:
    """List the holes, the oldest first; one of more than 15 minutes needs somebody."""
    _do(data, "hole list", as_json=as_json)


@app.command("write-off")
def write_off(
    stream: Annotated[str, typer.Argument(help="As `hole list` shows it")],
    upto: Annotated[int, typer.Argument(help="The last number to give up")],
    reason: Annotated[str, typer.Option(help="Why; the audit keeps it")],
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Stop waiting for what a lost kiosk has taken along; what comes after all is entered all the same."""
    _do(data, "hole write-off", stream=stream, upto=upto, reason=reason, as_json=as_json)


def _do(data: Path, act: str, *, as_json: bool, **given: Any) -> None:
    with plainly():
        from tandem.acts import do

        show(do(data, act, lambda: datetime.now(UTC), **given), as_json=as_json)
