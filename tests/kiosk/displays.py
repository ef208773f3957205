"""A display before the camera: red, green and blue stripes finer than the camera's pixels, which show as moire."""

from dataclasses import dataclass, field

import numpy as np

from kiosk.picture import Image
from tests.kiosk.face_actors import Camera, Chance, Replay, Sway
from tests.kiosk.face_scenes import AWAY, HEIGHT, WIDTH, Field, Moment, flat, sheet_of

STRIPE, ROW = 1 / 3, 0.85  # of a display's pixel that gives light: the width of one colour, and its height
COLOURS = (2, 1, 0)  # blue is the last stripe; pictures are blue, green, red


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What a camera sees a display's grid by; `pitch` and `lens` in the camera's pixels."""

    pitch: float  # one pixel of the display
    slope: float = 0.0  # degrees; nobody holds a display quite level
    lens: float = 0.4  # blur, as a standard deviation
    _ways: tuple[Field, Field] = field(init=False)

    def __post_init__(self) -> None:
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        object.__setattr__(self, "_ways", (x - WIDTH / 2, y - np.float32(HEIGHT * 0.42)))

    def seen(self, held: Moment) -> Field:
        """Say by how much the grid makes each pixel of the camera lighter or darker, for each colour."""
        across, down = self._on_the_display(held)
        rows = 1 + self._wave(down, ROW, 1)
        stripes = [1 + sum(self._wave(across + shift / 3, STRIPE, order) for order in (1, 2)) for shift in COLOURS]
        return np.dstack([stripe * rows for stripe in stripes]).astype(np.float32)

    def _wave(self, place: Field, lit: float, order: int) -> Field:
        """Draw one wave of the grid, as strong as the lens and the area of the camera's pixels leave it."""
        fine = order / self.pitch
        left = np.exp(-2 * (np.pi * self.lens * fine) ** 2) * np.sinc(fine)
        return np.asarray(2 * np.sinc(order * lit) * left * np.cos(2 * np.pi * order * place), np.float32)

    def _on_the_display(self, held: Moment) -> tuple[Field, Field]:
        """Find the place on the display, in its pixels, that each pixel of the camera looks at."""
        x, y = ((way - shift) / held.scale for way, shift in zip(self._ways, (held.x, held.y), strict=True))
        yaw, pitch, roll = (float(np.radians(angle)) for angle in (held.yaw, held.pitch, held.roll + self.slope))
        x, y = x * np.cos(roll) + y * np.sin(roll), y * np.cos(roll) - x * np.sin(roll)
        across = x * AWAY / (AWAY * np.cos(yaw) - x * np.sin(yaw))
        down = y * AWAY / (AWAY * np.cos(pitch) - y * np.sin(pitch))
        return across / self.pitch, down / self.pitch


class Watching(Camera):
    """A camera that sees the grid of what is held before it."""

    def __init__(self, chance: Chance, hand: Sway, panel: Panel) -> None:
        super().__init__(chance)
        self.hand, self.panel = hand, panel
        solid = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        self._sheet = sheet_of(solid, rim=0, colour=0)

    def take(self, image: Image, at: float, light: float = 1.0) -> Image:
        held = self.hand.at(at)
        lit = np.clip(image * self.panel.seen(held), 0, 255).astype(np.uint8)
        is_display = flat(self._sheet, held)[..., 3:] > 127
        return super().take(np.where(is_display, lit, image), at, light)


def shown_on(panel: Panel, replay: Replay) -> Replay:
    """Let the camera see the grid of the display that a replay is shown on."""
    replay.camera = Watching(replay.chance, replay.hand, panel)
    return replay
