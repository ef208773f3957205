"""Learners sign in with number and PIN; whoever guesses is slowed down, and a new PIN ends what the old one opened."""

import logging
from datetime import timedelta

import pytest
from argon2.exceptions import VerificationError, VerifyMismatchError
from flask.testing import FlaskClient

from gateway import admin, learners
from gateway.problem import NotDone
from gateway.settings import GatewaySettings
from ledger.account_tables import AuditRow, WebSessionRow
from ledger.database import Ledger
from ledger.tables import PersonRow
from tests.gateway.cast import NINE, Gateway
from tests.gateway.phones import PINS, Phone, give_pins

HOME = "/my/sign-in"


@pytest.fixture
def company(gateway: Gateway) -> Gateway:
    """Give the cast their PINs."""
    with gateway.ledger.begin() as db:
        give_pins(db)
    return gateway


def cookies_of(client: FlaskClient) -> list[str]:
    return sorted(name for name in ("tandem_learner", "__Host-tandem_learner") if client.get_cookie(name))


def test_number_and_pin_sign_a_learner_in(company: Gateway) -> None:
    phone = Phone(company)

    made = phone.send(HOME, number=" 1001 ", pin=PINS["ann"])

    assert (made.status_code, made.location) == (303, "/my")
    assert "Ann Li" in phone.get("/my").text


@pytest.mark.parametrize(
    "number, pin",
    [("1001", "918205"), ("9999", "730142"), ("2001", "730142"), ("", ""), ("1001\0", "730142"), ("1001", "")],
    ids=["another's PIN", "unknown number", "no PIN yet", "nothing", "a NUL", "no PIN typed"],
)
def test_who_does_not_know_the_pin_stays_outside(company: Gateway, number: str, pin: str) -> None:
    phone = Phone(company)

    refused = phone.send(HOME, number=number, pin=pin)

    assert refused.status_code == 403
    assert "Number or PIN is wrong." in refused.text
    assert cookies_of(phone.client) == []


def test_after_five_wrong_pins_the_right_one_has_to_wait_too(company: Gateway) -> None:
    phone = Phone(company)
    for _ in range(5):
        assert phone.send(HOME, number="1001", pin="111112").status_code == 403

    sixth = phone.send(HOME, number="1001", pin=PINS["ann"])
    elsewhere = Phone(company, "10.1.0.8").send(HOME, number="1001", pin=PINS["ann"])
    colleague = Phone(company).send(HOME, number="1002", pin=PINS["bo"])
    company.clock.now += timedelta(minutes=15)
    later = phone.send(HOME, number="1001", pin=PINS["ann"])

    assert sixth.status_code == 429
    assert "Please try again in 15 min." in sixth.text
    assert sixth.headers["Retry-After"] == "900"
    assert (elsewhere.status_code, colleague.status_code, later.status_code) == (303, 303, 303)


def test_many_addresses_do_not_search_a_pin(company: Gateway) -> None:
    for number in range(learners.PER_PERSON):
        Phone(company, f"10.2.0.{number // 2}").send(HOME, number="1001", pin="111112")

    assert Phone(company, "10.3.0.1").send(HOME, number="1001", pin=PINS["ann"]).status_code == 429


def test_an_unknown_number_is_compared_with_something_as_well(
    company: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    class Watched:
        def verify(self, stored: str, pin: str) -> bool:
            compared.append(stored)
            raise VerificationError

    monkeypatch.setattr(learners, "_HASHER", Watched())
    for number in ("1001", "9999", "2001"):
        Phone(company).send(HOME, number=number, pin="111112")

    assert [stored.startswith("$argon2id$") for stored in compared] == [True, True, True]
    assert [stored == learners._NOBODY for stored in compared] == [False, True, True]


def test_to_compare_with_nobody_is_as_much_work_as_with_somebody() -> None:
    stored = learners._NOBODY

    assert not learners._HASHER.check_needs_rehash(stored)
    with pytest.raises(VerifyMismatchError):
        learners._HASHER.verify(stored, PINS["ann"])


def test_signing_in_makes_a_new_session_and_forgets_the_old_one(company: Gateway) -> None:
    phone = Phone(company)
    phone.client.set_cookie("tandem_learner", "planted")
    phone.send(HOME, number="1001", pin=PINS["ann"])
    first = phone.client.get_cookie("tandem_learner")
    phone.send("/my/sign-out", "/my")
    phone.send(HOME, number="1001", pin=PINS["ann"])
    second = phone.client.get_cookie("tandem_learner")

    assert first is not None
    assert second is not None
    assert len({"planted", first.value, second.value}) == 3
    with company.ledger.read() as db:
        assert db.query(WebSessionRow).count() == 1


def test_the_cookie_is_for_our_pages_only(company: Gateway) -> None:
    made = Phone(company).send(HOME, number="1001", pin=PINS["ann"])

    [cookie] = [value for value in made.headers.getlist("Set-Cookie") if value.startswith("tandem_learner")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_tls_the_cookie_has_a_name_that_nobody_else_can_set(ledger: Ledger) -> None:
    with ledger.begin() as db:
        give_pins(db)
    gateway = Gateway(ledger, GatewaySettings(public_url="https://tandem.example"))
    client = gateway.app.test_client()
    page = client.get(HOME, base_url="https://tandem.example")
    form = page.text.split('name="form" value="')[1].split('"')[0]

    made = client.post(
        HOME, base_url="https://tandem.example", data={"form": form, "number": "1001", "pin": PINS["ann"]}
    )
    stolen = gateway.app.test_client()
    cookie = next(v for v in made.headers.getlist("Set-Cookie") if v.startswith("__Host-tandem_learner="))
    stolen.set_cookie("tandem_learner", cookie.split("=")[1].split(";")[0], domain="tandem.example")

    assert "Secure" in cookie
    assert client.get("/my", base_url="https://tandem.example").status_code == 200
    assert stolen.get("/my", base_url="https://tandem.example").status_code == 302


def test_a_form_of_another_browser_is_refused(company: Gateway) -> None:
    answer = Phone(company).post(HOME, form="f00", number="1001", pin=PINS["ann"])

    assert answer.status_code == 400
    assert "This page was open for too long" in answer.text


@pytest.mark.parametrize("place", ["/my/tasks", "/", "/check-in/x?lang=zh"])
def test_signing_in_leads_on_to_where_somebody_was_going(company: Gateway, place: str) -> None:
    made = Phone(company).send(HOME, number="1001", pin=PINS["ann"], next=place)

    assert made.location == place


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:1", ""]
)
def test_signing_in_never_leads_away_from_us(company: Gateway, place: str) -> None:
    made = Phone(company).send(HOME, number="1001", pin=PINS["ann"], next=place)

    assert made.location == "/my"


def test_a_session_ends_by_itself_and_by_hand(company: Gateway) -> None:
    one, other = Phone(company), Phone(company)
    for phone in (one, other):
        phone.send(HOME, number="1001", pin=PINS["ann"])

    one.send("/my/sign-out", "/my")
    assert one.get("/my").status_code == 302
    assert other.get("/my").status_code == 200
    company.clock.now += timedelta(hours=12)
    assert other.get("/my").status_code == 302


def test_a_new_pin_signs_out_everywhere(company: Gateway) -> None:
    phone = Phone(company)
    phone.send(HOME, number="1001", pin=PINS["ann"])

    with company.ledger.begin() as db:
        made = admin.person_set_pin(db, "1001", "271828", actor="console", now=NINE)

    assert made == {"person": "ann", "number": "1001", "set_at": "2026-11-20T01:00:00Z"}
    assert phone.get("/my").status_code == 302
    assert phone.send(HOME, number="1001", pin=PINS["ann"]).status_code == 403
    assert phone.send(HOME, number="1001", pin="271828").status_code == 303


@pytest.mark.parametrize(
    "pin", ["12345", "1234567890123", "12a456", "１２３４５７", "000000", "123456", "987654", "", "730 142"]
)
def test_a_pin_that_everybody_would_try_is_not_taken(company: Gateway, pin: str) -> None:
    with pytest.raises(NotDone, match="PIN"), company.ledger.begin() as db:
        admin.person_set_pin(db, "1001", pin, actor="console", now=NINE)


def test_nobody_gets_a_pin_who_is_not_there(company: Gateway) -> None:
    with pytest.raises(NotDone, match="no person"), company.ledger.begin() as db:
        admin.person_set_pin(db, "9999", "271828", actor="console", now=NINE)


def test_a_pin_stands_nowhere(company: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with company.ledger.begin() as db:
        admin.person_set_pin(db, "1001", PINS["ann"], actor="console", now=NINE)
    Phone(company).send(HOME, number="1001", pin=PINS["ann"])

    with company.ledger.read() as db:
        stored = db.get_one(PersonRow, "ann").pin_hash or ""
        audit = [(row.act, row.details) for row in db.query(AuditRow)]

    assert stored.startswith("$argon2id$")
    assert ("pin set", {}) in audit
    assert PINS["ann"] not in f"{stored} {audit} {caplog.text}"
