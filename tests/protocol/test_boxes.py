"""Claims about boxes: sealed to one kiosk, signed by another, and of a size that cannot hurt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from protocol import boxes, registration, signing
from protocol.boxes import LIFE, MAX_BYTES, MAX_TEMPLATES, TEMPLATE_BYTES, Contents, FaceBox, Neighbour, NotForUs
from protocol.signing import BadSignature, Malformed, TooLarge, to_base64

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
SENDER, RECIPIENT = "device0000000001", "device0000000002"
KEY, STRANGERS_KEY = SigningKey(b"\1" * 32), SigningKey(b"\5" * 32)
SEALING, STRANGERS_SEALING = PrivateKey(b"\2" * 32), PrivateKey(b"\6" * 32)
CONTENTS = Contents(sender=SENDER, learner="ann", consent="yes-ann", engine="dlib")
FACE = bytes(range(256)) * 2


def a_box(**changes: Any) -> FaceBox:
    given: dict[str, Any] = {
        "sender": SENDER,
        "recipient": RECIPIENT,
        "learner": "ann",
        "consent": "yes-ann",
        "made_at": NINE,
        "good_until": NINE + LIFE,
        "sealed": boxes.pack(CONTENTS, FACE, registration.public(SEALING)),
    }
    return FaceBox(**(given | changes))


def sealed(plain: bytes) -> str:
    return to_base64(SealedBox(SEALING.public_key).encrypt(plain))


def test_what_one_kiosk_seals_the_other_reads() -> None:
    data = boxes.post(a_box(), KEY)

    box = boxes.read(data, KEY.verify_key)

    assert box == a_box(sealed=box.sealed)
    assert boxes.unpack(box, SEALING) == (CONTENTS, FACE)
    assert FACE not in data


def test_the_largest_set_of_templates_fits() -> None:
    most = bytes(MAX_TEMPLATES * TEMPLATE_BYTES)
    long = CONTENTS.model_copy(update={"engine": "e" * 64, "learner": "l" * 32, "consent": "c" * 32})

    data = boxes.post(a_box(sealed=boxes.pack(long, most, registration.public(SEALING))), KEY)

    assert len(data) <= MAX_BYTES


def test_a_box_is_for_one_kiosk_only() -> None:
    with pytest.raises(NotForUs):
        boxes.unpack(a_box(), STRANGERS_SEALING)


def test_no_byte_of_a_box_changes_unnoticed() -> None:
    data = boxes.post(a_box(), KEY)

    for at in range(0, len(data), 7):
        altered = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BadSignature):
            boxes.read(altered, KEY.verify_key)


def test_a_signature_for_another_purpose_is_none() -> None:
    data = signing.seal("request", a_box().line(), KEY)

    with pytest.raises(BadSignature):
        boxes.read(data, KEY.verify_key)


def test_another_kiosks_signature_is_none() -> None:
    with pytest.raises(BadSignature):
        boxes.read(boxes.post(a_box(), STRANGERS_KEY), KEY.verify_key)


def test_a_box_that_is_too_large_is_not_even_verified() -> None:
    with pytest.raises(TooLarge):
        boxes.read(b"x" * (MAX_BYTES + 1), KEY.verify_key)


@pytest.mark.parametrize(
    "good_until",
    [NINE, NINE - LIFE, NINE + LIFE + timedelta(seconds=1)],
    ids=["no time", "negative", "more than a day"],
)
def test_a_box_is_good_for_a_day_at_most(good_until: datetime) -> None:
    data = boxes.post(a_box(good_until=good_until), KEY)

    with pytest.raises(Malformed):
        boxes.read(data, KEY.verify_key)


@pytest.mark.parametrize(
    "written",
    [{"learner": "bo"}, {"consent": "yes-bo"}, {"sender": "device0000000003"}],
    ids=["learner", "consent", "sender"],
)
def test_a_seal_in_a_box_that_says_something_else_is_not_opened(written: dict[str, str]) -> None:
    with pytest.raises(NotForUs):
        boxes.unpack(a_box(**written), SEALING)


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        pytest.param(CONTENTS.line(), Malformed, id="no templates"),
        pytest.param(CONTENTS.line() + b"\n", Malformed, id="empty templates"),
        pytest.param(CONTENTS.line() + b"\n" + FACE[:-1], Malformed, id="part of a template"),
        pytest.param(CONTENTS.line() + b"\n" + FACE * (MAX_TEMPLATES + 1), Malformed, id="too many templates"),
        pytest.param(b"", Malformed, id="nothing"),
        pytest.param(b"{" * 5000, Malformed, id="nested"),
        pytest.param(b'{"sender": 1}\n' + FACE, Malformed, id="other types"),
    ],
)
def test_what_is_no_face_inside_a_seal_is_refused(inside: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        boxes.unpack(a_box(sealed=sealed(inside)), SEALING)


@pytest.mark.parametrize(
    "numbers", [b"", FACE[:-1], FACE * (MAX_TEMPLATES + 1)], ids=["none", "part of one", "too many"]
)
def test_what_nobody_would_take_is_not_sealed(numbers: bytes) -> None:
    with pytest.raises(TooLarge):
        boxes.pack(CONTENTS, numbers, registration.public(SEALING))


def test_a_fingerprint_changes_with_either_key() -> None:
    def shown(key: SigningKey, sealing: PrivateKey) -> str:
        signs, seals = registration.public(key), registration.public(sealing)
        return Neighbour(device=SENDER, name="door", signing_key=signs, sealing_key=seals).fingerprint

    prints = {shown(key, sealing) for key in (KEY, STRANGERS_KEY) for sealing in (SEALING, STRANGERS_SEALING)}

    assert len(prints) == 4
    assert shown(KEY, SEALING) == boxes.fingerprint(KEY.verify_key, SEALING.public_key)


def test_a_billion_templates_are_refused_before_they_are_read() -> None:
    with pytest.raises(Malformed):
        FaceBox.read(a_box().line().replace(b'"sealed":"', b'"sealed":"' + b"A" * 10_000_000))
