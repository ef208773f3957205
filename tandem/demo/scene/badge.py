"""A badge in a hand."""

import cv2
import numpy as np
import qrcode
from numpy.typing import NDArray

from kiosk.picture import Image
from tandem.demo.scene.brush import (
    FINE,
    HEIGHT,
    WIDTH,
    Canvas,
    Colour,
    Mask,
    Point,
    capsule,
    darker,
    moulded,
    shadow,
)
from tandem.demo.scene.person import SKIN, Figure

CARD_WIDTH, CARD_HEIGHT = 600, 840
CODE_SIDE = 500
INK = (52.0, 42.0, 34.0)
BANDS = ((136.0, 92.0, 34.0), (112.0, 118.0, 24.0), (66.0, 82.0, 182.0))


def held_badge(
    canvas: Canvas, text: str, name: str, figure: Figure, at: Point, side: float, chance: np.random.Generator
) -> None:
    corners = _corners(at, chance)
    x, y = (float(middle) for middle in np.mean(corners[2:], axis=0))
    hand = (x + side * 24, y - 2)
    elbow = (hand[0] + side * 70, HEIGHT + 120.0)
    moulded(canvas, capsule([(hand, 42), ((hand[0] + side * 8, hand[1] + 44), 46), (elbow, 60)]), SKIN, 20)
    cuff = (hand[0] + side * 22, hand[1] + 84)
    moulded(canvas, capsule([(cuff, 64), (elbow, 96)]), figure.clothes, 26)
    _lay(canvas, _card(text, name, BANDS[chance.integers(len(BANDS))]), corners)
    thumb = [
        ((hand[0] + side * 30, hand[1] + 26), 25),
        ((hand[0] + side * 6, hand[1] - 6), 21),
        ((hand[0] - side * 12, hand[1] - 30), 16),
    ]
    shadow(canvas, capsule(thumb), (4, 7), 0.30, 5)
    moulded(canvas, capsule(thumb), darker(SKIN, 1.04), 11)


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
    shadow(canvas, mask, (16, 20), 0.34)
    top, left = max(0, -y), max(0, -x)
    there = canvas[y + top : y + height, x + left : x + width]
    laid = laid[top : top + there.shape[0], left : left + there.shape[1]]
    there += (laid[..., :3] - there) * (laid[..., 3:] / 255)
