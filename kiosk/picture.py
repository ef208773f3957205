"""Pictures of files and cameras, all alike: eight bits, three channels, never so large that they fill the memory."""

import os
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]

MEGA = 1_000_000
COMFORTABLE_PIXELS = 12 * MEGA
MOST_PIXELS = 100 * MEGA  # an uncompressed picture of this size takes 300 MB, more than a small kiosk can spare
MOST_BYTES = 100 * MEGA  # the file is in memory beside the picture
KINDS = (".bmp", ".jpeg", ".jpg", ".png")


class Unreadable(ValueError):
    """The file holds no picture that can be read."""


def pictures_in(folder: Path) -> list[Path]:
    """List the pictures of a folder by name; a folder that is not there has none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in KINDS)


def read_picture(path: Path) -> Image:
    """Read any JPEG, PNG or BMP as eight bits blue-green-red, at most 12 megapixel; raise Unreadable otherwise."""
    data = _bytes_of(path)
    if not data:
        raise Unreadable(f"{path.name} is empty")
    width, height = _size(data) or (0, 0)
    if not width * height:
        raise Unreadable(f"{path.name} is not a JPEG, PNG or BMP picture")
    if width * height > MOST_PIXELS:
        raise Unreadable(f"{path.name} is too large: {width} x {height}, at most {MOST_PIXELS // MEGA} megapixel")
    return _decode(data, path.name, width * height)


def as_frame(raw: object) -> Image:
    """Make what a camera handed over a picture as all others are; raise Unreadable if it is none.

    A camera may change its size, and give grey, alpha or 16 bits, from one picture to the next.
    """
    if not isinstance(raw, np.ndarray) or raw.dtype not in (np.uint8, np.uint16) or not raw.size:
        raise Unreadable("this is no picture of eight or sixteen bits")
    pixels = raw if raw.dtype == np.uint8 else (raw >> 8)
    planes = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if planes.ndim != 3 or planes.shape[2] not in (1, 3, 4):
        raise Unreadable(f"a picture has 1, 3 or 4 channels, this has the shape {raw.shape}")
    image = np.repeat(planes, 3, axis=2) if planes.shape[2] == 1 else planes[:, :, :3]
    return _comfortable(np.ascontiguousarray(image, np.uint8))


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise Unreadable(f"{path.name} is too large a file: at most {MOST_BYTES // MEGA} MB")
            # What has no size, such as a pipe, is cut, and damaged then.
            return file.read(MOST_BYTES)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from None


def _decode(data: bytes, name: str, pixels: int) -> Image:
    # Alpha is dropped, grey and CMYK become three channels and 16 bits become eight inside the decoder.
    how = cv2.IMREAD_COLOR if pixels <= COMFORTABLE_PIXELS else cv2.IMREAD_REDUCED_COLOR_2
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise Unreadable(f"{name} is damaged")
    return _comfortable(np.asarray(decoded, np.uint8))


def _comfortable(image: Image) -> Image:
    height, width = image.shape[:2]
    scale = (COMFORTABLE_PIXELS / (width * height)) ** 0.5
    if scale >= 1:
        return image
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _size(data: bytes) -> tuple[int, int] | None:
    """Say how large a picture claims to be, from its header alone: a small file can unpack to gigabytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith(b"BM"):
        height = int.from_bytes(data[22:26], "little", signed=True)  # negative when stored from the top
        return int.from_bytes(data[18:22], "little"), abs(height)
    if data.startswith(b"\xff\xd8"):
        return _size_of_jpeg(data)
    return None


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header, not a table
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
