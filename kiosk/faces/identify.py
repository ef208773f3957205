"""Who is in picture files, among the people of a folder: one answer per file, by the rules of the door."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from kiosk.faces.engine import Encoding, FaceEngine
from kiosk.faces.line_up import LineUp, Match, judged, lined_up
from kiosk.picture import Image, Unreadable, read_picture

Verdict: TypeAlias = Literal["match", "ask_badge", "no_face"]


def identify(
    paths: Iterable[Path], known: Mapping[str, Encoding], engine: FaceEngine, *, threshold: float, margin: float
) -> Iterator[dict[str, Any]]:
    """Say whose face each picture shows: "best" is the nearest person, "second" the distance of the next one."""
    line_up = lined_up(known)
    for path in paths:
        try:
            image = read_picture(path)
        except Unreadable as error:
            yield {"image": str(path), "error": str(error)}
            continue
        yield {"image": str(path), **_identified(image, line_up, engine, threshold=threshold, margin=margin)}


def _identified(
    image: Image, line_up: LineUp, engine: FaceEngine, *, threshold: float, margin: float
) -> dict[str, Any]:
    faces = engine.find(image)
    if not faces:
        return _said([], "no_face")
    # The largest one stands nearest to the camera.
    face = max(faces, key=lambda face: face.box[1] - face.box[3])
    encoding = engine.encode(image, face)
    answer = judged(line_up, encoding, threshold=threshold, margin=margin)
    verdict: Verdict = "match" if isinstance(answer, Match) else "ask_badge"
    return _said(_nearest_two(line_up, encoding), verdict)


def _nearest_two(line_up: LineUp, encoding: Encoding) -> list[tuple[str, float]]:
    if not line_up.people:
        return []
    distances = line_up.distances(encoding)
    return [(line_up.people[person], round(float(distances[person]), 4)) for person in np.argsort(distances)[:2]]


def _said(nearest: Sequence[tuple[str, float]], verdict: Verdict) -> dict[str, Any]:
    best, distance = nearest[0] if nearest else (None, None)
    second = nearest[1][1] if len(nearest) > 1 else None
    return {"best": best, "distance": distance, "second": second, "verdict": verdict}
