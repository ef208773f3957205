"""Claims about pictures in files: whatever they are, they come in as frames do, or are refused with a sentence."""

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from kiosk.picture import MOST_BYTES, Image, Unreadable, as_frame, read_picture

Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


def plain(width: int, height: int, colour: tuple[int, int, int] = (10, 120, 230)) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def saved(path: Path, image: Picture) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def png_claiming(width: int, height: int) -> bytes:
    sides = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + sides + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    "picture",
    [
        np.full((30, 40), 200, np.uint8),
        np.full((30, 40, 3), 200 * 257, np.uint16),
        np.full((30, 40, 4), 200, np.uint8),
        np.full((30, 40), 200 * 257, np.uint16),
        np.full((30, 40, 4), 200 * 257, np.uint16),
    ],
    ids=["grey", "sixteen bits", "alpha", "grey with sixteen bits", "alpha with sixteen bits"],
)
def test_every_kind_of_picture_becomes_eight_bits_in_three_channels(tmp_path: Path, picture: Picture) -> None:
    image = read_picture(saved(tmp_path / "picture.png", picture))

    assert image.shape == (30, 40, 3)
    assert image.dtype == np.uint8
    assert (image == 200).all()


def test_a_printers_jpeg_keeps_its_colours(tmp_path: Path) -> None:
    Pillow.new("CMYK", (40, 30), (0, 255, 255, 0)).save(tmp_path / "red.jpg")

    image = read_picture(tmp_path / "red.jpg")

    assert image.shape == (30, 40, 3)
    assert np.abs(image.astype(int) - (0, 0, 255)).max() < 8


def test_a_file_that_fills_the_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.write(b"\xff\xd8")
        file.truncate(MOST_BYTES + 1)

    with pytest.raises(Unreadable, match=r"^film\.jpg is too large a file: at most 100 MB$"):
        read_picture(path)


def test_a_picture_of_more_than_twelve_megapixel_is_scaled_down(tmp_path: Path) -> None:
    image = read_picture(saved(tmp_path / "huge.jpg", plain(5000, 3000)))

    height, width = image.shape[:2]
    assert width * height <= 12_000_000
    assert width / height == pytest.approx(5 / 3, rel=0.01)


def test_a_line_of_more_than_twelve_megapixel_keeps_a_height() -> None:
    assert as_frame(np.zeros((1, 12_100_000), np.uint8)).shape[0] == 1


@pytest.mark.parametrize(
    "data, why",
    [
        (b"", "door.png is empty"),
        (b"hello", "door.png is not a JPEG, PNG or BMP picture"),
        (png_claiming(0, 40), "door.png is not a JPEG, PNG or BMP picture"),
        (png_claiming(30_000, 30_000), "door.png is too large: 30000 x 30000, at most 100 megapixel"),
        (png_claiming(30, 30), "door.png is damaged"),
        (b"\xff\xd8\xff", "door.png is not a JPEG, PNG or BMP picture"),
        (b"BM" + bytes(60), "door.png is not a JPEG, PNG or BMP picture"),
    ],
    ids=["empty", "text", "zero-sized", "a bomb", "header only", "cut JPEG", "BMP of nothing"],
)
def test_what_is_no_picture_is_refused_with_a_sentence(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "door.png"
    path.write_bytes(data)

    with pytest.raises(Unreadable, match=f"^{why}$"):
        read_picture(path)


def test_a_missing_picture_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^gone\.png cannot be read: No such file or directory$"):
        read_picture(tmp_path / "gone.png")
