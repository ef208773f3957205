"""Claims about `tandem kiosk read`."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from kiosk.faces.engine import FaceEngine, FaceEngineMissing
from kiosk.qr.read import read
from tandem.demo.pictures import badge_frame, face_frame


@pytest.fixture
def badge(tmp_path: Path) -> Path:
    path = tmp_path / "badge.png"
    cv2.imwrite(str(path), badge_frame("T1:ANN", seed=1))
    return path


@pytest.fixture
def face(tmp_path: Path) -> Path:
    path = tmp_path / "face.jpg"
    cv2.imwrite(str(path), face_frame("hopper", seed=1))
    return path


def not_installed() -> FaceEngine:
    raise FaceEngineMissing


def test_a_badge_is_told_with_text_and_corners(badge: Path) -> None:
    [answer] = read([badge])

    assert list(answer) == ["image", "codes", "faces", "ms"]
    assert answer["image"] == str(badge)
    assert [code["text"] for code in answer["codes"]] == ["T1:ANN"]
    assert [len(code["box"]) for code in answer["codes"]] == [4]
    assert answer["faces"] == []


def test_a_face_is_told_with_box_and_quality(face: Path) -> None:
    [answer] = read([face])

    assert answer["codes"] == []
    assert [sorted(found) for found in answer["faces"]] == [["box", "quality"]]


def test_a_corrupt_picture_is_told_and_the_reading_goes_on(badge: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(badge.read_bytes()[:2000])

    answers = list(read([broken, badge]))

    assert answers[0] == {"image": str(broken), "error": "broken.png is damaged"}
    assert answers[1]["codes"]


@pytest.mark.parametrize("width, height", [(1, 1), (20_000, 1), (1, 20_000)])
def test_a_picture_of_any_shape_is_answered(tmp_path: Path, width: int, height: int) -> None:
    cv2.imwrite(str(tmp_path / "line.png"), np.full((height, width, 3), 200, np.uint8))

    [answer] = read([tmp_path / "line.png"])

    assert (answer["codes"], answer["faces"]) == ([], [])


def test_without_the_face_extra_codes_are_read_and_faces_are_not(badge: Path, face: Path) -> None:
    answers = list(read([badge, face], not_installed))

    assert [len(answer["codes"]) for answer in answers] == [1, 0]
    assert [answer["faces"] for answer in answers] == [[], []]


def test_every_answer_is_one_line_of_json(badge: Path, face: Path, tmp_path: Path) -> None:
    for answer in read([badge, face, tmp_path / "gone.png"]):
        assert "\n" not in json.dumps(answer)
