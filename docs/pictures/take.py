"""Takes the pictures of the documentation while the demo's day is played: `.venv/bin/python docs/pictures/take.py`.

It needs Chromium and a Chinese font (`make services`). No picture shows a face: every scene before the camera that is
photographed is one in which a drawn figure holds up a badge.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from threading import Semaphore, Thread
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from gateway import session_code
from kiosk.answers import Answer
from tandem.demo import show
from tandem.demo.company import MORNING, PEOPLE, PINS, TRAINER
from tandem.demo.day import Part
from tandem.demo.show import Stage

HERE = Path(__file__).parent
PACE = 3  # seconds for each scene, so that there is time to look
WIDE = ViewportSize(width=1280, height=720)
PAPER = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)
GAP = 24
DESK = "#dfe5e1"
NUMBERS = {who: str(number) for number, who in enumerate(PEOPLE, 1001)}
LANGUAGES: tuple[Literal["en", "zh"], ...] = ("en", "zh")
SETTLED = 900  # milliseconds for the mirror and the transitions
MOST_BYTES = 250_000


@dataclass(slots=True)
class Camera:
    """Stands beside the player and takes pictures when a part of the day is over."""

    chromium: Browser
    stage: Stage
    trainer: BrowserContext = field(init=False)
    learner: BrowserContext = field(init=False)
    screens: dict[str, Page] = field(init=False)

    def __post_init__(self) -> None:
        """Open the trainer's window, Bo's phone, and the kiosk's screen in each language."""
        self.trainer = self.chromium.new_context(viewport=PAPER, locale="en-GB", color_scheme="light")
        self.learner = self.chromium.new_context(viewport=PHONE, locale="en-GB", color_scheme="light", is_mobile=True)
        for context in (self.trainer, self.learner):
            context.set_default_timeout(10_000)
        self.screens = {language: self.chromium.new_page(viewport=WIDE) for language in LANGUAGES}
        for language, page in self.screens.items():
            page.goto(f"{self.stage.door.screen.url}/?lang={language}")
        page = self.trainer.new_page()
        page.goto(f"{self.stage.machine.url}/sign-in")
        page.fill("#login", TRAINER)
        page.fill("#password", self.stage.company.password)
        page.click("main button[type=submit]")
        page.close()

    def watch(self, day: "Day") -> None:
        """Take what each part of the day has to show; the next one begins when the picture is taken."""
        over: dict[str, Callable[[], None]] = {
            "08:50": self.code_and_phone,
            "11:30:01": self.tasks_of_bo,
            "13:40": lambda: self.page_of_staff("tasks", "/tasks", PAPER),
            "16:20": lambda: self.page_of_staff("review", "/review", WIDE),
        }
        # What comes after this one, while somebody still stands before the kiosk.
        coming: dict[str, Callable[[], None]] = {
            "08:58": lambda: self.kiosk("kiosk-refused", "roster", "red"),
            "09:02": lambda: self.kiosk("kiosk-green", "Eli", "green"),
            "09:58": lambda: self.kiosk("kiosk-offline", "Ines", "green"),
        }
        while part := day.parts.get():
            if shot := over.get(part.at):
                shot()
            day.go_on.release()
            if shot := coming.get(part.at):
                shot()

    def kiosk(self, picture: str, words: str, colour: str) -> None:
        """Photograph the kiosk's screen as soon as it shows this verdict."""
        for page in self.screens.values():
            page.wait_for_function(
                "([words, colour]) => document.body.dataset.view === colour"
                " && document.querySelector('.verdict').textContent.includes(words)",
                arg=[words, colour],
                timeout=15_000,
            )
        next(iter(self.screens.values())).wait_for_timeout(SETTLED)
        for language, page in self.screens.items():
            keep(page, f"{picture}.{language}.png")

    def code_and_phone(self) -> None:
        """Photograph the code on the wall, then let Bo check in with it by phone."""
        self.page_of_staff("session-code", f"/session/{MORNING}/code", WIDE)
        page = self.learner.new_page()
        token = session_code.token(self.stage.machine.keys.session, MORNING, self.stage.clock.now())
        page.goto(f"{self.stage.machine.url}/c/{token}")
        ticket = page.url
        steps = {language: [shot(page, f"{ticket}?lang={language}")] for language in LANGUAGES}
        page.fill("#number", NUMBERS["bo"])
        page.fill("#pin", PINS["bo"])
        page.click(".p-form button")
        page.wait_for_selector(".p-choice")
        for language in LANGUAGES:
            steps[language].append(shot(page, f"{ticket}?lang={language}"))
        page.click(".p-choice button")
        page.wait_for_selector(".p-receipt")
        for language in LANGUAGES:
            steps[language].append(shot(page, f"{ticket}?lang={language}"))
            beside(steps[language], f"phone.{language}.png")
        page.close()

    def tasks_of_bo(self) -> None:
        """Photograph Bo's tasks and inbox, with the phone that has signed in."""
        page = self.learner.new_page()
        for picture, place in (("tasks-phone", "/my/tasks"), ("inbox", "/my/inbox")):
            for language in LANGUAGES:
                page.goto(f"{self.stage.machine.url}{place}?lang={language}")
                page.wait_for_timeout(SETTLED)
                keep(page, f"{picture}.{language}.png")
        page.close()

    def page_of_staff(self, picture: str, place: str, size: ViewportSize) -> None:
        """Photograph a page as the trainer sees it."""
        page = self.trainer.new_page()
        page.set_viewport_size(size)
        for language in LANGUAGES:
            page.goto(f"{self.stage.machine.url}{place}?lang={language}")
            page.wait_for_timeout(SETTLED)
            keep(page, f"{picture}.{language}.png")
        page.close()

    def end_of_the_day(self) -> None:
        """Photograph the day and Ann's archive when all is settled and delivered."""
        self.page_of_staff("archive", f"/archive/{self.stage.company.ids['ann']}", PAPER)
        page = self.trainer.new_page()
        page.goto(self.stage.machine.url)
        # The day's clock has just jumped ahead; the kiosk is heard of again with its next heartbeat.
        page.wait_for_selector(".stations .dot.go", timeout=90_000)
        page.close()
        self.page_of_staff("day", "/", PAPER)
        self.page_of_staff("day-phone", "/", PHONE)


@dataclass(slots=True)
class Day:
    """The sample day, played beside us part by part."""

    parts: "Queue[Part | None]" = field(default_factory=Queue)
    """What has just been played; None at the end."""
    go_on: Semaphore = field(default_factory=lambda: Semaphore(0))

    def play(self, stage: Stage) -> None:
        """Play to the end, whatever happens."""
        try:
            show.play(stage, pace=PACE, watcher=self._over)
        finally:
            self.parts.put(None)

    def _over(self, part: Part, answer: Answer | None) -> None:
        del answer  # the screens say it
        self.parts.put(part)
        self.go_on.acquire()


def main() -> None:
    """Play the day and take every picture."""
    with (
        tempfile.TemporaryDirectory(prefix="tandem-") as folder,
        show.open_show(Path(folder)) as stage,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments())
        camera = Camera(chromium, stage)
        day = Day()
        Thread(target=day.play, args=(stage,), daemon=True).start()
        camera.watch(day)
        camera.end_of_the_day()
        chromium.close()


def arguments() -> list[str]:
    """Chromium's sandbox does not work for root, and only for root it is left out."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def shot(page: Page, address: str) -> Image.Image:
    """Open a page and take its picture."""
    page.goto(address)
    page.wait_for_timeout(SETTLED)
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        page.screenshot(path=file.name)
        return Image.open(file.name).convert("RGB")


def beside(steps: list[Image.Image], name: str) -> None:
    """Lay phones side by side and keep them as one picture."""
    width, height = steps[0].size
    desk = Image.new("RGB", (len(steps) * (width + GAP) + GAP, height + 2 * GAP), DESK)
    for place, step in enumerate(steps):
        desk.paste(step, (GAP + place * (width + GAP), GAP))
    desk.save(HERE / name, optimize=True)
    shrink(HERE / name)


def keep(page: Page, name: str) -> None:
    """Take the picture."""
    page.screenshot(path=HERE / name)
    shrink(HERE / name)


def shrink(path: Path) -> None:
    """Give a picture that is too large a palette of its own."""
    if path.stat().st_size > MOST_BYTES:
        Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    main()
