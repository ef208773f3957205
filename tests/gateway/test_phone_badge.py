"""Claims about the badge on a learner's phone: it is theirs, it changes, and the page gives nothing else away."""

import base64
import re
from datetime import timedelta

import pytest

from gateway import badges, learners
from gateway.phone import NEXT_BADGE
from ledger.database import Ledger
from ledger.tables import PersonRow
from protocol import badge
from protocol.badge import LIFE, DynamicBadge, age
from tests.gateway.cast import Gateway
from tests.gateway.phones import NUMBERS, PINS, Phone, give_pins

PAGE = "/my/badge"


@pytest.fixture
def gateway(ledger: Ledger) -> Gateway:
    with ledger.begin() as db:
        give_pins(db)
    return Gateway(ledger)


@pytest.fixture
def ann(gateway: Gateway) -> Phone:
    phone = Phone(gateway)
    phone.send("/my/sign-in", number=NUMBERS["ann"], pin=PINS["ann"])
    return phone


def drawn(phone: Phone) -> bytes:
    """Return the picture of the page."""
    found = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', phone.get(PAGE).text)
    assert found
    return base64.b64decode(found[1])


def test_ann_has_a_badge_on_her_phone_for_half_a_minute(ann: Phone, gateway: Gateway) -> None:
    text = badges.code_of_phone("ann", gateway.keys, now=gateway.clock.now)

    assert drawn(ann) == badges.picture(text)
    shown = badge.verify(text, gateway.keys.badge_keys)
    assert isinstance(shown, DynamicBadge)
    assert (shown.person, shown.issued_at) == ("ann", gateway.clock.now)


def test_a_moment_later_it_is_another(ann: Phone, gateway: Gateway) -> None:
    first = drawn(ann)
    gateway.clock.now += timedelta(seconds=1)

    assert drawn(ann) != first


def test_a_code_is_exchanged_long_before_it_is_over(gateway: Gateway) -> None:
    at = gateway.clock.now

    assert age(at, at + timedelta(seconds=NEXT_BADGE)) == "fresh"
    assert timedelta(seconds=2 * NEXT_BADGE) < LIFE


def test_the_page_changes_without_javascript_and_stays_in_no_cache(ann: Phone) -> None:
    answer = ann.get(PAGE)

    assert f'<noscript><meta http-equiv="refresh" content="{NEXT_BADGE}"></noscript>' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", ["/my", PAGE])
def test_no_page_holds_a_key(ann: Phone, gateway: Gateway, path: str) -> None:
    page = ann.get(path).data

    for key in (*gateway.keys.badges.values(), gateway.keys.gateway):
        for said in (bytes(key), bytes(key).hex().encode(), base64.b64encode(bytes(key))):
            assert said not in page


def test_nobody_has_a_badge_before_signing_in(gateway: Gateway) -> None:
    answer = Phone(gateway).get(PAGE)

    assert (answer.status_code, answer.location) == (302, "/my/sign-in?next=/my/badge")


def test_who_signs_out_or_gets_another_pin_has_none_any_more(ann: Phone, gateway: Gateway) -> None:
    other = Phone(gateway)
    other.send("/my/sign-in", number=NUMBERS["ann"], pin=PINS["ann"])
    ann.send("/my/sign-out", PAGE)
    signed_out, still_in = ann.get(PAGE).status_code, other.get(PAGE).status_code

    with gateway.ledger.begin() as db:
        learners.set_pin(db, db.get_one(PersonRow, "ann"), "592837", actor="test", now=gateway.clock.now)

    assert (signed_out, still_in, other.get(PAGE).status_code) == (302, 200, 302)


def test_no_address_shows_somebody_elses(ann: Phone, gateway: Gateway) -> None:
    mine = drawn(ann)

    assert ann.get(f"{PAGE}?person=bo&id=bo").text.count("Bo Wang") == 0
    assert base64.b64encode(mine).decode() in ann.get(f"{PAGE}?person=bo&id=bo").text
