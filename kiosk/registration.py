"""How a kiosk becomes known: it makes its keys, hands in a one-time code, and waits for an admin's confirmation.

* RegistrationRefused    the gateway did not take the code, or the kiosk is registered already
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from kiosk.asking import NotTheGateway, ask, gateway_client, problem, send
from kiosk.identity import FILE, MACHINE, Identity, new_seeds, stay_here, this_machine
from kiosk.keeping import keep
from protocol import registration, signing
from protocol.registration import Accepted, Application, Key, Standing
from protocol.requests import SIGNATURE
from protocol.signing import Unreadable, from_base64, to_base64
from protocol.wire import Wire

APPLY = "/device/v1/registrations"
STANDING = "/device/v1/standing"
DRAFT = "application.json"

__all__ = ["Identity", "RegistrationRefused", "register", "standing"]


class RegistrationRefused(Exception):
    """The kiosk was not registered."""


def register(gateway: str, code: str, *, name: str, data_dir: Path, client: httpx2.Client | None = None) -> Identity:
    """Register this kiosk and keep its identity; raises RegistrationRefused or GatewayAway.

    Somebody has to compare `identity.fingerprint` with what the gateway shows before the device is confirmed.
    """
    if (data_dir / FILE).exists():
        raise RegistrationRefused(f"this kiosk is registered already; remove {data_dir / FILE} to register it anew")
    secrets = _secrets(data_dir)
    key = SigningKey(from_base64(secrets.signing_seed))
    application = Application(
        code=code,
        name=name,
        signing_key=registration.public(key),
        sealing_key=registration.public(PrivateKey(from_base64(secrets.sealing_seed))),
        stream=secrets.stream,
    )
    with client or gateway_client(gateway) as line:
        accepted = _apply(line, application, key, data_dir / DRAFT)
    identity = Identity(
        device=accepted.device,
        site=accepted.site,
        gateway=gateway,
        gateway_key=accepted.gateway_key,
        **dict(secrets),
    )
    (data_dir / MACHINE).unlink(missing_ok=True)
    stay_here(data_dir, this_machine())
    identity.save(data_dir)
    (data_dir / DRAFT).unlink()
    return identity


class _Secrets(Wire):
    """What a device makes for itself."""

    stream: UUID
    signing_seed: Key
    sealing_seed: Key


def _secrets(data_dir: Path) -> _Secrets:
    """Make the keys, or take those of an application whose answer was lost: the gateway knows them already."""
    path = data_dir / DRAFT
    if path.exists():
        with suppress(Unreadable):
            return _Secrets.read(path.read_bytes())
    signing_seed, sealing_seed = new_seeds()
    secrets = _Secrets(stream=uuid4(), signing_seed=signing_seed, sealing_seed=sealing_seed)
    keep(path, secrets.line())
    return secrets


def standing(identity: Identity, client: httpx2.Client, *, at: datetime) -> Identity:
    """Ask whether the device is confirmed; the identity returned then has its broker account."""
    answer = Standing.read(ask(client, identity, STANDING, at=at) or b"")
    if not answer.confirmed or answer.account is None:
        return identity
    try:
        account = registration.open_account(answer.account, identity.sealing_key)
    except CryptoError:
        raise NotTheGateway("the broker account is sealed for another device") from None
    return identity.model_copy(update={"account": account})


def _apply(client: httpx2.Client, application: Application, key: SigningKey, draft: Path) -> Accepted:
    body = application.line()
    # The signature shows that the applicant holds the key, and is not registering somebody else's.
    signature = to_base64(signing.sign("registration", body, key))
    headers = {SIGNATURE: signature, "Content-Type": "application/json"}
    response = send(client, "POST", APPLY, headers=headers, body=body)
    if response.status_code == httpx2.codes.CONFLICT:
        # These keys are known in another room: the next try makes new ones.
        draft.unlink()
    if response.status_code != httpx2.codes.CREATED:
        raise RegistrationRefused(problem(response))
    try:
        return Accepted.read(response.content)
    except Unreadable as error:
        raise RegistrationRefused(f"{client.base_url} does not answer as a gateway does: {error}") from None
