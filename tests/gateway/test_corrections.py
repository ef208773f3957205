"""Decisions about attendance on the pages: with a reason, by who may, and the hours follow."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from gateway.corrections import cases
from ledger.board import credited
from ledger.tables import DecisionRow, DirtyDayRow, PersonRow
from tests.gateway.cast import NINE, TODAY, TWELVE, Gateway, attend, evening, seen
from tests.gateway.pair_cast import as_learner, as_staff, send, token

PATH = "/session/order-101/learner/bo"
XSS = "<script>alert(1)</script>"


@pytest.fixture
def forgot(gateway: Gateway) -> Gateway:
    """Let Bo forget to check out; it is two hours after the session."""
    with gateway.ledger.begin() as db:
        seen(db, "bo", "in", NINE)
        attend(db, "ann")
        evening(db)
    gateway.clock.now = TWELVE + timedelta(hours=2)
    return gateway


def decide(gateway: Gateway, path: str = PATH, **fields: str) -> TestResponse:
    """Send the form of a decision."""
    given = {"kind": "add_out", "at_add_out": "2026-11-20T12:00", "reason": "I saw him leave."}
    return send(as_staff(gateway), path, path, **(given | fields))


def decided(gateway: Gateway) -> list[DecisionRow]:
    """Return the decisions."""
    with gateway.ledger.read() as db:
        return list(db.scalars(sa.select(DecisionRow).order_by(DecisionRow.id)))


def check_in(gateway: Gateway, person: str = "bo") -> UUID:
    """Return the id of somebody's first check-in."""
    with gateway.ledger.read() as db:
        return cases(db, [("order-101", person)], now=gateway.clock.now)[0].check_ins[0].id


def test_what_waits_is_listed_with_facts_and_reason(forgot: Gateway) -> None:
    page = as_staff(forgot).get("/review").text

    assert "Bo Wang" in page
    assert "Ann Li" not in page
    assert "There is a check-in but no check-out" in page
    assert ">09:00</time>" in page
    assert re.search(r'value="add_out" required checked', page)
    assert 'name="at_add_out" value="2026-11-20T12:00"' in page


def test_the_day_leads_to_the_decision(forgot: Gateway) -> None:
    page = as_staff(forgot).get("/day").text

    assert f'href="{PATH}"' in page.split('data-part="decide"')[1]


def test_a_decision_is_entered_and_the_day_is_settled_again(forgot: Gateway) -> None:
    answer = decide(forgot, then="review")

    assert (answer.status_code, answer.location) == (303, "/review?done=decided")
    [row] = decided(forgot)
    assert (row.kind, row.at, row.reason, row.person_id) == ("add_out", TWELVE, "I saw him leave.", "bo")
    assert len(row.decided_by) <= 32
    with forgot.ledger.read() as db:
        assert db.get(DirtyDayRow, ("bo", TODAY)) is not None


@pytest.mark.parametrize(
    "fields, kind",
    [
        pytest.param(
            {"kind": "add_in", "at_add_in": "2026-11-20T08:30"}, "add_in", id="a check-in, at the window's start"
        ),
        pytest.param({"kind": "nothing"}, "nothing", id="nothing"),
        pytest.param({"kind": "nothing", "at_add_out": "rubbish"}, "nothing", id="other fields do not matter"),
    ],
)
def test_every_kind_of_decision_can_be_made(forgot: Gateway, fields: dict[str, str], kind: str) -> None:
    assert decide(forgot, **fields).status_code == 303
    assert [row.kind for row in decided(forgot)] == [kind]


def test_a_check_in_can_be_taken_out_and_put_back(forgot: Gateway) -> None:
    which = check_in(forgot)

    decide(forgot, kind="void", check_in=str(which))
    page = as_staff(forgot).get(PATH).text
    decide(forgot, kind="void", check_in=decided(forgot)[0].id)

    assert "taken out: in 09:00" in page
    with forgot.ledger.read() as db:
        [case] = cases(db, [("order-101", "bo")], now=forgot.clock.now)
    assert which not in case.voided
    assert len(case.decisions) == 2


@pytest.mark.parametrize(
    "fields, said",
    [
        pytest.param({"reason": " "}, "Please give a reason.", id="no reason"),
        pytest.param({"kind": ""}, "Please choose what is to be done.", id="no decision"),
        pytest.param({"kind": "double"}, "Please choose what is to be done.", id="unknown decision"),
        pytest.param({"at_add_out": ""}, "Please say at what time.", id="no time"),
        pytest.param({"at_add_out": "noon"}, "There is no such time", id="no instant"),
        pytest.param({"at_add_out": "2026-11-20T12:31"}, "half an hour before and after", id="outside the window"),
        pytest.param({"kind": "void"}, "Please say which check-in.", id="no check-in"),
        pytest.param({"kind": "void", "check_in": "x"}, "somebody else", id="no id"),
    ],
)
def test_a_decision_that_lacks_something_says_so_and_keeps_what_was_written(
    forgot: Gateway, fields: dict[str, str], said: str
) -> None:
    answer = decide(forgot, **({"reason": "I saw him leave."} | fields))

    assert answer.status_code == 422
    assert said in answer.text
    assert decided(forgot) == []
    if "reason" not in fields:
        assert 'value="I saw him leave."' in answer.text


def test_somebody_elses_check_in_is_not_taken_out(forgot: Gateway) -> None:
    answer = decide(forgot, kind="void", check_in=str(check_in(forgot, "ann")))

    assert answer.status_code == 422
    assert decided(forgot) == []


def test_a_check_in_is_taken_out_once(forgot: Gateway) -> None:
    which = str(check_in(forgot))
    decide(forgot, kind="void", check_in=which)

    assert decide(forgot, kind="void", check_in=which).status_code == 409


@pytest.mark.parametrize(
    "path",
    ["/session/order-999/learner/bo", "/session/order-101/learner/nobody", "/session/order-101/learner/dora"],
)
def test_who_is_not_in_a_session_has_no_form(forgot: Gateway, path: str) -> None:
    browser = as_staff(forgot)
    form = token(browser.get("/review").text)

    assert browser.get(path).status_code == 404
    answer = browser.post(path, data={"form": form, "kind": "nothing", "reason": "x"})
    assert answer.status_code == 404


def test_hours_that_are_not_under_review_can_be_corrected(forgot: Gateway) -> None:
    path = "/session/order-101/learner/ann"

    page = as_staff(forgot).get(path).text
    answer = decide(forgot, path, kind="nothing", reason="She slept.")

    assert "<strong>3.5 学时</strong>" in page
    assert (answer.status_code, answer.location) == (303, f"{path}?done=decided")


@pytest.mark.parametrize("path", ["/review", PATH])
def test_only_staff_see_the_pages(forgot: Gateway, path: str) -> None:
    assert as_learner(forgot, "bo").get(path).status_code == 403
    assert forgot.get(path).location == "/sign-in"


def test_a_learner_may_not_decide(forgot: Gateway) -> None:
    answer = as_learner(forgot, "bo").post(PATH, data={"kind": "nothing", "reason": "x"})

    assert answer.status_code == 403
    assert forgot.browser().post(PATH).status_code == 401
    assert decided(forgot) == []


def test_a_viewer_may_not_decide(forgot: Gateway) -> None:
    viewer = as_staff(forgot, "viewer", "vera")

    page = viewer.get("/review").text

    assert "Bo Wang" in page
    assert ">Decide</button>" not in page
    assert viewer.post(PATH, data={"form": token(page), "kind": "nothing", "reason": "x"}).status_code == 403


def test_a_form_from_elsewhere_decides_nothing(forgot: Gateway) -> None:
    assert as_staff(forgot).post(PATH, data={"kind": "nothing", "reason": "x"}).status_code == 400
    assert decided(forgot) == []


def test_reasons_and_names_are_text_and_never_markup(forgot: Gateway) -> None:
    with forgot.ledger.begin() as db:
        db.execute(sa.update(PersonRow).values(name=XSS))
    wrong = decide(forgot, kind="", reason=XSS)
    decide(forgot, kind="nothing", reason=XSS)

    for page in (wrong.text, as_staff(forgot).get(PATH).text, as_staff(forgot).get("/review").text):
        assert XSS not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


def test_the_pages_speak_chinese(forgot: Gateway) -> None:
    page = as_staff(forgot).get("/review?lang=zh").text

    assert "补登签退" in page
    assert "订单录入" in page


def test_each_region_can_be_looked_at_alone(forgot: Gateway) -> None:
    assert "Bo Wang" in as_staff(forgot).get("/review?region=east").text
    assert "Nothing to decide" in as_staff(forgot).get("/review?region=west").text


def test_a_decided_check_out_gives_the_hours(forgot: Gateway) -> None:
    decide(forgot)

    with forgot.ledger.begin() as db:
        evening(db, forgot.clock.now)
        hours = credited(db, ["order-101"])

    assert str(hours["order-101", "bo"].credit) == "3.5"
    assert "Nothing to decide" in as_staff(forgot).get("/review").text
