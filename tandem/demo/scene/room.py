"""The training room behind whoever stands at the door."""

from functools import lru_cache

import numpy as np

from tandem.demo.scene.brush import HEIGHT, WIDTH, Canvas, blurred, capsule, ellipse, flat, polygon


@lru_cache(maxsize=1)
def the_room() -> Canvas:
    """Draw the room, out of focus: the camera does not move, so that it is the same in every picture."""
    room = _wall()
    _window(room)
    _slats(room)
    _doorway(room)
    room = blurred(room, 7)
    _plant(room)
    _lamps(room)
    return blurred(room, 4)


def _wall() -> Canvas:
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    glow = np.exp(-(((x - 0.2) / 0.6) ** 2) - ((y - 0.3) / 0.8) ** 2)[..., None]
    wall = np.array((168.0, 178.0, 184.0)) * (0.74 + 0.42 * glow)
    floor = np.array((92.0, 108.0, 126.0)) * (0.75 + 0.4 * glow)
    return np.asarray(np.where((y > 0.86)[..., None], floor, wall), np.float32)


def _window(room: Canvas) -> None:
    flat(room, polygon([(-20, 40), (330, 74), (330, 548), (-20, 590)]), (236, 232, 222))
    flat(room, polygon([(-20, 330), (330, 320), (330, 548), (-20, 590)]), (206, 214, 206), 0.8)
    for top, bottom in ((380, 552), (430, 560)):
        hills = [(-20, top), (120, top - 40), (230, top + 10), (330, top - 20), (330, bottom), (-20, 590)]
        flat(room, polygon(hills), (150, 176, 160), 0.45)
    for x in (100, 222, 330):
        flat(room, polygon([(x - 7, 30), (x + 7, 32), (x + 7, 575), (x - 7, 578)]), (104, 110, 116))
    flat(room, polygon([(-20, 548), (345, 530), (345, 556), (-20, 600)]), (176, 184, 190))


def _slats(room: Canvas) -> None:
    for x in range(470, 800, 22):
        flat(room, polygon([(x, 0), (x + 13, 0), (x + 13, 620), (x, 620)]), (112, 142, 170), 0.55)
    flat(room, polygon([(548, 150), (728, 150), (728, 300), (548, 300)]), (196, 202, 206))
    flat(room, polygon([(566, 168), (710, 168), (710, 282), (566, 282)]), (150, 128, 92), 0.7)


def _doorway(room: Canvas) -> None:
    flat(room, polygon([(930, 60), (1180, 40), (1180, 690), (930, 650)]), (84, 92, 100))
    flat(room, polygon([(950, 80), (1160, 62), (1160, 676), (950, 640)]), (150, 172, 190))
    flat(room, polygon([(950, 470), (1160, 500), (1160, 676), (950, 640)]), (96, 116, 136))
    flat(room, polygon([(1010, 130), (1060, 126), (1060, 480), (1010, 470)]), (196, 216, 228), 0.7)
    flat(room, polygon([(1160, 62), (1300, 20), (1300, 730), (1160, 676)]), (118, 128, 140), 0.85)


def _plant(room: Canvas) -> None:
    flat(room, polygon([(364, 560), (448, 560), (436, 668), (376, 668)]), (150, 158, 166))
    for turn in np.linspace(-1.15, 1.15, 11):
        tip = (406 + 120 * np.sin(turn), 560 - 210 * np.cos(turn) * (0.8 + 0.2 * np.cos(7 * turn)))
        shade = (66 + 16 * np.cos(5 * turn), 112 + 24 * np.sin(3 * turn), 74.0)
        flat(room, capsule([((406, 566), 7), (((406 + tip[0]) / 2, (566 + tip[1]) / 2), 15), (tip, 3)]), shade, 0.9)


def _lamps(room: Canvas) -> None:
    for x, y in ((400, 62), (640, 44), (880, 62)):
        flat(room, polygon([(x - 1, 0), (x + 1, 0), (x + 1, y - 26), (x - 1, y - 26)]), (70, 74, 80))
        flat(room, ellipse((x, y), (34, 28)), (200, 226, 244), 0.95)
