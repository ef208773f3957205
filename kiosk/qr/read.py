"""What the kiosk sees in picture files, one answer per file."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from kiosk.faces.engine import DlibFaces, FaceEngine, FaceEngineMissing
from kiosk.picture import Image, Unreadable, read_picture
from kiosk.qr.codes import codes


def read(paths: Iterable[Path], engine: Callable[[], FaceEngine] = DlibFaces) -> Iterator[dict[str, Any]]:
    """Say which codes and faces each picture shows; without the face extra no face is looked for."""
    faces = _installed(engine)
    for path in paths:
        try:
            image = read_picture(path)
        except Unreadable as error:
            yield {"image": str(path), "error": str(error)}
            continue
        yield {"image": str(path), **_seen(image, faces)}


def _installed(engine: Callable[[], FaceEngine]) -> FaceEngine | None:
    try:
        return engine()
    except FaceEngineMissing:
        return None


def _seen(image: Image, engine: FaceEngine | None) -> dict[str, Any]:
    begin = perf_counter()
    found = [{"text": code.text, "box": code.box} for code in codes(image)]
    faces = [{"box": face.box, "quality": face.quality} for face in (engine.find(image) if engine else [])]
    return {"codes": found, "faces": faces, "ms": round((perf_counter() - begin) * 1000, 1)}
