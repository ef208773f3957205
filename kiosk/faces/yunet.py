"""The engine of OpenCV: YuNet finds, SFace encodes, each from an ONNX file that the site supplies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from kiosk.faces.engine import (
    ENCODING_LENGTH,
    Encoding,
    Face,
    ModelUnusable,
    face_at,
    fingerprint,
    installed_recognition,
    landmarks_by_dlib,
)
from kiosk.faces.landmarks import Points
from kiosk.picture import Image

DETECTION_WIDTH = 320  # pixels
SURE = 0.8  # of 1; below, YuNet sees faces in curtains
AUTHORS_LIMIT, DLIBS_LIMIT = 1.128, 0.6  # where the makers of SFace, and of dlib, take two faces for one person's
TRIAL, ALIGNED = (320, 240), (112, 112)

Model = TypeVar("Model")


class YuNetFaces:
    """YuNet and SFace; blinks and turns are read from dlib's points, where the extra "face" is installed."""

    def __init__(self, detector: Path, recognizer: Path) -> None:
        self._detector = _opened("detector_model", detector, _detector)
        self._recognizer = _opened("recognizer_model", recognizer, _recognizer)
        self._points = installed_recognition()
        self.name = f"sface:{fingerprint(recognizer)}"

    def find(self, image: Image) -> list[Face]:
        """Find faces on a reduced picture, largest first."""
        scale = max(1.0, image.shape[1] / DETECTION_WIDTH)
        size = (round(image.shape[1] / scale), max(1, round(image.shape[0] / scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size)
        rows: Any = self._detector.detect(small)[1]  # None when there is no face, whatever the types say
        found = [_face(image, np.asarray(row, np.float32) * scale) for row in (rows if rows is not None else [])]
        return sorted(found, key=lambda face: face.box[0] - face.box[2])

    def landmarks(self, image: Image, face: Face) -> Points:
        """Find the points of a face: 68 where dlib is installed, else the five of YuNet."""
        if self._points is not None:
            return landmarks_by_dlib(self._points, image, face.box)
        return np.array(face.marks, np.float32)

    def encode(self, image: Image, face: Face) -> Encoding:
        """Encode a face so that distances mean what dlib's do: the two makers' limits fall on one number."""
        aligned = self._recognizer.alignCrop(image, _row(face))
        numbers = np.asarray(self._recognizer.feature(aligned), np.float32).ravel()
        return numbers / max(1e-6, float(np.linalg.norm(numbers))) * np.float32(DLIBS_LIMIT / AUTHORS_LIMIT)


def _face(image: Image, row: Encoding) -> Face:
    """Read a row of YuNet: x, y, width, height, then right eye, left eye, nose, right and left mouth corner, score."""
    x, y, width, height = (round(float(number)) for number in row[:4])
    marks = tuple((float(across), float(down)) for across, down in row[4:14].reshape(5, 2))
    return face_at(image, (y, x + width, y + height, x), marks)


def _row(face: Face) -> Encoding:
    top, right, bottom, left = face.box
    points = [number for mark in face.marks for number in mark]
    return np.array([left, top, right - left, bottom - top, *points, 1], np.float32)


def _detector(path: str) -> cv2.FaceDetectorYN:
    detector = cv2.FaceDetectorYN.create(path, "", TRIAL, SURE)
    detector.detect(np.zeros((TRIAL[1], TRIAL[0], 3), np.uint8))
    return detector


def _recognizer(path: str) -> cv2.FaceRecognizerSF:
    recognizer = cv2.FaceRecognizerSF.create(path, "")
    numbers = np.asarray(recognizer.feature(np.zeros((*ALIGNED, 3), np.uint8)))
    if numbers.size != ENCODING_LENGTH:
        raise ValueError(f"gives {numbers.size} numbers for a face, not {ENCODING_LENGTH}")
    return recognizer


def _opened(setting: str, path: Path, make: Callable[[str], Model]) -> Model:
    """Open a model and try it once: the two files may have been swapped, and OpenCV says so only when it runs."""
    if not path.is_file():
        raise ModelUnusable(setting, path, "is not there")
    try:
        return make(str(path))
    except ValueError as error:
        raise ModelUnusable(setting, path, str(error)) from None
    except cv2.error:
        raise ModelUnusable(setting, path, "is not the ONNX file of this model, or is damaged") from None
