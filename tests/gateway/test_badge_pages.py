"""The page of badges: an admin fills in whose, and gets paper."""

import re

import pypdfium2
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway import badge_pages
from gateway.badge_texts import TEXTS
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import BadgeRow
from tests.gateway.cast import PASSWORD, Gateway, staff


@pytest.fixture
def admin(gateway: Gateway, ledger: Ledger) -> FlaskClient:
    """Sign an admin in."""
    with ledger.begin() as db:
        staff(db, "ada", "admin")
    browser = gateway.browser()
    page = browser.get("/sign-in").text
    found = re.search(r'name="form" value="(\w+)"', page)
    browser.post("/sign-in", data={"login": "ada", "password": PASSWORD} | ({"form": found[1]} if found else {}))
    return browser


def printed(admin: FlaskClient, **fields: str) -> TestResponse:
    found = re.search(r'name="form" value="(\w+)"', admin.get("/badges").text)
    assert found
    return admin.post("/badges", data={"form": found[1], **fields})


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"people": "1002\r\n1001"}, ["Bo Wang", "Ann Li"]),
        ({"session": " order-101 "}, ["Ann Li", "Bo Wang"]),
        ({"region": "west"}, ["Dora West"]),
    ],
    ids=["people", "a session", "a region"],
)
def test_an_admin_gets_paper(admin: FlaskClient, ledger: Ledger, fields: dict[str, str], names: list[str]) -> None:
    answer = printed(admin, organisation="永辉 Training", **fields)

    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="badges.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"
    lines = pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_range().splitlines()
    assert [line for line in lines if line in names] == names
    assert lines.count("永辉 Training") == len(names)
    with ledger.read() as db:
        acts = db.scalars(sa.select(AuditRow).where(AuditRow.act == "badge issued")).all()
    assert len(acts) == len(names)
    assert all(act.actor.startswith("account:") for act in acts)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "whose_badges"),
        ({"session": "order-101", "region": "east"}, "whose_badges"),
        ({"people": "9999"}, "no_such_person"),
        ({"session": "none"}, "no_such_session"),
        ({"region": "none"}, "no_such_region"),
        ({"session": "order-101", "staff": "yes"}, "nobody_there"),
        ({"people": "1001", "staff": "yes"}, "no_trainer"),
        ({"session": "order-101"}, "too_many_badges"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_cannot_be_printed_is_said_at_the_form_and_issues_nothing(
    admin: FlaskClient,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, str],
    code: str,
) -> None:
    monkeypatch.setattr(badge_pages, "MOST", 1)

    answer = printed(admin, **fields)

    assert answer.status_code == 422
    assert TEXTS[code].en in answer.text
    admin.get("/badges?lang=zh")
    assert TEXTS[code].zh in printed(admin, **fields).text
    with ledger.read() as db:
        assert db.scalars(sa.select(BadgeRow)).all() == []


def test_a_form_that_is_not_ours_prints_nothing(admin: FlaskClient, ledger: Ledger) -> None:
    assert admin.post("/badges", data={"people": "1001"}).status_code == 400
    with ledger.read() as db:
        assert db.scalars(sa.select(BadgeRow)).all() == []


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_of_their_own(key: str) -> None:
    assert TEXTS[key].en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in TEXTS[key].zh)
