"""The page on the kiosk's own display: the live picture, one large answer per person, and what is wrong."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from threading import BoundedSemaphore
from typing import Any, Final, Protocol
from uuid import UUID

from flask import Flask, Response, abort, render_template, request
from pydantic import BaseModel, ConfigDict

from attendance.direction import Direction
from attendance.reasons import Text
from kiosk import texts
from kiosk.answers import Answer
from kiosk.faces.enrolling import Progress
from kiosk.faces.liveness import Guide
from kiosk.staff_mode import StaffMode
from kiosk.staff_screen import both, sent, shown_progress, staff_pages

MOST_STREAMS: Final = 4
"""Pages that may listen at once; a server needs a thread for each, and some for the pictures."""
QUIET: Final = 1.0  # seconds between two looks at the station when nothing happens
EAGER: Final = 0.2  # seconds, while somebody waits for the second tick, or does what the screen asks
MOST_BYTES: Final = 1024
NOT_REGISTERED: Final = "not_registered"
REGISTER: Final = "tandem kiosk register <address> <code>"

# The page answers to these names only, so that no site on the internet can point its own name here and read along.
LOOPBACK: Final = ["127.0.0.1", "localhost"]
POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Status(Protocol):
    """How the station is."""

    @property
    def running(self) -> bool: ...
    @property
    def online(self) -> bool: ...
    @property
    def roster_good_until(self) -> datetime | None: ...
    @property
    def waiting(self) -> int: ...
    @property
    def faces(self) -> bool: ...
    @property
    def trouble(self) -> str | None: ...
    @property
    def lost(self) -> tuple[str, ...]: ...
    @property
    def fingerprint(self) -> str | None: ...
    @property
    def guide(self) -> Guide | None: ...
    @property
    def staff(self) -> timedelta | None: ...
    @property
    def enrolment(self) -> Progress | None: ...


class StationView(Protocol):
    """What the screen sees of the station."""

    @property
    def staff_mode(self) -> StaffMode | None: ...

    def watch(self, after: int, timeout: float) -> Sequence[Answer]:
        """Give the answers with a higher number; block for at most `timeout` seconds while nothing is new."""

    def picture(self) -> bytes | None:
        """Give the latest frame as JPEG, as people should see it."""

    def status(self) -> Status: ...

    def choose(self, number: int, direction: Direction) -> bool:
        """Take the learner's word for the direction that this answer asked for; False if nobody asks any more."""

    def is_delivered(self, record_id: UUID) -> bool: ...


class Chosen(BaseModel):
    """What comes back when a learner touches one of the two buttons."""

    model_config = ConfigDict(frozen=True, strict=True)

    number: int
    direction: Direction


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_screen(
    station: StationView,
    *,
    language: str,
    sound: bool = True,
    now: Callable[[], datetime] = utc_now,
    zone: tzinfo | None = None,
) -> Flask:
    """Make the page of a station; its clock shows the time of `zone`, or of the machine without one."""
    app = Flask(__name__)
    app.config.update(TRUSTED_HOSTS=LOOPBACK, MAX_CONTENT_LENGTH=MOST_BYTES)
    free = BoundedSemaphore(MOST_STREAMS)

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        # Static files too: after an update the display must not go on with yesterday's script.
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    def page() -> str:
        asked = request.args.get("lang", language)
        shown = "zh" if asked.startswith("zh") else "en"
        return render_template("screen.html", language=shown, texts=texts.TEXTS, sound=sound)

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return app.send_static_file("favicon.svg")

    @app.get("/picture.jpg")
    def picture() -> Response:
        jpeg = station.picture()
        return Response(jpeg, mimetype="image/jpeg") if jpeg else Response(status=204)

    @app.get("/events")
    def events() -> Response:
        if not free.acquire(blocking=False):
            return Response("Too many pages are open.\n", 503, mimetype="text/plain")
        response = Response(_stream(station, lambda: now().astimezone(zone)), mimetype="text/event-stream")
        # Not in the generator: one that was never started does not reach its own clean-up.
        response.call_on_close(free.release)
        return response

    @app.post("/choice")
    def choice() -> Response:
        chosen = sent(Chosen)
        if not station.choose(chosen.number, chosen.direction):
            abort(409)
        return Response(status=204)

    if station.staff_mode:
        app.register_blueprint(staff_pages(station.staff_mode))
    return app


def _stream(station: StationView, now: Callable[[], datetime]) -> Iterator[str]:
    """Tell answers, second ticks and changes of status until the station stops."""
    # A page that comes back starts afresh: a name that was on the screen once must not return.
    told = max((answer.number for answer in station.watch(0, 0)), default=0)
    on_the_way = deque[UUID](maxlen=8)  # more people cannot be on the screen
    shown: dict[str, Any] = {}
    while (status := station.status()).running:
        events: list[str] = []
        if shown != (shown := _status(status, station.staff_mode, now())):
            events.append(_event("status", shown))
        arrived = [record for record in on_the_way if station.is_delivered(record)]
        events += [_event("delivered", {"record": str(record)}) for record in arrived]
        for record in arrived:
            on_the_way.remove(record)
        # A page that was closed is only noticed when something is written to it.
        yield "".join(events) or ": still here\n\n"
        for answer in station.watch(told, EAGER if on_the_way or status.guide or status.enrolment else QUIET):
            told = answer.number
            if answer.record:
                on_the_way.append(answer.record.id)
            yield _event("answer", _answer(answer, now()))


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _status(status: Status, staff: StaffMode | None, now: datetime) -> dict[str, Any]:
    progress = status.enrolment
    return {
        "time": f"{now:%H:%M}",
        "date": {"en": f"{now:%A}, {now.day} {now:%B}", "zh": f"{now.month}月{now.day}日 {_weekday_zh(now)}"},
        "faces": status.faces and "camera_lost" not in status.lost,
        "setup": _setup(status),
        "trouble": _parts(texts.TROUBLES.get(status.trouble, texts.ANY_TROUBLE)) if status.trouble else None,
        "notices": [{"code": code, **both(text)} for code, text in _notices(status, now)],
        "guide": {"code": status.guide, **both(texts.GUIDES[status.guide])} if status.guide else None,
        "staff": status.staff is not None,
        "enrolment": shown_progress(progress, staff.name_of) if progress and staff else None,
    }


def _setup(status: Status) -> dict[str, Any] | None:
    """Say what a technician has to do before the station can work."""
    if status.trouble == NOT_REGISTERED:
        return _asked(NOT_REGISTERED, REGISTER)
    return _asked("unconfirmed", status.fingerprint) if status.fingerprint else None


def _asked(key: str, copy: str) -> dict[str, Any]:
    return {"heading": both(texts.TEXTS[key]), "more": both(texts.TEXTS[f"{key}_more"]), "copy": copy}


def _weekday_zh(now: datetime) -> str:
    return "星期" + "一二三四五六日"[now.weekday()]


def _notices(status: Status, now: datetime) -> Iterator[tuple[str, Text]]:
    if _setup(status) or status.trouble:
        return  # nobody can check in, whatever else is missing
    if not status.online:
        yield "offline", texts.offline(status.waiting)
    if status.roster_good_until is None:
        yield "roster", texts.TEXTS["no_roster"]
    elif status.roster_good_until < now:
        yield "roster", texts.TEXTS["old_roster"]
    for code in status.lost:
        if code in texts.LOST:
            yield code, texts.LOST[code]


def _answer(answer: Answer, now: datetime) -> dict[str, Any]:
    heading, more = _words(answer)
    title = answer.title or answer.title_zh
    return {
        "number": answer.number,
        "kind": answer.kind,
        "direction": answer.direction,
        "record": str(answer.record.id) if answer.record else None,
        "time": f"{answer.at.astimezone(now.tzinfo):%H:%M}",
        "name": answer.name,
        "partners": _partners(answer),
        "role": both(texts.role(answer.role)) if answer.role else None,
        "title": {"en": answer.title or title, "zh": answer.title_zh or title} if title else None,
        "heading": both(heading),
        "more": _more(answer, more) if more else None,
    }


def _partners(answer: Answer) -> dict[str, str] | None:
    told = [texts.filled(f"partner_{one.whereabouts}", name=one.name) for one in answer.partners]
    return both(Text(". ".join(one.en for one in told), "；".join(one.zh for one in told))) if told else None


def _words(answer: Answer) -> tuple[Text, Text | None]:
    """Choose the heading and what is said below it."""
    is_verdict = answer.kind in ("green", "amber", "red")
    heading = texts.TEXTS[f"{answer.kind}_{answer.direction or 'in'}" if is_verdict else answer.kind]
    return heading, texts.reason(answer.code) or texts.TEXTS.get(f"{answer.kind}_more")


def _more(answer: Answer, text: Text) -> dict[str, list[str]]:
    """Name the room to go to where it is known, instead of sending people to look it up."""
    parts = _parts(text)
    if answer.room_name:
        place = texts.filled("go_to", room=answer.room_name)
        parts["en"][1], parts["zh"][1] = place.en, place.zh
    return parts


def _parts(text: Text) -> dict[str, list[str]]:
    """Split off the first sentence: it says what is, the rest says what to do."""
    what, stop, todo = text.en.partition(". ")
    what_zh, stop_zh, todo_zh = text.zh.partition("。")
    return {"en": [what + stop.strip(), todo], "zh": [what_zh + stop_zh, todo_zh]}
