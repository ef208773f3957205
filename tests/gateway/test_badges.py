"""Badges: a kiosk verifies what the gateway issues, and the picture shows the same text."""

from datetime import timedelta
from uuid import UUID

import pytest

from gateway import admin, badges, keys
from gateway.problem import NotDone
from ledger.account_tables import AuditRow
from ledger.people import badges as badges_of
from protocol import badge
from protocol.badge import Badge, Forged
from tests.gateway.cast import KEYS, NINE, Gateway


@pytest.mark.parametrize("person", ["ann", "1001"], ids=["by id", "by number"])
def test_a_kiosk_verifies_an_issued_badge(gateway: Gateway, person: str) -> None:
    with gateway.ledger.begin() as db:
        made = admin.badge_issue(db, person, KEYS, actor="test", now=NINE + timedelta(microseconds=7), days=9)

    assert made["person"] == "ann"
    assert badge.verify(made["text"], KEYS.badge_keys) == Badge(
        id=UUID(made["badge"]), key_id=1, issued_at=NINE, expires_at=NINE + timedelta(days=9)
    )


def test_a_badge_comes_out_the_same_when_it_is_drawn_again(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        text = admin.badge_issue(db, "ann", KEYS, actor="test", now=NINE)["text"]

    with gateway.ledger.read() as db:
        [row] = badges_of(db, "ann")
        assert badges.code(row, KEYS) == text


def test_another_gateways_badge_is_forged(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        made = admin.badge_issue(db, "ann", KEYS, actor="test", now=NINE)

    assert isinstance(badge.verify(made["text"], keys.make().badge_keys), Forged)


def test_a_picture_is_a_drawing_that_needs_no_font(gateway: Gateway) -> None:
    drawing = badges.picture("T1:ABC").decode()

    assert drawing.startswith("<?xml")
    assert "<path" in drawing
    assert "<text" not in drawing


def test_badges_are_listed_and_revoked_with_their_trail(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        made = admin.badge_issue(db, "ann", KEYS, actor="ines", now=NINE)["badge"]
        admin.badge_issue(db, "bo", KEYS, actor="ines", now=NINE)
        admin.badge_revoke(db, made, actor="ines", now=NINE)
        admin.badge_revoke(db, made, actor="ines", now=NINE + timedelta(days=1))

    with gateway.ledger.read() as db:
        [listed] = admin.badge_list(db, "1001")
        acts = [row.act for row in db.query(AuditRow).order_by(AuditRow.id)]
    assert listed["revoked_at"] == "2026-11-20T01:00:00Z"
    assert len(acts) == 3


@pytest.mark.parametrize("id", ["nonsense", "0" * 32])
def test_an_unknown_badge_is_not_revoked(gateway: Gateway, id: str) -> None:
    with gateway.ledger.begin() as db, pytest.raises(NotDone, match="badge"):
        admin.badge_revoke(db, id, actor="test", now=NINE)


def test_a_badge_for_nobody_is_not_issued(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db, pytest.raises(NotDone, match="no person"):
        admin.badge_issue(db, "eve", KEYS, actor="test", now=NINE)
