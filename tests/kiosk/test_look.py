"""Claims about what the kiosk makes of a row of frames."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import cv2
import numpy as np
import pytest

from kiosk.faces.engine import Encoding, Face
from kiosk.faces.gallery import Gallery
from kiosk.faces.landmarks import Points
from kiosk.faces.quality import FaceBox
from kiosk.look import BadgeSeen, FaceSeen, HolderSeen, Look, OtherSeen, Sighting, StrangerSeen, TwoBadges
from kiosk.picture import Image
from kiosk.source import Frame
from tandem.demo.pictures import badge_frame, empty_frame, two_badges_frame

KEY = bytes(32)
ROSTER = frozenset({"ann", "bo"})
HERE: FaceBox = (100, 300, 300, 100)
THERE: FaceBox = (100, 560, 280, 380)
FAR_AWAY: FaceBox = (40, 440, 110, 370)
PEOPLE = {"ann": 0.0, "bo": 1.0, "stranger": 5.0, "ann or bo": 0.5, "ann's cousin": 0.1}
SOON = 1.3  # seconds after which nobody is still taken for a passer-by

ANNS_BADGE = badge_frame("T1:ANN", seed=1)
BOS_BADGE = badge_frame("T1:BO", seed=2)
BOTH_BADGES = two_badges_frame(["T1:ANN", "T1:BO"], seed=3)
POSTER = badge_frame("HTTPS://EXAMPLE.COM", seed=5)
BADGE_AND_POSTER = two_badges_frame(["T1:ANN", "HTTPS://EXAMPLE.COM"], seed=6)
EMPTY = empty_frame(seed=4)


@lru_cache(maxsize=3)
def lively(turn: int) -> Image:
    """Draw a sharp, well-lit pattern in which everything moves from one frame to the next."""
    coarse = np.random.default_rng(turn).integers(90, 150, (30, 40, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)


def with_a_face(image: Image) -> Image:
    """Put something sharp where the staged face is."""
    top, right, bottom, left = HERE
    mixed = image.copy()
    mixed[top:bottom, left:right] = lively(0)[top:bottom, left:right]
    return mixed


def encoding(person: str) -> Encoding:
    return np.concatenate([[PEOPLE[person]], np.zeros(127)]).astype(np.float32)


def straight(box: FaceBox, *, yaw: float = 0.0) -> Points:
    """Place the five points of a face that looks into the camera, or beside it."""
    top, right, bottom, left = box
    points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5 + 0.4 * yaw, 0.6), (0.35, 0.75), (0.65, 0.75)])
    return np.asarray(points * (right - left, bottom - top) + (left, top), np.float32)


class StagedFaces:
    """An engine that sees the people it is told to see."""

    name = "staged"

    def __init__(self) -> None:
        self.staged: list[tuple[str, Face]] = []
        self.searched = 0
        self.encoded = 0
        self.yaw = 0.0
        self.finds_near = True

    def stage(self, *people: str, boxes: Sequence[FaceBox] = (HERE, THERE)) -> None:
        self.staged = [(who, Face(box=boxes[place], quality=0.9)) for place, who in enumerate(people)]

    def find(self, image: Image) -> list[Face]:
        self.searched += 1
        return self._scaled(image)

    def landmarks(self, image: Image, face: Face) -> Points:
        return straight(face.box, yaw=self.yaw)

    def encode(self, image: Image, face: Face) -> Encoding:
        self.encoded += 1
        return encoding(min(self.staged, key=lambda one: abs(one[1].box[3] - face.box[3]))[0])

    def _scaled(self, image: Image) -> list[Face]:
        """Find in a cut what was staged for the whole: the cut is around one face, and has it in its middle."""
        if image.shape[1] >= 640:
            return [face for _, face in self.staged]
        height, width = image.shape[:2]
        if not self.staged or not self.finds_near:
            return []
        side = 56 // 2
        middle = height // 2, width // 2
        return [Face(box=(middle[0] - side, middle[1] + side, middle[0] + side, middle[1] - side), quality=0.9)]


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
    return Look(faces, gallery, challenge=False)


def watch(look: Look, image: Image | None, times: Iterable[float], among: frozenset[str] = ROSTER) -> list[Sighting]:
    """Show one picture, or with None a scene in which everything moves."""
    seen = list[Sighting]()
    for at in times:
        shown = lively(round(at * 20) % 3) if image is None else image
        seen += look.see(Frame(image=shown, number=0), among, at=at)
    return seen


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


def test_a_badge_that_was_left_in_view_does_not_stand_in_anybodys_way(look: Look, faces: StagedFaces) -> None:
    faces.stage("bo")
    watch(look, ANNS_BADGE, tenths(0, 31))

    assert texts(watch(look, BOTH_BADGES, [31.0, 31.1])) == ["T1:BO"]
    assert FaceSeen(learner_id="bo", distance=0.0) in watch(look, with_a_face(ANNS_BADGE), tenths(31.2, 33))


def test_a_badge_that_was_taken_away_counts_again(look: Look) -> None:
    watch(look, ANNS_BADGE, tenths(0, 31))

    assert texts(watch(look, ANNS_BADGE, [34.0])) == ["T1:ANN"]


def test_a_poster_with_a_code_does_not_stand_in_a_faces_way(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    assert FaceSeen(learner_id="ann", distance=0.0) in watch(look, with_a_face(POSTER), tenths(0, 1))


def test_an_empty_room_is_nothing(look: Look) -> None:
    assert watch(look, EMPTY, [0.0, 0.5]) == []


def test_a_known_face_is_told_once_after_two_encodings(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    first = watch(look, None, [0.0])
    second = watch(look, None, [0.2])
    rest = watch(look, None, tenths(0.3, 9))

    assert (first, second, rest) == ([], [FaceSeen(learner_id="ann", distance=0.0)], [])
    assert faces.encoded == 2


def test_encodings_are_at_least_150_ms_apart(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    assert watch(look, None, [0.0, 0.05, 0.1, 0.149]) == []
    assert faces.encoded == 1
    assert watch(look, None, [0.151]) == [FaceSeen(learner_id="ann", distance=0.0)]


def test_a_stranger_is_asked_for_a_badge_once_and_not_stored(look: Look, faces: StagedFaces, gallery: Gallery) -> None:
    faces.stage("stranger")

    assert watch(look, None, tenths(0, 4)) == [StrangerSeen()]
    assert gallery.people() == ROSTER


def test_who_only_walks_by_is_not_asked_for_anything(look: Look, faces: StagedFaces) -> None:
    faces.finds_near, seen = False, []  # too quick to be where the kiosk looks next
    for at in tenths(0, 1.6):
        left = 60 + round(at * 260)
        faces.stage("stranger", boxes=[(100, left + 150, 250, left)])
        seen += watch(look, None, [at])
    faces.stage()

    assert seen + watch(look, None, tenths(1.6, 3)) == []
    assert faces.encoded > 0


def test_a_face_between_two_people_is_asked_for_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann or bo")

    assert watch(look, None, tenths(0, 2)) == [StrangerSeen()]


def test_a_learner_whose_face_is_not_allowed_is_a_stranger(look: Look, faces: StagedFaces) -> None:
    faces.stage("bo")

    assert watch(look, None, tenths(0, 2), among=frozenset({"ann"})) == [StrangerSeen()]


def test_one_odd_frame_is_outvoted(look: Look, faces: StagedFaces) -> None:
    seen = []
    for at, person in ((0.0, "ann"), (0.2, "stranger"), (0.4, "ann's cousin")):
        faces.stage(person)
        seen += watch(look, None, [at])

    assert seen == [FaceSeen(learner_id="ann", distance=0.0)]


def test_three_answers_that_differ_are_nobody(look: Look, faces: StagedFaces) -> None:
    for at, person in ((0.0, "ann"), (0.2, "stranger"), (0.4, "bo")):
        faces.stage(person)
        watch(look, None, [at])

    assert watch(look, None, tenths(0.5, SOON)) == [StrangerSeen()]
    assert faces.encoded == 3


@pytest.mark.parametrize(
    "image, yaw, box, guide",
    [
        (None, 0.5, HERE, "look_here"),
        (None, 0.0, (100, 140, 140, 100), "closer"),
        (np.asarray(cv2.GaussianBlur(lively(0), (0, 0), 12), np.uint8), 0.0, HERE, "hold_still"),
        (np.asarray(lively(0) // 8, np.uint8), 0.0, HERE, "look_here"),
    ],
    ids=["turned", "small", "blurred", "dark"],
)
def test_a_poor_face_is_not_encoded_but_told_what_to_do(
    look: Look, faces: StagedFaces, image: Image | None, yaw: float, box: FaceBox, guide: str
) -> None:
    faces.stage("ann", boxes=[box])
    faces.yaw = yaw

    assert watch(look, image, tenths(0, 2)) == []
    assert (faces.encoded, look.guide) == (0, guide)


def test_who_stands_there_without_one_good_picture_is_asked_for_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    faces.yaw = 0.5

    assert watch(look, None, tenths(0, 9)) == [StrangerSeen()]


def test_a_person_who_jumped_aside_is_still_the_same_person(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, None, tenths(0, 1))
    faces.stage("ann", boxes=[THERE])

    assert watch(look, None, tenths(1, 3)) == []


def test_a_person_who_came_back_is_told_again(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, None, tenths(0, 1))

    assert watch(look, None, tenths(4, 5)) == [FaceSeen(learner_id="ann", distance=0.0)]


def test_the_next_person_in_the_same_place_is_looked_at_anew(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, None, tenths(0, 1))
    faces.stage()
    watch(look, None, tenths(1, 1.8))
    faces.stage("bo")

    assert watch(look, None, tenths(1.8, 2.8)) == [FaceSeen(learner_id="bo", distance=0.0)]


def test_two_people_side_by_side_are_both_told(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", "bo")

    seen = watch(look, None, tenths(0, 1))

    assert {one.learner_id for one in seen if isinstance(one, FaceSeen)} == ROSTER
    assert len(seen) == 2


def test_the_nearest_of_two_people_is_told_first(look: Look, faces: StagedFaces) -> None:
    faces.stage("bo", "ann", boxes=[THERE, HERE])

    seen = watch(look, None, tenths(0, 1))

    assert [one.learner_id for one in seen if isinstance(one, FaceSeen)] == ["ann", "bo"]


def test_a_small_face_behind_somebody_is_background(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", "bo", boxes=[HERE, FAR_AWAY])

    assert watch(look, None, tenths(0, 3)) == [FaceSeen(learner_id="ann", distance=0.0)]


def test_a_crowd_does_not_keep_a_frame(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann", "bo")

    for frame in range(1, 5):
        watch(look, None, [frame / 5])
        assert faces.encoded <= frame


def test_where_nothing_moves_faces_are_seldom_looked_for(look: Look, faces: StagedFaces) -> None:
    watch(look, EMPTY, tenths(0, 10))

    assert faces.searched <= 5


def test_where_something_moves_faces_are_looked_for_in_every_other_frame_at_most(
    look: Look, faces: StagedFaces
) -> None:
    watch(look, None, tenths(0, 10))

    assert 40 <= faces.searched <= 50


def test_no_face_is_looked_for_beside_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")

    watch(look, ANNS_BADGE, tenths(0, 1))

    assert faces.searched == 0


@pytest.mark.parametrize(
    "who, told",
    [("ann", HolderSeen(learner_id="ann", distance=0.0)), ("bo", OtherSeen()), ("stranger", OtherSeen())],
)
def test_the_face_beside_a_badge_is_compared_with_its_holder_only(
    look: Look, faces: StagedFaces, who: str, told: Sighting
) -> None:
    faces.stage(who)
    look.expect("ann")

    assert watch(look, None, tenths(0, 3)) == [told]


def test_a_holder_is_not_asked_to_prove_anything_else(faces: StagedFaces, gallery: Gallery) -> None:
    look = Look(faces, gallery, challenge=True)
    faces.stage("ann")
    look.expect("ann")

    assert watch(look, None, tenths(0, 1)) == [HolderSeen(learner_id="ann", distance=0.0)]


def test_a_badge_in_the_picture_does_not_hide_the_face_that_is_expected(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    watch(look, ANNS_BADGE, [0.0])
    look.expect("ann")

    assert HolderSeen(learner_id="ann", distance=0.0) in watch(look, with_a_face(ANNS_BADGE), tenths(0.1, 1))


def test_after_a_comparison_the_same_person_is_not_told_again(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    look.expect("ann")
    watch(look, None, tenths(0, 1))
    look.expect(None)

    assert watch(look, None, tenths(1, 3)) == []


def test_without_consent_nobody_is_compared(look: Look, faces: StagedFaces) -> None:
    faces.stage("ann")
    look.expect("ann")

    assert watch(look, None, tenths(0, 3), among=frozenset({"bo"})) == []
    assert faces.encoded == 0


def test_what_was_seen_for_anybody_does_not_answer_for_a_badge(look: Look, faces: StagedFaces) -> None:
    faces.stage("bo")
    watch(look, None, tenths(0, 1))
    look.expect("ann")

    assert watch(look, None, tenths(1, 3)) == [OtherSeen()]


def test_a_picture_on_the_wall_is_asked_for_nothing(faces: StagedFaces, gallery: Gallery) -> None:
    look = Look(faces, gallery, challenge=True)
    faces.stage("stranger")

    assert watch(look, lively(0), tenths(0, 9)) == []
    assert look.guide is None
    assert faces.encoded == 0


def test_an_engine_that_knows_five_points_only_cannot_ask_for_a_blink(faces: StagedFaces, gallery: Gallery) -> None:
    look = Look(faces, gallery, challenge=True)
    faces.stage("ann")

    assert watch(look, None, tenths(0, 3)) == [StrangerSeen()]


def test_without_an_engine_badges_are_read_and_faces_are_not() -> None:
    look = Look(None, Gallery(None, KEY))

    assert texts(watch(look, ANNS_BADGE, [0.0])) == ["T1:ANN"]
    assert watch(look, EMPTY, [0.1]) == []
    assert (look.guide, look.focus) == (None, None)


def test_frames_may_change_their_size(look: Look, faces: StagedFaces) -> None:
    small: Image = np.ascontiguousarray(ANNS_BADGE[100:700, 200:1200])

    assert texts(watch(look, small, [0.0]) + watch(look, ANNS_BADGE, [0.1])) == ["T1:ANN"]


def test_a_frame_that_is_smaller_than_the_face_before_is_no_trouble(look: Look, faces: StagedFaces) -> None:
    faces.stage("stranger")
    watch(look, None, [0.0])

    watch(look, np.full((48, 64, 3), 99, np.uint8), [0.2, 0.4])
    watch(look, np.full((1, 1, 3), 99, np.uint8), [0.6, 0.8])
