"""What people of the sample day do in their browsers: check in by phone, hand work in, accept it, decide."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2

from gateway import session_code
from tandem.demo.browser import Browser, PageRefused
from tandem.demo.clock import DayClock
from tandem.demo.company import MORNING, PEOPLE, PINS, TRAINER, ZONE, Company
from tandem.demo.day import DECIDED, Call, Deed
from tandem.up import Machine

TWO_TURNS = timedelta(seconds=25)
"""The code on the wall has changed twice by then."""
NUMBERS = {who: str(number) for number, who in enumerate(PEOPLE, 1001)}
RECEIPT = re.compile(r"<output>([0-9A-Z]{4}-[0-9A-Z]{4})</output>")


@dataclass(slots=True)
class Browsers:
    """Everybody's own browser, opened when it is first used."""

    machine: Machine
    company: Company
    clock: DayClock
    _open: dict[str, Browser] = field(default_factory=dict)

    def of(self, who: str) -> Browser:
        """Return somebody's browser; the trainer's is signed in."""
        if who not in self._open:
            self._open[who] = Browser(self.machine.url)
            if who == "tao":
                self._open[who].submit("/sign-in", login=TRAINER, password=self.company.password)
        return self._open[who]

    def close(self) -> None:
        """Close them all."""
        for browser in self._open.values():
            browser.close()


@dataclass(frozen=True, slots=True)
class Called:
    """What a phone was told: the id of the check-in that it has a receipt for, or the refusal's status."""

    check_in: str | None
    status: int


def call(browsers: Browsers, part: Call) -> Called:
    """Check in, or out, by phone."""
    shown_at = browsers.clock.now() - (TWO_TURNS if part.forwarded else timedelta(0))
    # The picture on the wall; the demo knows the secret, a phone reads the QR code.
    token = session_code.token(browsers.machine.keys.session, MORNING, shown_at)
    browser = browsers.of(part.who)
    opened = browser.get(f"/c/{token}")
    if opened.status_code != httpx2.codes.OK:
        return Called(None, opened.status_code)
    place = opened.url.path
    if part.slow:
        browsers.clock.jump(browsers.clock.now() + TWO_TURNS)
    if 'name="pin"' in opened.text:
        browser.submit(f"{place}/sign-in", page=place, number=NUMBERS[part.who], pin=PINS[part.who])
    browser.submit(place)
    receipt = browser.get(place)
    if not RECEIPT.search(receipt.text):
        raise PageRefused(f"{receipt.status_code} at {place}: there is no receipt")
    return Called(place.rpartition("/")[2], receipt.status_code)


def do(browsers: Browsers, part: Deed) -> None:
    """Do what somebody does on the pages."""
    match part.what:
        case "hand in" | "joint report":
            _hand_in(browsers, part)
        case "accept":
            _accept_all(browsers.of(part.who))
        case "decide":
            _decide(browsers, part.who)


def _hand_in(browsers: Browsers, part: Deed) -> None:
    browser = browsers.of(part.who)
    if browser.get("/my").url.path != "/my/tasks" and 'name="pin"' in browser.get("/my/sign-in").text:
        browser.submit("/my/sign-in", number=NUMBERS[part.who], pin=PINS[part.who])
    page = browser.get("/my/tasks").text
    kind = {"ann": "order_log", "bo": "optimisation_plan"}[part.who] if part.what == "hand in" else "joint_report"
    [place] = re.findall(rf'id="f-(\w+)".{{0,1500}}?name="{kind}"', page, re.DOTALL)[:1]
    work = {kind: (f"{kind}.txt", f"{part.told} 于 {part.at}".encode(), "text/plain")}
    browser.submit(f"/my/tasks/{place}", page="/my/tasks", files=work)


def _accept_all(browser: Browser) -> None:
    for submission in re.findall(r'action="/submissions/(\w+)/accept', browser.get("/tasks").text):
        browser.submit(f"/submissions/{submission}/accept", page="/tasks")


def _decide(browsers: Browsers, who: str) -> None:
    learner, clock = DECIDED
    place = f"/session/{MORNING}/learner/{browsers.company.ids[learner]}"
    left_at = browsers.company.at(clock).astimezone(ZONE)
    browsers.of(who).submit(
        place, kind="add_out", at_add_out=f"{left_at:%Y-%m-%dT%H:%M}", reason="Seen until the end by the trainer"
    )
