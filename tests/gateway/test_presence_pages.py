"""Whether somebody is still there: asked on the pages that are open, answered in time, seen by the trainer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from gateway import day
from ledger.tables import PresenceAnswerRow, PresenceCheckRow, SessionRow
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, evening, seen
from tests.gateway.pair_cast import as_learner, as_staff, send, token
from tests.gateway.phones import Phone

TEN = NINE + timedelta(hours=1)
SECOND, OPEN = timedelta(seconds=1), timedelta(minutes=3)
ASKED, ANSWER = "/my/check", "/my/check/at-ten"
WALL, CASE = "/session/order-101/code/now", "/session/order-101/learner/ann"


@pytest.fixture
def asking(gateway: Gateway) -> Gateway:
    """Ask the learners of order-101 at ten; it is half a minute later."""
    ask(gateway)
    gateway.clock.now = TEN + 30 * SECOND
    return gateway


def ask(gateway: Gateway, id: str = "at-ten", minutes: int = 0) -> None:
    at = TEN + timedelta(minutes=minutes)
    with gateway.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").presence_checks += 1
        db.add(PresenceCheckRow(id=id, session_id="order-101", asked_at=at, answer_until=at + OPEN))


def answers(gateway: Gateway) -> list[tuple[str, str]]:
    with gateway.ledger.read() as db:
        return [(row.check_id, row.person_id) for row in db.scalars(sa.select(PresenceAnswerRow))]


def press(gateway: Gateway, person: str = "ann", path: str = ANSWER) -> TestResponse:
    """Send the button's form; its token is the same on every page of a learner."""
    return send(as_learner(gateway, person), "/my", path)


def receipt(gateway: Gateway, direction: str = "in", language: str = "en") -> str:
    """Check in by phone, signed in already, and return the page with the receipt."""
    phone = Phone(gateway)
    phone.client = as_learner(gateway)
    place = phone.scan()
    phone.confirm(place, direction=direction)
    return phone.get(f"{place}?lang={language}").text


@contextmanager
def queries(gateway: Gateway) -> Iterator[list[tuple[str, Any]]]:
    """Note what the database is asked meanwhile."""
    found: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, values: Any, *rest: object) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, values))

    sa.event.listen(gateway.ledger.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(gateway.ledger.engine, "before_cursor_execute", note)


# Learners


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("Are you still there?", "Order entry", "Please answer by 10:03.", "Yes, I am here")),
        ("zh", ("您还在场吗？", "订单录入", "请在 10:03 前回答。", "我在场")),
    ],
)
@pytest.mark.parametrize("path", [ASKED, "/my"], ids=["a page that is open", "a page that is loaded"])
def test_a_learner_is_asked(asking: Gateway, path: str, language: str, words: tuple[str, ...]) -> None:
    page = as_learner(asking).get(f"{path}?lang={language}").text

    for word in words:
        assert word in page
    assert 'data-left="150"' in page
    assert f'action="{ANSWER}"' in page


def test_an_answer_is_entered_and_thanked_for(asking: Gateway) -> None:
    ann = as_learner(asking)

    answer = send(ann, ASKED, ANSWER)
    page = ann.get(answer.location).text

    assert (answer.status_code, answer.location) == (303, "/my?done=answered")
    assert answers(asking) == [("at-ten", "ann")]
    assert "Thank you, your answer is recorded." in page
    assert "Are you still there?" not in page
    assert ann.get(ASKED).status_code == 204
    assert as_learner(asking, "bo").get(ASKED).status_code == 200


def test_pressing_twice_answers_once(asking: Gateway) -> None:
    assert [press(asking).status_code for _ in range(2)] == [303, 303]
    assert answers(asking) == [("at-ten", "ann")]


@pytest.mark.parametrize(
    "at", [TEN - SECOND, TEN + OPEN + SECOND, TWELVE + timedelta(hours=2)], ids=["before", "after", "in the afternoon"]
)
def test_nobody_is_asked_outside_of_a_checks_time(asking: Gateway, at: datetime) -> None:
    asking.clock.now = at

    asked, pressed = as_learner(asking).get(ASKED), press(asking)

    assert (asked.status_code, asked.data, asked.headers["Cache-Control"]) == (204, b"", "no-store")
    assert pressed.status_code == 409
    assert "The time to answer is over" in pressed.text
    assert "Please tell your trainer" in pressed.text
    assert answers(asking) == []


@pytest.mark.parametrize("path", [ANSWER, f"{ASKED}/nothing"], ids=["of others", "none"])
def test_what_a_learner_is_not_asked_cannot_be_answered(asking: Gateway, path: str) -> None:
    assert as_learner(asking, "stranger").get(ASKED).status_code == 204

    pressed = press(asking, "stranger", path)

    assert pressed.status_code == 404
    assert "You are not asked anything here" in pressed.text
    assert answers(asking) == []


def test_a_form_that_is_not_ours_answers_nothing(asking: Gateway) -> None:
    ann, bo = as_learner(asking), as_learner(asking, "bo")
    of_bo = token(bo.get("/my").text)

    refused = [ann.post(ANSWER, data=data) for data in ({}, {"form": "0" * 64}, {"form": of_bo})]

    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert "This page was open for too long" in refused[0].text
    assert answers(asking) == []


def test_who_is_signed_out_is_told_and_not_led_away(asking: Gateway) -> None:
    nobody = asking.browser()

    asked, pressed = nobody.get(ASKED), nobody.post(ANSWER, data={"form": token(as_learner(asking).get("/my").text)})

    assert (asked.status_code, pressed.status_code) == (401, 401)
    assert "You are not signed in any more" in pressed.text
    assert 'href="/my"' in pressed.text
    assert answers(asking) == []


def test_a_page_that_asks_every_few_seconds_costs_one_query_beside_the_sign_in(gateway: Gateway) -> None:
    ann = as_learner(gateway)

    with queries(gateway) as asked:
        ann.get(ASKED)

    [_, (query, values)] = asked
    with gateway.ledger.read() as db:
        steps = [row.detail for row in db.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + query, values)]
    assert "presence_checks" in query
    assert [step for step in steps if "SCAN" in step] == []


# Checking in


@pytest.mark.parametrize(
    "times, language, words",
    [
        (1, "en", "you will be asked once whether you are still there"),
        (2, "en", "you will be asked 2 times whether you are still there"),
        (2, "zh", "系统会询问您 2 次是否在场"),
    ],
)
def test_a_receipt_says_that_the_session_will_ask(gateway: Gateway, times: int, language: str, words: str) -> None:
    with gateway.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").presence_checks = times

    assert words in receipt(gateway, language=language)


def test_a_receipt_says_nothing_of_it_when_the_session_does_not_ask_or_somebody_leaves(gateway: Gateway) -> None:
    came = receipt(gateway)
    ask(gateway)
    left = receipt(gateway, "out")

    assert "will be asked" not in came + left


def test_a_receipt_that_is_open_asks(gateway: Gateway) -> None:
    ask(gateway)
    gateway.clock.now = TEN

    page = receipt(gateway)

    assert "Are you still there? · You are checked in" in page
    assert f'data-source="{ASKED}"' in page
    assert 'src="/static/presence.js"' in page


# The trainer


def test_the_wall_asks_to_answer_while_a_check_is_open(asking: Gateway) -> None:
    trainer = as_staff(asking)

    now = trainer.get(WALL).text
    asking.clock.now = TEN + OPEN + SECOND
    later = trainer.get(WALL).text

    assert "Presence check: please answer on your phone" in now
    assert f"or at {asking.settings.url.removeprefix('http://')}/my<" in now
    assert ">2:30</p>" in now
    assert "Presence check" not in later


def test_a_cancelled_session_asks_nobody(asking: Gateway) -> None:
    with asking.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").cancelled = True

    assert "Presence check" not in as_staff(asking).get(WALL).text
    assert as_learner(asking).get(ASKED).status_code == 204


def test_the_day_shows_how_many_checks_were_answered_of_those_asked(asking: Gateway) -> None:
    ask(asking, "at-half-past", minutes=30)
    ask(asking, "at-noon", minutes=119)
    with asking.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
        seen(db, "bo", "in", NINE + timedelta(minutes=75))
    press(asking)
    asking.clock.now = TEN + timedelta(minutes=40)

    with asking.ledger.read() as db:
        sitting = day.sitting(db, "order-101", now=asking.clock.now)
    board = as_staff(asking).get("/day").text

    assert sitting
    assert {seat.person: (seat.answered, seat.asked) for seat in sitting.seats} == {"ann": (1, 2), "bo": (0, 1)}
    assert "Presence checks answered: 1 of 2" in board
    assert "Presence checks answered: 0 of 1" in board


def test_who_is_not_there_is_not_asked_on_the_board(asking: Gateway) -> None:
    with asking.ledger.begin() as db:
        attend(db, "ann", leave=TEN - timedelta(minutes=1))

    board = as_staff(asking).get("/day").text

    assert "Presence checks" not in board


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("Vouch: was present", "Presence checks", "no answer", "vouched: was present")),
        ("zh", ("证明在场", "在场确认", "未回答", "已证明在场")),
    ],
)
def test_a_trainer_vouches_for_who_missed_a_check(asking: Gateway, language: str, words: tuple[str, ...]) -> None:
    with asking.ledger.begin() as db:
        attend(db, "ann")
        evening(db)
    asking.clock.now = TWELVE + timedelta(hours=2)
    trainer = as_staff(asking)
    waiting = trainer.get(f"/review?lang={language}").text

    answer = send(trainer, CASE, CASE, kind="present", reason="I saw her.", then="review")

    with asking.ledger.begin() as db:
        evening(db, asking.clock.now)
    after = trainer.get(CASE).text
    for word in words[:3]:
        assert word in waiting
    assert "checked" not in re.findall(r'value="present"[^>]*', waiting)[0]
    assert answer.status_code == 303
    assert words[3] in after
    assert "3.5" in after
    assert "Ann Li" not in trainer.get("/review").text


def test_nobody_is_vouched_for_where_nothing_was_asked(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
        evening(db)

    assert 'value="present"' not in as_staff(gateway).get(CASE).text
