"""Devices: registered by a code, confirmed by a fingerprint, answered only when they sign."""

from datetime import timedelta
from uuid import UUID

import pytest
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from gateway import admin, devices
from gateway.device_api import PER_ADDRESS
from gateway.problem import TYPE
from ledger import pairs
from ledger.account_tables import AuditRow
from ledger.refusals import Incomplete, TooLate
from ledger.tables import DeviceRow, RegistrationCodeRow, StreamRow
from protocol import requests
from protocol.registration import Accepted, Standing
from protocol.roster import Roster
from protocol.signing import BadSignature, to_base64
from tests.gateway.cast import KEYS, NINE, STREAM, Gateway, Kiosk, code, confirmed, consent, session

KIOSK_2 = UUID(int=STREAM.int + 1)


def kind(answer: TestResponse) -> str:
    """Return the type of a problem document."""
    return str(answer.get_json()["type"]).removeprefix(TYPE)


# Registration


def test_a_code_registers_one_device(gateway: Gateway) -> None:
    kiosk = Kiosk(gateway)

    answer = kiosk.register(code(gateway))

    assert answer.status_code == 201
    assert Accepted.read(answer.data).gateway_key == to_base64(bytes(KEYS.gateway.verify_key))
    with gateway.ledger.read() as db:
        assert db.get_one(StreamRow, STREAM).device_id == kiosk.id
        assert db.get_one(DeviceRow, kiosk.id).confirmed_at is None


def test_a_code_may_be_typed_as_people_type(gateway: Gateway) -> None:
    typed = code(gateway).lower().replace("-", "  ")

    answer = Kiosk(gateway).register(typed)

    assert answer.status_code == 201


def test_five_wrong_tries_kill_a_code(gateway: Gateway) -> None:
    good = code(gateway)
    wrong = good[:5] + ("2" * 8 if good[5:] != "2" * 8 else "3" * 8)

    tries = [Kiosk(gateway).register(wrong) for _ in range(6)]
    sixth = Kiosk(gateway).register(good)

    assert [kind(answer) for answer in tries] == ["code-refused"] * 6
    assert (sixth.status_code, kind(sixth)) == (403, "code-refused")


def test_a_wrong_try_is_counted_although_it_was_refused(gateway: Gateway) -> None:
    good = code(gateway)

    Kiosk(gateway).register(good[:5] + "22222222")

    with gateway.ledger.read() as db:
        assert db.get_one(RegistrationCodeRow, good[:4]).tries == 1


def test_a_used_code_is_refused_to_another_device(gateway: Gateway) -> None:
    good = code(gateway)
    Kiosk(gateway).register(good)

    answer = Kiosk(gateway, stream=KIOSK_2).register(good)

    assert kind(answer) == "code-refused"


def test_a_device_that_lost_the_answer_hears_the_same_again(gateway: Gateway) -> None:
    kiosk, good = Kiosk(gateway), code(gateway)

    first, second = kiosk.register(good), kiosk.register(good)

    assert (second.status_code, second.data) == (201, first.data)
    with gateway.ledger.read() as db:
        assert len(admin.device_list(db)) == 1


def test_a_revoked_device_comes_back_only_with_new_keys(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        admin.device_revoke(db, kiosk.id, actor="test", now=NINE)

    same = kiosk.register(code(gateway))
    new = Kiosk(gateway, stream=KIOSK_2).register(code(gateway))

    assert (kind(same), new.status_code) == ("stream-taken", 201)


def test_an_expired_code_is_refused(gateway: Gateway) -> None:
    good = code(gateway)
    gateway.clock.now += timedelta(minutes=15, seconds=1)

    answer = Kiosk(gateway).register(good)

    assert kind(answer) == "code-refused"


def test_a_code_is_good_to_its_last_second(gateway: Gateway) -> None:
    good = code(gateway)
    gateway.clock.now += timedelta(minutes=15)

    assert Kiosk(gateway).register(good).status_code == 201


def test_another_devices_stream_is_refused_and_the_code_stays_good(gateway: Gateway, kiosk: Kiosk) -> None:
    good = code(gateway)

    taken = Kiosk(gateway).register(good)
    own = Kiosk(gateway, stream=KIOSK_2).register(good)

    assert (kind(taken), own.status_code) == ("stream-taken", 201)


def test_a_device_proves_that_it_holds_the_key(gateway: Gateway) -> None:
    answer = Kiosk(gateway).register(code(gateway), key=SigningKey.generate())

    assert (answer.status_code, kind(answer)) == (401, "signature-wrong")


def test_a_sealing_key_that_is_none_is_refused(gateway: Gateway) -> None:
    answer = Kiosk(gateway).register(code(gateway), sealing_key="A" * 43 + "=")

    assert kind(answer) == "message-unreadable"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"v": 1}', b"\xff", b"[" * 5000], ids=repr)
def test_what_is_no_application_is_refused(gateway: Gateway, body: bytes) -> None:
    answer = gateway.browser().post("/device/v1/registrations", data=body)

    assert (answer.status_code, kind(answer)) == (400, "message-unreadable")


def test_a_body_above_the_limit_is_not_read(gateway: Gateway) -> None:
    answer = gateway.browser().post("/device/v1/registrations", data=b"x" * (64 * 1024 + 1))

    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["door\0", "\x1b[31mdoor", "\u202edoor"], ids=["NUL", "escape", "right to left"])
def test_a_name_with_characters_that_nobody_can_see_is_refused(gateway: Gateway, name: str) -> None:
    answer = Kiosk(gateway).register(code(gateway), name=name)

    assert (answer.status_code, kind(answer)) == (400, "message-unreadable")


def test_an_address_that_guesses_codes_has_to_wait(gateway: Gateway) -> None:
    for _ in range(PER_ADDRESS):
        Kiosk(gateway).register("AAAA-AAAAAAAA")

    answer = Kiosk(gateway).register(code(gateway))
    gateway.clock.now += timedelta(minutes=16)
    later = Kiosk(gateway).register(code(gateway))

    assert (answer.status_code, kind(answer)) == (429, "too-many-tries")
    assert int(answer.headers["Retry-After"]) > 0
    assert later.status_code == 201


def test_a_code_for_an_unknown_room_is_not_made(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db, pytest.raises(Incomplete, match="no room 'attic'"):
        admin.device_code(db, "attic", actor="test", now=NINE)


# Standing


def test_an_unconfirmed_device_gets_no_account_and_no_roster(gateway: Gateway) -> None:
    kiosk = Kiosk(gateway)
    kiosk.register(code(gateway))

    standing = Standing.read(kiosk.get("/device/v1/standing").data)
    roster = kiosk.get("/device/v1/roster")

    assert standing == Standing(confirmed=False)
    assert (roster.status_code, kind(roster)) == (403, "device-unconfirmed")


def test_another_fingerprint_does_not_confirm(gateway: Gateway) -> None:
    kiosk = Kiosk(gateway)
    kiosk.register(code(gateway))

    with gateway.ledger.begin() as db, pytest.raises(Incomplete, match="fingerprints differ"):
        admin.device_confirm(db, kiosk.id, "0000-0000-0000-0000-0000-0000", actor="test", now=NINE)

    with gateway.ledger.read() as db:
        assert db.get_one(DeviceRow, kiosk.id).confirmed_at is None


def test_a_confirmed_device_gets_a_broker_account_that_only_it_can_read(gateway: Gateway, kiosk: Kiosk) -> None:
    account = kiosk.account()

    assert (account.host, account.port, account.username) == ("127.0.0.1", 1884, kiosk.id)
    with gateway.ledger.read() as db:
        stored = db.get_one(DeviceRow, kiosk.id).broker_hash
    assert devices.check_password(stored, account.password)
    assert account.password not in str(stored)


def test_asking_again_makes_a_new_broker_password(gateway: Gateway, kiosk: Kiosk) -> None:
    old, new = kiosk.account(), kiosk.account()

    with gateway.ledger.read() as db:
        stored = db.get_one(DeviceRow, kiosk.id).broker_hash
    assert (devices.check_password(stored, old.password), devices.check_password(stored, new.password)) == (False, True)


def test_a_password_hash_is_mosquittos_own() -> None:
    # Written by mosquitto_passwd 2.0.11 for the password "secret".
    theirs = (
        "$7$101$33PXJj6mBAj8NxEw$xjtUVB"
        "DXBieeaPBF9A4weu+k+mOxlEXAYr0TIrvYgBHMZqvM+IxsfGpFDcp04mqnmGouTMunpQJ3qUkb2+GuWQ=="
    )

    assert devices.check_password(theirs, "secret")
    assert not devices.check_password(theirs, "Secret")
    assert not devices.check_password(None, "")


# Requests


def test_an_unknown_device_is_refused(gateway: Gateway, kiosk: Kiosk) -> None:
    answer = kiosk.get("/device/v1/roster", device="0" * 32)

    assert (answer.status_code, kind(answer)) == (401, "device-unknown")


def test_a_request_signed_by_another_key_is_refused(kiosk: Kiosk) -> None:
    answer = kiosk.get("/device/v1/roster", key=SigningKey.generate())

    assert (answer.status_code, kind(answer)) == (401, "signature-wrong")


def test_a_request_for_one_path_is_not_good_for_another(gateway: Gateway, kiosk: Kiosk) -> None:
    answer = gateway.get("/device/v1/roster?have=x", kiosk.headers("/device/v1/roster"))

    assert (answer.status_code, kind(answer)) == (401, "signature-wrong")


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_stale_request_is_refused(kiosk: Kiosk, minutes: int) -> None:
    answer = kiosk.get("/device/v1/roster", at=NINE + timedelta(minutes=minutes))

    assert (answer.status_code, kind(answer)) == (401, "signature-wrong")
    assert "clock" in answer.get_json()["detail"]


def test_a_signed_time_that_is_none_is_refused(gateway: Gateway, kiosk: Kiosk) -> None:
    path, time = "/device/v1/roster", "yesterday"
    body = "\n".join(["GET", path, kiosk.id, time, ""]).encode()
    signature = to_base64(kiosk.signing.sign(b"tandem/v1/request\0" + body).signature)

    answer = gateway.get(path, {requests.DEVICE: kiosk.id, requests.TIME: time, requests.SIGNATURE: signature})

    assert (answer.status_code, kind(answer)) == (401, "signature-wrong")


def test_an_unsigned_request_is_refused(gateway: Gateway, kiosk: Kiosk) -> None:
    assert gateway.get("/device/v1/roster").status_code == 401
    assert gateway.get("/device/v1/roster", {requests.DEVICE: kiosk.id}).status_code == 401


def test_a_revoked_device_is_refused_and_its_account_is_gone(gateway: Gateway, kiosk: Kiosk) -> None:
    kiosk.account()

    with gateway.ledger.begin() as db:
        admin.device_revoke(db, kiosk.id, actor="test", now=NINE)

    answer = kiosk.get("/device/v1/roster")
    assert (answer.status_code, kind(answer)) == (403, "device-revoked")
    with gateway.ledger.read() as db:
        assert db.get_one(DeviceRow, kiosk.id).broker_hash is None


def test_a_revoked_device_is_not_confirmed_again(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        shown = admin.device_revoke(db, kiosk.id, actor="test", now=NINE)["fingerprint"]

    with gateway.ledger.begin() as db, pytest.raises(TooLate, match="register it again"):
        admin.device_confirm(db, kiosk.id, shown, actor="test", now=NINE)


def test_a_forged_answer_does_not_pass(gateway: Gateway, kiosk: Kiosk) -> None:
    headers = kiosk.headers("/device/v1/roster")
    answer = gateway.get("/device/v1/roster", headers)
    signature, key = answer.headers[requests.SIGNATURE], gateway.keys.gateway.verify_key

    with pytest.raises(BadSignature):
        requests.check_answer(answer.data.replace(b"Ann", b"Eve"), signature, headers, key)


def test_an_old_answer_does_not_pass_for_a_new_one(gateway: Gateway, kiosk: Kiosk) -> None:
    old = gateway.get("/device/v1/roster", kiosk.headers("/device/v1/roster"))
    later = kiosk.headers("/device/v1/roster", at=NINE + timedelta(seconds=1))

    with pytest.raises(BadSignature):
        requests.check_answer(old.data, old.headers[requests.SIGNATURE], later, gateway.keys.gateway.verify_key)


def test_what_an_admin_does_to_a_device_is_audited(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        admin.device_revoke(db, kiosk.id, actor="ines", now=NINE)

    with gateway.ledger.read() as db:
        acts = {(row.act, row.actor) for row in db.query(AuditRow) if row.thing == kiosk.id}
    assert acts == {
        ("device registered", f"device:{kiosk.id}"),
        ("device confirmed", "test"),
        ("device revoked", "ines"),
    }


# The roster


def roster_of(kiosk: Kiosk) -> Roster:
    """Pull the roster."""
    return Roster.read(kiosk.get("/device/v1/roster").data)


def test_a_roster_holds_the_sessions_and_learners_of_the_region(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        session(db, "plan-5", room="room-2", people=("bo",))
        issued = admin.badge_issue(db, "1001", gateway.keys, actor="test", now=NINE)

    roster = roster_of(kiosk)

    assert [(entry.id, entry.room_name, entry.learners) for entry in roster.sessions] == [
        ("order-101", "Room 1", ("ann", "bo")),
        ("plan-5", "Room 2", ("bo",)),
    ]
    assert [(learner.name, learner.role) for learner in roster.learners] == [
        ("Ann Li", "clerk"),
        ("Bo Wang", "reserve_manager"),
    ]
    assert [str(badge) for badge in roster.learners[0].badges] == [issued["badge"]]
    assert roster.good_until == NINE + timedelta(hours=24)


def test_a_roster_says_who_learn_in_pairs(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        for program in ("orders", "stock"):  # the same two, in two programs
            pairs.add_program(db, program, region_id="east", title=program, title_zh=program, rule="cn-45")
            pairs.add_pair(db, program, program_id=program, clerk_id="ann", manager_id="bo")

    ann, bo = roster_of(kiosk).learners

    assert (ann.partners, bo.partners) == (("bo",), ("ann",))


@pytest.mark.parametrize(
    "hours, known",
    [
        pytest.param(-24, True, id="a day ahead"),
        pytest.param(-25, False, id="more than a day ahead"),
        pytest.param(15, True, id="over for twelve hours"),
        pytest.param(16, False, id="over for longer"),
    ],
)
def test_a_roster_holds_only_what_is_near(gateway: Gateway, kiosk: Kiosk, hours: int, known: bool) -> None:
    gateway.clock.now = NINE + timedelta(hours=hours)

    roster = roster_of(kiosk)

    assert (bool(roster.sessions), bool(roster.learners)) == (known, known)


def test_a_roster_that_the_kiosk_has_is_not_sent_again(gateway: Gateway, kiosk: Kiosk) -> None:
    version = roster_of(kiosk).version
    gateway.clock.now += timedelta(minutes=4)

    same = kiosk.get(f"/device/v1/roster?have={version}")
    other = kiosk.get("/device/v1/roster?have=older")

    assert (same.status_code, same.data) == (204, b"")
    assert Roster.read(other.data).version == version


def test_a_revoked_badge_changes_the_roster(gateway: Gateway, kiosk: Kiosk) -> None:
    with gateway.ledger.begin() as db:
        issued = admin.badge_issue(db, "ann", gateway.keys, actor="test", now=NINE)
    before = roster_of(kiosk)

    with gateway.ledger.begin() as db:
        admin.badge_revoke(db, issued["badge"], actor="test", now=NINE)

    after = roster_of(kiosk)
    assert [str(badge) for badge in after.revoked] == [issued["badge"]]
    assert after.learners[0].badges == ()
    assert before.version != after.version


@pytest.mark.parametrize("faces, consents", [(False, [None, None]), (True, ["yes-ann", None])], ids=["off", "on"])
def test_consent_is_only_told_to_a_device_with_faces_on(
    gateway: Gateway, kiosk: Kiosk, faces: bool, consents: list[str | None]
) -> None:
    with gateway.ledger.begin() as db:
        consent(db, "ann")
        admin.device_set_up(db, kiosk.id, actor="test", now=NINE, faces=faces)

    roster = roster_of(kiosk)

    assert (roster.faces, [learner.face_consent for learner in roster.learners]) == (faces, consents)


def test_a_kiosk_of_another_region_knows_nobody_here(gateway: Gateway) -> None:
    west = confirmed(gateway, "room-9")

    assert [learner.id for learner in roster_of(west).learners] == ["dora"]
