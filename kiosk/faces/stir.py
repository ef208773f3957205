"""Whether anything moves before the camera, measured so cheaply that every frame can be asked."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.faces.quality import FaceBox
from kiosk.picture import Image

Sketch: TypeAlias = NDArray[np.float32]

SIZE = (160, 120)
LEVELS = 9  # of 255; the noise of a cheap camera is a third of this after the reduction
OF_THE_SCENE, OF_A_FACE = 0.002, 0.03  # shares of what must have changed
INNER = 0.15  # of a box's width; its rim shows the room, where other people walk


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame, kept small to compare others with."""

    sketch: Sketch

    @classmethod
    def of(cls, image: Image) -> "Seen":
        small = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32))

    def differs(self, later: "Seen") -> bool:
        """Say whether anything moved, came or went."""
        return float(np.mean(np.abs(self.sketch - later.sketch) > LEVELS)) > OF_THE_SCENE

    def face_moved(self, later: "Seen", box: FaceBox, shape: tuple[int, ...]) -> bool:
        """Say whether the face at this place stirs; a picture on the wall never does, whatever the light does."""
        one, other = _calm(self.sketch, box, shape), _calm(later.sketch, box, shape)
        return one.size > 0 and float(np.mean(np.abs(one - other) > LEVELS)) > OF_A_FACE


def _calm(sketch: Sketch, box: FaceBox, shape: tuple[int, ...]) -> Sketch:
    across, down = SIZE[0] / shape[1], SIZE[1] / shape[0]
    top, right, bottom, left = box
    rim = (right - left) * INNER
    rows = slice(round((top + rim) * down), round((bottom - rim) * down))
    cut = sketch[rows, round((left + rim) * across) : round((right - rim) * across)]
    # The lamp that is switched on changes all of a face; so its contrast is brought to one measure.
    return (cut - cut.mean()) / max(1.0, float(cut.std())) * 40 if cut.size else cut
