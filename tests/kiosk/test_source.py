"""Claims about where pictures come from."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from kiosk.picture import Image, Unreadable, read_picture
from kiosk.source import Camera, Easel, Folder, Frame, Trouble

Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

AT_ONCE = timedelta(0)


def plain(width: int, height: int, colour: tuple[int, int, int] = (10, 120, 230)) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def saved(path: Path, image: Picture) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def png_claiming(width: int, height: int) -> bytes:
    sides = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + sides + b"\x08\x02\x00\x00\x00\x00\x00\x00\x00"


SMALL = plain(4, 4)


class Wobbly:
    """A capture that gives two pictures and then breaks; the first one does not even open."""

    def __init__(self, opens: bool, image: Image | None = SMALL) -> None:
        self.opens, self.image = opens, image
        self.left = 2
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def read(self) -> tuple[bool, Image | None]:
        self.left -= 1
        return self.left >= 0, self.image

    def release(self) -> None:
        self.released = True


def test_a_folder_plays_in_the_order_of_names(tmp_path: Path) -> None:
    for name, shade in (("b.png", 20), ("a.png", 10), ("c.jpg", 30)):
        saved(tmp_path / name, plain(8, 8, (shade, shade, shade)))
    (tmp_path / "notes.txt").write_text("not a picture")

    frames = [seen for seen in Folder(tmp_path, each=2, pace=AT_ONCE).frames() if isinstance(seen, Frame)]

    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10, 10, 20, 20, 30, 30]
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 5]


def test_a_corrupt_picture_is_named_and_the_playing_goes_on(tmp_path: Path) -> None:
    good = saved(tmp_path / "1.png", plain(60, 60)).read_bytes()
    (tmp_path / "2.png").write_bytes(good[: len(good) // 2])
    saved(tmp_path / "3.png", plain(8, 8))

    seen = list(Folder(tmp_path, each=1, pace=AT_ONCE).frames())

    assert [type(one) for one in seen] == [Frame, Trouble, Frame]
    assert seen[1] == Trouble(where="2.png", why="2.png is damaged")


@pytest.mark.parametrize("name", ["", "not-there"], ids=["empty", "missing"])
def test_a_folder_without_pictures_says_so(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name

    assert list(Folder(folder, pace=AT_ONCE).frames()) == [
        Trouble(where=str(folder), why="there is no picture in this folder")
    ]


def test_a_repeating_folder_plays_until_it_is_closed(tmp_path: Path) -> None:
    saved(tmp_path / "one.png", plain(8, 8))
    folder = Folder(tmp_path, each=1, pace=AT_ONCE, repeat=True)
    playing = folder.frames()

    assert len(list(islice(playing, 5))) == 5
    folder.close()
    assert list(playing) == []


def test_an_easel_keeps_showing_the_last_picture() -> None:
    easel = Easel(pace=AT_ONCE)
    easel.show(plain(4, 4, (1, 1, 1)))
    playing = easel.frames()

    first = shades(islice(playing, 3))
    easel.show(plain(4, 4, (2, 2, 2)))
    second = shades(islice(playing, 3))
    easel.close()

    assert (first, second, list(playing)) == ([1, 1, 1], [2, 2, 2], [])


def shades(seen: Iterator[Frame | Trouble]) -> list[int]:
    return [int(one.image[0, 0, 0]) for one in seen if isinstance(one, Frame)]


def test_a_camera_that_goes_away_is_reported_and_opened_again() -> None:
    captures = [Wobbly(opens=False), Wobbly(opens=True), Wobbly(opens=True)]
    waiting = iter(captures)
    camera = Camera(0, open_capture=lambda which: next(waiting), again=AT_ONCE)

    seen = list(islice(camera.frames(), 6))

    assert [type(one) for one in seen] == [Trouble, Frame, Frame, Trouble, Frame, Frame]
    assert seen[0] == Trouble(where="camera 0", why="the camera gives no picture")
    assert [one.number for one in seen if isinstance(one, Frame)] == [0, 1, 2, 3]
    assert captures[1].released


@pytest.mark.parametrize("image", [None, np.zeros((0, 0, 3), np.uint8)], ids=["nothing", "an empty picture"])
def test_a_camera_that_hands_over(image: Image | None) -> None:
    capture = Wobbly(opens=True, image=image)
    camera = Camera(0, open_capture=lambda which: capture, again=AT_ONCE)

    assert isinstance(next(camera.frames()), Trouble)
    assert capture.released


def test_a_closed_camera_lets_the_device_go() -> None:
    capture = Wobbly(opens=True)
    camera = Camera("rtsp://door", open_capture=lambda which: capture, again=AT_ONCE)
    playing = camera.frames()
    next(playing)

    camera.close()

    assert list(playing) == []
    assert capture.released


@pytest.mark.parametrize(
    "picture",
    [
        np.full((30, 40), 200, np.uint8),
        np.full((30, 40, 3), 200 * 257, np.uint16),
        np.full((30, 40, 4), 200, np.uint8),
        np.full((30, 40), 200 * 257, np.uint16),
    ],
    ids=["grey", "sixteen bits", "alpha", "grey with sixteen bits"],
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


def test_a_picture_of_more_than_twelve_megapixel_is_scaled_down(tmp_path: Path) -> None:
    image = read_picture(saved(tmp_path / "huge.jpg", plain(5000, 3000)))

    height, width = image.shape[:2]
    assert width * height <= 12_000_000
    assert width / height == pytest.approx(5 / 3, rel=0.01)


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
