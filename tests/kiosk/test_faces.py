"""Claims about finding faces and telling them apart."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from kiosk.faces import DlibFaces, Face, FaceEngineMissing, quality_of
from kiosk.gallery import MARGIN, THRESHOLD
from kiosk.picture import Image
from tandem.demo.pictures import empty_frame, face_frame


@pytest.fixture(scope="module")
def dlib() -> DlibFaces:
    return DlibFaces()


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return face_frame("astronaut", seed=1)


def test_a_face_is_found_where_it_is(dlib: DlibFaces, astronaut: Image) -> None:
    [face] = dlib.find(astronaut)

    top, right, bottom, left = face.box
    assert 0 <= top < bottom <= 720
    assert 400 < left < right < 900
    assert 120 < right - left < 320
    assert face.quality > 0.5


def test_a_room_without_people_has_no_face(dlib: DlibFaces) -> None:
    assert dlib.find(empty_frame(seed=1)) == []


def test_one_person_is_near_herself_and_far_from_another(dlib: DlibFaces, astronaut: Image) -> None:
    pictures = [astronaut, face_frame("astronaut", seed=2), face_frame("hopper", seed=1)]
    her, her_again, other = (dlib.encode(picture, dlib.find(picture)[0]) for picture in pictures)

    assert her.shape == (128,)
    assert her.dtype == np.float32
    assert np.linalg.norm(her - her_again) < THRESHOLD - 2 * MARGIN
    assert np.linalg.norm(her - other) > THRESHOLD + 2 * MARGIN


def test_a_picture_smaller_than_the_detectors_is_no_trouble(dlib: DlibFaces) -> None:
    assert dlib.find(np.zeros((20, 20, 3), np.uint8)) == []


def test_a_blurred_face_is_worth_less(dlib: DlibFaces, astronaut: Image) -> None:
    [face] = dlib.find(astronaut)
    blurred = np.asarray(cv2.GaussianBlur(astronaut, (0, 0), 6), np.uint8)

    assert quality_of(blurred, face.box) < face.quality / 2


def test_a_small_face_is_worth_less(dlib: DlibFaces, astronaut: Image) -> None:
    [face] = dlib.find(astronaut)
    smaller = np.asarray(cv2.resize(astronaut, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA), np.uint8)
    top, right, bottom, left = (edge // 5 for edge in face.box)

    assert quality_of(smaller, (top, right, bottom, left)) < face.quality / 2


def test_a_box_outside_the_picture_is_worth_nothing() -> None:
    assert quality_of(np.zeros((50, 50, 3), np.uint8), (60, 90, 90, 60)) == 0.0


def test_a_face_without_area_is_worth_nothing() -> None:
    assert Face(box=(5, 5, 5, 5), quality=quality_of(np.zeros((9, 9, 3), np.uint8), (5, 5, 5, 5))).quality == 0.0


@pytest.mark.parametrize("missing", ["face_recognition", "face_recognition_models", "pkg_resources", "dlib"])
def test_a_missing_part_of_the_face_extra_is_a_clear_answer(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loaded in [name for name in sys.modules if name.startswith("face_recognition")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(FaceEngineMissing, match=r"tandem-checkin\[face\]"):
        DlibFaces()


def test_the_engine_loads_without_a_word() -> None:
    program = "from kiosk.faces import DlibFaces; DlibFaces()"

    done = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True)

    assert "pkg_resources" not in done.stdout + done.stderr
