"""Takes the pictures of the documentation from a running demo: `.venv/bin/python docs/pictures/take.py`.

It needs Chromium and a Chinese font (`make services`). No picture shows a face: every scene that is
photographed is one in which a drawn figure holds up a badge.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent
TANDEM = Path(sys.executable).parent / "tandem"
PACE = "4"  # seconds for each scene, so that there is time to look
WIDE = ViewportSize(width=1280, height=720)
PAPER = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)
SCENES = {
    # Name of the picture: (words of the verdict, its colour).
    "refused": ("roster", "red"),
    "green": ("Eli", "green"),
    "offline": ("Ines", "green"),
}
LANGUAGES = ("en", "zh")
SETTLED = 900  # milliseconds for the mirror and the transitions
MOST_BYTES = 250_000


def main() -> None:
    """Play the day and take every picture."""
    with demo() as said, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments())
        screen, link = address(said, r"http://\S+"), address(said, r"http://\S+/in/\S+")
        take_the_kiosk(chromium, screen)
        address(said, r"The day is over")
        take_the_day(chromium, link)
        chromium.close()


@contextmanager
def demo() -> Iterator[IO[str]]:
    """Run the demo on free ports and end it afterwards."""
    command = [str(TANDEM), "demo", "--pace", PACE, "--port", str(free_port()), "--screen-port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"NO_COLOR": "1"}) as process:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        try:
            yield process.stdout
        finally:
            process.send_signal(signal.SIGINT)


def free_port() -> int:
    """Find a port that nobody listens on, so that a demo that is running already is not photographed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def arguments() -> list[str]:
    """Chromium's sandbox does not work for root, and only for root it is left out."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def address(said: IO[str], wanted: str) -> str:
    """Read on until the demo has said this."""
    for line in said:
        if match := re.search(wanted, line):
            return match[0]
    raise SystemExit(f"the demo ended before it said {wanted}")


def take_the_kiosk(chromium: Browser, screen: str) -> None:
    """Photograph the kiosk's screen in both languages, scene by scene."""
    pages = {language: chromium.new_page(viewport=WIDE) for language in LANGUAGES}
    for language, page in pages.items():
        page.goto(f"{screen}/?lang={language}")
    for picture, verdict in SCENES.items():
        for page in pages.values():
            page.wait_for_function(
                "([words, colour]) => document.body.dataset.view === colour"
                " && document.querySelector('.verdict').textContent.includes(words)",
                arg=verdict,
                timeout=180_000,
            )
        next(iter(pages.values())).wait_for_timeout(SETTLED)
        for language, page in pages.items():
            keep(page, f"kiosk-{picture}.{language}.png")
    for page in pages.values():
        page.close()


def take_the_day(chromium: Browser, link: str) -> None:
    """Photograph the trainer's page; the link signs in once, and its cookie stays in this window."""
    window = chromium.new_context(viewport=PAPER, locale="en-GB", color_scheme="light")
    page = window.new_page()
    page.goto(link)
    day = page.url
    # The day's clock has just jumped ahead; the kiosk is heard of again with its next heartbeat.
    page.wait_for_selector(".stations .dot.go", timeout=90_000)
    for picture, size in (("day", PAPER), ("day-phone", PHONE)):
        page.set_viewport_size(size)
        for language in LANGUAGES:
            page.goto(f"{day}?lang={language}")
            page.wait_for_timeout(SETTLED)
            keep(page, f"{picture}.{language}.png")
    window.close()


def keep(page: Page, name: str) -> None:
    """Take the picture; one that is too large gets a palette of its own."""
    path = HERE / name
    page.screenshot(path=path)
    if path.stat().st_size > MOST_BYTES:
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
    sys.stdout.write(f"{name}: {path.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    main()
