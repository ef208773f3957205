"""What one pass of zxing-cpp, or of OpenCV, reads in a picture."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from kiosk.picture import Image

try:
    import zxingcpp
except ImportError:  # no wheel for this processor: OpenCV reads fewer codes and takes longer
    HAS_ZXING = False
else:
    HAS_ZXING = True

Box: TypeAlias = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One QR code: its text, and its corners (x, y) clockwise from the code's own top left."""

    text: str
    box: Box


def by_zxing(grey: Image) -> tuple[list[Code], list[Box]]:
    """Read codes; also say where codes are that have errors."""
    barcodes = zxingcpp.read_barcodes(
        grey,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        text_mode=zxingcpp.TextMode.Plain,
        return_errors=True,
    )
    # Micro QR has so little redundancy that noise reads as a number now and then.
    valid = [code for code in barcodes if code.valid and code.format != zxingcpp.BarcodeFormat.MicroQRCode]
    found = [Code(text=_text(barcode), box=_box(barcode.position)) for barcode in valid]
    return found, [_box(barcode.position) for barcode in barcodes if not barcode.valid]


def by_opencv(image: Image) -> list[Code]:
    try:
        found, texts, corners, _ = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(image)
    except (cv2.error, UnicodeDecodeError):  # the decoder trips over binary content
        return []
    if not found:  # then the rest is None
        return []
    # A code that was found but not read has an empty text.
    return [
        Code(text=_printable(text), box=_corners(points)) for text, points in zip(texts, corners, strict=False) if text
    ]


def _text(barcode: "zxingcpp.Barcode") -> str:
    try:
        return _printable(barcode.text)
    except UnicodeDecodeError:
        return barcode.bytes.decode("latin-1")


def _printable(text: str) -> str:
    """Replace lone surrogates, which no log, page or database can store."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _box(position: "zxingcpp.Position") -> Box:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return _corners(np.array([(corner.x, corner.y) for corner in corners]))


def _corners(points: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> Box:
    a, b, c, d = ((int(x), int(y)) for x, y in np.rint(np.asarray(points, np.float64)))
    return a, b, c, d
