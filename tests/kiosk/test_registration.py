"""Claims about how a kiosk becomes known, and about the file that says who it is."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from nacl.public import PrivateKey

from kiosk.asking import GatewayAway, NotTheGateway
from kiosk.identity import FILE, Identity, IdentityDamaged, IdentityExposed, NotRegistered
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
