"""The pictures of the sample day, drawn as the camera at the door of a training room would take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from itertools import pairwise
from typing import Literal, TypeAlias

import cv2
import numpy as np
import qrcode
from numpy.typing import NDArray

from kiosk.source import Image, read_picture

Who: TypeAlias = Literal["astronaut", "hopper"]
Canvas: TypeAlias = NDArray[np.float32]  # blue-green-red, 0 to 255
Mask: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = tuple[float, float, float]  # blue, green, red
Point: TypeAlias = tuple[float, float]

WIDTH, HEIGHT = 1280, 720
CARD_WIDTH, CARD_HEIGHT = 600, 840
CODE_SIDE = 500
FINE = 4  # binary digits behind the point when drawing, for smooth edges

INK = (52.0, 42.0, 34.0)
SKIN = (150.0, 158.0, 172.0)
HAIR = ((58.0, 54.0, 54.0), (72.0, 76.0, 88.0), (96.0, 104.0, 118.0), (48.0, 50.0, 62.0))
CLOTHES = (
    (122.0, 92.0, 62.0),
    (108.0, 112.0, 66.0),
    (84.0, 76.0, 112.0),
    (92.0, 110.0, 120.0),
    (70.0, 70.0, 76.0),
    (132.0, 120.0, 96.0),
)
BANDS = ((136.0, 92.0, 34.0), (112.0, 118.0, 24.0), (66.0, 82.0, 182.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """Where a public-domain picture lies in its wheel, and how its person is cut out."""

    package: str
    path: str
    rows: int  # what lies below is left out: dlib sees a second face on the astronaut's suit
    scale: float
    centre: int  # the column of the face
    perhaps: tuple[tuple[int, int], ...]  # the person lies within this outline
    surely: tuple[tuple[int, int], ...]  # and all of this is the person


PORTRAITS: dict[Who, Portrait] = {
    "astronaut": Portrait(
        package="skimage",
        path="data/astronaut.png",
        rows=334,
        scale=1.8,
        centre=225,
        perhaps=(
            (150, 5), (305, 5), (315, 130), (300, 180), (320, 240), (365, 290), (375, 511), (10, 511), (20, 300),
            (60, 225), (105, 200), (110, 150), (140, 120),
        ),
        surely=(
            (180, 30), (270, 30), (285, 100), (255, 165), (250, 190), (290, 230), (290, 280), (340, 320), (345, 500),
            (30, 500), (50, 300), (100, 240), (130, 180), (185, 165), (170, 100),
        ),
    ),
    "hopper": Portrait(
        package="matplotlib",
        path="mpl-data/sample_data/grace_hopper.jpg",
        rows=432,
        scale=1.42,
        centre=262,
        perhaps=(
            (160, 74), (184, 64), (203, 38), (228, 23), (305, 22), (335, 50), (358, 85), (376, 105), (382, 180),
            (362, 280), (345, 303), (331, 306), (331, 312), (340, 323), (360, 340), (400, 356), (440, 370), (470, 381),
            (488, 389), (496, 402), (511, 450), (511, 599), (10, 599), (30, 400), (60, 370), (202, 312), (198, 296),
            (170, 285), (156, 260), (151, 170), (150, 100),
        ),
        surely=(
            (190, 66), (225, 30), (290, 30), (345, 100), (360, 120), (360, 200), (345, 260), (326, 305), (329, 322),
            (345, 336), (400, 366), (470, 392), (490, 412), (500, 450), (511, 590), (25, 590), (50, 400), (200, 325),
            (190, 260), (165, 200), (165, 110),
        ),
    ),
}  # fmt: skip


def badge_frame(text: str, *, seed: int, name_hint: str = "") -> Image:
    """Draw somebody who holds up a badge with this text as its code."""
    chance = np.random.default_rng(seed)
    side = float(chance.choice([-1, 1]))
    canvas = _room().copy()
    x = WIDTH / 2 - side * chance.uniform(90, 150)
    figure = _a_figure(chance)
    _person(canvas, x, figure)
    _held_badge(canvas, text, name_hint, figure, (x + side * chance.uniform(245, 280), 432), side, chance)
    return _taken(canvas, chance)


def two_badges_frame(texts: Sequence[str], seed: int) -> Image:
    """Draw somebody who holds up a badge in each hand."""
    left, right = texts
    chance = np.random.default_rng(seed)
    canvas = _room().copy()
    x = WIDTH / 2 + chance.uniform(-40, 40)
    figure = _a_figure(chance)
    _person(canvas, x, figure)
    for text, side in ((left, -1.0), (right, 1.0)):
        _held_badge(canvas, text, "", figure, (x + side * chance.uniform(262, 290), 432), side, chance)
    return _taken(canvas, chance)


def face_frame(which: Who, *, seed: int, silhouette: bool = False) -> Image:
    """Show one of the two public-domain people at the door, or somebody faceless in their place."""
    chance = np.random.default_rng(seed)
    canvas = _room().copy()
    x = WIDTH / 2 + chance.uniform(-70, 70)
    if silhouette:
        order = sorted(PORTRAITS).index(which)
        _person(canvas, x, Figure(clothes=CLOTHES[order], hair=HAIR[1 + order], style=STYLES[order]))
    else:
        _portrait(canvas, which, x, chance)
    return _taken(canvas, chance)


def empty_frame(seed: int) -> Image:
    """Show the room with nobody in it."""
    return _taken(_room().copy(), np.random.default_rng(seed))


# The camera


def _taken(canvas: Canvas, chance: np.random.Generator) -> Image:
    """Give the scene what a small camera adds: a lens's softness and shade, an exposure, noise."""
    soft = cv2.GaussianBlur(canvas, (0, 0), chance.uniform(0.45, 0.8))
    exposure = chance.uniform(1.04, 1.2)
    tint = np.array([chance.uniform(0.97, 1.03), 1.0, chance.uniform(0.97, 1.03)])
    light = cv2.merge([_vignette() * float(gain) for gain in exposure * tint])
    lit = cv2.add(cv2.multiply(soft, light), cv2.cvtColor(_grain(chance), cv2.COLOR_GRAY2BGR))
    return np.clip(lit, 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _vignette() -> Canvas:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return np.asarray(1 - 0.13 * (x**2 + y**2), np.float32)


def _grain(chance: np.random.Generator) -> Canvas:
    noise = chance.standard_normal((HEIGHT, WIDTH), np.float32) * np.float32(chance.uniform(2.0, 4.5))
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.5), np.float32)


# The room


@lru_cache(maxsize=1)
def _room() -> Canvas:
    """Draw the room, out of focus: the camera does not move, so that it is the same in every picture."""
    room = _wall()
    _window(room)
    _slats(room)
    _doorway(room)
    room = _blurred(room, 7)
    _plant(room)
    _lamps(room)
    return _blurred(room, 4)


def _wall() -> Canvas:
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    glow = np.exp(-(((x - 0.2) / 0.6) ** 2) - ((y - 0.3) / 0.8) ** 2)[..., None]
    wall = np.array((168.0, 178.0, 184.0)) * (0.74 + 0.42 * glow)
    floor = np.array((92.0, 108.0, 126.0)) * (0.75 + 0.4 * glow)
    return np.asarray(np.where((y > 0.86)[..., None], floor, wall), np.float32)


def _window(room: Canvas) -> None:
    _flat(room, _polygon([(-20, 40), (330, 74), (330, 548), (-20, 590)]), (236, 232, 222))
    _flat(room, _polygon([(-20, 330), (330, 320), (330, 548), (-20, 590)]), (206, 214, 206), 0.8)
    for top, bottom in ((380, 552), (430, 560)):
        hills = [(-20, top), (120, top - 40), (230, top + 10), (330, top - 20), (330, bottom), (-20, 590)]
        _flat(room, _polygon(hills), (150, 176, 160), 0.45)
    for x in (100, 222, 330):
        _flat(room, _polygon([(x - 7, 30), (x + 7, 32), (x + 7, 575), (x - 7, 578)]), (104, 110, 116))
    _flat(room, _polygon([(-20, 548), (345, 530), (345, 556), (-20, 600)]), (176, 184, 190))


def _slats(room: Canvas) -> None:
    for x in range(470, 800, 22):
        _flat(room, _polygon([(x, 0), (x + 13, 0), (x + 13, 620), (x, 620)]), (112, 142, 170), 0.55)
    _flat(room, _polygon([(548, 150), (728, 150), (728, 300), (548, 300)]), (196, 202, 206))
    _flat(room, _polygon([(566, 168), (710, 168), (710, 282), (566, 282)]), (150, 128, 92), 0.7)


def _doorway(room: Canvas) -> None:
    _flat(room, _polygon([(930, 60), (1180, 40), (1180, 690), (930, 650)]), (84, 92, 100))
    _flat(room, _polygon([(950, 80), (1160, 62), (1160, 676), (950, 640)]), (150, 172, 190))
    _flat(room, _polygon([(950, 470), (1160, 500), (1160, 676), (950, 640)]), (96, 116, 136))
    _flat(room, _polygon([(1010, 130), (1060, 126), (1060, 480), (1010, 470)]), (196, 216, 228), 0.7)
    _flat(room, _polygon([(1160, 62), (1300, 20), (1300, 730), (1160, 676)]), (118, 128, 140), 0.85)


def _plant(room: Canvas) -> None:
    _flat(room, _polygon([(364, 560), (448, 560), (436, 668), (376, 668)]), (150, 158, 166))
    for turn in np.linspace(-1.15, 1.15, 11):
        tip = (406 + 120 * np.sin(turn), 560 - 210 * np.cos(turn) * (0.8 + 0.2 * np.cos(7 * turn)))
        shade = (66 + 16 * np.cos(5 * turn), 112 + 24 * np.sin(3 * turn), 74.0)
        _flat(room, _capsule([((406, 566), 7), (((406 + tip[0]) / 2, (566 + tip[1]) / 2), 15), (tip, 3)]), shade, 0.9)


def _lamps(room: Canvas) -> None:
    for x, y in ((400, 62), (640, 44), (880, 62)):
        _flat(room, _polygon([(x - 1, 0), (x + 1, 0), (x + 1, y - 26), (x - 1, y - 26)]), (70, 74, 80))
        _flat(room, _ellipse((x, y), (34, 28)), (200, 226, 244), 0.95)


def _blurred(canvas: Canvas, sigma: float) -> Canvas:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


# The person


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one faceless person looks like."""

    clothes: Colour
    hair: Colour
    style: Literal["short", "bob", "bun"]


STYLES: tuple[Literal["bob"], Literal["short"], Literal["bun"]] = ("bob", "short", "bun")


def _a_figure(chance: np.random.Generator) -> Figure:
    return Figure(
        clothes=CLOTHES[chance.integers(len(CLOTHES))],
        hair=HAIR[chance.integers(len(HAIR))],
        style=STYLES[chance.integers(len(STYLES))],
    )


def _person(canvas: Canvas, x: float, figure: Figure) -> None:
    _shadow(canvas, _torso(x) | _ellipse((x, 230), (100, 124)), (26, 12), 0.16)
    if figure.style != "short":
        _round(canvas, _back_hair(x, figure), figure.hair, 26)
    _pullover(canvas, x, figure)
    _round(canvas, _capsule([((x, 300), 53), ((x, 352), 57)]), _darker(SKIN, 0.84), 22)
    _round(canvas, _ellipse((x, 232), (84, 112)), SKIN, 34)
    _round(canvas, _front_hair(x, figure), figure.hair, 22)


def _torso(x: float) -> Mask:
    right = [(62, 374), (104, 398), (176, 424), (232, 462), (262, 530), (282, 640), (292, 760)]
    return _polygon(_smooth([(x - dx, y) for dx, y in reversed(right)] + [(x + dx, y) for dx, y in right]))


def _pullover(canvas: Canvas, x: float, figure: Figure) -> None:
    _round(canvas, _torso(x), figure.clothes, 40)
    for side in (-1, 1):  # the fold between arm and chest
        fold = [((x + side * 196, 560), 2.0), ((x + side * 204, 650), 5.0), ((x + side * 206, 770), 7.0)]
        _shadow(canvas, _capsule(fold), (0, 0), 0.34, 6)
    _round(canvas, _ellipse((x, 366), (60, 46)), _darker(SKIN, 0.84), 22)
    neckline = _smooth([(x - 61, 362), (x - 46, 398), (x, 414), (x + 46, 398), (x + 61, 362)])
    thick = 3 + 8 * np.sin(np.linspace(0, np.pi, len(neckline))) ** 0.5
    _round(canvas, _capsule(list(zip(neckline, thick, strict=True))), _darker(figure.clothes, 1.1), 8)


def _back_hair(x: float, figure: Figure) -> Mask:
    if figure.style == "bun":
        return _ellipse((x, 108), (44, 38))
    return _polygon(_smooth(
        [(x - 104, 240), (x - 84, 142), (x, 104), (x + 84, 142), (x + 104, 240), (x + 110, 346), (x + 62, 366),
         (x - 62, 366), (x - 110, 346)], closed=True))  # fmt: skip


def _front_hair(x: float, figure: Figure) -> Mask:
    deep = 222 if figure.style == "short" else 250
    return _polygon(_smooth(
        [(x - 90, deep), (x - 94, 178), (x - 62, 122), (x, 106), (x + 62, 122), (x + 94, 178), (x + 90, deep),
         (x + 74, 206), (x + 46, 170), (x - 10, 176), (x - 56, 166), (x - 76, 206)], closed=True))  # fmt: skip


# The badge


def _held_badge(
    canvas: Canvas, text: str, name: str, figure: Figure, at: Point, side: float, chance: np.random.Generator
) -> None:
    corners = _corners(at, chance)
    x, y = (float(middle) for middle in np.mean(corners[2:], axis=0))
    hand = (x + side * 24, y - 2)
    elbow = (hand[0] + side * 70, HEIGHT + 120.0)
    _round(canvas, _capsule([(hand, 42), ((hand[0] + side * 8, hand[1] + 44), 46), (elbow, 60)]), SKIN, 20)
    cuff = (hand[0] + side * 22, hand[1] + 84)
    _round(canvas, _capsule([(cuff, 64), (elbow, 96)]), figure.clothes, 26)
    _lay(canvas, _card(text, name, BANDS[chance.integers(len(BANDS))]), corners)
    thumb = [((hand[0] + side * 30, hand[1] + 26), 25), ((hand[0] + side * 6, hand[1] - 6), 21),
             ((hand[0] - side * 12, hand[1] - 30), 16)]  # fmt: skip
    _shadow(canvas, _capsule(thumb), (4, 7), 0.30, 5)
    _round(canvas, _capsule(thumb), _darker(SKIN, 1.04), 11)


def _corners(at: Point, chance: np.random.Generator) -> NDArray[np.float32]:
    """Place a card in space: turned, leaning and nearer at one side, as a hand holds it."""
    scale = chance.uniform(0.54, 0.60)
    turn = np.deg2rad(chance.uniform(-9, 9))
    flat = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (CARD_WIDTH * scale / 2, CARD_HEIGHT * scale / 2)
    turned = flat @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    depth = 1 + turned @ (chance.uniform(-0.32, 0.32, 2) / 1000)
    return np.asarray(turned / depth[:, None] + at, np.float32)


def _card(text: str, name: str, band: Colour) -> Canvas:
    """Draw a badge straight from the front: blue, green, red and how solid it is."""
    card = np.full((CARD_HEIGHT, CARD_WIDTH, 3), 250, np.uint8)
    card[:118] = band
    cv2.ellipse(card, (300, 34), (46, 11), 0, 0, 360, (214, 218, 220), -1, cv2.LINE_AA)
    _write(card, "TANDEM", (300, 98), (255, 255, 255), 44)
    left, top = (CARD_WIDTH - CODE_SIDE) // 2, 132
    card[top : top + CODE_SIDE, left : left + CODE_SIDE] = _code(text)[..., None]
    _write(card, name, (300, 690), INK, 46)
    cv2.line(card, (210, 716), (390, 716), band, 4, cv2.LINE_AA)
    solid = _rounded(CARD_WIDTH, CARD_HEIGHT, 34)
    shine = np.linspace(1.0, 0.9, CARD_HEIGHT)[:, None] * np.linspace(1.0, 0.95, CARD_WIDTH)[None, :]
    return np.dstack([card * shine[..., None], solid]).astype(np.float32)


def _code(text: str) -> Mask:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=3)
    code.add_data(text)
    code.make()
    modules = np.where(np.array(code.get_matrix()), 28, 250).astype(np.uint8)
    large = np.kron(modules, np.ones((16, 16), np.uint8))
    return np.asarray(cv2.resize(large, (CODE_SIDE, CODE_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _write(card: Image, text: str, middle: tuple[int, int], colour: Colour, size: int) -> None:
    if not text:
        return
    font = cv2.FontFace("uni")  # the one built-in font that has Chinese
    x, _, width, _ = cv2.getTextSize((CARD_WIDTH, CARD_HEIGHT), text, (0, 0), font, size)
    cv2.putText(card, text, (middle[0] - x - width // 2, middle[1]), colour, font, size)


def _rounded(width: int, height: int, radius: int) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask


def _lay(canvas: Canvas, card: Canvas, corners: NDArray[np.float32]) -> None:
    """Lay a card into the scene, computed at twice the size so that its code keeps clean edges."""
    x, y, width, height = cv2.boundingRect(corners)
    outline = np.array([(0, 0), (CARD_WIDTH, 0), (CARD_WIDTH, CARD_HEIGHT), (0, CARD_HEIGHT)], np.float32)
    to_scene = cv2.getPerspectiveTransform(outline, ((corners - (x, y)) * 2).astype(np.float32))
    large = cv2.warpPerspective(card, to_scene, (width * 2, height * 2), flags=cv2.INTER_LINEAR)
    laid = np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(corners * 2**FINE).astype(np.int32), 255, cv2.LINE_AA, FINE)
    _shadow(canvas, mask, (16, 20), 0.34)
    top, left = max(0, -y), max(0, -x)
    there = canvas[y + top : y + height, x + left : x + width]
    laid = laid[top : top + there.shape[0], left : left + there.shape[1]]
    there += (laid[..., :3] - there) * (laid[..., 3:] / 255)


# The two faces


def _portrait(canvas: Canvas, which: Who, x: float, chance: np.random.Generator) -> None:
    portrait = PORTRAITS[which]
    person = _cut_out(which)
    scale = portrait.scale * chance.uniform(0.95, 1.05)
    large = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    down = HEIGHT - large.shape[0] + chance.uniform(0, 14)
    move = np.array([(1, 0, x - portrait.centre * scale), (0, 1, down)], np.float32)
    placed = np.asarray(cv2.warpAffine(large, move, (WIDTH, HEIGHT)), np.float32)
    mask = np.clip(placed[..., 3], 0, 255)
    _shadow(canvas, mask.astype(np.uint8), (26, 12), 0.16)
    canvas += (placed[..., :3] * np.float32(chance.uniform(0.78, 0.95)) - canvas) * (mask[..., None] / 255)


@lru_cache(maxsize=2)
def _cut_out(which: Who) -> Canvas:
    """Cut the person out of the picture that lies in the wheel: blue, green, red and how solid it is."""
    portrait = PORTRAITS[which]
    with as_file(files(portrait.package) / portrait.path) as path:
        picture = read_picture(path)
    mask = np.full(picture.shape[:2], cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(portrait.perhaps)], cv2.GC_PR_FGD)
    cv2.fillPoly(mask, [np.array(portrait.surely)], cv2.GC_FGD)
    cv2.setRNGSeed(1)  # the cut starts from a clustering that draws lots
    cv2.grabCut(picture, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    solid = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.float32)
    edge = cv2.GaussianBlur(cv2.erode(solid, np.ones((3, 3))), (0, 0), 1.1)
    return np.dstack([picture.astype(np.float32), edge])[: portrait.rows].astype(np.float32)


# Drawing


def _polygon(points: Sequence[Point]) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.array(points) * 2**FINE).astype(np.int32)], 255, cv2.LINE_AA, FINE)
    return mask


def _ellipse(middle: Point, radii: Point) -> Mask:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    points = np.column_stack([middle[0] + radii[0] * np.cos(turn), middle[1] + radii[1] * np.sin(turn)])
    return _polygon([(float(x), float(y)) for x, y in points])


def _capsule(joints: Sequence[tuple[Point, float]]) -> Mask:
    """Draw a limb: discs of changing size along a line."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for (start, first), (end, last) in pairwise(joints):
        for part in np.linspace(0, 1, 2 + int(np.hypot(end[0] - start[0], end[1] - start[1]) / 4)):
            x, y = np.array(start) * (1 - part) + np.array(end) * part
            radius = round((first * (1 - part) + last * part) * 2**FINE)
            cv2.circle(mask, (round(x * 2**FINE), round(y * 2**FINE)), radius, 255, -1, cv2.LINE_AA, FINE)
    return mask


def _smooth(points: Sequence[Point], *, closed: bool = False) -> list[Point]:
    """Bend a line of points into a Catmull-Rom curve through all of them."""
    ring = [points[-1], *points, points[0], points[1]] if closed else [points[0], *points, points[-1]]
    p = np.array(ring, np.float64)
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    curve = [
        ((2 * b) + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return [(float(x), float(y)) for x, y in np.concatenate([*curve, p[-2:-1]])]


def _flat(canvas: Canvas, mask: Mask, colour: Colour, strength: float = 1.0) -> None:
    canvas += (np.array(colour, np.float32) - canvas) * (mask[..., None] * np.float32(strength / 255))


def _round(canvas: Canvas, mask: Mask, colour: Colour, depth: float) -> None:
    """Paint a shape as if it were round, lit by the window at the left."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width or not height:
        return
    solid = mask[y : y + height, x : x + width] * np.float32(1 / 255)
    there = canvas[y : y + height, x : x + width]
    light = 1 + _relief(solid, depth) + np.linspace(0.07, -0.10, height, dtype=np.float32)[:, None]
    there += (light[..., None] * np.array(colour, np.float32) - there) * solid[..., None]


def _relief(solid: Canvas, depth: float) -> Canvas:
    """Take a shape for a cushion and say how much light each point turns towards or away from."""
    # A wide blur needs no fine picture. The rim is repeated because a body goes on below the frame.
    framed = cv2.copyMakeBorder(solid, 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    small = cv2.resize(framed, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cushion = cv2.GaussianBlur(small, (0, 0), depth / 2, borderType=cv2.BORDER_REPLICATE)
    slope = 0.8 * cv2.Sobel(cushion, cv2.CV_32F, 1, 0) + 0.6 * cv2.Sobel(cushion, cv2.CV_32F, 0, 1)
    wide = cv2.resize(slope, (solid.shape[1] + 16, solid.shape[0] + 16), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(wide[8:-8, 8:-8] * np.float32(depth * 0.11), -0.42, 0.34), np.float32)


def _shadow(canvas: Canvas, mask: Mask, offset: tuple[int, int], strength: float, soft: float = 20) -> None:
    small = cv2.resize(mask, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32)
    moved = cv2.warpAffine(small, np.array([(1, 0, offset[0] / 4), (0, 1, offset[1] / 4)]), (WIDTH // 4, HEIGHT // 4))
    shade = cv2.resize(cv2.GaussianBlur(moved, (0, 0), soft / 4), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    canvas *= 1 - shade[..., None] * np.float32(strength / 255)


def _darker(colour: Colour, gain: float) -> Colour:
    return (colour[0] * gain, colour[1] * gain, colour[2] * gain)
