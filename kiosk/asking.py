"""A kiosk's questions to the gateway over HTTP: signed by the kiosk, answered under the pinned key.

* GatewayError
  + GatewayAway       not reached, or not able to answer: the same question may succeed later
  + GatewayRefuses    reached, and said no: a person has to look
  + NotTheGateway     the answer is not signed by the pinned key
"""

import json
import time
from datetime import datetime, timedelta
from typing import Any

import httpx2

from kiosk.identity import Identity
from protocol import requests
from protocol.signing import BadSignature

TIMEOUT = httpx2.Timeout(10)
BUSY = frozenset({408, 425, 429})
LONGEST = timedelta(seconds=60)
"""For a whole answer: one that comes byte by byte would otherwise never end."""
MOST_BYTES = 32 * 1024 * 1024
"""Of an answer, taken in before anybody knows whose it is; the largest roster is far smaller."""
MOST_SAID = 500
"""Characters of an answer that are shown to people."""
PLAIN = {"Accept-Encoding": "identity"}


class GatewayError(Exception):
    """The gateway gave no usable answer."""


class GatewayAway(GatewayError):
    """The gateway cannot be reached: check the network and its address."""


class GatewayRefuses(GatewayError):
    """The gateway refused what the kiosk asked for."""

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        """The end of the problem's type, if the gateway signed it."""


class NotTheGateway(GatewayError):
    """Who answered does not hold the gateway's key: something stands between the kiosk and the gateway."""


def gateway_client(address: str) -> httpx2.Client:
    """Make the client that all questions go through."""
    return httpx2.Client(base_url=address, timeout=TIMEOUT)


def ask(
    client: httpx2.Client, identity: Identity, path: str, *, at: datetime, body: bytes | None = None
) -> bytes | None:
    """Ask the gateway for something, or tell it a `body`; returns the answer's body, or None for an empty one."""
    method, told = ("GET", b"") if body is None else ("POST", body)
    headers = requests.sign_request(method, path, told, device=identity.device, at=at, key=identity.key)
    response = send(client, method, path, headers=headers, body=told)
    try:
        # Looked at before the status: a stranger's "no" is no more believed than a stranger's roster.
        signature = response.headers.get(requests.SIGNATURE, "")
        requests.check_answer(response.content, signature, headers, identity.pinned)
    except BadSignature:
        raise _unsigned(response) from None
    if not response.is_success:
        raise GatewayRefuses(problem(response), _kind(response))
    # Not by the status, which nobody signed: only a body that the gateway left empty says that there is nothing new.
    return response.content or None


def send(
    client: httpx2.Client, method: str, path: str, *, headers: dict[str, str], body: bytes = b""
) -> httpx2.Response:
    """Send a request; raises GatewayAway where asking again later may help."""
    until = time.monotonic() + LONGEST.total_seconds()
    try:
        with client.stream(method, path, headers=headers | PLAIN, content=body) as answering:
            response = _whole(answering, until)
    except httpx2.HTTPError as error:
        raise GatewayAway(f"{client.base_url} does not answer: {error}") from None
    if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR or response.status_code in BUSY:
        raise GatewayAway(problem(response))
    return response


def problem(response: httpx2.Response) -> str:
    """Say an error as the gateway said it: in one line, because whoever answered may not be the gateway."""
    said = _said(response)
    words = [_printable(str(said[part])) for part in ("title", "detail") if part in said]
    return ": ".join(filter(None, words))[:MOST_SAID] or f"{response.status_code}"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text).strip()


def _whole(answering: httpx2.Response, until: float) -> httpx2.Response:
    """Take an answer in as far as it is bearable; raises GatewayAway where it is not."""
    # A small compressed answer may unpack to any size, and to nothing for ever.
    if answering.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise GatewayAway(f"{answering.url.host} answers compressed, which nobody asked for: look at what is between")
    body = bytearray()
    for part in answering.iter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            raise GatewayAway(f"{answering.url.host} answers with more than {MOST_BYTES:,} bytes: is it the gateway?")
        if time.monotonic() > until:
            raise GatewayAway(f"{answering.url.host} takes more than {LONGEST.total_seconds():g} seconds to answer")
    return httpx2.Response(
        answering.status_code, headers=answering.headers, content=bytes(body), request=answering.request
    )


def _kind(response: httpx2.Response) -> str | None:
    return str(_said(response).get("type", "")).rpartition(":")[2] or None


def _said(response: httpx2.Response) -> dict[str, Any]:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _unsigned(response: httpx2.Response) -> GatewayError:
    """Tell a gateway that does not know us, and therefore does not sign, from a stranger."""
    if response.is_success:
        return NotTheGateway(NotTheGateway.__doc__)
    return GatewayRefuses(problem(response))
