"""Claims about signed requests, signed answers, registration and topics."""

from datetime import UTC, datetime, timedelta

import pytest
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from protocol import registration, requests, signing, topics
from protocol.registration import BrokerAccount
from protocol.requests import FRESH, SIGNATURE, TIME
from protocol.signing import BadSignature

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY, GATEWAY, STRANGERS = (SigningKey(bytes([number]) * 32) for number in (1, 2, 5))
DEVICE, SITE = "device0000000001", "site000000000001"
PATH = "/device/v1/roster?have=1"


def headers(at: datetime = NINE) -> dict[str, str]:
    return requests.sign_request("GET", PATH, b"", device=DEVICE, at=at, key=KEY)


def check(
    *, method: str = "GET", path: str = PATH, body: bytes = b"", given: dict[str, str] | None = None,
    now: datetime = NINE, key: SigningKey = KEY,
) -> None:  # fmt: skip
    requests.check_request(method, path, body, given or headers(), now=now, key=key.verify_key)


def test_a_devices_request_is_its_own() -> None:
    check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "POST"},
        {"path": "/device/v1/roster?have=2"},
        {"body": b"more"},
        {"key": STRANGERS},
        {"given": headers() | {TIME: NINE.replace(hour=8).isoformat()}},
        {"given": headers() | {requests.DEVICE: "device0000000002"}},
        {"given": {}},
        {"given": headers() | {SIGNATURE: "not base64!"}},
        {"now": NINE + FRESH + timedelta(seconds=1)},
        {"now": NINE - FRESH - timedelta(seconds=1)},
    ],
    ids=[
        "method", "query", "body", "key", "time", "device", "no headers", "no signature", "old", "from the future",
    ],
)  # fmt: skip
def test_a_request_is_refused_for_its(wrong: dict[str, object]) -> None:
    if wrong.get("given") == {}:
        wrong = {"given": {TIME: NINE.isoformat()}}

    with pytest.raises(BadSignature):
        check(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("off", [FRESH, -FRESH])
def test_five_minutes_off_is_still_fresh(off: timedelta) -> None:
    check(now=NINE + off)


def test_an_answer_belongs_to_its_question() -> None:
    asked, asked_again = headers(), headers(NINE + timedelta(seconds=1))
    signature = requests.sign_answer(b"roster", asked, GATEWAY)

    requests.check_answer(b"roster", signature, asked, GATEWAY.verify_key)
    for body, question, key in (
        (b"other", asked, GATEWAY),
        (b"roster", asked_again, GATEWAY),
        (b"roster", asked, STRANGERS),
    ):
        with pytest.raises(BadSignature):
            requests.check_answer(body, signature, question, key.verify_key)


def test_only_the_device_can_open_its_broker_account() -> None:
    device = PrivateKey(b"\4" * 32)
    account = BrokerAccount(host="h", port=1883, tls=True, username=DEVICE, password="secret")

    sealed = registration.seal_account(account, registration.public(device))

    assert registration.open_account(sealed, device) == account
    with pytest.raises(CryptoError):
        registration.open_account(sealed, PrivateKey(b"\5" * 32))


def test_a_fingerprint_says_both_keys() -> None:
    shown = registration.fingerprint(KEY.verify_key, GATEWAY.verify_key)

    assert len(shown.split("-")) == 6
    assert shown != registration.fingerprint(STRANGERS.verify_key, GATEWAY.verify_key)
    assert shown != registration.fingerprint(KEY.verify_key, STRANGERS.verify_key)


@pytest.mark.parametrize("text", ["", "é", "A", "AAAA\n", "%%%%"])
def test_what_is_no_key_is_a_bad_signature(text: str) -> None:
    with pytest.raises(BadSignature):
        signing.verify("badge", b"", signing.from_base64(text), KEY.verify_key)


def test_a_device_writes_and_reads_its_own_topics_only() -> None:
    own = {leaf: topics.topic(SITE, DEVICE, leaf) for leaf in ("up", "state", "receipt", "config", "command")}

    assert {leaf for leaf, name in own.items() if topics.may(DEVICE, name, write=True)} == {"up", "state"}
    assert {leaf for leaf, name in own.items() if topics.may(DEVICE, name, write=False)} == {
        "receipt",
        "config",
        "command",
    }
    assert not any(
        topics.may("device0000000002", name, write=write) for name in own.values() for write in (True, False)
    )


@pytest.mark.parametrize(
    "name",
    ["", "tandem/v1/+/+/up", "tandem/v1/#", "tandem/v1/site000000000001/short/up", "tandem/v2/" + SITE + "/" + DEVICE],
)
def test_what_is_no_topic_of_ours_has_no_parts(name: str) -> None:
    assert topics.parts(name) is None
    assert not topics.may(DEVICE, name, write=False)
