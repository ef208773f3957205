"""Faces behind one seam: where they are in a picture, and the 128 numbers that tell one from another."""

import warnings
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.picture import Image

Encoding: TypeAlias = NDArray[np.float32]

ENCODING_LENGTH = 128
DETECTION_WIDTH = 320  # pixels; at four times the area the same detector takes four times as long
GOOD_WIDTH = 120  # pixels of a face from which more pixels no longer help the encoder, which sees 150
SHARPNESS_OF_A_BLUR = 60.0  # variance of the Laplacian at which a face counts as half sharp


class FaceEngineMissing(Exception):
    """Face recognition is not installed here: install the extra "face", as in pip install "tandem-checkin[face]"."""

    def __str__(self) -> str:
        return type(self).__doc__ or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face of a picture."""

    box: tuple[int, int, int, int]  # top, right, bottom, left
    quality: float  # 0 to 1, from size and sharpness


class FaceEngine(Protocol):
    """Finds and encodes faces; two encodings of one person lie close together."""

    def find(self, image: Image) -> list[Face]: ...

    def encode(self, image: Image, face: Face) -> Encoding: ...


class DlibFaces:
    """The engine of dlib, through face_recognition."""

    def __init__(self) -> None:
        self._recognition = _face_recognition()

    def find(self, image: Image) -> list[Face]:
        """Find faces on a reduced picture, largest first."""
        scale = max(1.0, image.shape[1] / DETECTION_WIDTH)
        size = (round(image.shape[1] / scale), max(1, round(image.shape[0] / scale)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        boxes = self._recognition.face_locations(_rgb(small), number_of_times_to_upsample=1, model="hog")
        found = [_face(image, tuple(round(edge * scale) for edge in box)) for box in boxes]
        return sorted(found, key=lambda face: face.box[0] - face.box[2])

    def encode(self, image: Image, face: Face) -> Encoding:
        [encoding] = self._recognition.face_encodings(_rgb(image), known_face_locations=[face.box])
        return np.asarray(encoding, np.float32)


def quality_of(image: Image, box: tuple[int, int, int, int]) -> float:
    """Judge how much the encoder can make of a face, from 0 to 1."""
    top, right, bottom, left = box
    cut = image[top:bottom, left:right]
    if not cut.size:
        return 0.0
    # Sharpness is judged at one size, else a face would look blurred for standing close.
    grey = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), (100, 100), interpolation=cv2.INTER_AREA)
    variance = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return min(1.0, (right - left) / GOOD_WIDTH) * variance / (variance + SHARPNESS_OF_A_BLUR)


def _face(image: Image, box: tuple[int, ...]) -> Face:
    top, right, bottom, left = box
    height, width = image.shape[:2]
    inside = (max(0, top), min(width, right), min(height, bottom), max(0, left))
    return Face(box=inside, quality=round(quality_of(image, inside), 3))


def _rgb(image: Image) -> Image:
    return np.ascontiguousarray(image[:, :, ::-1])


def _face_recognition() -> Any:
    """Import face_recognition, which takes a second and a hundred megabytes, only where faces are wanted."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
            # face_recognition ends the whole program when this import fails inside it, with a message that misleads.
            import face_recognition_models  # type: ignore[import-untyped]  # noqa: F401
        import face_recognition
    except (ImportError, SystemExit):
        raise FaceEngineMissing from None
    return face_recognition
