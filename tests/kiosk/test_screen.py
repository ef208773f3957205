import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from attendance.reasons import TEXTS as REASONS
from attendance.reasons import Text
from kiosk import screen, texts
from kiosk.answers import Answer, Kind, Partner
from kiosk.faces.enrolling import End, Progress
from kiosk.faces.liveness import Guide
from kiosk.screen import EAGER, MOST_STREAMS, create_screen
from kiosk.staff_screen import shown_progress
from kiosk.station import Station
from tests.kiosk.stand_in_station import ANN, NINE, STRANGER, Health, StandInStation, silhouette

ROOT = Path(screen.__file__).parent
PAGE = (ROOT / "templates" / "screen.html").read_text()
SCRIPT = (ROOT / "static" / "screen.js").read_text()


@pytest.fixture
def station() -> StandInStation:
    return StandInStation()


@pytest.fixture
def app(station: StandInStation) -> Flask:
    return create_screen(station, language="en", now=lambda: NINE)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def told(station: StandInStation, *, most: int) -> list[tuple[str, Any]]:
    """Collect what a page hears in its first turns; a quiet turn is ("", None)."""
    client = create_screen(station, language="en", now=lambda: NINE).test_client()
    with closing(client.get("/events", buffered=False)) as response:
        return [
            event for _, chunk in zip(range(most), response.iter_encoded(), strict=False) for event in parsed(chunk)
        ]


def parsed(chunk: bytes) -> Iterator[tuple[str, Any]]:
    for event in chunk.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = event.partition("\ndata: ")
        yield name.removeprefix("event: ") if data else "", json.loads(data) if data else None


def answered(answer: Answer) -> dict[str, Any]:
    """Say what the page is told about one answer."""
    return screen._answer(answer, NINE)


def seen(health: Health) -> dict[str, Any]:
    [(_, status)] = told(StandInStation(health=health), most=1)
    return dict(status)


def the_station_is_what_the_screen_needs(station: Station) -> screen.StationView:
    """Checked by mypy alone."""
    return station


# The page.


@pytest.mark.parametrize(
    "address, language",
    [
        pytest.param("/", "en", id="its own language"),
        pytest.param("/?lang=zh", "zh", id="asked for Chinese"),
        pytest.param("/?lang=zh-CN", "zh", id="asked for Chinese of China"),
        pytest.param("/?lang=xx", "en", id="a language it does not speak"),
    ],
)
def test_the_page_opens_in_the_language_asked_for(client: FlaskClient, address: str, language: str) -> None:
    page = client.get(address).text

    assert f'<html lang="{language}"' in page


def test_the_page_invites_in_both_languages(client: FlaskClient) -> None:
    page = client.get("/").text

    assert "Show your badge or look here" in page
    assert "请出示工牌或看镜头" in page


def test_nothing_runs_or_loads_that_is_not_ours(client: FlaskClient) -> None:
    answer = client.get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|https?://", answer.text)


@pytest.mark.parametrize("path", ["/", "/picture.jpg", "/static/screen.js", "/static/screen.css", "/favicon.ico"])
def test_nothing_is_kept_by_the_browser_or_lent_to_other_sites(client: FlaskClient, path: str) -> None:
    with closing(client.get(path)) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8071", "localhost:8071"])
def test_this_machine_may_look(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/picture.jpg", "/events", "/static/screen.js"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.0.2.7"])
def test_a_name_that_others_point_here_is_turned_away(client: FlaskClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"Host": host})

    assert answer.status_code == 400


def test_every_sign_that_is_used_is_drawn(client: FlaskClient) -> None:
    page = client.get("/").text
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', page))

    used = set(re.findall(r'href="#([\w-]+)"', page)) | set(re.findall(r'"#([a-z-]+)"', SCRIPT))

    assert used | {"in", "out", "offline", "roster", "camera_lost", "scanner_lost"} == drawn


# The picture.


def test_the_picture_is_the_latest_frame(client: FlaskClient, station: StandInStation) -> None:
    station.jpeg = silhouette()

    answer = client.get("/picture.jpg")

    assert answer.mimetype == "image/jpeg"
    assert answer.data == station.jpeg


def test_before_the_first_frame_there_is_no_picture(client: FlaskClient) -> None:
    assert client.get("/picture.jpg").status_code == 204


# What the page hears.


def test_a_page_first_hears_how_the_station_is(station: StandInStation) -> None:
    [(name, status)] = told(station, most=1)

    assert name == "status"
    assert status == {
        "time": "09:00",
        "date": {"en": "Monday, 2 March", "zh": "3月2日 星期一"},
        "faces": True,
        "setup": None,
        "trouble": None,
        "notices": [],
        "guide": None,
        "staff": False,
        "enrolment": None,
    }


def test_the_clock_shows_the_time_of_the_place(station: StandInStation) -> None:
    app = create_screen(station, language="en", now=lambda: NINE, zone=ZoneInfo("Asia/Shanghai"))

    with closing(app.test_client().get("/events", buffered=False)) as response:
        [(_, status)] = parsed(next(response.iter_encoded()))

    assert status["time"] == "17:00"


@pytest.mark.parametrize(
    "health, codes",
    [
        pytest.param(Health(), [], id="all is well"),
        pytest.param(Health(online=False), ["offline"], id="no network"),
        pytest.param(Health(roster_good_until=None), ["roster"], id="no roster"),
        pytest.param(Health(roster_good_until=NINE - timedelta(seconds=1)), ["roster"], id="an old roster"),
        pytest.param(Health(roster_good_until=NINE), [], id="a roster to the last second"),
        pytest.param(Health(online=False, roster_good_until=None), ["offline", "roster"], id="both"),
        pytest.param(Health(lost=("scanner_lost",)), ["scanner_lost"], id="the scanner beside the camera"),
        pytest.param(Health(lost=("of_a_newer_source",)), [], id="something the screen does not know"),
        pytest.param(Health(trouble="disk_full", online=False, roster_good_until=None), [], id="a greater trouble"),
        pytest.param(Health(fingerprint="590f-3f13", online=False, roster_good_until=None), [], id="not confirmed"),
    ],
)
def test_the_page_hears_what_is_missing(health: Health, codes: list[str]) -> None:
    status = seen(health)

    assert [notice["code"] for notice in status["notices"]] == codes


def test_an_offline_station_says_how_many_wait() -> None:
    [notice] = seen(Health(online=False, waiting=12))["notices"]

    assert notice["en"] == "No network. Check-ins are recorded here and will be sent. Waiting to be sent: 12"
    assert notice["zh"].endswith("待发送：12")


@pytest.mark.parametrize("code", [*texts.TROUBLES, "of a newer version"])
def test_trouble_comes_with_what_to_do(code: str) -> None:
    trouble = seen(Health(trouble=code))["trouble"]

    assert trouble["en"][1] == "Please check in with the trainer."
    assert trouble["zh"][1] == "请到培训师处签到。"


def test_an_answer_reaches_the_page(station: StandInStation) -> None:
    events = _Listening(station)

    station.say(ANN)

    [(name, answer)] = events.next()
    assert name == "answer"
    assert answer == {
        "number": 1,
        "kind": "green",
        "direction": "in",
        "record": str(ANN.records[0].id),
        "time": "09:00",
        "name": "Ann Lee",
        "partners": None,
        "role": {"en": "Clerk", "zh": "文员"},
        "title": {"en": "Order entry 101", "zh": "订单录入 101"},
        "heading": {"en": "You are checked in", "zh": "签到成功"},
        "more": None,
    }
    events.close()


def test_the_second_tick_comes_once_and_only_when_the_gateway_has_it(station: StandInStation) -> None:
    events = _Listening(station)
    station.say(ANN)
    events.next()

    before = events.next()
    station.delivered.add(ANN.records[0].id)
    at, after = events.next(), events.next()

    assert before == [("", None)]
    assert at == [("delivered", {"record": str(ANN.records[0].id)})]
    assert after == [("", None)]
    events.close()


def test_a_name_that_was_shown_does_not_return_with_the_page(station: StandInStation) -> None:
    station.say(ANN)

    events = told(station, most=2)

    assert [name for name, _ in events] == ["status", ""]


def test_a_station_that_stops_ends_the_stream(station: StandInStation) -> None:
    station.stop()

    assert told(station, most=100) == []


def test_only_so_many_pages_may_listen(client: FlaskClient) -> None:
    listening = [client.get("/events", buffered=False) for _ in range(MOST_STREAMS)]

    refused = client.get("/events")
    listening.pop().close()
    again = client.get("/events", buffered=False)

    assert refused.status_code == 503
    assert again.status_code == 200
    for response in [*listening, again]:
        response.close()


def test_without_a_camera_nobody_is_asked_to_look_into_it() -> None:
    assert not seen(Health(lost=("camera_lost",)))["faces"]


@pytest.mark.parametrize("sign", get_args(Guide))
def test_every_sign_is_said(sign: Guide) -> None:
    guide = seen(Health(guide=sign))["guide"]

    assert guide["code"] == sign
    assert guide["en"]


@pytest.mark.parametrize(
    "health, copied",
    [
        pytest.param(Health(trouble="not_registered"), "tandem kiosk register <address> <code>", id="not registered"),
        pytest.param(Health(trouble="no_badge_keys", fingerprint="590f-3f13"), "590f-3f13", id="not confirmed"),
    ],
)
def test_a_new_station_says_what_is_still_to_be_done(health: Health, copied: str) -> None:
    assert seen(health)["setup"]["copy"] == copied


@pytest.mark.parametrize("sound", [True, False])
def test_a_setting_switches_the_sound_off(station: StandInStation, sound: bool) -> None:
    app = create_screen(station, language="en", sound=sound)

    page = app.test_client().get("/").text

    assert f'data-sound="{"on" if sound else "off"}"' in page


def test_whoever_does_what_the_screen_asks_is_followed_closely(
    station: StandInStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def watch(self: StandInStation, after: int, timeout: float) -> list[Answer]:
        waits.append(timeout)
        return []

    monkeypatch.setattr(StandInStation, "watch", watch)
    station.health = Health(guide="blink")

    told(station, most=2)

    assert waits == [0, EAGER]


@pytest.mark.parametrize("end", get_args(get_args(End)[0]) + get_args(get_args(End)[1]))
def test_every_end_of_an_enrolment_is_said(end: End) -> None:
    shown = shown_progress(Progress(learner_id="bo", name="Bo Wang", good=3, end=end), lambda _: None)

    assert shown["said"]["en"]
    assert shown["others"] is None


def test_who_looks_alike_is_named_if_the_roster_knows_them() -> None:
    progress = Progress(learner_id="bo", name="Bo Wang", good=3, end="resembles", others=("dee", "of another day"))

    shown = shown_progress(progress, {"dee": "Dee Wang"}.get)

    assert shown["others"]["en"] == "It is enrolled for: Dee Wang, somebody who is not on today's lists"
    assert shown["others"]["zh"] == "已登记在此人名下：Dee Wang、不在今日名单上的人"


# What a person is told.


@pytest.mark.parametrize("direction", ["in", "out", None])
@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_answer_has_a_heading(kind: Kind, direction: Any) -> None:
    heading = answered(replace(ANN, kind=kind, direction=direction))["heading"]

    assert heading["en"]
    assert heading["zh"]


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_says_what_is_and_then_what_to_do(code: Any) -> None:
    more = answered(replace(STRANGER, code=code))["more"]

    assert " ".join(more["en"]) == REASONS[code].en
    assert "".join(more["zh"]) == REASONS[code].zh
    assert all(more["en"] + more["zh"])


def test_who_is_in_the_wrong_room_hears_the_right_one() -> None:
    more = answered(replace(STRANGER, code="wrong_room", room_name="Room 2"))["more"]

    assert more["en"] == ["Your session is not in this room.", "Please go to Room 2 and check in there."]
    assert more["zh"] == ["您的培训不在这个教室。", "请到“Room 2”签到。"]


def test_who_learns_in_a_pair_hears_of_the_partner() -> None:
    pair = (Partner(name="Bo Wang", whereabouts="in"), Partner(name="Cy Zhao", whereabouts="expected"))

    told = answered(replace(ANN, partners=pair))["partners"]

    assert told["en"] == "Your partner Bo Wang is here. Your partner Cy Zhao has not checked in here yet"
    assert told["zh"] == "您的搭档Bo Wang已在场；您的搭档Cy Zhao尚未在此签到"


def test_a_title_in_one_language_serves_both() -> None:
    title = answered(replace(ANN, title_zh=None))["title"]

    assert title == {"en": "Order entry 101", "zh": "Order entry 101"}


def test_a_role_nobody_translated_is_said_as_it_is() -> None:
    assert answered(replace(ANN, role="auditor"))["role"] == {"en": "auditor", "zh": "auditor"}


ALL: list[Mapping[Any, Text]] = [texts.TEXTS, texts.TROUBLES, texts.LOST, texts.GUIDES, texts.FLAWS, texts.ENDS]


@pytest.mark.parametrize("text", [text for some in [*ALL, texts.ROLES] for text in some.values()])
def test_the_screen_speaks_both_languages(text: Any) -> None:
    assert text.en.isascii()
    assert re.search(r"[\u4e00-\u9fff]", text.zh)


# Arriving or leaving?


def test_the_touch_reaches_the_station(client: FlaskClient, station: StandInStation) -> None:
    question = station.say(replace(ANN, kind="ask_direction", records=()))

    answer = client.post("/choice", json={"number": question.number, "direction": "out"})

    assert answer.status_code == 204
    assert station.chosen == ["out"]


def test_a_late_touch_does_not_answer_for_the_next_person(client: FlaskClient, station: StandInStation) -> None:
    first = station.say(replace(ANN, kind="ask_direction", records=()))
    station.say(replace(ANN, name="Bo Chen", kind="ask_direction", records=()))

    answer = client.post("/choice", json={"number": first.number, "direction": "out"})

    assert answer.status_code == 409
    assert station.chosen == []


@pytest.mark.parametrize(
    "body, content_type, status",
    [
        pytest.param('{"number": 1, "direction": "up"}', "application/json", 400, id="a direction there is not"),
        pytest.param('{"number": "1", "direction": "in"}', "application/json", 400, id="a number as text"),
        pytest.param("[1]", "application/json", 400, id="not an object"),
        pytest.param("{", "application/json", 400, id="not JSON"),
        pytest.param('{"number": 1, "direction": "in"}', "text/plain", 415, id="what a foreign site could send"),
        pytest.param(" " * 2000, "application/json", 413, id="too much"),
    ],
)
def test_any_other_choice_is_refused(
    client: FlaskClient, station: StandInStation, body: str, content_type: str, status: int
) -> None:
    answer = client.post("/choice", data=body, content_type=content_type)

    assert answer.status_code == status
    assert station.chosen == []


class _Listening:
    """A page that hears one turn after the other, the first one already heard."""

    def __init__(self, station: StandInStation) -> None:
        client = create_screen(station, language="en", now=lambda: NINE).test_client()
        self._response = client.get("/events", buffered=False)
        self._chunks = self._response.iter_encoded()
        self.next()

    def next(self) -> list[tuple[str, Any]]:
        return list(parsed(next(iter(self._chunks))))

    def close(self) -> None:
        self._response.close()
