"""Claims about enrolment: with consent only, of one person, by good pictures, at the camera or from a folder."""

from pathlib import Path

import numpy as np
import pytest

from kiosk.faces.engine import DlibFaces
from kiosk.faces.enrolment import (
    APART,
    GOOD_FRAMES,
    Enrolled,
    Enrolment,
    Entry,
    NotEnrolled,
    Rules,
    Step,
    enrol_all,
    keep,
    refusal,
)
from kiosk.faces.gallery import Gallery, Match, Unsure
from kiosk.faces.portraits import NoPeople, people_in
from kiosk.picture import Image, read_picture
from protocol.roster import RosterLearner
from tests.kiosk.painted_faces import PaintedFaces, paint, painted
from tests.kiosk.portraits import HOPPER, brightened

KEY = bytes(32)
EVERYBODY = frozenset({"ann", "bo", "cy"})
RULES = Rules(faces=True)
ANN = RosterLearner(id="ann", name="Ann Li", role="clerk", face_consent="consent-1", number="1001")
BO = RosterLearner(id="bo", name="Bo Wang", role="reserve_manager", face_consent="consent-2", number="1002")
CY = RosterLearner(id="cy", name="Cy Zhao", role="clerk")
ROSTER = [ANN, BO, CY]


@pytest.fixture
def gallery() -> Gallery:
    return Gallery(None, KEY)


def faces_of(*people: str) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    engine = PaintedFaces()
    return [engine.encode(painted(who), engine.find(painted(who))[0]) for who in people]


# At the camera


def see(enrolment: Enrolment, *frames: Image, begin: float = 0.0) -> list[Step]:
    """Show frames a good while apart."""
    return [enrolment.see(frame, at=begin + number) for number, frame in enumerate(frames)]


def test_three_good_frames_are_an_enrolment(gallery: Gallery) -> None:
    enrolment = Enrolment(PaintedFaces())

    steps = see(enrolment, *[painted("ann")] * GOOD_FRAMES)

    assert [step.good for step in steps] == [1, 2, 3]
    assert [step.done for step in steps] == [False, False, True]
    assert keep(gallery, ANN, enrolment.encodings, rules=RULES) == Enrolled(learner_id="ann", templates=3)
    assert isinstance(gallery.match(faces_of("ann")[0], EVERYBODY), Match)
    assert gallery.consents() == {"ann": "consent-1"}


@pytest.mark.parametrize(
    "frame, flaw",
    [
        (painted(), "no_face"),
        (painted("ann", "bo"), "two_faces"),
        (painted("ann", side=50), "too_small"),
        (painted("ann", noise=1), "blurred"),
        (painted("ann", light=1, noise=30), "dark"),
    ],
    ids=["nobody", "two people", "too small", "blurred", "dark"],
)
def test_a_frame_that_is_not_good_says_why_and_does_not_count(frame: Image, flaw: str) -> None:
    enrolment = Enrolment(PaintedFaces())

    [step, after] = see(enrolment, frame, painted("ann"))

    assert step == Step(good=0, flaw=flaw)  # type: ignore[arg-type]
    assert after == Step(good=1)


def test_frames_of_one_moment_count_once() -> None:
    enrolment = Enrolment(PaintedFaces())

    steps = [enrolment.see(painted("ann"), at=moment * APART.total_seconds() / 3) for moment in range(7)]

    assert [step.good for step in steps] == [1, 1, 1, 2, 2, 2, 3]


def test_somebody_else_who_steps_in_begins_anew() -> None:
    enrolment = Enrolment(PaintedFaces())

    steps = see(enrolment, painted("ann"), painted("ann"), painted("bo"), painted("bo"), painted("bo"))

    assert steps[2] == Step(good=1, flaw="other_face")
    assert steps[-1] == Step(good=3)
    assert {float(encoding[0]) for encoding in enrolment.encodings} == {1.5}


def test_after_the_third_frame_nothing_more_is_taken() -> None:
    enrolment = Enrolment(PaintedFaces())
    see(enrolment, *[painted("ann")] * GOOD_FRAMES)

    [step] = see(enrolment, painted("bo"), begin=9)

    assert step == Step(good=3)
    assert len(enrolment.encodings) == 3


# Consent and doubles


@pytest.mark.parametrize(
    "learner, faces, reason",
    [(ANN, False, "faces_off"), (None, True, "not_on_roster"), (CY, True, "no_consent")],
    ids=["faces are off", "not on the roster", "no consent"],
)
def test_nobody_is_enrolled_who_may_not_be(
    gallery: Gallery, learner: RosterLearner | None, faces: bool, reason: str
) -> None:
    assert refusal(learner, faces=faces) == NotEnrolled(reason=reason)  # type: ignore[arg-type]
    if learner:
        assert isinstance(keep(gallery, learner, faces_of("ann"), rules=Rules(faces=faces)), NotEnrolled)
    assert gallery.people() == frozenset()


def test_a_face_that_is_enrolled_under_another_name_wants_a_decision(gallery: Gallery) -> None:
    keep(gallery, ANN, faces_of("ann"), rules=RULES)

    refused = keep(gallery, BO, faces_of("ann again"), rules=RULES)

    assert isinstance(refused, NotEnrolled)
    assert refused.reason == "resembles"
    assert [pair.learner_ids for pair in refused.alike] == [("bo", "ann")]
    assert gallery.people() == {"ann"}


def test_once_decided_it_is_kept_and_both_are_asked_for_a_badge(gallery: Gallery) -> None:
    keep(gallery, ANN, faces_of("ann"), rules=RULES)

    kept = keep(gallery, BO, faces_of("ann again"), rules=Rules(faces=True, anyway=True))

    assert isinstance(kept, Enrolled)
    assert [pair.learner_ids for pair in kept.alike] == [("bo", "ann")]
    assert isinstance(gallery.match(faces_of("ann")[0], EVERYBODY), Unsure)


def test_a_look_alike_is_enrolled_and_told(gallery: Gallery) -> None:
    keep(gallery, ANN, faces_of("ann"), rules=RULES)

    kept = keep(gallery, BO, faces_of("ann's look-alike"), rules=RULES)

    assert isinstance(kept, Enrolled)
    assert [pair.learner_ids for pair in kept.alike] == [("bo", "ann")]


def test_enrolling_somebody_again_is_no_double(gallery: Gallery) -> None:
    keep(gallery, ANN, faces_of("ann"), rules=RULES)

    assert keep(gallery, ANN, faces_of("ann", "ann"), rules=RULES) == Enrolled(learner_id="ann", templates=2)


# From a folder


def enrolled(folder: Path, gallery: Gallery, rules: Rules = RULES) -> dict[str, Entry]:
    entries = enrol_all(people_in(folder), ROSTER, gallery, PaintedFaces(), rules=rules)
    return {entry.person: entry for entry in entries}


def flaws(entry: Entry) -> dict[str, str | None]:
    return {picture.path.name: picture.flaw for picture in entry.pictures}


def test_folders_and_single_pictures_are_enrolled_by_number_or_id(gallery: Gallery, tmp_path: Path) -> None:
    paint(tmp_path / "1001" / "a.png", "ann")
    paint(tmp_path / "1001" / "b.png", "ann again")
    paint(tmp_path / "bo.png", "bo")

    entries = enrolled(tmp_path, gallery)

    assert entries["1001"].outcome == Enrolled(learner_id="ann", templates=2)
    assert entries["bo"].outcome == Enrolled(learner_id="bo", templates=1)
    assert gallery.consents() == {"ann": "consent-1", "bo": "consent-2"}


def test_a_picture_that_is_not_good_is_told_and_the_others_are_kept(gallery: Gallery, tmp_path: Path) -> None:
    paint(tmp_path / "1001" / "blurred.png", "ann", noise=1)
    paint(tmp_path / "1001" / "good.png", "ann")
    paint(tmp_path / "1001" / "small.png", "ann", side=50)
    paint(tmp_path / "1001" / "two.png", "ann", "bo")
    (tmp_path / "1001" / "z.jpg").write_bytes(b"not a picture")

    entry = enrolled(tmp_path, gallery)["1001"]

    assert entry.outcome == Enrolled(learner_id="ann", templates=1)
    assert flaws(entry) == {
        "blurred.png": "blurred",
        "good.png": None,
        "small.png": "too_small",
        "two.png": "two_faces",
        "z.jpg": "unreadable",
    }
    assert all(picture.said for picture in entry.pictures if picture.flaw)


@pytest.mark.parametrize(
    "name, people, reason",
    [
        ("1001", ["ann", "bo"], "two_people"),
        ("cy", ["cy"], "no_consent"),
        ("9999", ["cy"], "not_on_roster"),
        ("Ann Li", ["ann"], "not_on_roster"),
    ],
    ids=["two people in one folder", "no consent", "unknown", "a name is no number"],
)
def test_a_folder_that_must_not_be_enrolled_is_not(
    gallery: Gallery, tmp_path: Path, name: str, people: list[str], reason: str
) -> None:
    for who in people:
        paint(tmp_path / name / f"{who}.png", who)

    entry = enrolled(tmp_path, gallery)[name]

    assert entry.outcome == NotEnrolled(reason=reason)  # type: ignore[arg-type]
    assert gallery.people() == frozenset()


def test_without_consent_no_picture_is_even_opened(gallery: Gallery, tmp_path: Path) -> None:
    paint(tmp_path / "cy" / "1.png", "cy")

    assert enrolled(tmp_path, gallery)["cy"].pictures == ()


def test_a_folder_without_a_good_picture_enrols_nobody(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "1001").mkdir()
    paint(tmp_path / "1002" / "1.png", "bo", side=50)

    entries = enrolled(tmp_path, gallery)

    assert [entry.outcome for entry in entries.values()] == [NotEnrolled(reason="no_picture")] * 2


def test_the_same_face_under_two_numbers_is_enrolled_once(gallery: Gallery, tmp_path: Path) -> None:
    paint(tmp_path / "1001.png", "ann")
    paint(tmp_path / "1002.png", "ann")

    entries = enrolled(tmp_path, gallery)

    assert isinstance(entries["1001"].outcome, Enrolled)
    assert isinstance(entries["1002"].outcome, NotEnrolled)
    assert gallery.people() == {"ann"}


def test_while_faces_are_switched_off_nobody_is_enrolled(gallery: Gallery, tmp_path: Path) -> None:
    paint(tmp_path / "1001.png", "ann")

    assert enrolled(tmp_path, gallery, Rules(faces=False))["1001"].outcome == NotEnrolled(reason="faces_off")


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoPeople, match="is empty"):
        people_in(tmp_path)


def test_a_real_face_is_enrolled_and_found_again(gallery: Gallery) -> None:
    engine = DlibFaces()
    picture = read_picture(HOPPER)
    enrolment = Enrolment(engine)

    steps = see(enrolment, picture, brightened(picture), picture)

    assert steps[-1] == Step(good=3)
    assert isinstance(keep(gallery, ANN, enrolment.encodings, rules=RULES), Enrolled)
    assert isinstance(gallery.match(engine.encode(picture, engine.find(picture)[0]), EVERYBODY), Match)
