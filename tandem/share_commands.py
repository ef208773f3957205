"""`tandem kiosk share …`: with which of the site's other kiosks this one shares faces."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tandem.console import plainly, screen, show

if TYPE_CHECKING:
    from kiosk.identity import Identity
    from kiosk.settings import KioskSettings
    from protocol.boxes import Neighbours

app = typer.Typer(
    help="Sharing faces with other kiosks: compare their keys, trust them, or no longer.", no_args_is_help=True
)

Data = Annotated[Path | None, typer.Option(help="The kiosk's data folder (kiosk-data)")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Device = Annotated[str, typer.Argument(help="The other kiosk's device id")]


@app.command("list")
def list_kiosks(data: Data = None, as_json: AsJson = False) -> None:
    """Show this kiosk's own fingerprint for sharing, and the kiosks with which it may share."""
    with plainly():
        from kiosk.faces.trust import trusted

        read, identity = _kiosk(data)
        prints = trusted(read.data)
        show([_own(identity), *_others(_neighbours(identity), prints)], as_json=as_json)


@app.command()
def trust(
    device: Device,
    fingerprint: Annotated[str, typer.Argument(help="As `tandem kiosk share list` shows it on the other kiosk")],
    data: Data = None,
) -> None:
    """Share faces with another kiosk, whose fingerprint you have read on that kiosk itself."""
    with plainly():
        from kiosk.faces.trust import trust

        read, identity = _kiosk(data)
        trust(read.data, _neighbours(identity), device, fingerprint)
        screen.print("The fingerprints are the same. Do the same there, with this kiosk's:")
        own = _own(identity)
        typer.echo(f"  tandem kiosk share trust {own['kiosk']} {own['fingerprint']}")


@app.command()
def distrust(device: Device, data: Data = None) -> None:
    """Share with a kiosk no longer; a running station forgets within about a minute what came from it."""
    with plainly():
        from kiosk.faces.trust import distrust

        read, _ = _kiosk(data)
        distrust(read.data, device)
        screen.print(f"Nothing goes to {device} any more, or comes from it.", highlight=False)


def _kiosk(data: Path | None) -> "tuple[KioskSettings, Identity]":
    from kiosk import settings
    from kiosk.identity import Identity, stay_here, this_machine

    read = settings.read(data=data)
    identity = Identity.load(read.data)
    stay_here(read.data, this_machine())
    return read, identity.model_copy(update={"gateway": read.gateway}) if read.gateway else identity


def _neighbours(identity: "Identity") -> "Neighbours":
    from kiosk.asking import gateway_client
    from kiosk.faces.sharing import Line, neighbours

    with gateway_client(identity.gateway) as client:
        return neighbours(Line(client=client, identity=identity, now=datetime.now(UTC)))


def _own(identity: "Identity") -> dict[str, Any]:
    from protocol.boxes import fingerprint

    digits = fingerprint(identity.key.verify_key, identity.sealing_key.public_key)
    return {"kiosk": identity.device, "fingerprint": digits, "here": "this kiosk"}


def _others(found: "Neighbours", prints: dict[str, str]) -> list[dict[str, Any]]:
    listed = {kiosk.device: kiosk for kiosk in found.kiosks}
    gone = [{"kiosk": device, "trusted": "no longer named by the gateway"} for device in prints.keys() - listed.keys()]
    return [
        {"kiosk": kiosk.device, "name": kiosk.name, "trusted": _standing(kiosk.fingerprint, prints.get(device))}
        for device, kiosk in listed.items()
    ] + gone


def _standing(now: str, compared: str | None) -> str:
    if compared is None:
        return "no"
    return "yes" if compared == now else "no: the gateway has other keys of it than were compared"
