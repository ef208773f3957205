"""`tandem gateway …`: the gateway's programs, and what an operator does with devices, badges and keys."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tandem import badge_commands, dead_letter_commands, hole_commands, import_commands
from tandem.console import plainly, screen, show, until_stopped, wait

app = typer.Typer(help="The gateway: its programs, devices, badges and API keys.", no_args_is_help=True)
device = typer.Typer(help="Kiosks: register, confirm, revoke.", no_args_is_help=True)
key = typer.Typer(help="API keys of HR systems.", no_args_is_help=True)
person = typer.Typer(help="People: the PIN they sign in with on a phone.", no_args_is_help=True)
account = typer.Typer(help="Accounts of staff: roles, regions, one-time links.", no_args_is_help=True)
app.add_typer(device, name="device")
app.add_typer(badge_commands.app, name="badge")
app.add_typer(key, name="key")
app.add_typer(person, name="person")
app.add_typer(account, name="account")
app.add_typer(dead_letter_commands.app, name="dead-letter")
app.add_typer(hole_commands.app, name="hole")
app.command("import")(import_commands.bring_in)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("data")
MetricsPort = Annotated[int | None, typer.Option(help="Serve /metrics and /health on this machine")]
BrokerUrl = Annotated[str, typer.Option(help="mqtts://user:password@host:port, or mqtt:// without TLS")]


def _now() -> datetime:
    return datetime.now(UTC)


def _do(data: Path, act: str, *, as_json: bool, **given: Any) -> None:
    with plainly():
        from tandem.acts import do

        arguments = {name: value for name, value in given.items() if value is not None}
        show(do(data, act, _now, **arguments), as_json=as_json)


@app.command()
def web(
    data: Data = HERE,
    port: Annotated[int | None, typer.Option(help="Port to listen on")] = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Serve the pages and the APIs; any number of these may run on one PostgreSQL."""
    with plainly():
        from gateway import figures, keys, settings
        from gateway.web import DESK, create_app
        from ledger.database import Ledger
        from tandem import logs
        from tandem.monitor import monitored
        from tandem.serving import Served

        logs.set_up()
        read = settings.read(data=data, port=port, metrics_port=metrics_port)
        ledger = Ledger(read.database_url)
        made = create_app(ledger, keys.load(data / "keys"), read, _now)
        server = Served(made, host=read.host, port=read.port, cert=read.cert, key=read.key)
        server.start()
        screen.print(f"Listening on {read.url}")
        collectors = [figures.LedgerFigures(ledger, _now)]
        with monitored(read.metrics_port, collectors, lambda: figures.health([figures.check_database(ledger)])):
            wait()
        server.stop()
        made.extensions[DESK].stop()


@app.command()
def ingest(broker: BrokerUrl, data: Data = HERE, metrics_port: MetricsPort = None) -> None:
    """Take check-ins off the broker; any number of these may run on one PostgreSQL."""
    with plainly():
        from gateway import figures, keys, settings
        from gateway.reception import Reception
        from ledger.database import Ledger
        from tandem import logs
        from tandem.collector import look_less
        from tandem.monitor import monitored
        from tandem.up import outside

        logs.set_up()
        read = settings.read(data=data, metrics_port=metrics_port)
        ledger = Ledger(read.database_url)
        reception = Reception(ledger, keys.load(data / "keys").gateway, outside(broker, read), _now)

        def health() -> tuple[dict[str, Any], int]:
            return figures.health([figures.check_database(ledger), figures.check_ingest(reception)])

        look_less()
        reception.start()
        with monitored(read.metrics_port, [figures.ReceptionFigures(reception)], health):
            wait()
        reception.stop()


@app.command("broker-files")
def broker_files(
    folder: Annotated[Path, typer.Option(help="Where mosquitto's password_file and acl_file lie")],
    reload: Annotated[Path | None, typer.Option(help="PID file of the mosquitto that is to read them anew")] = None,
    every: Annotated[float | None, typer.Option(help="Go on until Ctrl-C, with a pause of so many seconds")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Write the accounts of a mosquitto that `tandem up` does not run itself."""
    with plainly():
        from tandem import broker_files
        from tandem.acts import do

        def turn() -> bool:
            own = broker_files.own_accounts(data, folder)
            return broker_files.bring_up_to_date(folder, lambda: do(data, "broker accounts", _now) | own, reload)

        show({"folder": str(folder), "changed": turn()}, as_json=as_json)
        with until_stopped():
            while every is not None:
                time.sleep(every)
                turn()


@app.command()
def watch(data: Data = HERE, metrics_port: MetricsPort = None) -> None:
    """Settle days and number the feed; run two on one PostgreSQL for safety."""
    with plainly():
        from gateway import figures, settings
        from gateway.watch import Watch
        from ledger.database import Ledger
        from tandem import logs
        from tandem.collector import look_less
        from tandem.monitor import monitored

        logs.set_up()
        read = settings.read(data=data, metrics_port=metrics_port)
        ledger = Ledger(read.database_url)
        worker = Watch(ledger, _now)

        def health() -> tuple[dict[str, Any], int]:
            return figures.health([figures.check_database(ledger), figures.check_watch(worker, _now())])

        look_less()
        worker.start()
        with monitored(read.metrics_port, [figures.LedgerFigures(ledger, _now)], health):
            wait()
        worker.stop()


@device.command("code")
def device_code(room: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """Make a one-time code with which a kiosk of this room registers (15 minutes)."""
    _do(data, "device code", room=room, as_json=as_json)


@device.command("list")
def device_list(data: Data = HERE, as_json: AsJson = False) -> None:
    """List the devices."""
    _do(data, "device list", as_json=as_json)


@device.command("confirm")
def device_confirm(
    device: str,
    fingerprint: Annotated[str, typer.Argument(help="As the kiosk shows it")],
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Take a device in, by the fingerprint that it shows."""
    _do(data, "device confirm", device=device, fingerprint=fingerprint, as_json=as_json)


@device.command("set-up")
def device_set_up(
    device: str,
    direction: Annotated[str | None, typer.Option(help="in, out or auto")] = None,
    faces: Annotated[bool | None, typer.Option(help="May it recognise faces?")] = None,
    share_faces: Annotated[bool | None, typer.Option(help="May it share them with the region's other kiosks?")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Set a device's direction, and whether it may recognise faces and share them."""
    wanted = {"direction": direction, "faces": faces, "share_faces": share_faces}
    _do(data, "device set-up", device=device, **wanted, as_json=as_json)


@device.command("roll")
def device_roll(device: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """End a device's broker password; it gets a new one within two minutes, and loses no check-in."""
    _do(data, "device roll", device=device, as_json=as_json)


@device.command("revoke")
def device_revoke(device: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """Shut a device out; its data stays."""
    _do(data, "device revoke", device=device, as_json=as_json)


@key.command("create")
def key_create(
    name: str,
    scope: Annotated[list[str] | None, typer.Option(help="hours:read, reviews:read")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only these regions")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown this once."""
    _do(data, "key create", name=name, scopes=scope or None, regions=region or None, as_json=as_json)


@key.command("list")
def key_list(data: Data = HERE, as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    _do(data, "key list", as_json=as_json)


@key.command("revoke")
def key_revoke(key: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """End a key."""
    _do(data, "key revoke", key=key, as_json=as_json)


@person.command("set-pin")
def person_set_pin(
    number: Annotated[str, typer.Argument(help="Personnel number or id")],
    pin_stdin: Annotated[bool, typer.Option("--pin-stdin", help="Read the PIN from standard input")] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Give somebody a new PIN, and sign them out everywhere; it is asked for and never shown."""
    # Never an argument: those stand in the shell's history and in the list of processes.
    if pin_stdin:
        pin = typer.get_text_stream("stdin").readline().strip()
    else:
        pin = typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
    _do(data, "person set-pin", person=number, pin=pin, as_json=as_json)


@account.command("create")
def account_create(
    login: str,
    role: Annotated[str, typer.Option(help="admin, trainer or viewer")],
    region: Annotated[list[str] | None, typer.Option(help="Only these regions")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Make an account, and a link with which its owner chooses a password (24 hours, once)."""
    with plainly():
        from tandem.acts import do

        made = do(data, "account create", _now, login=login, role=role, regions=region or None)
        show(made | do(data, "account link", _now, login=login), as_json=as_json)


@account.command("list")
def account_list(data: Data = HERE, as_json: AsJson = False) -> None:
    """List the accounts, the closed ones last."""
    _do(data, "account list", as_json=as_json)


@account.command("set")
def account_set(
    login: str,
    role: Annotated[str | None, typer.Option(help="admin, trainer or viewer")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only these regions")] = None,
    all_regions: Annotated[bool, typer.Option("--all-regions", help="Every region")] = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Give an account another role or other regions; what is not named stays."""
    given = {"role": role, "regions": region or None, "everywhere": all_regions or None}
    _do(data, "account set", login=login, as_json=as_json, **given)


@account.command("close")
def account_close(login: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """End an account and sign it out everywhere; the last admin cannot be closed."""
    _do(data, "account close", login=login, as_json=as_json)


@account.command("link")
def account_link(login: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """Make a link with which the owner of an account chooses a new password (24 hours, once)."""
    _do(data, "account link", login=login, as_json=as_json)
