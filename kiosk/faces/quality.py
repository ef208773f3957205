"""Whether a face is good enough for the encoder, and if not, what its owner could do about it."""

from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.faces.landmarks import Points, pose_of
from kiosk.picture import Image

Fault: TypeAlias = Literal["too_small", "blurred", "turned", "dark", "bright"]
FaceBox: TypeAlias = tuple[int, int, int, int]  # top, right, bottom, left

LEAST_WIDTH = 60  # pixels; below, dlib's distance to the same face at full size grows beyond 0.2
GOOD_WIDTH = 120  # pixels of a face from which more pixels no longer help the encoder, which sees 150
JUDGED_SIZE = 80  # pixels; sharpness is judged at one size, else a face would look blurred for standing close
LEAST_SHARPNESS = 2.0  # at this blur dlib's distance to the same face in focus is between 0.3 and 0.4
HALF_SHARP = 3.0
DARK = 48  # the lightest twentieth of the face, of 255: not the mean, which would call dark skin a dark picture
GLARE, MOST_GLARE = 250, 0.25  # what is burnt out, and how much of a face may be
MOST_YAW = 0.2  # of the eye distance: about 20 degrees
MOST_ROLL = 25.0  # degrees
NODS = (0.3, 0.95)  # outside, the face is seen from far above or below


def fault_of(image: Image, box: FaceBox, points: Points | None) -> Fault | None:
    """Say why the encoder would make little of this face, or None; without points the pose is not judged."""
    cut = _cut(image, box)
    if cut is None or min(cut.shape) < LEAST_WIDTH:
        return "too_small"
    if light := _light(cut):
        return light
    if points is not None and _turned(points):
        return "turned"
    return "blurred" if sharpness(cut) < LEAST_SHARPNESS else None


def quality_of(image: Image, box: FaceBox) -> float:
    """Judge how much the encoder can make of a face, from 0 to 1: size and sharpness, in one number for comparing."""
    cut = _cut(image, box)
    if cut is None:
        return 0.0
    sharp = sharpness(cut)
    return float(min(1.0, cut.shape[1] / GOOD_WIDTH) * sharp / (sharp + HALF_SHARP))


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Measure fine structure by its curvature beside the contrast, in the direction that has less of it."""
    small = cv2.resize(grey, (JUDGED_SIZE, JUDGED_SIZE), interpolation=cv2.INTER_AREA)
    # Without this a dark picture would pass for a sharp one by its noise.
    calm = cv2.GaussianBlur(np.asarray(small, np.float32), (0, 0), 1.0)
    contrast = float(calm.var()) + 1.0
    # Moving blurs in one direction only: the other one would hide it.
    directions = [cv2.Sobel(calm, cv2.CV_32F, dx, 2 - dx, ksize=3) for dx in (2, 0)]
    least = min(float(np.square(curve).mean()) for curve in directions)
    return float(least / contrast * 1000 / 16)


def _cut(image: Image, box: FaceBox) -> NDArray[np.uint8] | None:
    top, right, bottom, left = box
    cut = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), np.uint8) if cut.size else None


def _light(grey: NDArray[np.uint8]) -> Literal["dark", "bright"] | None:
    if np.percentile(grey, 95) < DARK:
        return "dark"
    return "bright" if np.mean(grey >= GLARE) > MOST_GLARE else None


def _turned(points: Points) -> bool:
    pose = pose_of(points)
    return abs(pose.yaw) > MOST_YAW or abs(pose.roll) > MOST_ROLL or not NODS[0] <= pose.nod <= NODS[1]
