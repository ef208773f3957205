"""Claims about how a kiosk becomes known, and about the file that says who it is."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from nacl.public import PrivateKey

from kiosk.asking import GatewayAway, NotTheGateway
from kiosk.identity import (
    FILE,
    MACHINE,
    Identity,
    IdentityCopied,
    IdentityDamaged,
    IdentityExposed,
    NotRegistered,
    stay_here,
    this_machine,
)
from kiosk.outbox import FILE as OUTBOX
from kiosk.outbox import Outbox, OutboxUnsafe
from kiosk.registration import DRAFT, RegistrationRefused, register, standing
from protocol import registration, signing
from protocol.registration import Application, verify_key
from protocol.requests import SIGNATURE
from protocol.signing import from_base64
from tests.kiosk.cast import ACCOUNT, DEVICE, GATEWAY_KEY, IDENTITY, NINE, SITE, GatewayStandIn


@pytest.fixture
def gateway() -> GatewayStandIn:
    return GatewayStandIn()


def join(gateway: GatewayStandIn, folder: Path) -> Identity:
    return register(IDENTITY.gateway, "CODE-1234", name="door", data_dir=folder, client=gateway.client())


def said(request: httpx2.Request) -> Application:
    return Application.read(request.content)


def test_a_registered_kiosk_knows_who_it_is(gateway: GatewayStandIn, tmp_path: Path) -> None:
    identity = join(gateway, tmp_path)

    assert (identity.device, identity.site, identity.gateway) == (DEVICE, SITE, "http://gateway.test")
    assert identity.pinned == GATEWAY_KEY.verify_key
    assert identity.account is None
    assert Identity.load(tmp_path) == identity


def test_the_application_is_signed_by_the_key_that_it_names(gateway: GatewayStandIn, tmp_path: Path) -> None:
    identity = join(gateway, tmp_path)

    [request] = gateway.applications
    key = verify_key(said(request).signing_key)
    signing.verify("registration", request.content, from_base64(request.headers[SIGNATURE]), key)
    assert key == identity.key.verify_key
    assert said(request).stream == identity.stream


def test_both_sides_show_the_same_fingerprint(gateway: GatewayStandIn, tmp_path: Path) -> None:
    identity = join(gateway, tmp_path)

    [request] = gateway.applications
    device = verify_key(said(request).signing_key)
    assert identity.fingerprint == registration.fingerprint(device, GATEWAY_KEY.verify_key)


def test_the_gateways_refusal_is_said_in_its_words(gateway: GatewayStandIn, tmp_path: Path) -> None:
    gateway.refusal = (403, "code-refused")

    with pytest.raises(RegistrationRefused, match=r"No: Ask the admin\."):
        join(gateway, tmp_path)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "said, shown",
    [
        ({"title": "\x1b[2J\x1b]0;owned\x07no"}, "[2J ]0;owned no"),
        ({"title": "No", "detail": "not\u202ehere\ud800"}, "No: not here"),
        ({"title": "n" * 100_000}, "n" * 500),
        ({"title": ""}, "403"),
    ],
    ids=["escape sequences", "directions and half a letter", "a book", "nothing"],
)
def test_what_a_stranger_says_is_shown_as_a_line_of_plain_text(
    tmp_path: Path, said: dict[str, str], shown: str
) -> None:
    answer = httpx2.Response(403, content=json.dumps(said).encode())
    client = httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(lambda _: answer))

    with pytest.raises(RegistrationRefused) as refused:
        register(IDENTITY.gateway, "CODE-1234", name="door", data_dir=tmp_path, client=client)
    assert str(refused.value) == shown


def test_an_answer_that_is_nested_for_ever_is_a_refusal_like_any_other(tmp_path: Path) -> None:
    answer = httpx2.Response(403, content=b"[" * 100_000)
    client = httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(lambda _: answer))

    with pytest.raises(RegistrationRefused, match=r"^403$"):
        register(IDENTITY.gateway, "CODE-1234", name="door", data_dir=tmp_path, client=client)


def test_a_registered_kiosk_is_not_registered_over(gateway: GatewayStandIn, tmp_path: Path) -> None:
    join(gateway, tmp_path)

    with pytest.raises(RegistrationRefused, match="registered already"):
        join(gateway, tmp_path)
    assert len(gateway.applications) == 1


def test_after_a_lost_answer_the_same_keys_apply_again(gateway: GatewayStandIn, tmp_path: Path) -> None:
    heard: list[httpx2.Request] = []

    def lost(request: httpx2.Request) -> httpx2.Response:
        heard.append(request)
        raise httpx2.ReadTimeout("nothing came back")

    with pytest.raises(GatewayAway):
        register(
            IDENTITY.gateway, "CODE-1234", name="door", data_dir=tmp_path,
            client=httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(lost)),
        )  # fmt: skip
    join(gateway, tmp_path)

    assert said(gateway.applications[0]) == said(heard[0])
    assert not (tmp_path / DRAFT).exists()


def test_damaged_keys_of_an_application_are_made_anew(gateway: GatewayStandIn, tmp_path: Path) -> None:
    (tmp_path / DRAFT).write_bytes(b"{")

    join(gateway, tmp_path)

    assert Identity.load(tmp_path).device == DEVICE
    assert not (tmp_path / DRAFT).exists()


def test_keys_that_are_known_elsewhere_are_not_used_again(gateway: GatewayStandIn, tmp_path: Path) -> None:
    gateway.refusal = (409, "stream-taken")
    with pytest.raises(RegistrationRefused):
        join(gateway, tmp_path)

    assert not (tmp_path / DRAFT).exists()


@pytest.mark.parametrize(
    "answer",
    [lambda _: httpx2.Response(201, text="<html>"), lambda _: httpx2.Response(200, text="{}")],
    ids=["a page", "another program"],
)
def test_what_is_no_gateway_registers_nobody(
    tmp_path: Path, answer: Callable[[httpx2.Request], httpx2.Response]
) -> None:
    client = httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(answer))

    with pytest.raises(RegistrationRefused):
        register(IDENTITY.gateway, "CODE-1234", name="door", data_dir=tmp_path, client=client)


def test_a_kiosk_that_is_registered_anew_has_a_new_stream_and_leaves_the_old_one_alone(
    gateway: GatewayStandIn, tmp_path: Path
) -> None:
    before = join(gateway, tmp_path)
    Outbox(tmp_path / OUTBOX, stream=before.stream).close()
    (tmp_path / FILE).unlink()

    after = join(gateway, tmp_path)

    assert (after.stream, after.signing_seed) != (before.stream, before.signing_seed)
    with pytest.raises(OutboxUnsafe, match="move it away, do not delete it"):
        Outbox(tmp_path / OUTBOX, stream=after.stream)


# Standing


def test_a_confirmed_device_gets_its_broker_account(gateway: GatewayStandIn) -> None:
    unconfirmed = IDENTITY.model_copy(update={"account": None})

    with gateway.client() as client:
        assert standing(unconfirmed, client, at=NINE).account == ACCOUNT


def test_an_unconfirmed_device_waits(gateway: GatewayStandIn) -> None:
    gateway.account = None
    unconfirmed = IDENTITY.model_copy(update={"account": None})

    with gateway.client() as client:
        assert standing(unconfirmed, client, at=NINE) is unconfirmed


def test_an_account_for_another_device_is_not_taken(gateway: GatewayStandIn) -> None:
    other = IDENTITY.model_copy(update={"sealing_seed": signing.to_base64(bytes(PrivateKey(b"\7" * 32)))})

    with gateway.client() as client, pytest.raises(NotTheGateway, match="another device"):
        standing(other, client, at=NINE)


# The machine


@pytest.mark.parametrize(
    "serial, machine_id, differs",
    [
        ("10000000a1b2c3d4\0", "same", True),
        ("10000000aaaaaaaa\0", "another", False),
        ("0000000000000000\0", "another", True),
        (None, "another", True),
        (None, "same", False),
    ],
    ids=["a cloned card", "a new system on the same board", "a board without a number", "a copied folder", "the same"],
)
def test_a_machine_is_told_by_its_board_or_else_by_its_system(
    tmp_path: Path, serial: str | None, machine_id: str, differs: bool
) -> None:
    board, system = tmp_path / "serial-number", tmp_path / "machine-id"
    board.write_text("10000000aaaaaaaa\0" if serial and serial.strip("0\0") else serial or "")
    system.write_text("same\n")
    before = this_machine([board, system])

    board.write_text(serial or "")
    system.write_text(f"{machine_id}\n")

    assert (this_machine([board, system]) != before) is differs


def test_a_machine_that_says_nothing_is_like_any_other(tmp_path: Path) -> None:
    stay_here(tmp_path, b"one")

    assert this_machine([tmp_path / "nowhere"]) == b""
    stay_here(tmp_path, b"")


def test_a_kiosk_that_is_registered_anew_is_bound_to_its_own_machine(gateway: GatewayStandIn, tmp_path: Path) -> None:
    stay_here(tmp_path, b"the machine that the card came from")

    join(gateway, tmp_path)

    stay_here(tmp_path, this_machine())


def test_an_identity_stays_on_its_machine(tmp_path: Path) -> None:
    stay_here(tmp_path, b"one")
    stay_here(tmp_path, b"one")

    with pytest.raises(IdentityCopied, match=r"copied from another machine.* register this kiosk anew"):
        stay_here(tmp_path, b"another")


def test_after_a_repair_the_identity_is_bound_anew(tmp_path: Path) -> None:
    stay_here(tmp_path, b"the old board")
    (tmp_path / MACHINE).unlink()

    stay_here(tmp_path, b"the new board")

    with pytest.raises(IdentityCopied):
        stay_here(tmp_path, b"the old board")


# The file


def test_the_identity_is_its_owners_only(tmp_path: Path) -> None:
    IDENTITY.save(tmp_path)

    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_an_identity_that_others_can_read_is_refused(tmp_path: Path) -> None:
    IDENTITY.save(tmp_path)
    (tmp_path / FILE).chmod(0o644)

    with pytest.raises(IdentityExposed, match="Others may read"):
        Identity.load(tmp_path)


def test_without_an_identity_the_kiosk_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotRegistered, match="tandem kiosk register"):
        Identity.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", IDENTITY.line()[:-20]], ids=["empty", "of something else", "cut"])
def test_a_damaged_identity_is_said_to_be_damaged(tmp_path: Path, content: bytes) -> None:
    IDENTITY.save(tmp_path)
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(IdentityDamaged):
        Identity.load(tmp_path)


def test_an_identity_says_no_secret_by_accident() -> None:
    shown = repr(IDENTITY)

    assert not any(secret in shown for secret in (IDENTITY.signing_seed, IDENTITY.sealing_seed, ACCOUNT.password))


def test_the_key_of_the_faces_is_neither_of_the_devices_secrets() -> None:
    assert IDENTITY.gallery_key not in (bytes(IDENTITY.key), bytes(IDENTITY.sealing_key))
    assert len(IDENTITY.gallery_key) == 32
