"""`tandem sync …`: deliver hour records to the archives, and see how far they have come."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tandem.console import plainly, screen, show, until_stopped, wait

app = typer.Typer(help="Deliveries to learner archives.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("data")


def _now() -> datetime:
    return datetime.now(UTC)


@app.command()
def run(data: Data = HERE) -> None:
    """Deliver to the archives of sync.toml and to the local one; any number of these may run on one PostgreSQL."""
    with plainly():
        from ledger.database import Ledger
        from sync import settings
        from sync.archives import open_archives
        from sync.run import Sync
        from tandem import logs

        logs.set_up()
        read = settings.read(data=data)
        ledger = Ledger(read.database_url)
        archives = open_archives(read.archives, ledger, _now)
        sync = Sync(ledger, archives, _now)
        sync.start()
        with until_stopped():
            screen.print(f"Delivering to: {', '.join(archive.name for archive in archives)}")
            wait()
        sync.stop()
        ledger.close()


@app.command()
def status(data: Data = HERE, as_json: AsJson = False) -> None:
    """Count the deliveries of each archive and state."""
    with plainly():
        from tandem.acts import do

        show(do(data, "sync status", _now), as_json=as_json)


@app.command()
def replay(
    archive: Annotated[str, typer.Argument(help="Its name")], data: Data = HERE, as_json: AsJson = False
) -> None:
    """Send again what an archive has refused."""
    with plainly():
        from tandem.acts import do

        show(do(data, "sync replay", _now, archive=archive), as_json=as_json)
