"""Claims about the engine of OpenCV, with two networks that are real and know white squares only."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kiosk.faces.engine import ModelUnusable
from kiosk.faces.yunet import YuNetFaces
from kiosk.picture import Image
from tests.kiosk.white_squares import write_detector, write_recognizer


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    write_detector(tmp_path / "detector.onnx")
    return tmp_path / "detector.onnx"


@pytest.fixture
def recognizer(tmp_path: Path) -> Path:
    write_recognizer(tmp_path / "recognizer.onnx")
    return tmp_path / "recognizer.onnx"


@pytest.fixture
def yunet(detector: Path, recognizer: Path) -> YuNetFaces:
    return YuNetFaces(detector, recognizer)


def squares(*places: tuple[int, int], tint: tuple[int, int, int] = (255, 255, 255)) -> Image:
    """Draw white squares of 64 pixels; the reduced picture has them in one cell each."""
    image = np.zeros((480, 640, 3), np.uint8)
    for top, left in places:
        image[top : top + 64, left : left + 64] = tint
    return image


def test_faces_are_found_where_they_are_in_the_whole_picture(yunet: YuNetFaces) -> None:
    found = yunet.find(squares((128, 256), (320, 0)))

    assert sorted(face.box for face in found) == [(128, 320, 192, 256), (320, 64, 384, 0)]
    assert np.allclose(found[0].marks[2], (288, 166.4)) or np.allclose(found[1].marks[2], (288, 166.4))


def test_a_picture_without_faces_has_none(yunet: YuNetFaces) -> None:
    assert yunet.find(squares()) == []


def test_pictures_may_change_their_size(yunet: YuNetFaces) -> None:
    small = cv2.resize(squares((128, 256)), (320, 240), interpolation=cv2.INTER_AREA)

    assert [face.box for face in yunet.find(np.asarray(small, np.uint8))] == [(64, 160, 96, 128)]
    assert [face.box for face in yunet.find(squares((128, 256)))] == [(128, 320, 192, 256)]


def test_an_encoding_has_128_numbers_and_is_scaled_to_the_limits_of_dlib(yunet: YuNetFaces) -> None:
    image = squares((128, 256))

    encoding = yunet.encode(image, yunet.find(image)[0])

    assert encoding.shape == (128,)
    assert encoding.dtype == np.float32
    # SFace's makers give 1.128 for unit vectors, dlib's 0.6: as far apart as that is 0.6 here.
    assert np.linalg.norm(encoding) == pytest.approx(0.6 / 1.128)


def test_faces_unlike_each_other_lie_apart(yunet: YuNetFaces) -> None:
    white, pale = squares((128, 256)), squares((128, 256), tint=(255, 215, 150))
    face = yunet.find(white)[0]

    again, other = yunet.encode(white, face), yunet.encode(pale, face)

    assert np.linalg.norm(yunet.encode(white, face) - again) == 0
    assert np.linalg.norm(other - again) > 0.05


def test_blinks_are_read_from_dlibs_points_where_it_is_installed(
    yunet: YuNetFaces, detector: Path, recognizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = squares((128, 256))
    face = yunet.find(image)[0]

    monkeypatch.setattr("kiosk.faces.yunet.installed_recognition", lambda: None)
    alone = YuNetFaces(detector, recognizer)

    assert (len(yunet.landmarks(image, face)), len(alone.landmarks(image, face))) == (68, 5)


def test_the_name_changes_with_the_recognizer(yunet: YuNetFaces, detector: Path, tmp_path: Path) -> None:
    write_recognizer(tmp_path / "other.onnx", seed=2)

    assert yunet.name.startswith("sface:")
    assert YuNetFaces(detector, tmp_path / "other.onnx").name != yunet.name


def test_files_in_each_others_place_are_found_out_at_the_start(detector: Path, recognizer: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"detector_model: .*recognizer.onnx is not the ONNX file of this model"):
        YuNetFaces(recognizer, detector)


def test_a_detector_for_a_recognizer_is_found_out_at_the_start(detector: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"recognizer_model: .*detector.onnx"):
        YuNetFaces(detector, detector)


def test_a_recognizer_with_other_numbers_is_refused(detector: Path, tmp_path: Path) -> None:
    write_recognizer(tmp_path / "short.onnx", length=64)

    with pytest.raises(ModelUnusable, match=r"recognizer_model: .*short.onnx gives 64 numbers for a face, not 128"):
        YuNetFaces(detector, tmp_path / "short.onnx")


@pytest.mark.parametrize("content, why", [(None, "is not there"), (b"", "damaged"), (b"not a model", "damaged")])
@pytest.mark.parametrize("setting", ["detector_model", "recognizer_model"])
def test_a_wrong_file_is_named_with_its_setting(
    detector: Path, recognizer: Path, tmp_path: Path, setting: str, content: bytes | None, why: str
) -> None:
    wrong = tmp_path / "wrong.onnx"
    if content is not None:
        wrong.write_bytes(content)
    given = (wrong, recognizer) if setting == "detector_model" else (detector, wrong)

    with pytest.raises(ModelUnusable, match=rf"{setting}: .*wrong\.onnx .*{why}"):
        YuNetFaces(*given)
