"""Claims about finding faces and telling them apart."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import face_recognition_models  # type: ignore[import-untyped]
import numpy as np
import pytest

from kiosk.faces.engine import DlibFaces, Face, FaceEngineMissing, ModelUnusable
from kiosk.faces.gallery import MARGIN, THRESHOLD
from kiosk.faces.landmarks import five, openness, pose_of
from kiosk.faces.quality import Fault, fault_of, quality_of
from kiosk.picture import Image
from tandem.demo.pictures import empty_frame, face_frame
from tests.kiosk.face_scenes import Moment, over, person, room


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
    program = "from kiosk.faces.engine import DlibFaces; DlibFaces()"

    done = subprocess.run([sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, check=True)

    assert "pkg_resources" not in done.stdout + done.stderr


# Points and quality


def points_of(dlib: DlibFaces, image: Image) -> tuple[Face, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    [face] = dlib.find(image)
    return face, dlib.landmarks(image, face)


def test_the_points_of_a_face_lie_on_it(dlib: DlibFaces, astronaut: Image) -> None:
    face, points = points_of(dlib, astronaut)

    top, right, bottom, left = face.box
    eyes, mouth = five(points)[:2], five(points)[3:]
    assert points.shape == (68, 2)
    assert (left < eyes[:, 0]).all()
    assert (eyes[:, 0] < right).all()
    assert top < eyes[:, 1].max() < mouth[:, 1].min() < bottom + 40
    assert abs(pose_of(points).yaw) < 0.1
    assert (openness(points) or 0) > 0.2


def test_five_points_tell_the_same_pose_as_all_of_them(dlib: DlibFaces, astronaut: Image) -> None:
    _, points = points_of(dlib, astronaut)

    assert pose_of(five(points)) == pose_of(points)
    assert openness(five(points)) is None


@pytest.mark.parametrize("box", [(0, 80, 80, 0), (640, 1280, 720, 1200)], ids=["top left", "bottom right"])
def test_a_face_at_the_edge_of_the_picture_can_be_encoded(
    dlib: DlibFaces, astronaut: Image, box: tuple[int, int, int, int]
) -> None:
    face = Face(box=box, quality=0.5)

    assert dlib.landmarks(astronaut, face).shape == (68, 2)
    assert dlib.encode(astronaut, face).shape == (128,)


def shrunk(image: Image, box: tuple[int, ...]) -> tuple[Image, tuple[int, int, int, int]]:
    small = np.asarray(cv2.resize(image, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA), np.uint8)
    top, right, bottom, left = (edge // 5 for edge in box)
    return small, (top, right, bottom, left)


@pytest.mark.parametrize(
    "make, fault",
    [
        (lambda image: image, None),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 6), "blurred"),
        (lambda image: cv2.blur(image, (25, 1)), "blurred"),
        (lambda image: cv2.convertScaleAbs(image, alpha=0.15), "dark"),
        (lambda image: cv2.convertScaleAbs(image, alpha=2.5), "bright"),
        (lambda image: cv2.convertScaleAbs(image, alpha=0.5), None),
    ],
    ids=["good", "out of focus", "moved sideways", "dark", "bright", "a dim room"],
)
def test_a_poor_picture_of_a_face_says_why(dlib: DlibFaces, astronaut: Image, make: Any, fault: Fault | None) -> None:
    face, points = points_of(dlib, astronaut)

    assert fault_of(np.asarray(make(astronaut), np.uint8), face.box, points) == fault


def test_a_face_far_away_is_too_small(dlib: DlibFaces, astronaut: Image) -> None:
    [face] = dlib.find(astronaut)

    assert fault_of(*shrunk(astronaut, face.box), None) == "too_small"


@pytest.mark.parametrize("yaw, fault", [(-30, "turned"), (-8, None), (8, None), (30, "turned")])
def test_a_head_that_looks_aside_is_turned(dlib: DlibFaces, yaw: float, fault: Fault | None) -> None:
    image = over(person("astronaut", Moment(yaw=yaw)), room())
    face, points = points_of(dlib, image)

    assert fault_of(image, face.box, points) == fault


@pytest.mark.parametrize(
    "box", [(60, 90, 90, 60), (5, 5, 5, 5), (-90, -10, -10, -90)], ids=["outside", "empty", "beyond"]
)
def test_a_box_without_a_picture_in_it_is_too_small(box: tuple[int, int, int, int]) -> None:
    assert fault_of(np.zeros((50, 50, 3), np.uint8), box, None) == "too_small"


# Models that a site supplies


def test_the_name_of_an_engine_says_what_its_encodings_can_be_compared_with(dlib: DlibFaces) -> None:
    assert dlib.name == "dlib"


def test_the_model_that_comes_along_can_be_named_as_a_file(dlib: DlibFaces, astronaut: Image) -> None:
    named = DlibFaces(Path(face_recognition_models.face_recognition_model_location()))
    face = dlib.find(astronaut)[0]

    assert np.allclose(named.encode(astronaut, face), dlib.encode(astronaut, face), atol=1e-4)
    assert named.name.startswith("dlib:")


@pytest.mark.parametrize("content, why", [(None, "is not there"), (b"not a model", "dlib's format")])
def test_a_wrong_file_for_dlib_is_named_with_its_setting(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "model.dat"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ModelUnusable, match=rf"dlib_model: .*model\.dat .*{why}"):
        DlibFaces(path)
