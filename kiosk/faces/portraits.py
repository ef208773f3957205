"""Portraits: pictures of one person each, in folders that are named for the person."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias
from unicodedata import normalize

import numpy as np

from attendance.reasons import Text
from kiosk.faces.engine import Encoding, Face, FaceEngine
from kiosk.faces.quality import Fault, fault_of
from kiosk.picture import KINDS, Unreadable, pictures_in, read_picture

Flaw: TypeAlias = Literal["unreadable", "no_face", "two_faces", "other_face"] | Fault

BESIDE = 0.75
"""A second face of this part of the first one's width stands beside it; a smaller one is the background."""

FLAWS: Final[dict[str, Text]] = {
    "unreadable": Text("the picture cannot be read", "无法读取图片"),
    "no_face": Text("no face is found", "没有找到人脸"),
    "two_faces": Text("there is more than one face", "画面中不止一张人脸"),
    "other_face": Text("this is another person than in the picture before", "与前一张照片不是同一个人"),
    "too_small": Text("the face is too small: come closer", "人脸太小：请靠近一些"),
    "blurred": Text("the face is blurred: hold still", "人脸模糊：请保持不动"),
    "turned": Text("the face is turned away: look straight ahead", "脸没有朝前：请正视前方"),
    "dark": Text("the face is too dark: turn on a light", "人脸太暗：请打开灯光"),
    "bright": Text("the face is too bright: turn away from the light", "人脸太亮：请避开强光"),
}
"""What stands in the way, and what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A picture of a person: its face, or why there is none."""

    person: str
    path: Path
    found: Encoding | None = None
    flaw: Flaw | None = None
    said: str = ""
    """The flaw as a sentence."""


class NoPeople(ValueError):
    """There are no people in the folder."""


def folders_in(folder: Path) -> dict[str, list[Path]]:
    """List each person's pictures, a folder for each person; raises NoPeople if it is no folder itself."""
    if not folder.is_dir():
        raise NoPeople(f"{folder} is no folder: it takes one with a folder of pictures for each person")
    found: dict[str, list[Path]] = {}
    for path in _visible(folder):
        if path.is_dir():
            found.setdefault(named(path.name), []).extend(pictures_in(path))
    return found


def people_in(folder: Path) -> dict[str, list[Path]]:
    """List everybody's pictures, a folder or a single picture for each person; raises NoPeople if there are none."""
    found = folders_in(folder)
    for path in _visible(folder):
        if path.is_file() and path.suffix.lower() in KINDS:
            found.setdefault(named(path.stem), []).append(path)
    if not found:
        raise NoPeople(f"{folder} is empty: it takes a folder or a picture for each person, named by personnel number")
    return found


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def named(name: str) -> str:
    """Spell a name as everybody does: some systems keep letters and their accents apart in a file's name."""
    return normalize("NFC", name).strip()


def portraits(people: Mapping[str, Iterable[Path]], engine: FaceEngine) -> Iterator[Portrait]:
    """Look at everybody's pictures, also at poor ones; what shows no face or two of them is no portrait."""
    for person, paths in people.items():
        for path in paths:
            yield portrait(person, path, engine)


def together(seen: Iterable[Portrait], flawed: Callable[[Portrait], None]) -> dict[str, Encoding]:
    """Put the encodings of each person together; tells every picture that gives none."""
    found: dict[str, list[Encoding]] = {}
    for portrait in seen:
        if portrait.found is None:
            flawed(portrait)
        else:
            found.setdefault(portrait.person, []).append(portrait.found)
    return {person: np.array(encodings, np.float32) for person, encodings in found.items()}


def portrait(person: str, path: Path, engine: FaceEngine, *, only_good: bool = False) -> Portrait:
    """Look at one picture."""
    try:
        image = read_picture(path)
    except Unreadable as error:
        return Portrait(person=person, path=path, flaw="unreadable", said=str(error))
    face: Face | Flaw = the_face(engine.find(image))
    if isinstance(face, Face) and only_good:
        face = fault_of(image, face.box, engine.landmarks(image, face)) or face
    if not isinstance(face, Face):
        return Portrait(person=person, path=path, flaw=face, said=FLAWS[face].en)
    return Portrait(person=person, path=path, found=engine.encode(image, face))


def the_face(faces: Sequence[Face]) -> Face | Literal["no_face", "two_faces"]:
    """Choose the one person that a picture shows; somebody small in the background does not count."""
    by_width = sorted(faces, key=_width, reverse=True)
    if not by_width:
        return "no_face"
    beside = len(by_width) > 1 and _width(by_width[1]) >= BESIDE * _width(by_width[0])
    return "two_faces" if beside else by_width[0]


def _width(face: Face) -> int:
    return face.box[1] - face.box[3]
