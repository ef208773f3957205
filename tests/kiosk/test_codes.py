"""Claims about reading QR codes."""

import numpy as np
import pytest
import qrcode

from kiosk.picture import Image
from kiosk.qr import codes as reader
from kiosk.qr.codes import Code, codes
from kiosk.qr.decoder import by_opencv

BADGE = "T1:" + "6BF$.DUPC/4EJ*C " * 8


def qr(content: str | bytes, *, scale: int = 6) -> Image:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L)
    code.add_data(content)
    code.make()
    modules = np.where(np.array(code.get_matrix()), 0, 255).astype(np.uint8)
    return np.repeat(np.kron(modules, np.ones((scale, scale), np.uint8))[..., None], 3, axis=2)


def test_a_code_is_read_with_its_corners() -> None:
    [code] = codes(qr(BADGE))

    side = qr(BADGE).shape[0] - 2 * 4 * 6
    near, far = 24, 24 + side
    expected = ((near, near), (far, near), (far, far), (near, far))
    assert code.text == BADGE
    assert np.abs(np.array(code.box) - expected).max() <= 3


def test_two_codes_are_told_from_left_to_right() -> None:
    picture = np.hstack([qr("left".ljust(20)), qr("right".ljust(20))])

    assert [code.text.strip() for code in codes(picture)] == ["left", "right"]


def test_a_turned_code_is_read() -> None:
    assert [code.text for code in codes(np.ascontiguousarray(np.rot90(qr(BADGE))))] == [BADGE]


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00\x80hello", bytes(range(256)), b"\xed\xa0\x80\xed\xa0\x80", "签到" * 20, "A" * 3000, b"\xff" * 2953],
    ids=["binary", "every byte", "half characters", "Chinese", "3,000 characters", "as many bytes as fit"],
)
def test_any_content_becomes_a_text_that_can_be_stored(content: str | bytes) -> None:
    [code] = codes(qr(content, scale=4))

    assert code.text.encode()


@pytest.mark.parametrize(
    "content",
    ["https://tandem.example/c/" + "k" * 60, "A" * 3000, "A" * 4296, "7" * 7089],
    ids=["an address", "3,000 characters", "the most letters", "the most digits"],
)
def test_what_is_no_badge_is_read_whole(content: str) -> None:
    assert [code.text for code in codes(qr(content, scale=4))] == [content]


def test_more_than_the_largest_code_holds_cannot_be_printed() -> None:
    with pytest.raises(ValueError, match="Invalid version"):
        qr("A" * 4297)


def test_chinese_content_is_read_as_it_was_written() -> None:
    assert [code.text for code in codes(qr("签到" * 20))] == ["签到" * 20]


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_picture_has_no_codes(shade: int) -> None:
    assert codes(np.full((480, 640, 3), shade, np.uint8)) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (2, 2), (23, 24), (25, 4000)])
@pytest.mark.parametrize("shade", [0, 255])
def test_a_picture_too_small_for_a_code_has_none(size: tuple[int, int], shade: int) -> None:
    assert codes(np.full((*size, 3), shade, np.uint8)) == []


def test_a_little_speckled_picture_has_no_codes() -> None:
    chance = np.random.default_rng(1)

    for side in range(1, 40):
        assert codes(chance.integers(0, 256, (side, 41 - side, 3), np.uint8)) == []


def test_opencv_stands_in_where_zxing_has_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "HAS_ZXING", False)

    [code] = codes(qr(BADGE))

    assert (code.text, type(code)) == (BADGE, Code)


@pytest.mark.parametrize(
    "picture",
    [qr(bytes(range(256))), np.zeros((1, 1, 3), np.uint8), np.zeros((480, 640, 3), np.uint8)],
    ids=["binary", "one pixel", "black"],
)
def test_the_stand_in_never_raises(picture: Image) -> None:
    for code in by_opencv(picture):
        assert code.text.encode()
