"""Faces behind one seam: where they are in a picture, and the 128 numbers that tell one from another.

* FaceEngineMissing    the extra is not installed
* ModelUnusable        a model file that the settings name is not one
"""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.faces.landmarks import Points
from kiosk.faces.quality import FaceBox, quality_of
from kiosk.picture import Image

Encoding: TypeAlias = NDArray[np.float32]

ENCODING_LENGTH = 128
DETECTION_WIDTH = 320  # pixels; at four times the area the same detector takes four times as long


class FaceEngineMissing(Exception):
    """Face recognition is not installed here: install the extra "face", as in pip install "tandem-checkin[face]"."""

    def __str__(self) -> str:
        return type(self).__doc__ or ""


class ModelUnusable(Exception):
    """A model file cannot be used."""

    def __init__(self, setting: str, path: Path, why: str) -> None:
        super().__init__(f"{setting}: {path} {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face of a picture."""

    box: FaceBox
    quality: float  # 0 to 1, from size and sharpness
    marks: tuple[tuple[float, float], ...] = ()  # points that the detector found by the way


class FaceEngine(Protocol):
    """Finds and encodes faces; two encodings of one person lie close together."""

    @property
    def name(self) -> str:
        """Name engine and model: encodings of two names must not be compared."""

    def find(self, image: Image) -> list[Face]: ...

    def landmarks(self, image: Image, face: Face) -> Points: ...

    def encode(self, image: Image, face: Face) -> Encoding: ...


class DlibFaces:
    """The engine of dlib, through face_recognition; `model` is another recognition model in dlib's format."""

    def __init__(self, model: Path | None = None) -> None:
        self._recognition = _face_recognition()
        self._model = _recognition_model(self._recognition, model) if model else None
        self.name = f"dlib:{fingerprint(model)}" if model else "dlib"

    def find(self, image: Image) -> list[Face]:
        """Find faces on a reduced picture, largest first."""
        scale = max(1.0, image.shape[1] / DETECTION_WIDTH)
        size = (round(image.shape[1] / scale), max(1, round(image.shape[0] / scale)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        boxes = self._recognition.face_locations(_rgb(small), number_of_times_to_upsample=1, model="hog")
        found = [face_at(image, tuple(round(edge * scale) for edge in box)) for box in boxes]
        return sorted(found, key=lambda face: face.box[0] - face.box[2])

    def landmarks(self, image: Image, face: Face) -> Points:
        """Find the 68 points of a face that was found."""
        return landmarks_by_dlib(self._recognition, image, face.box)

    def encode(self, image: Image, face: Face) -> Encoding:
        rgb, (top, right, bottom, left), _ = _around(image, face.box)
        if self._model is None:
            [encoding] = self._recognition.face_encodings(rgb, known_face_locations=[(top, right, bottom, left)])
        else:
            api = self._recognition.api
            shape = api.pose_predictor_5_point(rgb, api.dlib.rectangle(left, top, right, bottom))
            encoding = self._model.compute_face_descriptor(rgb, shape, 1)
        return np.asarray(encoding, np.float32)


def landmarks_by_dlib(recognition: Any, image: Image, box: FaceBox) -> Points:
    rgb, (top, right, bottom, left), corner = _around(image, box)
    shape = recognition.api.pose_predictor_68_point(rgb, recognition.api.dlib.rectangle(left, top, right, bottom))
    return np.array([(part.x, part.y) for part in shape.parts()], np.float32) + np.array(corner, np.float32)


def _around(image: Image, box: FaceBox) -> tuple[Image, FaceBox, tuple[int, int]]:
    """Cut a face out with its surroundings, as dlib wants its colours: a whole frame takes longer to turn round."""
    top, right, bottom, left = box
    rim = right - left
    x, y = max(0, left - rim), max(0, top - rim)
    cut = image[y : max(0, bottom + rim), x : max(0, right + rim)]
    return _rgb(cut), (top - y, right - x, bottom - y, left - x), (x, y)


def face_at(image: Image, box: tuple[int, ...], marks: tuple[tuple[float, float], ...] = ()) -> Face:
    """Describe a face at a place, cut at the picture's edges."""
    top, right, bottom, left = box
    height, width = image.shape[:2]
    inside = (max(0, top), min(width, right), min(height, bottom), max(0, left))
    return Face(box=inside, quality=round(quality_of(image, inside), 3), marks=marks)


def fingerprint(*models: Path) -> str:
    """Name model files by what is in them."""
    return hashlib.sha256(b"".join(hashlib.sha256(model.read_bytes()).digest() for model in models)).hexdigest()[:12]


def installed_recognition() -> Any | None:
    """Import face_recognition if it is installed."""
    try:
        return _face_recognition()
    except FaceEngineMissing:
        return None


def _recognition_model(recognition: Any, model: Path) -> Any:
    if not model.is_file():
        raise ModelUnusable("dlib_model", model, "is not there")
    try:
        return recognition.api.dlib.face_recognition_model_v1(str(model))
    except RuntimeError:
        raise ModelUnusable("dlib_model", model, "is no recognition model in dlib's format") from None


def _rgb(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


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
