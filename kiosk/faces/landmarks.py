"""Points on a face: where eyes, nose and mouth are, and what follows for its pose and its lids."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float32]
"""Either the 68 points (x, y) that dlib numbers, or five: right eye, left eye, nose, right and left mouth corner."""
Point: TypeAlias = NDArray[np.float32]

ALL, FEW = 68, 5
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
NOSE, RIGHT_CORNER, LEFT_CORNER = 30, 48, 54


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """How a head is held, read from five points; zero is straight into the camera."""

    yaw: float  # the nose's way from the middle of the eyes, in eye distances; positive: towards the picture's right
    nod: float  # the nose's place between eyes (0) and mouth (1)
    roll: float  # degrees


def five(points: Points) -> Points:
    """Reduce either kind of points to five."""
    if len(points) == FEW:
        return points
    eyes = points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)
    return np.array([*eyes, points[NOSE], points[RIGHT_CORNER], points[LEFT_CORNER]], np.float32)


def pose_of(points: Points) -> Pose:
    """Read the pose; it stays the same when the picture is moved, scaled or turned in its plane."""
    right, left, nose, *corners = five(points)
    middle, mouth = (right + left) / 2, (corners[0] + corners[1]) / 2
    along = left - right
    distance = max(1e-3, float(np.hypot(*along)))
    across = np.array([-along[1], along[0]], np.float32) / distance
    drop = float((mouth - middle) @ across)
    return Pose(
        yaw=float((nose - middle) @ along) / distance**2,
        nod=float((nose - middle) @ across) / (drop if abs(drop) > 1e-3 else 1e-3),
        roll=math.degrees(math.atan2(float(along[1]), float(along[0]))),
    )


def openness(points: Points) -> float | None:
    """Say how far the eyes are open, as height by width; None where five points do not tell."""
    if len(points) == FEW:
        return None
    return (_aspect(points[RIGHT_EYE]) + _aspect(points[LEFT_EYE])) / 2


def _aspect(eye: Points) -> float:
    heights = np.hypot(*(eye[1] - eye[5])) + np.hypot(*(eye[2] - eye[4]))
    return float(heights / 2 / max(1e-3, np.hypot(*(eye[0] - eye[3]))))
