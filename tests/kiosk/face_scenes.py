"""Pictures of people and of what would pass for them: heads that turn and blink, and sheets with a face on them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import face_recognition
import numpy as np
from numpy.typing import NDArray

from kiosk.picture import Image
from tandem.demo.scene.portrait import Who, _cut_out
from tandem.demo.scene.room import the_room

WIDTH, HEIGHT = 640, 480
AWAY = 600.0  # the camera, in the scene's pixels: about half a metre
EYES_APART = 66.0  # pixels in the scene: an adult's are about 63 mm apart
Field: TypeAlias = NDArray[np.float32]
Grain: TypeAlias = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How a head is held at one moment; angles in degrees, places in pixels."""

    yaw: float = 0.0  # positive: to the person's own left
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    lids: float = 0.0  # 1 is shut


@dataclass(frozen=True, slots=True)
class Head:
    """One person, cut out, with a shape in depth."""

    layer: Image  # blue, green, red, solid
    points: Field  # the 68 points
    depth: Field  # of every second place
    turning: Field  # how much each of them goes with the head: 0 for the shoulders
    front: float  # depth of the tip of the nose


@lru_cache(maxsize=10)
def head_of(which: Who, nose: float = 0.33) -> Head:
    """Cut a person out and give the flat picture a head's depth; the nose stands out by so many eye distances."""
    cut = _cut_out(which)
    eyes = _points(cut[..., :3].astype(np.uint8))
    scale = EYES_APART / float(np.hypot(*(eyes[42:48].mean(0) - eyes[36:42].mean(0))))
    middle = eyes[27:31].mean(0) * scale
    move = np.array([(scale, 0, WIDTH / 2 - middle[0]), (0, scale, HEIGHT * 0.42 - middle[1])], np.float32)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    layer = np.clip(cv2.warpAffine(cut, move, (WIDTH, HEIGHT), flags=method), 0, 255).astype(np.uint8)
    end = min(HEIGHT - 1, int(cut.shape[0] * scale + move[1, 2]) - 4)
    layer[end:] = layer[end]  # the shoulders go on to the edge of the picture
    points = (eyes * scale + move[:, 2]).astype(np.float32)
    depth = _depth(points, nose)
    return Head(layer, points, depth, _turning(points), float(depth.max()))


def _points(image: Image) -> Field:
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    box = max(face_recognition.face_locations(rgb, 1), key=lambda one: -one[0])
    [found] = face_recognition.api._raw_face_landmarks(rgb, [box])
    return np.array([(part.x, part.y) for part in found.parts()], np.float32)


def _depth(points: Field, nose: float) -> Field:
    """Shape a head: an ellipsoid, a nose that stands out, eye sockets."""
    x, y = _coarse()
    half = float(np.hypot(*(points[16] - points[0]))) / 2
    middle = (points[0] + points[16] + points[27] + points[33]) / 4
    round_ = 1 - ((x - middle[0]) / (half * 1.1)) ** 2 - ((y - middle[1]) / (half * 1.45)) ** 2
    depth = 1.05 * half * np.sqrt(np.maximum(round_, 0))
    apart = EYES_APART
    along = (y - points[27, 1]) / (points[30, 1] - points[27, 1])
    fall = (points[33, 1] + 2 - y) / (points[33, 1] + 2 - points[30, 1])
    rise = np.clip(np.minimum(0.25 + 0.75 * along, fall), 0, 1) * (along > -0.35)
    bridge = points[27, 0] + (points[30, 0] - points[27, 0]) * np.clip(along, 0, 1.4)
    wide = apart * (0.09 + 0.08 * np.clip(along, 0, 1))
    depth += nose * apart * rise * np.exp(-((x - bridge) ** 2) / (2 * wide**2))
    for eye in (points[36:42].mean(0), points[42:48].mean(0)):
        depth -= 0.07 * apart * np.exp(-((x - eye[0]) ** 2 + (y - eye[1]) ** 2) / (2 * (0.2 * apart) ** 2))
    return np.asarray(cv2.GaussianBlur(depth, (0, 0), 1.25), np.float32)


def _turning(points: Field) -> Field:
    chin = points[8, 1]
    rows = np.clip((chin + 1.1 * EYES_APART - _coarse()[1]) / EYES_APART, 0, 1)
    return np.asarray(rows * rows * (3 - 2 * rows), np.float32)


def _lids(head: Head, shut: float) -> Image:
    """Draw the upper lids over the eyes: the skin above is stretched, the eye is covered, lashes come down."""
    if shut <= 0:
        return head.layer
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    from_y, lashes = y.copy(), np.zeros_like(y)
    for eye, brow in ((slice(36, 42), slice(17, 22)), (slice(42, 48), slice(22, 27))):
        p, over = head.points[eye], float(head.points[brow, 1].mean())
        left, right = p[0, 0] - 3, p[3, 0] + 3
        upper = np.polyval(np.polyfit(p[:4, 0], p[:4, 1], 2), x) - 1.5
        lower = np.polyval(np.polyfit(p[[0, 5, 4, 3], 0], p[[0, 5, 4, 3], 1], 2), x) + 0.5
        edge = np.clip(np.minimum((x - left), (right - x)) / 4, 0, 1)
        lid = upper + shut * np.maximum(lower - upper, 0) * edge
        top = np.float32(over + 3)
        inside = (y > top) & (y < lid) & (edge > 0)
        # The thin band right above the eye becomes the lid; it must not show the brow.
        stretched = top + (y - top) * (upper - 1 - top) / np.maximum(lid - top, 1)
        from_y = np.where(inside, stretched, from_y)
        lashes = np.maximum(lashes, edge * np.exp(-((y - lid) ** 2) / 2.2) * min(1.0, shut * 2))
    layer = cv2.remap(head.layer, x, from_y.astype(np.float32), cv2.INTER_LINEAR)
    dark = layer[..., :3] * (1 - 0.65 * lashes[..., None])
    return np.dstack([np.clip(dark, 0, 255).astype(np.uint8), layer[..., 3]])


@lru_cache(maxsize=40)
def with_lids(which: Who, tenths: int) -> Image:
    """Give a person's layer with the eyes shut by so many tenths."""
    return _lids(head_of(which), tenths / 10)


@lru_cache(maxsize=1)
def _grid() -> tuple[Field, Field]:
    x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    return x, y


@lru_cache(maxsize=1)
def _coarse() -> tuple[Field, Field]:
    """Give every second place: movements are smooth, and a quarter of the work is enough."""
    x, y = np.meshgrid(np.arange(WIDTH // 2, dtype=np.float32), np.arange(HEIGHT // 2, dtype=np.float32))
    return x * 2 + 0.5, y * 2 + 0.5


def _seen_from(head: Head, moment: Moment) -> tuple[Field, Field]:
    """Say by how much each place of the layer moves when the head is held like this."""
    x, y = _coarse()
    pivot = (head.points[0] + head.points[16]) / 2
    yaw, pitch, roll = (float(np.radians(angle)) for angle in (moment.yaw, moment.pitch, moment.roll))
    sin, cos = np.sin([yaw, pitch, roll], dtype=np.float32), np.cos([yaw, pitch, roll], dtype=np.float32)
    dx, dy, z = x - pivot[0], y - pivot[1], head.depth
    turned, deep = dx * cos[0] + z * sin[0], z * cos[0] - dx * sin[0]
    nodded, deep = dy * cos[1] - deep * sin[1], deep * cos[1] + dy * sin[1]
    near = (AWAY - head.front) / (AWAY - deep)  # nearer is larger
    turned, nodded = turned * near, nodded * near
    turned, nodded = turned * cos[2] - nodded * sin[2], turned * sin[2] + nodded * cos[2]
    still = (AWAY - head.front) / AWAY
    off_x = (turned - dx) * head.turning + dx * (still - 1) * (1 - head.turning)
    off_y = (nodded - dy) * head.turning + dy * (still - 1) * (1 - head.turning)
    return off_x.astype(np.float32), off_y.astype(np.float32)


def _inverse(off_x: Field, off_y: Field, steps: int = 8) -> tuple[Field, Field]:
    """Say where each pixel of the picture comes from, by walking back until it fits."""
    x, y = _coarse()
    both = np.dstack([off_x, off_y])
    place = np.dstack([x, y])
    back = place - both
    for _ in range(steps):
        at = (back - 0.5) / 2
        now = cv2.remap(both, *_ways(at), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        back = 0.4 * back + 0.6 * (place - now)
    return _ways(cv2.resize(back, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR))


def _ways(places: NDArray[Any]) -> tuple[Field, Field]:
    return np.ascontiguousarray(places[..., 0], np.float32), np.ascontiguousarray(places[..., 1], np.float32)


def person(which: Who, moment: Moment, *, nose: float = 0.33) -> Image:
    """Draw a person's layer at one moment."""
    head = head_of(which, nose)
    from_x, from_y = _inverse(*_seen_from(head, moment))
    layer = cv2.remap(
        with_lids(which, round(moment.lids * 10)), from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    middle = (WIDTH / 2, HEIGHT * 0.42)
    place = cv2.getRotationMatrix2D(middle, 0, moment.scale)
    place = np.asarray(place, np.float64) + np.array([(0, 0, moment.x), (0, 0, moment.y)])
    return np.asarray(cv2.warpAffine(layer, place, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.uint8)


@lru_cache(maxsize=1)
def room() -> Image:
    small = cv2.resize(the_room(), (854, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.clip(small[:, 107:747], 0, 255).astype(np.uint8))


def over(layer: Image, ground: Image) -> Image:
    """Lay a layer over a picture."""
    left, top, width, height = cv2.boundingRect(layer[..., 3])
    there = np.s_[top : top + height, left : left + width]
    solid, laid = cv2.merge([layer[there][..., 3]] * 3), ground.copy()
    front = cv2.multiply(np.ascontiguousarray(layer[there][..., :3]), solid, scale=1 / 255)
    laid[there] = cv2.add(front, cv2.multiply(ground[there], cv2.bitwise_not(solid), scale=1 / 255))
    return laid


def flat(sheet: Image, moment: Moment) -> Image:
    """Draw a flat sheet, which fills its layer, as it is held: turned in space, not in itself."""
    yaw, pitch, roll = (np.radians(angle) for angle in (moment.yaw, moment.pitch, moment.roll))
    middle = np.array([WIDTH / 2, HEIGHT * 0.42])
    corners = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float64)
    x, y = (corners - middle).T
    across, deep = x * np.cos(yaw), -x * np.sin(yaw)
    down, deep = y * np.cos(pitch) - deep * np.sin(pitch), deep * np.cos(pitch) + y * np.sin(pitch)
    near = moment.scale * AWAY / np.maximum(AWAY - deep, 60)
    across, down = across * near, down * near
    x, y = across * np.cos(roll) - down * np.sin(roll), across * np.sin(roll) + down * np.cos(roll)
    placed = np.column_stack([x, y]) + middle + (moment.x, moment.y)
    move = cv2.getPerspectiveTransform(corners.astype(np.float32), placed.astype(np.float32))
    return np.asarray(cv2.warpPerspective(sheet, move, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.uint8)


def bent(sheet: Image, moment: Moment, *, radius: float, axis: float, beside: float) -> Image:
    """Draw a sheet bent around a cylinder (place of its axis in pixels, slope in degrees) and turned about it."""
    x, y = _coarse()
    slope, yaw = float(np.radians(axis)), float(np.radians(moment.yaw))
    dx, dy = (x - WIDTH / 2 - moment.x) / moment.scale, (y - HEIGHT * 0.42 - moment.y) / moment.scale
    across, along = dx * math.cos(slope) + dy * math.sin(slope), dy * math.cos(slope) - dx * math.sin(slope)
    sine = (across - beside + radius * math.sin(yaw)) / radius
    angle = np.arcsin(np.clip(sine, -0.98, 0.98))
    # What is bent away from the camera is smaller.
    along *= (AWAY + radius * (1 - np.cos(angle))) / AWAY
    across = radius * (angle - yaw) + beside
    across[np.abs(sine) > 0.98] = 9999  # beyond the edge of what is seen
    from_x = across * math.cos(slope) - along * math.sin(slope) + WIDTH / 2
    from_y = across * math.sin(slope) + along * math.cos(slope) + HEIGHT * 0.42
    full = cv2.resize(np.dstack([from_x, from_y]).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.remap(sheet, *_ways(full), cv2.INTER_LINEAR), np.uint8)


def sheet_of(picture: Image, *, rim: int, colour: int) -> Image:
    """Print a picture (its part around the face), with a rim of white paper or of a black frame."""
    solid = np.zeros((HEIGHT, WIDTH), np.uint8)
    sheet = picture.copy()
    left, right, top, bottom = WIDTH // 2 - 125, WIDTH // 2 + 125, 30, 400
    solid[top - rim : bottom + rim, left - rim : right + rim] = 255
    outside = solid.copy()
    outside[top:bottom, left:right] = 0
    sheet[outside > 0] = colour
    return np.dstack([sheet, solid])


def taken(image: Image, grain: Grain, *, light: float) -> Image:
    """Give a picture what a small camera adds: its exposure, a soft lens and noise."""
    soft = cv2.GaussianBlur(cv2.convertScaleAbs(image, alpha=light), (3, 3), 0.6)
    return np.asarray(cv2.add(soft, grain, dtype=cv2.CV_8U), np.uint8)


def grains(chance: np.random.Generator, noise: float) -> Iterator[Grain]:
    """Yield the noise of one camera, frame by frame: windows of one large field, which is quicker than a new one."""
    cv2.setRNGSeed(int(chance.integers(1 << 31)))
    field = cv2.randn(np.zeros((HEIGHT + 90, WIDTH + 90, 3), np.int16), np.zeros(3), np.full(3, noise))
    while True:
        y, x = chance.integers(0, 90, 2)
        yield np.asarray(field[y : y + HEIGHT, x : x + WIDTH], np.int16)
