"""Claims about what the screen may ask for a member of staff: nothing without their badge, and nothing odd with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from kiosk.screen import create_screen
from tests.kiosk.cast import TINAS_BADGE, shows
from tests.kiosk.states import Stage, staged

ANN_IN = {"learner": "ann", "session": "order-101", "direction": "in"}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as stage:
        stage.begin(at_once=False)
        yield stage


@pytest.fixture
def client(stage: Stage) -> FlaskClient:
    return create_screen(stage.view, language="en").test_client()


def show_staff_badge(stage: Stage) -> None:
    assert stage.station.sight(shows(TINAS_BADGE, kind="staff"))


@pytest.mark.parametrize(
    "path, body",
    [
        pytest.param("/staff/choice", ANN_IN, id="check in"),
        pytest.param("/staff/enrolment", {"learner": "bo"}, id="enrol"),
    ],
)
def test_by_touch_alone_nothing_can_be_done(client: FlaskClient, stage: Stage, path: str, body: Any) -> None:
    assert client.get("/staff").status_code == 404

    assert client.post(path, json=body).status_code == 409
    assert stage.station.wait(0, 0) == []
    assert stage.station.status().enrolment is None


def test_the_list_says_what_there_is_to_do_for_each(client: FlaskClient, stage: Stage) -> None:
    show_staff_badge(stage)
    client.post("/staff/choice", json=ANN_IN)

    told = client.get("/staff").get_json()

    assert (told["left"], told["locked"]) == (60, False)
    rows = {row["name"]: row for row in told["rows"]}
    assert rows["Ann Li"]["whereabouts"]["en"] == "here"
    assert rows["Ann Li"]["enrol"] is None  # she has not consented
    assert rows["Bo Wang"]["enrol"]["en"] == "Enrol face"
    assert rows["Bo Wang"]["role"] == {"en": "Reserve manager", "zh": "储备经理"}


@pytest.mark.parametrize("learner", ["ann", "cy", "nobody", ""], ids=["no consent", "not here", "a stranger", "empty"])
def test_nobodys_face_is_looked_at_who_has_not_consented_and_is_not_listed(
    client: FlaskClient, stage: Stage, learner: str
) -> None:
    show_staff_badge(stage)

    answer = client.post("/staff/enrolment", json={"learner": learner})

    assert answer.status_code == 409
    assert stage.station.status().enrolment is None


def test_an_enrolment_ends_with_the_list(client: FlaskClient, stage: Stage) -> None:
    show_staff_badge(stage)
    assert client.post("/staff/enrolment", json={"learner": "bo"}).status_code == 204
    assert stage.station.status().enrolment

    assert client.post("/staff/end", json={}).status_code == 204

    assert stage.station.status().enrolment is None
    stage.sits(1.0)
    assert stage.gallery.people() == frozenset()


def test_a_disk_that_fails_keeps_no_face_and_says_so(
    client: FlaskClient, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.gallery._db.execute("PRAGMA query_only = ON")
    show_staff_badge(stage)
    client.post("/staff/enrolment", json={"learner": "bo"})

    stage.sits(1.0)

    progress = stage.station.status().enrolment
    assert progress
    assert progress.end == "not_kept"
    assert stage.station.status().trouble is None


@pytest.mark.parametrize(
    "path, body, content_type, status",
    [
        pytest.param("/staff/choice", '{"learner": "ann"}', "application/json", 400, id="half a choice"),
        pytest.param("/staff/choice", "[]", "application/json", 400, id="not an object"),
        pytest.param("/staff/enrolment", '{"learner": 7}', "application/json", 400, id="a number for a person"),
        pytest.param("/staff/pin", '{"pin": "12a4"}', "application/json", 400, id="letters in a PIN"),
        pytest.param("/staff/pin", '{"pin": ""}', "application/json", 400, id="no PIN"),
        pytest.param("/staff/end", "{}", "text/plain", 415, id="what a foreign site could send"),
        pytest.param("/staff/back", " " * 2000, "application/json", 413, id="too much"),
    ],
)
def test_anything_else_is_refused(
    client: FlaskClient, stage: Stage, path: str, body: str, content_type: str, status: int
) -> None:
    show_staff_badge(stage)

    assert client.post(path, data=body, content_type=content_type).status_code == status
    assert stage.station.staff_mode.left
