"""Painted people: a square of noise is a face and its blue says whose, and an engine that sees them."""

from pathlib import Path

import cv2
import numpy as np

from kiosk.faces.engine import Encoding, Face
from kiosk.faces.landmarks import Points
from kiosk.picture import Image

BLUE = {"ann": 50, "ann again": 55, "ann's look-alike": 97, "bo": 150, "cy": 220}
"""A hundred of blue is a distance of 1."""
MARKS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.55), (0.35, 0.75), (0.65, 0.75)], np.float32)


def painted(*people: str, side: int = 200, noise: int = 120, light: int = 100) -> Image:
    """Paint people side by side."""
    chance = np.random.default_rng(1)
    image = np.zeros((side + 40, (side + 20) * max(1, len(people)), 3), np.uint8)
    for place, who in enumerate(people):
        left = place * (side + 20)
        structure = light + chance.integers(0, max(1, noise), (side, side, 1))
        image[20 : 20 + side, left : left + side] = np.clip(structure, 0, 255)
        image[20 : 20 + side, left : left + side, 0] = BLUE[who]
    return image


def paint(path: Path, *people: str, side: int = 200, noise: int = 120) -> Path:
    """Put a painted picture into a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), painted(*people, side=side, noise=noise))
    return path


class PaintedFaces:
    """An engine for painted people."""

    name = "painted"

    def find(self, image: Image) -> list[Face]:
        """Find every square."""
        found = cv2.connectedComponentsWithStats((image[..., 0] > 25).astype(np.uint8))[2][1:]
        boxes = [(int(top), int(left + width), int(top + height), int(left)) for left, top, width, height, _ in found]
        return [Face(box=box, quality=0.9) for box in boxes]

    def landmarks(self, image: Image, face: Face) -> Points:
        """Say that everybody looks straight ahead."""
        top, right, bottom, left = face.box
        return np.asarray(MARKS * (right - left, bottom - top) + (left, top), np.float32)

    def encode(self, image: Image, face: Face) -> Encoding:
        """Read whose face it is."""
        top, right, bottom, left = face.box
        blue = np.median(image[top + 5 : bottom - 5, left + 5 : right - 5, 0])
        return np.asarray([blue / 100, *np.zeros(127)], np.float32)
