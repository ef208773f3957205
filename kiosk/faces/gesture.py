"""What a face does beside how it looked at first: turn as a body with depth does, or shut its eyes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from kiosk.faces.landmarks import LEFT_EYE, NOSE, RIGHT_EYE, Points, openness
from kiosk.picture import Image

Patch: TypeAlias = NDArray[np.uint8]
Region: TypeAlias = tuple[slice, slice]

# A turn counts from where both measures say 1. Heads turned by 20 degrees reach 1.2 to 1.7, flat pictures 0.4.
BESIDE_THE_EYES = 0.15  # the nose's way along the line of the eyes, in eye distances
BESIDE_THE_MIDDLE = 0.075  # its way from the line between the root of the nose and the chin
# Eyes are shut when they look unlike the open ones, alike on both sides, while the nose below looks as before.
UNLIKE, LESS_THAN_THE_NOSE, NARROWED = 0.82, 0.12, 0.9

STRAIGHT = 0.6
ALIKE, ENOUGH = 0.85, 0.72  # likeness of a face that has not moved, and of the nearer eye of one that turns

FIRM = (0, 4, 8, 12, 16, 27, 30, 33, 36, 39, 42, 45, 48, 54)  # points that lids and lips do not move
ROOT, CHIN, LIPS = 27, 8, (51, 57)
PATCH, APART = 96, 40  # pixels; every face is brought to one size
EYES: tuple[Region, Region] = ((slice(17, 31), slice(16, 40)), (slice(17, 31), slice(56, 80)))
NOSE_BELOW: Region = (slice(40, 80), slice(24, 72))
SEARCH = 4  # pixels; the points of two frames differ by so much


@dataclass(frozen=True, slots=True, kw_only=True)
class Gesture:
    """One frame beside the first ones."""

    turn: float  # positive: to the person's own left; the lesser of two measures, in thresholds
    shut: bool
    likeness: tuple[float, float, float]  # of right eye, left eye and nose, from -1 to 1
    opening: float  # of the eyes, beside that at first

    @property
    def neutral(self) -> bool:
        """Say whether the face looks straight and has its eyes open."""
        return abs(self.turn) < STRAIGHT and not self.shut

    @property
    def same(self) -> bool:
        """Say whether nothing has changed at all."""
        return self.neutral and min(self.likeness) >= ALIKE

    @property
    def sure(self) -> bool:
        """Say whether the points lie on the face: beside it, they show turns that nobody made."""
        return max(self.likeness[:2]) >= ENOUGH or self.shut


@dataclass(frozen=True, slots=True)
class Neutral:
    """A face that looks into the camera: what its gestures are measured by."""

    points: Points
    patch: Patch
    opening: float

    @classmethod
    def of(cls, image: Image, seen: Sequence[Points]) -> "Neutral":
        """Take the last of some frames as the picture, and the middle of all of them as the points."""
        points = _like(seen[-1], seen)
        return cls(points, _patch(image, seen[-1], points), _opening(points))

    def gesture(self, image: Image, points: Points) -> Gesture:
        """Measure what the face does in this frame."""
        patch = _patch(image, points, self.points)
        right, left, nose = (_likeness(patch, self.patch, region) for region in (*EYES, NOSE_BELOW))
        # Measured in the plane of the first frames: a picture tilted back looks narrow-eyed as it is.
        opening = _opening(_onto(points, self.points)) / self.opening
        eyes = max(right, left)
        turn = self._turn(points)
        shut = eyes < UNLIKE and nose - eyes > LESS_THAN_THE_NOSE and opening < NARROWED and abs(turn) < STRAIGHT
        return Gesture(turn=turn, shut=shut, likeness=(right, left, nose), opening=opening)

    def _turn(self, points: Points) -> float:
        """Measure a turn so that neither a turned plane nor a bent one is one.

        What is flat keeps the nose's place beside eyes and mouth, however it is turned; a sheet bent around an upright
        axis keeps the nose on the line from its root to the chin. A nose that stands out leaves both.
        """
        eyes = (_beside_eyes(points) - _beside_eyes(self.points)) / BESIDE_THE_EYES
        middle = (_beside_middle(points) - _beside_middle(self.points)) / BESIDE_THE_MIDDLE
        if eyes * middle <= 0:
            return 0.0
        return min(eyes, middle, key=abs)


def _beside_eyes(points: Points) -> float:
    right, left = points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)
    mouth = (points[48] + points[54]) / 2
    middle = (right + left) / 2
    frame = np.column_stack([left - right, mouth - middle])
    if abs(np.linalg.det(frame)) < 1:
        return 0.0
    return float(np.linalg.solve(frame, points[NOSE] - middle)[0])


def _beside_middle(points: Points) -> float:
    top, bottom = points[ROOT], (points[CHIN] + points[LIPS[0]] + points[LIPS[1]]) / 3
    down = bottom - top
    across = np.array([down[1], -down[0]], np.float32)
    wide = float((points[LEFT_EYE].mean(axis=0) - points[RIGHT_EYE].mean(axis=0)) @ across)
    return float((points[NOSE] - top) @ across) / wide if abs(wide) > 1 else 0.0


def _opening(points: Points) -> float:
    return max(1e-3, openness(points) or 0.0)


def _like(one: Points, seen: Sequence[Points]) -> Points:
    return np.asarray(np.mean([_onto(points, one) for points in seen], axis=0), np.float32)


def _fit(points: Points, onto: Points) -> NDArray[np.float32]:
    """Find the flat movement (2 x 3) that brings one face's firm points nearest to another's."""
    firm = list(FIRM)
    known = np.column_stack([points[firm], np.ones(len(firm), np.float32)])
    return np.asarray(np.linalg.lstsq(known, onto[firm], rcond=None)[0].T, np.float32)


def _onto(points: Points, onto: Points) -> Points:
    fit = _fit(points, onto)
    return np.asarray(points @ fit[:, :2].T + fit[:, 2], np.float32)


def _patch(image: Image, points: Points, onto: Points) -> Patch:
    """Cut a face out, moved onto another one's place and brought to one size."""
    fit, size = _fit(points, onto), _to_one_size(onto)
    move = np.column_stack([size[:, :2] @ fit[:, :2], size[:, :2] @ fit[:, 2] + size[:, 2]])
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.warpAffine(grey, move.astype(np.float32), (PATCH, PATCH), flags=cv2.INTER_LINEAR), np.uint8)


def _to_one_size(points: Points) -> NDArray[np.float32]:
    right, left = points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)
    along = (left - right) / max(1.0, float(np.hypot(*(left - right)))) ** 2 * APART
    turn = np.array([[along[0], along[1]], [-along[1], along[0]]], np.float32)
    return np.column_stack([turn, np.array([PATCH / 2, PATCH / 4]) - turn @ ((right + left) / 2)]).astype(np.float32)


def _likeness(patch: Patch, first: Patch, region: Region) -> float:
    rows, columns = region
    around = patch[rows.start - SEARCH : rows.stop + SEARCH, columns.start - SEARCH : columns.stop + SEARCH]
    return float(cv2.matchTemplate(around, first[rows, columns], cv2.TM_CCOEFF_NORMED).max())
