"""Claims about `tandem kiosk identify`: who is in picture files, among the people of a folder."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from kiosk.faces.engine import DlibFaces, Encoding
from kiosk.faces.identify import identify
from kiosk.faces.portraits import NoPeople, Portrait, folders_in, people_in, portraits, the_face, together
from kiosk.picture import COMFORTABLE_PIXELS, Image, read_picture
from tests.kiosk.painted_faces import PaintedFaces, paint, painted
from tests.kiosk.portraits import ASTRONAUT, HOPPER, brightened, scaled, turned

KEYS = ["image", "best", "distance", "second", "verdict"]


def known_in(folder: Path) -> dict[str, Encoding]:
    return together(portraits(folders_in(folder), PaintedFaces()), lambda _: None)


@pytest.fixture
def company(tmp_path: Path) -> dict[str, Encoding]:
    paint(tmp_path / "people" / "ann" / "1.png", "ann")
    paint(tmp_path / "people" / "ann" / "2.png", "ann again")
    paint(tmp_path / "people" / "bo" / "1.png", "bo")
    return known_in(tmp_path / "people")


def asked(picture: Path, known: dict[str, Encoding]) -> dict[str, object]:
    [line] = identify([picture], known, PaintedFaces(), threshold=0.45, margin=0.05)
    assert "\n" not in json.dumps(line)
    return line


def test_a_known_person_is_matched_with_both_distances(company: dict[str, Encoding], tmp_path: Path) -> None:
    line = asked(paint(tmp_path / "who.png", "ann again"), company)

    assert list(line) == KEYS
    assert line == {
        "image": str(tmp_path / "who.png"), "best": "ann", "distance": 0.0, "second": 0.95, "verdict": "match",
    }  # fmt: skip


@pytest.mark.parametrize("who, best", [("cy", "bo"), ("ann's look-alike", "ann")], ids=["a stranger", "too far"])
def test_whoever_is_not_near_enough_is_asked_for_a_badge(
    company: dict[str, Encoding], tmp_path: Path, who: str, best: str
) -> None:
    line = next(identify([paint(tmp_path / "who.png", who)], company, PaintedFaces(), threshold=0.4, margin=0.05))

    assert (line["best"], line["verdict"]) == (best, "ask_badge")


def test_look_alikes_in_the_gallery_are_asked_for_a_badge(tmp_path: Path) -> None:
    for who in ("ann", "ann's look-alike"):
        paint(tmp_path / "people" / who / "1.png", who)

    line = asked(paint(tmp_path / "who.png", "ann"), known_in(tmp_path / "people"))

    assert (line["best"], line["distance"], line["verdict"]) == ("ann", 0.0, "ask_badge")


def test_a_gallery_of_one_has_no_second(tmp_path: Path) -> None:
    paint(tmp_path / "people" / "ann" / "1.png", "ann")

    line = asked(paint(tmp_path / "who.png", "ann"), known_in(tmp_path / "people"))

    assert (line["second"], line["verdict"]) == (None, "match")


def test_an_empty_gallery_asks_for_a_badge(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()

    line = asked(paint(tmp_path / "who.png", "ann"), known_in(tmp_path / "people"))

    assert [line[key] for key in KEYS[1:]] == [None, None, None, "ask_badge"]


def test_one_of_ten_thousand_is_found(tmp_path: Path) -> None:
    crowd = np.random.default_rng(1).normal(0, 0.1, (10_000, 1, 128)).astype(np.float32)
    known = {f"p{number}": block for number, block in enumerate(crowd)}
    known["ann"] = PaintedFaces().encode(painted("ann"), PaintedFaces().find(painted("ann"))[0])[None]

    assert asked(paint(tmp_path / "who.png", "ann"), known)["best"] == "ann"


def test_a_gallery_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoPeople, match="is no folder"):
        folders_in(tmp_path / "gone")


def test_the_larger_of_two_people_is_meant(company: dict[str, Encoding], tmp_path: Path) -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[10:60, 10:60] = painted("bo")[30:80, 30:80]
    image[100:300, 300:500] = painted("ann")[20:220, :200]
    cv2.imwrite(str(tmp_path / "two.png"), image)

    assert asked(tmp_path / "two.png", company)["best"] == "ann"


# Pictures of every kind


def _grey(image: Image, path: Path) -> None:
    cv2.imwrite(str(path), image[..., 0])


def _sixteen_bit(image: Image, path: Path) -> None:
    cv2.imwrite(str(path), image.astype(np.uint16) * 257)


def _alpha(image: Image, path: Path) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_BGR2BGRA))


def _cmyk(image: Image, path: Path) -> None:
    Pillow.fromarray(np.ascontiguousarray(image[..., ::-1])).convert("CMYK").save(path, "JPEG", quality=98)


def _huge(image: Image, path: Path) -> None:
    large = cv2.resize(image, (4600, 5000), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(path), large, [cv2.IMWRITE_PNG_COMPRESSION, 1])


@pytest.mark.parametrize("save", [_grey, _sixteen_bit, _alpha, _cmyk, _huge], ids=lambda save: save.__name__[1:])
def test_a_picture_of_any_kind_is_answered(save: object, company: dict[str, Encoding], tmp_path: Path) -> None:
    assert callable(save)
    save(painted("bo"), tmp_path / "kind.png")

    line = asked(tmp_path / "kind.png", company)

    assert list(line) == KEYS
    assert line["best"] == "bo"
    assert read_picture(tmp_path / "kind.png").size <= 3 * COMFORTABLE_PIXELS


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "is not a JPEG, PNG or BMP picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(8) + (5).to_bytes(4) * 2 + bytes(9), "is damaged"),
        (b"\x89PNG\r\n\x1a\n" + bytes(8) + (60_000).to_bytes(4) * 2, "is too large"),
        (b"a letter", "is not a JPEG, PNG or BMP picture"),
    ],
    ids=["empty", "zero-sized", "damaged", "unpacks to gigabytes", "no picture"],
)
def test_a_picture_that_cannot_be_read_is_told_and_the_next_one_looked_at(
    content: bytes, why: str, company: dict[str, Encoding], tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(content)
    good = paint(tmp_path / "good.png", "ann")

    bad, line = identify([tmp_path / "bad.png", good], company, PaintedFaces(), threshold=0.45, margin=0.05)

    assert list(bad) == ["image", "error"]
    assert why in bad["error"]
    assert line["verdict"] == "match"


def test_a_picture_without_a_face_says_so(company: dict[str, Encoding], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.zeros((90, 90, 3), np.uint8))

    line = asked(tmp_path / "wall.png", company)

    assert [line[key] for key in KEYS[1:]] == [None, None, None, "no_face"]


# Folders of people


def test_what_is_no_portrait_is_left_out_and_told(tmp_path: Path) -> None:
    paint(tmp_path / "ann" / "both.png", "ann", "bo")
    paint(tmp_path / "ann" / "good.png", "ann")
    (tmp_path / "ann" / "notes.txt").write_text("not a picture")
    (tmp_path / "ann" / "z.jpg").write_bytes(b"broken")
    (tmp_path / ".trash").mkdir()
    told: list[Portrait] = []

    known = together(portraits(folders_in(tmp_path), PaintedFaces()), told.append)

    assert {person: len(block) for person, block in known.items()} == {"ann": 1}
    assert [(portrait.path.name, portrait.flaw) for portrait in told] == [
        ("both.png", "two_faces"),
        ("z.jpg", "unreadable"),
    ]


def test_a_picture_beside_the_folders_is_nobodys(tmp_path: Path) -> None:
    paint(tmp_path / "ann" / "1.png", "ann")
    paint(tmp_path / "who.png", "bo")

    assert list(folders_in(tmp_path)) == ["ann"]
    assert list(people_in(tmp_path)) == ["ann", "who"]


def test_accents_written_in_two_ways_are_one_name(tmp_path: Path) -> None:
    paint(tmp_path / "Rene\u0301" / "1.png", "ann")

    assert list(folders_in(tmp_path)) == ["Ren\u00e9"]


def test_somebody_small_in_the_background_does_not_count() -> None:
    near, far = PaintedFaces().find(painted("ann", "bo"))
    background = type(far)(box=(0, 400 + 100, 100, 400), quality=0.9)

    assert the_face([background, near]) == near
    assert the_face([far, near]) == "two_faces"
    assert the_face([]) == "no_face"


# The real engine


@pytest.fixture(scope="module")
def dlib() -> DlibFaces:
    return DlibFaces()


@pytest.fixture(scope="module")
def two(dlib: DlibFaces) -> dict[str, Encoding]:
    """The two public-domain people, one portrait each."""
    pictures = {"astronaut": [ASTRONAUT], "hopper": [HOPPER]}
    return together(portraits(pictures, dlib), lambda portrait: pytest.fail(portrait.said))


@pytest.mark.parametrize("change", [scaled, turned, brightened], ids=lambda change: change.__name__)
@pytest.mark.parametrize("who, path", [("astronaut", ASTRONAUT), ("hopper", HOPPER)], ids=["astronaut", "hopper"])
def test_a_person_in_another_picture_is_found(
    dlib: DlibFaces, two: dict[str, Encoding], who: str, path: Path, change: object, tmp_path: Path
) -> None:
    assert callable(change)
    cv2.imwrite(str(tmp_path / "who.jpg"), change(read_picture(path)))

    [line] = identify([tmp_path / "who.jpg"], two, dlib, threshold=0.45, margin=0.05)

    assert (line["best"], line["verdict"]) == (who, "match")


def test_a_real_stranger_is_asked_for_a_badge(dlib: DlibFaces, two: dict[str, Encoding]) -> None:
    [line] = identify([HOPPER], {"astronaut": two["astronaut"]}, dlib, threshold=0.45, margin=0.05)

    assert line["verdict"] == "ask_badge"
    assert line["distance"] > 0.6
