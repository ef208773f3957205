"""`tandem kiosk …`: a check-in station."""

import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.table import Table

from tandem import face_commands, share_commands
from tandem.console import errors, plainly, screen, until_stopped, wait
from tandem.doctor_commands import doctor
from tandem.systemd import watched

if TYPE_CHECKING:
    from kiosk.settings import KioskSettings
    from kiosk.station import Station
    from tandem.serving import Served
    from tandem.simulate import Figures

app = typer.Typer(help="A check-in station at a door.", no_args_is_help=True)
app.command()(face_commands.identify)
app.command()(face_commands.enrol)
app.command()(face_commands.calibrate)
app.command()(doctor)
app.add_typer(share_commands.app, name="share")

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
    source: Annotated[
        list[str] | None, typer.Option(help="camera:0, scanner:PATH, folder:PATH, or a stream's address; several too")
    ] = None,
    screen_port: Annotated[int | None, typer.Option(help="Port of the screen's page (8090)")] = None,
) -> None:
    """Run the station; open its screen with `chromium --kiosk`."""
    with plainly():
        from kiosk import settings
        from kiosk.clock import system_clock
        from kiosk.figures import KioskFigures, health
        from kiosk.opening import open_station
        from kiosk.screen import create_screen
        from tandem import logs
        from tandem.monitor import monitor
        from tandem.serving import Served

        logs.set_up()
        read = settings.read(data=data, source=source or None, screen_port=screen_port)
        with ExitStack() as stack:
            running: list[Station] = []
            is_told = _once_registered(read, stack, lambda: all(one.gets_on for one in running))
            station = open_station(read, clock := system_clock())
            app = create_screen(station, language=read.language, sound=read.sound)
            app.register_blueprint(monitor([KioskFigures(station, clock.now)], partial(health, station)))
            page = Served(app, host=read.screen_host, port=read.screen_port)
            _listen(page)
            stack.callback(page.stop)
            station.start()
            stack.callback(station.stop)
            running.append(station)
            if not is_told:
                stack.enter_context(watched(lambda: station.gets_on))
            screen.print(f"The kiosk's screen: [bold]{page.url}[/]")
            wait()


def _once_registered(read: "KioskSettings", stack: ExitStack, gets_on: Callable[[], bool]) -> bool:
    """Let the screen say how to register this kiosk until somebody has; says whether the service manager was told."""
    from kiosk.screen import create_screen
    from kiosk.unregistered import Unregistered, health
    from tandem.monitor import monitor
    from tandem.serving import Served

    kiosk = Unregistered(read.data)
    if kiosk.is_over():
        return False
    app = create_screen(kiosk, language=read.language, sound=read.sound)
    app.register_blueprint(monitor([], health))
    page = Served(app, host=read.screen_host, port=read.screen_port)
    # Whoever sees the page may end the program.
    with until_stopped():
        _listen(page)
        stack.enter_context(watched(gets_on))
        screen.print(f"This kiosk is not registered; its screen says what to do: [bold]{page.url}[/]")
        kiosk.until_registered()
    kiosk.stop()
    page.stop()
    if not kiosk.is_over():
        raise typer.Exit
    return True


def _listen(page: "Served") -> None:
    from tandem.serving import CannotListen

    try:
        page.start()
    except CannotListen as error:
        raise CannotListen(f"screen_port (TANDEM_KIOSK_SCREEN_PORT): {error}") from None


@app.command()
def read(images: list[Path]) -> None:
    """Say what is seen in pictures: one line of JSON for each."""
    with plainly():
        from kiosk.qr.read import read

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
