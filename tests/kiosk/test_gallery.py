"""Claims about the faces that a kiosk knows."""

from pathlib import Path

import numpy as np
import pytest

from kiosk.faces import Encoding
from kiosk.gallery import Gallery, GalleryLocked, Match, Nobody, Unsure

KEY = bytes(range(32))
EVERYONE = frozenset({"ann", "bo", "cy"})


def at(x: float, y: float = 0.0) -> Encoding:
    """Make an encoding at a place where distances can be told by eye."""
    encoding = np.zeros(128, np.float32)
    encoding[:2] = x, y
    return encoding


@pytest.fixture
def gallery() -> Gallery:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0), at(0.1)], consent="consent-1")
    gallery.enrol("bo", [at(1.0)], consent="consent-2")
    return gallery


def test_the_nearest_person_within_the_threshold_is_matched(gallery: Gallery) -> None:
    answer = gallery.match(at(0.2), EVERYONE)

    assert isinstance(answer, Match)
    assert answer.learner_id == "ann"
    assert answer.distance == pytest.approx(0.1, abs=1e-6)


def test_somebody_far_from_everyone_is_nobody(gallery: Gallery) -> None:
    answer = gallery.match(at(0.5, 2.0), EVERYONE)

    assert isinstance(answer, Nobody)
    assert answer.distance == pytest.approx(np.hypot(0.4, 2.0), abs=1e-6)


def test_a_face_between_two_people_is_unsure(gallery: Gallery) -> None:
    gallery.enrol("cy", [at(0.6)], consent="consent-3")

    answer = gallery.match(at(0.36), EVERYONE)

    assert isinstance(answer, Unsure)
    assert answer.learner_ids == ("cy", "ann")
    assert answer.distances == pytest.approx((0.24, 0.26), abs=1e-6)


def test_the_margin_is_to_the_next_person_not_to_the_next_template(gallery: Gallery) -> None:
    gallery.enrol("ann", [at(0.0), at(0.01), at(0.02)], consent="consent-1")

    assert isinstance(gallery.match(at(0.01), EVERYONE), Match)


def test_the_only_person_needs_no_margin(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.5), {"ann"}), Match)


@pytest.mark.parametrize(
    "threshold, expected", [(0.25, Match), (0.2499, Nobody)], ids=["at the threshold", "just past it"]
)
def test_the_threshold_is_inclusive(gallery: Gallery, threshold: float, expected: type) -> None:
    assert isinstance(gallery.match(at(1.25), EVERYONE, threshold=threshold), expected)


def test_people_who_are_not_asked_for_are_not_matched(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.0), {"bo"}), Nobody)


@pytest.mark.parametrize("among", [(), {"cy"}, EVERYONE], ids=["nobody", "a stranger", "everyone"])
def test_an_empty_gallery_knows_nobody(among: frozenset[str]) -> None:
    assert Gallery(None, KEY).match(at(0.0), among) == Nobody()


def test_a_forgotten_person_is_not_matched_any_more(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.0), EVERYONE), Match)

    gallery.forget("ann")
    gallery.forget("nobody-we-know")

    assert isinstance(gallery.match(at(0.0), EVERYONE), Nobody)
    assert gallery.people() == {"bo"}


def test_enrolling_again_replaces_the_templates(gallery: Gallery) -> None:
    gallery.enrol("ann", [at(5.0)], consent="consent-4")

    assert isinstance(gallery.match(at(0.0), EVERYONE), Nobody)
    assert isinstance(gallery.match(at(5.0), EVERYONE), Match)


@pytest.mark.parametrize("consent", ["", "  "])
def test_nobody_is_enrolled_without_consent(gallery: Gallery, consent: str) -> None:
    with pytest.raises(ValueError, match="without a recorded consent"):
        gallery.enrol("cy", [at(3.0)], consent=consent)

    assert "cy" not in gallery.people()


@pytest.mark.parametrize(
    "encodings",
    [[], [np.zeros(127, np.float32)], [np.full(128, np.nan, np.float32)]],
    ids=["none", "too short", "not a number"],
)
def test_a_template_that_is_none_is_refused(gallery: Gallery, encodings: list[Encoding]) -> None:
    with pytest.raises(ValueError, match="template"):
        gallery.enrol("cy", encodings, consent="consent-3")


def test_one_among_ten_thousand_is_found() -> None:
    chance = np.random.default_rng(1)
    crowd = chance.normal(0, 0.1, (10_000, 128)).astype(np.float32)
    gallery = Gallery(None, KEY)
    for number, encoding in enumerate(crowd):
        gallery.enrol(f"p{number}", [encoding], consent="c")

    answer = gallery.match(crowd[4321] + 0.01, gallery.people())

    assert isinstance(answer, Match)
    assert answer.learner_id == "p4321"


def test_templates_survive_a_restart(tmp_path: Path) -> None:
    first = Gallery(tmp_path / "gallery.db", KEY)
    first.enrol("ann", [at(0.0), at(0.1)], consent="consent-1")
    first.close()

    again = Gallery(tmp_path / "gallery.db", KEY)

    assert isinstance(again.match(at(0.1), EVERYONE), Match)
    again.close()


def test_the_disk_holds_no_template_in_the_clear(tmp_path: Path) -> None:
    face = np.random.default_rng(1).normal(0, 0.1, 128).astype(np.float32)
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [face], consent="consent-1")
    gallery.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"ann" in stored
    assert face[:4].tobytes() not in stored
    assert b"consent-1" not in stored


def test_nothing_of_a_forgotten_person_stays_on_the_disk(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann-the-clerk", [at(0.0)], consent="consent-1")
    gallery.forget("ann-the-clerk")
    gallery.close()

    assert b"ann-the-clerk" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.close()

    with pytest.raises(GalleryLocked, match="enrol again"):
        Gallery(tmp_path / "gallery.db", bytes(32))


def test_a_face_cannot_be_lent_to_another_id(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery._db.execute("UPDATE templates SET learner_id = 'bo'")
    gallery.close()

    with pytest.raises(GalleryLocked):
        Gallery(tmp_path / "gallery.db", KEY)


def test_a_file_that_is_no_gallery_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_bytes(b"this is not a database, it is a sentence." * 50)

    with pytest.raises(GalleryLocked):
        Gallery(tmp_path / "gallery.db", KEY)
