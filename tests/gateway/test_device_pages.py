"""The page of devices: what it tells of each, who may confirm what, and what is given up with a reason."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from gateway import device_texts, devices
from ledger.account_tables import AccountRow, AuditRow
from ledger.dead_letters import bury
from ledger.holes import ALERT
from ledger.tables import DeviceRow, StreamRow, WriteOffRow
from protocol import registration
from tests.gateway.cast import NINE, STREAM, Gateway, Kiosk, code, confirmed
from tests.gateway.pair_cast import as_staff, send

NO_HOLE = "These are not missing any more. Look again."


@pytest.fixture
def ada(gateway: Gateway) -> FlaskClient:
    """Open the browser of an admin."""
    return as_staff(gateway, "admin", "ada")


def do(browser: FlaskClient, path: str, **fields: str) -> tuple[int, str]:
    """Send a form of the page; returns the status, and where it leads or what it says is wrong."""
    answer = send(browser, "/devices", f"/devices/{path}", **fields)
    said = re.search(r'role="alert">([^<]*)', answer.text)
    return answer.status_code, answer.location or (said[1].strip() if said else "")


def row(gateway: Gateway, id: str) -> DeviceRow:
    with gateway.ledger.read() as db:
        return db.get_one(DeviceRow, id)


def registered(gateway: Gateway) -> tuple[Kiosk, str]:
    """Register a kiosk; returns it with the fingerprint that its screen shows."""
    kiosk = Kiosk(gateway)
    kiosk.register(code(gateway))
    return kiosk, registration.fingerprint(kiosk.signing.verify_key, gateway.keys.gateway.verify_key)


def lose(gateway: Gateway, kiosk: Kiosk, *, count: int = 3) -> None:
    """Let so many numbers be missing since nine, longer than anybody waits."""
    with gateway.ledger.begin() as db:
        stream = db.get_one(StreamRow, STREAM)
        stream.assigned, stream.missing_since = count, NINE
        state = {"stream": str(STREAM), "count": count, "last_assigned": count, "first_unreceipted": 1}
        db.get_one(DeviceRow, kiosk.id).state = state
    gateway.clock.now = NINE + ALERT + timedelta(seconds=1)


# Confirming


def test_the_page_shows_too_little_of_a_fingerprint_to_confirm_it(gateway: Gateway, ada: FlaskClient) -> None:
    kiosk, shown = registered(gateway)

    page = ada.get("/devices").text

    assert f"begins with {shown[:4]} …" in page
    assert shown[5:] not in page
    assert do(ada, f"{kiosk.id}/confirm", fingerprint=shown[:4])[0] == 422


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param(lambda shown: shown, id="as shown"),
        pytest.param(lambda shown: f"  {shown.upper().replace('-', ' ')} ", id="as people type"),
    ],
)
def test_an_admin_confirms_by_what_the_kiosk_shows(
    gateway: Gateway, ada: FlaskClient, typed: Callable[[str], str]
) -> None:
    kiosk, shown = registered(gateway)

    answer = do(ada, f"{kiosk.id}/confirm", fingerprint=typed(shown))

    assert answer == (303, "/devices?done=confirmed")
    assert row(gateway, kiosk.id).confirmed_at == NINE


@pytest.mark.parametrize("typed", ["", "0000-0000-0000-0000-0000-0000", "yes"])
def test_another_fingerprint_confirms_nothing_and_warns(gateway: Gateway, ada: FlaskClient, typed: str) -> None:
    kiosk, _ = registered(gateway)

    status, said = do(ada, f"{kiosk.id}/confirm", fingerprint=typed)

    assert (status, "somebody may stand between" in said) == (422, True)
    assert row(gateway, kiosk.id).confirmed_at is None


# What else is done


def test_a_code_is_shown_once_and_registers_a_kiosk(gateway: Gateway, ada: FlaskClient) -> None:
    page = send(ada, "/devices", "/devices/codes", room="room-2").text
    [shown] = re.findall(r"<output[^>]*>(\S+)</output>", page)
    kiosk = Kiosk(gateway)

    answer = kiosk.register(shown)

    assert answer.status_code == 201
    assert row(gateway, kiosk.id).room_id == "room-2"
    assert f"tandem kiosk register {gateway.settings.url} <span" in page
    assert shown not in ada.get("/devices").text


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        pytest.param("codes", {}, (422, "Please choose a room."), id="no room"),
        pytest.param("codes", {"room": "attic"}, (422, "Please choose a room."), id="no such room"),
        pytest.param("{}", {"direction": "up"}, (422, "Please choose a direction."), id="no such direction"),
        pytest.param("{}", {"faces": "on"}, (422, "Please choose a direction."), id="no direction"),
        pytest.param("nobody/revoke", {}, (404, ""), id="no such device"),
        pytest.param(f"holes/{STREAM}", {"upto": "3"}, (422, "Please say why."), id="no reason"),
        pytest.param(f"holes/{STREAM}", {"upto": "all", "reason": "x"}, (409, NO_HOLE), id="no number"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_explained(
    gateway: Gateway, ada: FlaskClient, kiosk: Kiosk, path: str, fields: dict[str, str], expected: tuple[int, str]
) -> None:
    assert do(ada, path.format(kiosk.id), **fields) == expected


def test_settings_are_changed_and_what_is_so_already_is_no_act(
    gateway: Gateway, ada: FlaskClient, kiosk: Kiosk
) -> None:
    answers = [do(ada, kiosk.id, direction="in", faces="on", share_faces="on") for _ in range(2)]

    assert answers == [(303, "/devices?done=changed")] * 2
    changed = row(gateway, kiosk.id)
    assert (changed.direction, changed.faces, changed.share_faces) == ("in", True, True)
    assert "faces too, shared" in ada.get("/devices").text
    with gateway.ledger.read() as db:
        noted = list(db.scalars(sa.select(AuditRow.details).where(AuditRow.act == "device set up")))
    assert noted == [{"direction": "in", "faces": True, "share_faces": True}]


def test_a_rolled_password_is_over_and_the_kiosk_gets_another(gateway: Gateway, ada: FlaskClient, kiosk: Kiosk) -> None:
    old = kiosk.account().password

    done = do(ada, f"{kiosk.id}/roll")

    assert done == (303, "/devices?done=rolled")
    assert row(gateway, kiosk.id).broker_hash is None
    assert kiosk.account().password != old


def test_every_act_stands_in_the_audit_under_the_account(gateway: Gateway, ada: FlaskClient) -> None:
    kiosk, shown = registered(gateway)

    do(ada, "codes", room="room-1")
    do(ada, f"{kiosk.id}/confirm", fingerprint=shown)
    do(ada, kiosk.id, direction="out")
    do(ada, f"{kiosk.id}/roll")
    do(ada, f"{kiosk.id}/revoke")
    lose(gateway, kiosk)
    do(ada, f"holes/{STREAM}", upto="3", reason="It burnt.")

    with gateway.ledger.read() as db:
        who = f"account:{db.scalars(sa.select(AccountRow.id)).one()}"
        done = list(db.scalars(sa.select(AuditRow.act).where(AuditRow.actor == who).order_by(AuditRow.id)))
    assert done == [
        "signed in", "device code", "device confirmed", "device set up", "device rolled", "device revoked",
        "stream.write_off",
    ]  # fmt: skip


# What it tells


def test_a_kiosk_is_told_with_what_waits_on_it_and_what_is_wrong(
    gateway: Gateway, ada: FlaskClient, kiosk: Kiosk
) -> None:
    with gateway.ledger.begin() as db:
        device = db.get_one(DeviceRow, kiosk.id)
        device.seen_at = NINE - timedelta(minutes=7)
        device.state = {"stream": str(STREAM), "count": 12, "last_assigned": 340, "trouble": "disk_full"}
        bury(db, b"?", id="1", topic="", reason="malformed", received_at=NINE, device_id=kiosk.id)

    page = re.sub(r"<[^>]+>|\s+", " ", ada.get("/devices").text)
    words = " ".join(page.split())

    for said in (
        "door of room 1 Room 1 · East", "Disk full", "Last heard 7 min ago", "Waiting check-ins 12 of 340 so far",
        "Could not be processed 1",
    ):  # fmt: skip
        assert said in words


def test_a_name_that_a_stranger_gave_a_kiosk_is_only_a_name(gateway: Gateway, ada: FlaskClient) -> None:
    Kiosk(gateway).register(code(gateway), name="<script>alert(1)</script>")

    page = ada.get("/devices").text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_devices_that_wait_for_an_admin_come_first_and_revoked_ones_last(gateway: Gateway, ada: FlaskClient) -> None:
    kiosks = [confirmed(gateway), *(Kiosk(gateway, stream=type(STREAM)(int=STREAM.int + n)) for n in (1, 2))]
    for number, kiosk in enumerate(kiosks[1:]):
        kiosk.register(code(gateway), name=f"Door {number}")
    with gateway.ledger.begin() as db:
        devices.revoke(db, kiosks[1].id, actor="test", now=NINE)

    listed = re.findall(r'd-device (\w+)" id="f-(\w+)"', ada.get("/devices").text)

    assert listed == [("unconfirmed", kiosks[2].id), ("confirmed", kiosks[0].id), ("revoked", kiosks[1].id)]


# What is missing


def test_what_is_missing_is_told_once_it_has_been_for_a_quarter_of_an_hour(
    gateway: Gateway, ada: FlaskClient, kiosk: Kiosk
) -> None:
    lose(gateway, kiosk)
    late = ada.get("/devices").text
    gateway.clock.now = NINE + ALERT

    early = ada.get("/devices").text

    assert ("Numbers 1 to 3" in early, "Numbers 1 to 3" in late) == (False, True)


def test_what_a_kiosk_still_holds_is_not_given_up_until_it_is_revoked(
    gateway: Gateway, ada: FlaskClient, kiosk: Kiosk
) -> None:
    lose(gateway, kiosk)
    page, too_early = ada.get("/devices").text, do(ada, f"holes/{STREAM}", upto="3", reason="It burnt.")
    do(ada, f"{kiosk.id}/revoke")
    offered = ada.get("/devices").text

    done = do(ada, f"holes/{STREAM}", upto="3", reason="It burnt.\0")

    assert (f"/devices/holes/{STREAM}" in page, f"/devices/holes/{STREAM}" in offered) == (False, True)
    assert (too_early[0], "revoke it first" in too_early[1]) == (409, True)
    assert done == (303, "/devices?done=written_off")
    assert "Missing check-ins" not in ada.get("/devices").text
    with gateway.ledger.read() as db:
        [given_up] = db.scalars(sa.select(WriteOffRow))
    assert (given_up.first, given_up.last, given_up.reason) == (1, 3, "It burnt.")


# Words


@pytest.mark.parametrize("key", device_texts.TEXTS)
def test_both_languages_say_something_of_their_own(key: str) -> None:
    assert device_texts.TEXTS[key].en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in device_texts.TEXTS[key].zh)
