"""`tandem kiosk …`: a check-in station."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tandem.console import plainly, screen, wait

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
        from kiosk.screen import create_screen
        from kiosk.station import open_station
        from tandem import logs
        from tandem.serving import Served

        logs.set_up()
        read = settings.read(data=data, source=source, screen_port=screen_port)
        station = open_station(read, system_clock())
        page = Served(create_screen(station, language=read.language), host=read.screen_host, port=read.screen_port)
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
