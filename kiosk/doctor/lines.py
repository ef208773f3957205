"""Whether the station's line holds: the clock that signs, the gateway, and the broker."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from kiosk.asking import GatewayAway, problem, send
from kiosk.broker import Connect, Disconnected
from kiosk.clock import ClockState
from kiosk.doctor.findings import Finding, Findings, fail, ok, warn
from kiosk.doctor.running import Running
from kiosk.identity import Identity
from kiosk.roster import PATH
from protocol import requests, topics
from protocol.signing import BadSignature

CLOSE = timedelta(seconds=10)


def station(running: Running) -> Finding:
    """Say what a running station says of itself."""
    said = running.health()
    if not said:
        return warn("station", "runs, but its page does not answer", "look at its log: journalctl -u tandem-kiosk")
    if said.get("trouble"):
        return fail("station", f"runs, with trouble: {said['trouble']}", "its screen says what it is; see also below")
    return ok("station", "runs; its camera is looked through on its screen, and its files are only read")


def clock(state: ClockState) -> Findings:
    """Judge what stands behind the wall clock."""
    todo = "let a time service run (systemd-timesyncd or chrony) and reach its server"
    if state == "synced":
        yield ok("clock", "synced")
    elif state == "free_running":
        yield warn("clock", "runs by its battery, or by an earlier sync", todo)
    else:
        yield warn("clock", "nothing stands behind it: check-ins will be amber until it is synced", todo)


def gateway(identity: Identity, client: httpx2.Client, *, now: Callable[[], datetime]) -> Findings:
    """Ask the gateway for the roster, as the station does every minute; what it answers is thrown away."""
    at = now()
    signed = requests.sign_request("GET", PATH, b"", device=identity.device, at=at, key=identity.key)
    try:
        with client:
            response = send(client, "GET", PATH, headers=signed)
    except GatewayAway as error:
        yield fail("gateway", str(error), "check the network, and the address that this kiosk was registered at")
        return
    yield from _apart(response, at, now())
    yield _answered(response, signed, identity)


def _apart(response: httpx2.Response, asked_at: datetime, answered_at: datetime) -> Findings:
    """Compare the clocks; the gateway's has whole seconds, and nobody signs it."""
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return
    apart = abs(asked_at + (answered_at - asked_at) / 2 - theirs)
    said = f"{apart.total_seconds():,.0f} seconds apart from the gateway's"
    if apart > requests.FRESH:
        yield fail("clocks", said, "the gateway takes nothing whose time is more than 5 minutes off: set the clock")
    elif apart > CLOSE:
        yield warn("clocks", said, "let both use the same time servers")
    else:
        yield ok("clocks", said)


def _answered(response: httpx2.Response, signed: dict[str, str], identity: Identity) -> Finding:
    try:
        given = response.headers.get(requests.SIGNATURE, "")
        requests.check_answer(response.content, given, signed, identity.pinned)
    except BadSignature:
        if response.is_success:
            todo = "something answers in the gateway's place: check the address, and any proxy between"
            return fail("gateway", "the answer is not signed by the gateway's key", todo)
        return fail("gateway", problem(response), "if it does not know this kiosk, register it anew")
    if response.is_success:
        return ok("gateway", f"{response.url.host} answers, signed")
    return (warn if identity.account is None else fail)(
        "gateway", problem(response), "an admin has to look at /devices"
    )


def broker(identity: Identity, connect: Connect, running: Running | None) -> Findings:
    """Sign in as the station does; never beside a running one, whose connection the broker would then end."""
    account = identity.account
    if account is None:
        yield warn("broker", "no account there yet", "an admin confirms this kiosk, then the station fetches it")
        return
    place = f"{account.host}:{account.port}{' with TLS' if account.tls else ''}"
    if running:
        yield _of_running(place, running)
        return
    try:
        with closing(connect(account, [topics.topic(identity.site, identity.device, "receipt")])):
            yield ok("broker", f"{place} lets this kiosk in")
    except Disconnected as error:
        todo = "check the network; if it does not let this kiosk in, start the station: it fetches a new account"
        yield fail("broker", str(error), todo)


def _of_running(place: str, running: Running) -> Finding:
    online = running.health().get("online")
    if online is None:
        return warn("broker", "the running station's page does not answer", "look at the station's log")
    if online:
        return ok("broker", f"the running station is connected to {place}")
    return fail(
        "broker", f"the running station does not reach {place}", "check the network, and whether the broker runs"
    )
