"""`tandem kiosk …`: a check-in station."""

import json
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.table import Table

from tandem.console import errors, plainly, screen, wait

if TYPE_CHECKING:
    from tandem.simulate import Figures

app = typer.Typer(help="A check-in station at a door.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="The kiosk's data folder (kiosk-data)")]


@app.command()
def register(
    gateway: Annotated[str, typer.Argument(help="The gateway's address")],
    code: Annotated[str, typer.Argument(help="The one-time code of `tandem gateway device code`")],
    name: Annotated[str | None, typer.Option(help="How the kiosk introduces itself")] = None,
    data: Data = None,
) -> None:
    """Register this kiosk; an admin then confirms the fingerprint that is printed here."""
    with plainly():
        from kiosk import settings
        from kiosk.registration import register

        read = settings.read(data=data, name=name, gateway=gateway)
        identity = register(read.gateway, code, name=read.name, data_dir=read.data)
        screen.print(f"Registered as device {identity.device}.", highlight=False)
        screen.print("Have an admin compare and confirm this fingerprint:")
        typer.echo(f"  tandem gateway device confirm {identity.device} {identity.fingerprint}")


@app.command()
def run(
    data: Data = None,
    source: Annotated[str | None, typer.Option(help="camera:0, folder:PATH, or a stream's address")] = None,
    screen_port: Annotated[int | None, typer.Option(help="Port of the screen's page (8090)")] = None,
) -> None:
    """Run the station; open its screen with `chromium --kiosk`."""
    with plainly():
        from kiosk import settings
        from kiosk.clock import system_clock
        from kiosk.figures import KioskFigures, health
        from kiosk.screen import create_screen
        from kiosk.station import open_station
        from tandem import logs
        from tandem.monitor import monitor
        from tandem.serving import Served

        logs.set_up()
        read = settings.read(data=data, source=source, screen_port=screen_port)
        clock = system_clock()
        station = open_station(read, clock)
        app = create_screen(station, language=read.language)
        app.register_blueprint(monitor([KioskFigures(station, clock.now)], partial(health, station)))
        page = Served(app, host=read.screen_host, port=read.screen_port)
        page.start()
        station.start()
        screen.print(f"The kiosk's screen: [bold]{page.url}[/]")
        wait()
        station.stop()
        page.stop()


@app.command()
def read(images: list[Path]) -> None:
    """Say what is seen in pictures: one line of JSON for each."""
    with plainly():
        from kiosk.read import read

        for line in read(images):
            typer.echo(json.dumps(line, ensure_ascii=False))


ADDED = """\
This adds to the ledger of {data}, for good:
- {kiosks} devices in {room}, named "simulated 1" and so on, revoked at the end; and the audit of that;
- about {scans} check-ins with badges that nobody issued, refused as such: nobody gets hours for them.
Use a gateway that is there to be tried."""


@app.command()
def simulate(
    data: Annotated[Path, typer.Option(help="The data folder of the running gateway, on this machine")],
    room: Annotated[str, typer.Option(help="The id of the room in which the kiosks stand")],
    kiosks: Annotated[int, typer.Option(min=1, max=500, help="How many")] = 10,
    rate: Annotated[float, typer.Option(min=0.01, max=10, help="Scans a second, at each kiosk")] = 1.0,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long they scan")] = 30.0,
    offline: Annotated[str | None, typer.Option(help="FROM-TO: without a network between these seconds")] = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's address, if its settings do not say it")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Try a running gateway with kiosks that have no camera; ends with 1 if a check-in is missing."""
    away = _span(offline) if offline else None
    if not yes:
        added = ADDED.format(data=data, room=room, kiosks=kiosks, scans=round(kiosks * rate * seconds))
        errors.print(added, markup=False, highlight=False, soft_wrap=True)
        typer.confirm("Go on?", abort=True, err=True)
    with plainly(), ExitStack() as stack:
        from gateway import settings
        from tandem.acts import reached
        from tandem.simulate import Site, opened, run

        acts = stack.enter_context(reached(data, lambda: datetime.now(UTC)))
        site = Site(acts, gateway or settings.read(data=data).url, room)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-simulate-")))
        told = _nothing if as_json else stack.enter_context(Live(console=screen, transient=True)).update
        with opened(site, folder, kiosks, lambda done: told(f"registered {done} of {kiosks}")) as fleet:
            figures = run(fleet, rate=rate, seconds=seconds, offline=away, told=lambda now: told(_table(now)))
    if as_json:
        typer.echo(json.dumps({**asdict(figures), "complete": figures.complete}))
    else:
        screen.print(_table(figures))
    raise typer.Exit(0 if figures.complete else 1)


def _nothing(_: object) -> None: ...


def _table(figures: "Figures") -> Table:
    table = Table(show_header=False, box=None)
    for name, value in asdict(figures).items():
        table.add_row(name.replace("_", " "), "" if value is None else f"{value:,}")
    return table


def _span(text: str) -> tuple[float, float]:
    begin, _, end = text.partition("-")
    try:
        span = float(begin), float(end)
    except ValueError:
        span = 0.0, 0.0
    if not 0 <= span[0] < span[1]:
        raise typer.BadParameter("is FROM-TO in seconds, such as 10-20", param_hint="--offline")
    return span
