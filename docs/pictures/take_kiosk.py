"""Takes a picture of every state of the kiosk's screen: `.venv/bin/python docs/pictures/take_kiosk.py [STATE…]`.

It needs Chromium and a Chinese font (`make services`). The states are those of the tests, reached through a real
station; before its camera stands a drawn figure without a face.
"""

import io
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.chromium import QUIETLY
from tests.kiosk.played import played, still_page
from tests.kiosk.states import STATES

HERE = Path(__file__).parent / "kiosk"
WIDTH = 640
MOST_BYTES = 60_000
DRAWN = 300  # milliseconds for the picture, if there is one
COLOURS = (256, 128, 64, 32)


def main(names: list[str]) -> None:
    """Take the pictures of these states, or of all."""
    HERE.mkdir(exist_ok=True)
    logging.disable()  # some of the states are faults
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIETLY)
        with still_page(chromium) as page:
            for name in names or STATES:
                with tempfile.TemporaryDirectory(prefix="tandem-") as folder, played(page, Path(folder), STATES[name]):
                    take(page, name)
        chromium.close()


def take(page: Page, name: str) -> None:
    """Let the page draw the camera's picture, and photograph it in both languages."""
    page.clock.run_for(1000)
    page.wait_for_timeout(DRAWN)
    for language in ("en", "zh"):
        page.evaluate("language => speak(language)", language)
        keep(page.screenshot(), HERE / f"{name}.{language}.png")


def keep(shot: bytes, path: Path) -> None:
    """Make a picture small enough for a page full of them."""
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    small = image.resize((WIDTH, image.height * WIDTH // image.width), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        small.quantize(colours).save(path, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            break
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
