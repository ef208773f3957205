"""The `tandem` command. What a command needs is imported when it runs, so that a kiosk does not need a database."""

import json
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tandem import backup_commands, gateway_commands, kiosk_commands, ledger_commands, sync_commands
from tandem.console import WRONG, plainly, screen, until_stopped, wait

app = typer.Typer(
    help="Attendance and check-in for training in pairs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(backup_commands.app, name="backup")
app.add_typer(gateway_commands.app, name="gateway")
app.add_typer(kiosk_commands.app, name="kiosk")
app.add_typer(ledger_commands.app, name="ledger")
app.add_typer(sync_commands.app, name="sync")

Broker = Annotated[str, typer.Option(help="embedded, mosquitto, or mqtt://user:password@host:port")]


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Folder of the ledger and the keys; made if it is not there")],
    broker: Broker = "embedded",
    host: Annotated[str | None, typer.Option(help="Listen for more than this machine; needs TLS, see below")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the pages and the API (8080)")] = None,
    cert: Annotated[Path | None, typer.Option(help="TLS certificate (PEM)")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM)")] = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="A proxy in front ends TLS")] = False,
    metrics_port: Annotated[int | None, typer.Option(help="Serve /metrics and /health on this machine")] = None,
) -> None:
    """Run everything on this machine: broker, gateway, ledger."""
    with plainly(), ExitStack() as stack:
        from gateway import settings
        from sync import settings as sync_settings
        from tandem import logs
        from tandem.monitor import monitored
        from tandem.up import Machine

        logs.set_up()
        given = {"host": host, "port": port, "cert": cert, "key": key, "metrics_port": metrics_port}
        read = settings.read(data=data, behind_proxy=behind_proxy or None, **given)
        archives = sync_settings.read(data=data).archives
        machine = Machine(read, lambda: datetime.now(UTC), broker=broker, archives=archives)
        machine.start()
        stack.callback(machine.stop)
        stack.enter_context(monitored(read.metrics_port, machine.figures(), machine.health))
        # Whoever reads that it is up may end it at once, and politely.
        with until_stopped():
            screen.print(f"Tandem is up: [bold]{machine.url}[/]  (HR API: {machine.url}/api/)", soft_wrap=True)
            if link := machine.set_up_link():
                screen.print(f"First start. Make the admin's account here, once: [bold]{link}[/]", soft_wrap=True)
            wait()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the day as fast as it goes, then end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object (with --once)")] = False,
    broker: Broker = "embedded",
    pace: Annotated[float, typer.Option(help="Seconds that each scene stays")] = 2.5,
    port: Annotated[int, typer.Option(help="Port of the gateway's pages; another one if it is taken")] = 8080,
    screen_port: Annotated[int, typer.Option(help="Port of the kiosk's screen; another one if it is taken")] = 8090,
) -> None:
    """Run a sample company and play one day of it: check-ins at a kiosk, hours in the ledger, HR pulls them."""
    with plainly(), tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        from tandem.demo import live, show

        if once:
            result = show.once(Path(folder), broker=broker)
            typer.echo(json.dumps(result, ensure_ascii=False) if as_json else live.in_words(result))
            raise typer.Exit(0 if show.is_good(result) else WRONG)
        live.run(Path(folder), broker=broker, pace=pace, port=port, screen_port=screen_port)
