"""Frames with real signed badges in them, one condition at a time, the same for the same seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import cv2
import numpy as np
import qrcode
from nacl.signing import SigningKey
from numpy.typing import NDArray

from kiosk.picture import Image
from protocol import badge
from protocol.badge import Badge
from tests.kiosk.code_rooms import HEIGHT, WIDTH, Canvas, Chance, a_room

SEED = 20_260_302
KEY = SigningKey(b"\3" * 32)
CARD_WIDTH, CARD_HEIGHT = 640, 900
MODULE = 12
"""Pixels of a module on the card before the camera sees it."""
CODE_TOP = 160
CODE_MIDDLE = (CARD_WIDTH / 2, CODE_TOP + 49 * MODULE / 2)
CAMERA_AWAY = 1500
"""How far the camera stands away, in pixels of the frame."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A frame, and what there is to read in it."""

    image: Image
    badges: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How a badge is held before the camera; lengths are in pixels of the frame, angles in degrees."""

    module: float
    middle: tuple[float, float]
    """Of the code."""
    turn: float
    tilt: float
    tilt_towards: float
    ink: float
    paper: float
    bend: float
    """How far the edges of the card turn away, as a share of a right angle."""


def scene(condition: str, number: int) -> Scene:
    """Draw one frame of a condition."""
    chance = np.random.default_rng((SEED, list(CONDITIONS).index(condition), number))
    return CONDITIONS[condition](chance)


def _far(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(1.2, 2.2)))


def _near(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(9, 12.5)))


def _turned(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(2.2, 5), turn=(12, 348)))


def _tilted(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(3, 6), tilt=(40, 68)))


def _out_of_focus(chance: Chance) -> Scene:
    held = _held(chance, module=(2.5, 6))
    return _taken(chance, held, blur=_round(held.module * chance.uniform(0.5, 1.2)))


def _moving(chance: Chance) -> Scene:
    held = _held(chance, module=(2.5, 6))
    return _taken(chance, held, blur=_streak(held.module * chance.uniform(0.8, 2.6), chance.uniform(0, 180)))


def _noisy(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(2.2, 5)), noise=chance.uniform(25, 75))


def _dark(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(2.2, 6)), light=chance.uniform(0.02, 0.12), noise=chance.uniform(1, 3))


def _glare(chance: Chance) -> Scene:
    held = _held(chance, module=(3, 6))
    return _taken(chance, held, added=255 * _shine(held, chance))


def _mirroring(chance: Chance) -> Scene:
    """Let the sleeve of the badge, or a phone's glass, mirror the room."""
    share = chance.uniform(0.3, 0.7)
    return _taken(chance, _held(chance, module=(2.5, 6)), light=1 - share, added=a_room(chance) * np.float32(share))


def _curved(chance: Chance) -> Scene:
    return _taken(chance, _held(chance, module=(3, 6), bend=chance.uniform(0.35, 0.85)))


def _faint(chance: Chance) -> Scene:
    paper = chance.uniform(60, 235)
    held = _held(chance, module=(2.5, 6))
    return _taken(chance, replace(held, paper=paper, ink=paper - chance.uniform(7, 30)), noise=chance.uniform(1, 4))


def _inverted(chance: Chance) -> Scene:
    held = _held(chance, module=(1.8, 5))
    return _taken(chance, replace(held, ink=held.paper, paper=held.ink), noise=chance.uniform(2, 12))


def _shadowed(chance: Chance) -> Scene:
    held = _held(chance, module=(2, 5))
    return _taken(chance, held, light=_shadow(held, chance))


def _two(chance: Chance) -> Scene:
    sides = [replace(_held(chance, module=(1.3, 4)), middle=(x, chance.uniform(300, 420))) for x in (330.0, 950.0)]
    return _taken(chance, *sides)


def _empty(chance: Chance) -> Scene:
    return _taken(chance)


CONDITIONS: Mapping[str, Callable[[Chance], Scene]] = {
    "far": _far,
    "near": _near,
    "turned": _turned,
    "tilted": _tilted,
    "out of focus": _out_of_focus,
    "moving": _moving,
    "noisy": _noisy,
    "dark": _dark,
    "glare": _glare,
    "mirroring": _mirroring,
    "curved": _curved,
    "faint": _faint,
    "inverted": _inverted,
    "shadowed": _shadowed,
    "two": _two,
    "empty": _empty,
}


def _held(
    chance: Chance, *, module: tuple[float, float], turn: tuple[float, float] = (-12, 12),
    tilt: tuple[float, float] = (0, 20), bend: float = 0,
) -> Held:  # fmt: skip
    """Hold a badge somewhere, so that its whole code is in the picture however it is turned."""
    size = chance.uniform(*module)
    reach = size * 41 / 2 * (1.2 if turn[1] <= 12 else 1.45)
    across, down = max(0.0, WIDTH / 2 - reach), max(0.0, HEIGHT / 2 - reach)
    return Held(
        module=size, middle=(WIDTH / 2 + chance.uniform(-across, across), HEIGHT / 2 + chance.uniform(-down, down)),
        turn=chance.uniform(*turn), tilt=chance.uniform(*tilt), tilt_towards=chance.uniform(0, 360),
        ink=chance.uniform(10, 50), paper=chance.uniform(190, 245), bend=bend,
    )  # fmt: skip


def _taken(
    chance: Chance,
    *badges: Held,
    light: float | Canvas = 1.0,
    added: Canvas | None = None,
    blur: NDArray[np.float32] | None = None,
    noise: float = 2.5,
) -> Scene:
    """Take the frame as a web camera does: its light, a lens, noise, and JPEG."""
    canvas, texts = a_room(chance), list[str]()
    for held in badges:
        texts.append(_badge(chance))
        _lay(canvas, _card(texts[-1], held), _corners(held))
    canvas = np.clip(canvas * np.float32(light) + (0 if added is None else added), 0, 255).astype(np.float32)
    if blur is not None:
        canvas = np.asarray(cv2.filter2D(canvas, -1, blur, borderType=cv2.BORDER_REPLICATE), np.float32)
    soft = cv2.GaussianBlur(canvas, (0, 0), chance.uniform(0.4, 0.7))
    seen = soft + chance.standard_normal((HEIGHT, WIDTH, 1), np.float32) * np.float32(noise)
    quality = (cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(75, 95)))
    _, packed = cv2.imencode(".jpg", np.clip(seen, 0, 255).astype(np.uint8), quality)
    return Scene(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8), frozenset(texts))


def _badge(chance: Chance) -> str:
    issued = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return badge.issue(Badge(id=UUID(bytes=chance.bytes(16)), key_id=1, issued_at=issued), KEY)


def _card(text: str, held: Held) -> Canvas:
    """Draw a badge straight from the front: blue, green, red and how solid it is."""
    card = np.full((CARD_HEIGHT, CARD_WIDTH), held.paper, np.uint8)
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make()
    modules = np.where(np.array(code.get_matrix()), held.ink, held.paper).astype(np.uint8)
    large = np.kron(modules, np.ones((MODULE, MODULE), np.uint8))
    left, top = (CARD_WIDTH - large.shape[1]) // 2, CODE_TOP
    card[top : top + large.shape[0], left : left + large.shape[1]] = large
    for words, y, size in (("TANDEM", 110, 3.0), ("Ann Li", 830, 2.4)):
        cv2.putText(card, words, (120, y), cv2.FONT_HERSHEY_DUPLEX, size, held.ink, 6, cv2.LINE_AA)
    solid = np.full_like(card, 255)
    return _bent(np.dstack([card, card, card, solid]).astype(np.float32), held.bend)


def _bent(card: Canvas, bend: float) -> Canvas:
    """Bend a card around an upright axis, as a sleeve on a chest or a cup does."""
    if not bend:
        return card
    # Seen from the front, a point at the angle `a` on the cylinder stands at sin(a).
    edge = bend * np.pi / 2
    y, x = np.mgrid[0:CARD_HEIGHT, 0:CARD_WIDTH].astype(np.float32)
    angle = np.arcsin(np.sin(edge) * (2 * x / (CARD_WIDTH - 1) - 1))
    bent = cv2.remap(card, ((angle / edge + 1) / 2 * (CARD_WIDTH - 1)).astype(np.float32), y, cv2.INTER_LINEAR)
    bent[..., :3] *= (0.5 + 0.5 * np.cos(angle)[..., None]).astype(np.float32)
    # As wide as the cylinder looks: the code's middle keeps the size of its modules.
    slim = int(CARD_WIDTH * np.sin(edge) / edge)
    narrow = np.zeros_like(card)
    left = (CARD_WIDTH - slim) // 2
    narrow[:, left : left + slim] = cv2.resize(bent, (slim, CARD_HEIGHT), interpolation=cv2.INTER_AREA)
    return narrow


def _corners(held: Held) -> NDArray[np.float32]:
    """Place a card in space, around the middle of its code: turned, and tilted away in any direction."""
    flat = np.array([(0, 0), (CARD_WIDTH, 0), (CARD_WIDTH, CARD_HEIGHT), (0, CARD_HEIGHT)]) - CODE_MIDDLE
    flat = flat * (held.module / MODULE) @ _rotation(held.turn)
    turned, away = flat @ _rotation(held.tilt_towards), np.deg2rad(held.tilt)
    depth = 1 + turned[:, 0] * np.sin(away) / CAMERA_AWAY
    turned[:, 0] *= np.cos(away)
    return np.asarray((turned / depth[:, None]) @ _rotation(held.tilt_towards).T + held.middle, np.float32)


def _rotation(degrees: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    return np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])


def _lay(canvas: Canvas, card: Canvas, corners: NDArray[np.float32]) -> None:
    """Lay a card into the frame, computed at twice the size so that its modules keep clean edges."""
    x, y, width, height = cv2.boundingRect(corners)
    outline = np.array([(0, 0), (CARD_WIDTH, 0), (CARD_WIDTH, CARD_HEIGHT), (0, CARD_HEIGHT)], np.float32)
    smaller = min(1.0, 3 * max(width, height) / CARD_HEIGHT)
    shrunk = cv2.resize(card, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
    to_frame = cv2.getPerspectiveTransform(outline * np.float32(smaller), ((corners - (x, y)) * 2).astype(np.float32))
    large = cv2.warpPerspective(shrunk, to_frame, (width * 2, height * 2), flags=cv2.INTER_LINEAR)
    laid = np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    top, left = max(0, -y), max(0, -x)
    there = canvas[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
    laid = laid[top : top + there.shape[0], left : left + there.shape[1]]
    there += (laid[..., :3] - there) * (laid[..., 3:] / 255)


def _round(sigma: float) -> NDArray[np.float32]:
    """Blur as an open lens does: every point becomes a disc."""
    radius = 2 * sigma / 2**0.5 / 1.4
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(disc / disc.sum(), np.float32)


def _streak(length: float, degrees: float) -> NDArray[np.float32]:
    """Blur as a moving hand does: every point becomes a line."""
    reach = int(np.ceil(length / 2)) + 1
    large = np.zeros((16 * reach, 16 * reach), np.float32)
    step = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))]) * length / 2 * 8
    ends = [tuple(np.rint(8 * reach + step * way).astype(int).tolist()) for way in (-1, 1)]
    cv2.line(large, ends[0], ends[1], 1.0, 8)
    small = cv2.resize(large, (2 * reach + 1, 2 * reach + 1), interpolation=cv2.INTER_AREA)
    return np.asarray(small / small.sum(), np.float32)


def _shine(held: Held, chance: Chance) -> Canvas:
    """Let a lamp mirror itself on the card: a bright spot that fades, sometimes a long one, on or beside the code."""
    side = held.module * 41
    spot = np.zeros((HEIGHT, WIDTH), np.float32)
    for _ in range(int(chance.integers(1, 3))):
        middle = np.array(held.middle) + chance.uniform(-0.5, 0.5, 2) * side
        axes = side * chance.uniform(0.05, 0.16), side * chance.uniform(0.05, 0.4)
        degrees = chance.uniform(0, 180)
        cv2.ellipse(spot, (middle.tolist(), (2 * axes[0], 2 * axes[1]), degrees), chance.uniform(0.7, 1.2), -1)
    fade = cv2.GaussianBlur(spot, (0, 0), side * chance.uniform(0.02, 0.09))
    return np.asarray(fade[..., None], np.float32)


def _shadow(held: Held, chance: Chance) -> Canvas:
    """Let the edge of a shadow run through the code."""
    way = np.deg2rad(chance.uniform(0, 360))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    middle = np.array(held.middle) + chance.uniform(-0.3, 0.3, 2) * held.module * 41
    far = (x - middle[0]) * np.cos(way) + (y - middle[1]) * np.sin(way)
    softness, deep = held.module * chance.uniform(0.3, 3), chance.uniform(0.06, 0.35)
    return np.asarray((deep + (1 - deep) / (1 + np.exp(-np.clip(far / softness, -30, 30))))[..., None], np.float32)
