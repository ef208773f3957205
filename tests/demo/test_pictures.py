"""Claims about the pictures of the sample day."""

from typing import get_args

import numpy as np
import pytest

from kiosk.faces.engine import DlibFaces
from kiosk.qr.codes import codes
from tandem.demo.pictures import Who, badge_frame, empty_frame, face_frame, two_badges_frame

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def badge_text(seed: int) -> str:
    """Make a text as long as a real badge: a mark and 137 characters of base45."""
    return "T1:" + "".join(np.random.default_rng(seed).choice(list(ALPHABET), 137))


@pytest.fixture(scope="module")
def dlib() -> DlibFaces:
    return DlibFaces()


def test_a_frame_looks_like_one_of_the_camera() -> None:
    frame = badge_frame(badge_text(0), seed=0, name_hint="王小明")

    assert frame.shape == (720, 1280, 3)
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous


def test_forty_nine_of_fifty_badges_are_read() -> None:
    read = [[code.text for code in codes(badge_frame(badge_text(seed), seed=seed))] for seed in range(50)]

    assert sum(found == [badge_text(seed)] for seed, found in enumerate(read)) >= 49


@pytest.mark.parametrize("seed", range(5))
def test_two_badges_are_both_read(seed: int) -> None:
    left, right = badge_text(seed), badge_text(seed + 100)

    assert [code.text for code in codes(two_badges_frame([left, right], seed))] == [left, right]


def test_the_same_seed_draws_the_same_picture() -> None:
    assert (badge_frame("T1:ANN", seed=7) == badge_frame("T1:ANN", seed=7)).all()
    assert (badge_frame("T1:ANN", seed=7) != badge_frame("T1:ANN", seed=8)).any()


@pytest.mark.parametrize("which", get_args(Who))
@pytest.mark.parametrize("seed", range(4))
def test_exactly_one_face_is_found_on_a_face_frame(dlib: DlibFaces, which: Who, seed: int) -> None:
    frame = face_frame(which, seed=seed)

    assert len(dlib.find(frame)) == 1
    assert codes(frame) == []


@pytest.mark.parametrize("which", get_args(Who))
def test_a_silhouette_has_no_face(dlib: DlibFaces, which: Who) -> None:
    assert dlib.find(face_frame(which, seed=1, silhouette=True)) == []


def test_a_badge_holder_has_no_face(dlib: DlibFaces) -> None:
    assert [dlib.find(badge_frame("T1:ANN", seed=seed)) for seed in range(4)] == [[], [], [], []]


def test_an_empty_room_has_neither_code_nor_face(dlib: DlibFaces) -> None:
    frame = empty_frame(seed=1)

    assert (codes(frame), dlib.find(frame)) == ([], [])
