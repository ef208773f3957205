"""Devices by key: the whole way of a kiosk, for programs, within the regions of their keys."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway import devices
from ledger.holes import ALERT
from ledger.tables import DeviceRow, StreamRow
from protocol import registration
from tests.gateway.api_cast import Hr, acts, refused
from tests.gateway.cast import STREAM, Gateway, Kiosk, code, confirmed

WEST_STREAM = UUID(int=STREAM.int + 1)


@pytest.fixture
def hr(gateway: Gateway) -> Hr:
    """Give a program a key for everything."""
    return Hr(gateway)


@pytest.fixture
def east(gateway: Gateway) -> Hr:
    """Give a program a key for the east."""
    return Hr(gateway, regions=["east"])


def elsewhere(gateway: Gateway) -> Kiosk:
    """Register and confirm a kiosk in the west."""
    kiosk = Kiosk(gateway, stream=WEST_STREAM)
    kiosk.register(code(gateway, "room-9"))
    with gateway.ledger.begin() as db:
        shown = db.get_one(DeviceRow, kiosk.id).fingerprint
        devices.confirm(db, kiosk.id, shown, actor="test", now=gateway.clock.now)
    return kiosk


def lose(gateway: Gateway, *streams: UUID) -> None:
    """Let three numbers of each of these streams be missing for a quarter of an hour."""
    with gateway.ledger.begin() as db:
        for stream in streams:
            row = db.get_one(StreamRow, stream)
            row.assigned, row.missing_since = 3, gateway.clock.now
    gateway.clock.now += ALERT


def test_a_kiosk_comes_in_and_goes_by_key(hr_on_both: Hr) -> None:
    hr, kiosk = hr_on_both, Kiosk(hr_on_both.gateway)
    shown = registration.fingerprint(kiosk.signing.verify_key, hr.gateway.keys.gateway.verify_key)

    made = hr.post("devices/codes", room="room-1")
    kiosk.register(made.get_json()["code"])
    before = hr.get(f"devices/{kiosk.id}").get_json()
    in_ = hr.post(f"devices/{kiosk.id}/confirm", fingerprint=shown).get_json()
    changed = hr.patch(f"devices/{kiosk.id}", direction="in").get_json()
    rolled = hr.post(f"devices/{kiosk.id}/roll")
    gone = [hr.post(f"devices/{kiosk.id}/revoke").get_json() for _ in range(2)]

    assert (made.status_code, set(made.get_json())) == (201, {"code", "room", "expires_at"})
    assert [told["state"] for told in (before, in_, *gone)] == ["unconfirmed", "confirmed", "revoked", "revoked"]
    assert (before["fingerprint"], in_["fingerprint"]) == (None, shown)
    assert (changed["direction"], changed["faces"], rolled.status_code) == ("in", False, 200)
    assert hr.get("devices").get_json()["devices"] == [gone[0]]
    mine = [act for actor, act, _ in acts(hr.gateway) if actor == f"key:{hr.id}"]
    assert mine == ["device code", "device confirmed", "device set up", "device rolled", "device revoked"]


def test_no_answer_holds_a_secret(hr: Hr, kiosk: Kiosk) -> None:
    password = kiosk.account().password

    told = hr.get(f"devices/{kiosk.id}").get_json()

    assert set(told) == {
        "id", "name", "room", "region", "state", "fingerprint", "direction", "faces", "share_faces", "registered_at",
        "confirmed_at", "revoked_at", "seen_at", "waiting", "last_assigned", "trouble", "dead_letters",
    }  # fmt: skip
    with hr.gateway.ledger.read() as db:
        row = db.get_one(DeviceRow, kiosk.id)
    assert row.broker_hash
    assert [secret for secret in (password, row.broker_hash, row.sealing_key) if secret in str(told)] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        pytest.param("post", "devices/codes", {"room": "attic"}, (422, "value-wrong"), id="no such room"),
        pytest.param("post", "devices/{}/confirm", {"fingerprint": "0000"}, (422, "value-wrong"), id="differs"),
        pytest.param("post", "devices/{}/confirm", {}, (422, "parameter-wrong"), id="no fingerprint"),
        pytest.param("patch", "devices/{}", {"direction": "up"}, (422, "parameter-wrong"), id="no such direction"),
        pytest.param("patch", "devices/{}", {"faces": None}, (422, "parameter-wrong"), id="neither yes nor no"),
        pytest.param("patch", "devices/{}", {"name": "Door"}, (422, "parameter-wrong"), id="its name is its own"),
        pytest.param("post", "devices/nobody/roll", {}, (404, "not-found"), id="no such device"),
        pytest.param(
            "post", "holes/write-off", {"stream": str(STREAM), "upto": 3, "reason": "?"}, (409, "too-late"),
            id="no hole",
        ),
        pytest.param(
            "post", "holes/write-off", {"stream": str(UUID(int=7)), "upto": 3, "reason": "?"}, (422, "value-wrong"),
            id="no such stream",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    hr: Hr, gateway: Gateway, method: str, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    kiosk = Kiosk(gateway)
    kiosk.register(code(gateway))

    answer = getattr(hr, method)(path.format(kiosk.id), **body)

    assert refused(answer) == expected
    assert hr.get(f"devices/{kiosk.id}").get_json()["state"] == "unconfirmed"


def test_a_revoked_device_is_neither_confirmed_nor_rolled(hr: Hr, kiosk: Kiosk) -> None:
    shown = hr.post(f"devices/{kiosk.id}/revoke").get_json()["fingerprint"]

    answers = [hr.post(f"devices/{kiosk.id}/confirm", fingerprint=shown), hr.post(f"devices/{kiosk.id}/roll")]

    assert [refused(answer) for answer in answers] == [(409, "too-late")] * 2


def test_a_list_comes_page_by_page(hr: Hr, gateway: Gateway) -> None:
    kiosks = [confirmed(gateway), elsewhere(gateway)]

    listed = hr.everything("devices", "devices", limit=1)
    of_west = hr.get("devices", region="west").get_json()["devices"]

    assert [told["id"] for told in listed] == sorted(kiosk.id for kiosk in kiosks)
    assert [told["id"] for told in of_west] == [kiosks[1].id]


# Regions


def test_a_key_for_a_region_sees_and_changes_its_own_devices_only(gateway: Gateway, east: Hr, kiosk: Kiosk) -> None:
    foreign = elsewhere(gateway)
    lose(gateway, STREAM, WEST_STREAM)
    body = {"stream": str(WEST_STREAM), "upto": 3, "reason": "It is not mine."}

    answers = {
        "read": east.get(f"devices/{foreign.id}"),
        "code": east.post("devices/codes", room="room-9"),
        "confirm": east.post(f"devices/{foreign.id}/confirm", fingerprint="0"),
        "set up": east.patch(f"devices/{foreign.id}", faces=True),
        "roll": east.post(f"devices/{foreign.id}/roll"),
        "revoke": east.post(f"devices/{foreign.id}/revoke"),
        "write off": east.post("holes/write-off", **body),
    }

    not_there = dict.fromkeys(answers, (404, "not-found")) | dict.fromkeys(("code", "write off"), (422, "value-wrong"))
    assert {name: refused(answer) for name, answer in answers.items()} == not_there
    assert [told["id"] for told in east.get("devices").get_json()["devices"]] == [kiosk.id]
    assert east.get("devices", region="west").get_json()["devices"] == []
    assert [told["device"] for told in east.get("holes").get_json()["holes"]] == [kiosk.id]
    with gateway.ledger.read() as db:
        row = db.get_one(DeviceRow, foreign.id)
        assert (row.revoked_at, row.faces, row.broker_hash is None) == (None, False, True)


# What is missing


def test_what_is_missing_is_listed_and_given_up_once_its_device_is_revoked(
    hr: Hr, gateway: Gateway, kiosk: Kiosk
) -> None:
    lost = elsewhere(gateway)
    lose(gateway, STREAM, WEST_STREAM)
    given_up = {"stream": str(WEST_STREAM), "upto": 2, "reason": "It fell into the lake."}
    listed = hr.everything("holes", "holes", limit=1)
    too_early = hr.post("holes/write-off", **given_up)
    hr.post(f"devices/{lost.id}/revoke")

    done = hr.post("holes/write-off", **given_up)

    assert [(told["stream"], told["first"], told["last"], told["alert"]) for told in listed] == [
        (str(STREAM), 1, 3, True),
        (str(WEST_STREAM), 1, 3, True),
    ]
    assert refused(too_early) == (409, "too-late")
    assert done.get_json() == {
        "stream": str(WEST_STREAM), "first": 1, "last": 2, "reason": "It fell into the lake.",
    }  # fmt: skip
    left = hr.get("holes").get_json()["holes"]
    assert [(told["stream"], told["first"]) for told in left] == [(str(STREAM), 1), (str(WEST_STREAM), 3)]


def test_a_hole_is_no_alert_before_a_quarter_of_an_hour(hr: Hr, gateway: Gateway, kiosk: Kiosk) -> None:
    lose(gateway, STREAM)
    gateway.clock.now -= timedelta(seconds=1)

    [told] = hr.get("holes").get_json()["holes"]

    assert told["alert"] is False
