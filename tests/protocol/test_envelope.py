"""Claims about envelopes and signed messages: every bit counts, and so does the purpose."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from protocol import envelope, messages, signing
from protocol.envelope import MAX_BYTES, MAX_RECORDS, Header
from protocol.messages import BootTime, Config, Receipt, Rejected, State
from protocol.records import KioskRecord
from protocol.signing import BadSignature, Malformed, TooLarge, Unreadable

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
STREAM = UUID("00000000-0000-4000-8000-000000000001")
OTHER_STREAM = UUID("00000000-0000-4000-8000-000000000002")
DEVICE = "device0000000001"
KEY = SigningKey(b"\1" * 32)
GATEWAY = SigningKey(b"\2" * 32)


def record(seq: int = 1, *, stream: UUID = STREAM) -> KioskRecord:
    return KioskRecord(
        id=UUID(int=seq), stream=stream, seq=seq, at=NINE, monotonic_ms=5, boot=UUID(int=9), clock="synced",
        method="static_badge", direction="in", session="order-101", room="room-1", learner="ann",
    )  # fmt: skip


def sealed(*lines: bytes, count: int | None = None) -> bytes:
    """Seal without the checks of `seal`."""
    header = Header(device=DEVICE, stream=STREAM, count=len(lines) if count is None else count)
    return signing.seal("check-ins", b"\n".join([header.line(), *lines]), KEY)


def opened(data: bytes) -> list[KioskRecord]:
    found = envelope.unseal(data, KEY.verify_key)
    return [found.record(line) for line in found.lines]


RECORDS = [record(seq) for seq in (1, 2, 3)]
SEALED = envelope.seal([one.line() for one in RECORDS], device=DEVICE, stream=STREAM, key=KEY)


def test_what_was_sealed_comes_out_again() -> None:
    assert opened(SEALED) == RECORDS


def test_a_flipped_bit_is_noticed_wherever_it_is() -> None:
    for place in range(len(SEALED)):
        for bit in range(8):
            flipped = bytearray(SEALED)
            flipped[place] ^= 1 << bit
            with pytest.raises(Unreadable):
                envelope.unseal(bytes(flipped), KEY.verify_key)


@given(st.integers(0, len(SEALED) - 1))
def test_a_cut_envelope_is_no_envelope(end: int) -> None:
    with pytest.raises(BadSignature):
        envelope.unseal(SEALED[:end], KEY.verify_key)


@given(st.binary(max_size=200))
def test_noise_is_unreadable_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(Unreadable):
        envelope.unseal(noise, KEY.verify_key)


def test_another_devices_signature_does_not_count() -> None:
    with pytest.raises(BadSignature):
        envelope.unseal(SEALED, GATEWAY.verify_key)


def test_a_signature_for_another_purpose_does_not_count() -> None:
    body = SEALED.partition(b"\n")[2]

    with pytest.raises(BadSignature):
        envelope.unseal(signing.seal("state", body, KEY), KEY.verify_key)


@pytest.mark.parametrize(
    "data, error",
    [
        (sealed(record().line(), count=2), Malformed),
        (sealed(record().line(), record(2).line(), count=1), Malformed),
        (sealed(), Malformed),
        (signing.seal("check-ins", b"not a header", KEY), Malformed),
        (signing.seal("check-ins", b"", KEY), Malformed),
        (sealed(*[b"{}"] * (MAX_RECORDS + 1)), TooLarge),
        (sealed(b"x" * MAX_BYTES), TooLarge),
    ],
    ids=["one is missing", "one too many", "none", "no header", "nothing", "too many", "too large"],
)
def test_a_well_signed_envelope_may_still_be_wrong(data: bytes, error: type[Unreadable]) -> None:
    with pytest.raises(error):
        envelope.unseal(data, KEY.verify_key)


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"\xff",
        record(stream=OTHER_STREAM).line(),
        record().line().replace(b'"seq":1', b'"seq":0'),
        record().line().replace(b'"seq":1', b'"seq":"1"'),
        record().line().replace(b'"seq":1', b'"seq":1.0'),
        record().line().replace(b'"v":1', b'"v":2'),
        record().line().replace(b'"2026-03-02T09:00:00.000Z"', b"1772442000"),
        record().line().replace(b'"2026-03-02T09:00:00.000Z"', b'"1772442000"'),
        record().line().replace(b'000Z"', b'000"'),
        record().line().replace(b"order-101", b"Order 101"),
        *(record().model_copy(update={name: None}).line() for name in ("stream", "seq", "monotonic_ms", "boot")),
    ],
    ids=[
        "empty", "a list", "not utf-8", "another stream", "number 0", "a number as text", "a number with a point",
        "version 2", "seconds", "seconds as text", "no time zone", "no id",
        "a phone's: no stream", "no number", "no monotonic time", "no boot",
    ],
)  # fmt: skip
def test_one_bad_line_does_not_spoil_the_others(line: bytes) -> None:
    found = envelope.unseal(sealed(record().line(), line), KEY.verify_key)

    assert found.record(found.lines[0]) == record()
    with pytest.raises(Malformed):
        found.record(found.lines[1])


def test_what_a_newer_kiosk_adds_is_ignored() -> None:
    line = record().line().replace(b"{", b'{"mood":"good",', 1)

    assert opened(sealed(line)) == [record()]


def test_an_error_never_repeats_what_was_said() -> None:
    line = record().line().replace(b'"ann"', b'"Ann Li!"')

    with pytest.raises(Malformed) as error:
        opened(sealed(line))
    assert "learner" in str(error.value)
    assert "Li" not in str(error.value)


def test_sealing_too_much_is_refused() -> None:
    with pytest.raises(TooLarge):
        envelope.seal([b"{}"] * (MAX_RECORDS + 1), device=DEVICE, stream=STREAM, key=KEY)
    with pytest.raises(TooLarge):
        envelope.seal([b"x" * MAX_BYTES], device=DEVICE, stream=STREAM, key=KEY)


@given(st.lists(st.integers(1, 2000).map(lambda size: b"x" * size), max_size=150))
def test_what_is_said_to_fit_does_fit(lines: list[bytes]) -> None:
    count = envelope.fitting(lines)

    assert count == 0 if not lines else 1 <= count <= MAX_RECORDS
    if lines:
        envelope.seal(lines[:count], device=DEVICE, stream=STREAM, key=KEY)


# Messages

RECEIPT = Receipt(stream=STREAM, epoch=STREAM, number=1, upto=3, extra=(5,), rejected=(Rejected(seq=7, reason="x"),))
MESSAGES = [
    RECEIPT,
    Config(stream=STREAM, epoch=STREAM, number=1, roster="abc"),
    State(stream=STREAM, at=NINE, first_unreceipted=None, last_assigned=0, count=0),
    State(stream=STREAM, at=NINE, last_assigned=0, count=0, boots=(BootTime(boot=UUID(int=9), began_at=NINE),)),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(message: Receipt | Config | State) -> None:
    assert messages.read(type(message), messages.post(message, GATEWAY), GATEWAY.verify_key) == message


def test_a_heartbeat_of_an_older_kiosk_says_nothing_of_boots() -> None:
    said = b'{"v":1,"stream":"%s","at":"2026-03-02T09:00:00.000Z","last_assigned":3,"count":0}' % str(STREAM).encode()

    assert State.read(said).boots == ()


@pytest.mark.parametrize(
    "given, at",
    [
        ({}, NINE + timedelta(milliseconds=5)),
        ({"monotonic_ms": 3_600_000, "clock": "unknown"}, NINE + timedelta(hours=1)),
        ({"boot": UUID(int=8)}, None),
        ({"monotonic_ms": 2**62}, None),
    ],
    ids=["just begun", "whatever its clock said", "another boot", "beyond all times"],
)
def test_the_time_of_a_record_follows_from_when_its_boot_began(given: dict[str, Any], at: datetime | None) -> None:
    boot = BootTime(boot=UUID(int=9), began_at=NINE)

    assert boot.time_of(record().model_copy(update=given)) == at


def test_a_receipt_is_signed_by_the_gateway_or_it_is_none() -> None:
    with pytest.raises(BadSignature):
        messages.read(Receipt, messages.post(RECEIPT, KEY), GATEWAY.verify_key)


def test_a_receipt_is_no_configuration() -> None:
    with pytest.raises(BadSignature):
        messages.read(Config, messages.post(RECEIPT, GATEWAY), GATEWAY.verify_key)


def test_a_message_of_any_size_is_not_read() -> None:
    large = RECEIPT.model_copy(update={"extra": tuple(range(1, 5000))})

    with pytest.raises(TooLarge):
        messages.read(Receipt, messages.post(large, GATEWAY), GATEWAY.verify_key)


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_an_instant_survives_the_wire_to_the_millisecond(at: datetime) -> None:
    sent = State(stream=STREAM, at=at, last_assigned=0, count=0)

    assert State.read(sent.line()).at == at.replace(microsecond=at.microsecond // 1000 * 1000)
