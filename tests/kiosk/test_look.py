"""Claims about what the kiosk makes of a row of frames."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from kiosk.faces import Encoding, Face
from kiosk.gallery import Gallery
from kiosk.look import BadgeSeen, FaceSeen, Look, Sighting, StrangerSeen, TwoBadges
from kiosk.picture import Image
from kiosk.source import Frame
from tandem.demo.pictures import badge_frame, empty_frame, two_badges_frame

KEY = bytes(32)
ROSTER = frozenset({"ann", "bo"})
HERE = (100, 300, 300, 100)
THERE = (100, 700, 300, 500)
BLANK: Image = np.zeros((720, 1280, 3), np.uint8)
PEOPLE = {"ann": 0.0, "bo": 1.0, "stranger": 5.0, "ann or bo": 0.5, "ann's cousin": 0.1}

ANNS_BADGE = badge_frame("T1:ANN", seed=1)
BOS_BADGE = badge_frame("T1:BO", seed=2)
BOTH_BADGES = two_badges_frame(["T1:ANN", "T1:BO"], seed=3)
POSTER = badge_frame("HTTPS://EXAMPLE.COM", seed=5)
BADGE_AND_POSTER = two_badges_frame(["T1:ANN", "HTTPS://EXAMPLE.COM"], seed=6)
EMPTY = empty_frame(seed=4)


def encoding(person: str) -> Encoding:
    return np.concatenate([[PEOPLE[person]], np.zeros(127)]).astype(np.float32)


class StagedFaces:
    """An engine that sees the people it is told to see."""

    def __init__(self) -> None:
        self.staged: list[tuple[str, Face]] = []
        self.searched = 0
        self.encoded = 0

    def stage(self, *people: str, box: tuple[int, int, int, int] = HERE, quality: float = 0.9) -> None:
        boxes = [box, THERE]
        self.staged = [(who, Face(box=boxes[place], quality=quality)) for place, who in enumerate(people)]

    def find(self, image: Image) -> list[Face]:
        self.searched += 1
        return [face for _, face in self.staged]

    def encode(self, image: Image, face: Face) -> Encoding:
        self.encoded += 1
        return next(encoding(who) for who, staged in self.staged if staged == face)


@pytest.fixture
def faces() -> StagedFaces:
    return StagedFaces()


@pytest.fixture
def gallery() -> Gallery:
    gallery = Gallery(None, KEY)
    for person in sorted(ROSTER):
        gallery.enrol(person, [encoding(person)], consent=f"consent of {person}")
    return gallery


@pytest.fixture
def look(faces: StagedFaces, gallery: Gallery) -> Look:
    return Look(faces, gallery)


def watch(look: Look, image: Image, times: Iterable[float], among: frozenset[str] = ROSTER) -> list[Sighting]:
    return [seen for at in times for seen in look.see(Frame(image=image, number=0), among, at=at)]


def tenths(begin: float, end: float) -> Sequence[float]:
    return [tenth / 10 for tenth in range(round(begin * 10), round(end * 10))]


def texts(sightings: Iterable[Sighting]) -> list[str]:
    return [seen.text for seen in sightings if isinstance(seen, BadgeSeen)]


def test_a_held_badge_is_told_once(look: Look) -> None:
    assert texts(watch(look, ANNS_BADGE, tenths(0, 5))) == ["T1:ANN"]


def test_a_badge_that_came_back_is_told_again(look: Look) -> None:
    first = watch(look, ANNS_BADGE, [0.0])
    soon = watch(look, ANNS_BADGE, [1.9])
    later = watch(look, ANNS_BADGE, [3.9])

    assert (texts(first), soon, texts(later)) == (["T1:ANN"], [], ["T1:ANN"])


def test_badges_one_after_the_other_are_told_each(look: Look) -> None:
    assert texts(watch(look, ANNS_BADGE, [0.0]) + watch(look, BOS_BADGE, [0.1])) == ["T1:ANN", "T1:BO"]


def test_two_badges_in_one_frame_are_asked_to_show_one(look: Look) -> None:
    assert watch(look, BOTH_BADGES, tenths(0, 2)) == [TwoBadges(count=2)]


def test_the_badge_that_stays_after_two_is_told(look: Look) -> None:
    watch(look, BOTH_BADGES, [0.0])

    assert texts(watch(look, BOS_BADGE, [0.1])) == ["T1:BO"]


def test_a_badge_told_before_is_not_told_again_after_another_came_beside_it(look: Look) -> None:
    watch(look, ANNS_BADGE, [0.0])
    watch(look, BOTH_BADGES, tenths(0.1, 3))

    assert watch(look, ANNS_BADGE, [3.1]) == []


def test_a_code_that_is_no_badge_is_told_once(look: Look) -> None:
    assert texts(watch(look, POSTER, tenths(0, 5))) == ["HTTPS://EXAMPLE.COM"]


def test_a_poster_with_a_code_does_not_stand_in_a_badges_way(look: Look) -> None:
    watch(look, POSTER, [0.0])

    assert texts(watch(look, BADGE_AND_POSTER, tenths(0.1, 2))) == ["T1:ANN"]


def test_a_poster_with_a_code_does_not_stand_in_a_faces_way(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    assert FaceSeen(learner_id="ann", distance=0.0) in watch(look, POSTER, tenths(0, 1))


def test_an_empty_room_is_nothing(look: Look) -> None:
    assert watch(look, EMPTY, [0.0, 0.5]) == []


def test_a_known_face_is_told_once_after_two_encodings(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    first = watch(look, BLANK, [0.0])
    second = watch(look, BLANK, [0.2])
    rest = watch(look, BLANK, tenths(0.3, 9))

    assert (first, second, rest) == ([], [FaceSeen(learner_id="ann", distance=0.0)], [])
    assert faces.encoded == 2


def test_encodings_are_at_least_150_ms_apart(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    assert watch(look, BLANK, [0.0, 0.05, 0.1, 0.149]) == []
    assert faces.encoded == 1
    assert watch(look, BLANK, [0.151]) == [FaceSeen(learner_id="ann", distance=0.0)]


def test_a_stranger_is_asked_for_a_badge_once_and_not_stored(look: Look, faces: StagedFaces, gallery: Gallery) -> None:
    faces.stage("stranger")

    assert watch(look, BLANK, tenths(0, 4)) == [StrangerSeen()]
    assert gallery.people() == ROSTER


def test_a_face_between_two_people_is_asked_for_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann or bo")

    assert watch(look, BLANK, tenths(0, 2)) == [StrangerSeen()]


def test_a_learner_whose_face_is_not_allowed_is_a_stranger(look: Look, faces: StagedFaces) -> None:
    faces.stage("bo")

    assert watch(look, BLANK, tenths(0, 2), among=frozenset({"ann"})) == [StrangerSeen()]


def test_one_odd_frame_is_outvoted(look: Look, faces: StagedFaces) -> None:
    seen = []
    for at, person in ((0.0, "ann"), (0.2, "stranger"), (0.4, "ann's cousin")):
        faces.stage(person)
        seen += watch(look, BLANK, [at])

    assert seen == [FaceSeen(learner_id="ann", distance=0.0)]


def test_three_answers_that_differ_are_nobody(look: Look, faces: StagedFaces) -> None:
    seen = []
    for at, person in ((0.0, "ann"), (0.2, "stranger"), (0.4, "bo")):
        faces.stage(person)
        seen += watch(look, BLANK, [at])

    assert seen == [StrangerSeen()]
    assert faces.encoded == 3


def test_a_poor_face_is_not_encoded(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", quality=0.1)

    assert watch(look, BLANK, tenths(0, 2)) == []
    assert faces.encoded == 0


def test_a_person_who_jumped_aside_is_still_the_same_person(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, BLANK, tenths(0, 1))
    faces.stage("ann", box=THERE)

    assert watch(look, BLANK, tenths(1, 2)) == []


def test_a_person_who_came_back_is_told_again(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, BLANK, tenths(0, 1))

    assert watch(look, BLANK, tenths(4, 5)) == [FaceSeen(learner_id="ann", distance=0.0)]


def test_the_next_person_in_the_same_place_is_looked_at_anew(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, BLANK, tenths(0, 1))
    faces.stage()
    watch(look, BLANK, [1.0])
    faces.stage("bo")

    assert watch(look, BLANK, tenths(1.6, 2.6)) == [FaceSeen(learner_id="bo", distance=0.0)]


def test_two_people_side_by_side_are_both_told(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", "bo")

    seen = watch(look, BLANK, tenths(0, 1))

    assert {one.learner_id for one in seen if isinstance(one, FaceSeen)} == ROSTER
    assert len(seen) == 2


def test_a_crowd_does_not_keep_a_frame(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", "bo")

    for frame in range(1, 5):
        watch(look, BLANK, [frame / 5])
        assert faces.encoded <= frame


def test_no_face_is_looked_for_beside_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    watch(look, ANNS_BADGE, tenths(0, 1))

    assert faces.searched == 0


def test_without_an_engine_badges_are_read_and_faces_are_not() -> None:
    look = Look(None, Gallery(None, KEY))

    assert texts(watch(look, ANNS_BADGE, [0.0])) == ["T1:ANN"]
    assert watch(look, EMPTY, [0.1]) == []


def test_frames_may_change_their_size(look: Look, faces: StagedFaces) -> None:
    small: Image = np.ascontiguousarray(ANNS_BADGE[100:700, 200:1200])

    assert texts(watch(look, small, [0.0]) + watch(look, ANNS_BADGE, [0.1])) == ["T1:ANN"]
