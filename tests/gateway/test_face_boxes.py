"""Claims about boxes at the gateway: it takes what it may keep, reads nothing of it, and gives it to nobody else."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from attendance.direction import NEAR
from gateway import devices
from gateway.face_boxes import MOST_WAITING
from gateway.problem import TYPE
from gateway.watch import tick
from ledger import directory, face_boxes
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.face_tables import FaceBoxRow
from ledger.tables import ConsentRow, DeviceRow, RoomRow
from protocol import boxes, registration, requests
from protocol.boxes import LIFE, PER_ANSWER, FaceBox, FaceBoxes, Neighbours, Outcome, Taken
from protocol.requests import FRESH
from protocol.roster import Roster
from tests.gateway.cast import NINE, STREAM, TWELVE, Gateway, Kiosk, code, company, confirmed, consent
from tests.sqlite import become, image_of, in_memory, opened

PATH = "/device/v1/face-boxes"
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Gateway, tuple[Kiosk, Kiosk], bytes]]:
    """Set two kiosks up that share, and three consents."""
    gateway = Gateway(in_memory(company))
    front, back = confirmed(gateway), other(gateway, 1, room="room-2")
    with gateway.ledger.begin() as db:
        for person in ("ann", "bo", "stranger", "dora"):
            consent(db, person)
        db.add(_consent("newsletter", "ann", purpose="newsletter"))
        db.add(_consent("withdrawn", "ann", withdrawn_at=NINE))
    share(gateway, front, back)
    yield gateway, (front, back), image_of(gateway.ledger)
    gateway.ledger.close()


@pytest.fixture
def two(site: tuple[Gateway, tuple[Kiosk, Kiosk], bytes]) -> tuple[Kiosk, Kiosk]:
    """Let it be nine again."""
    gateway, kiosks, image = site
    become(gateway.ledger, image)
    gateway.clock.now = NINE
    return kiosks


def other(gateway: Gateway, number: int, room: str = "room-1") -> Kiosk:
    """Register and confirm one more kiosk."""
    kiosk = Kiosk(gateway, stream=UUID(int=STREAM.int + number))
    assert kiosk.register(code(gateway, room)).status_code == 201
    shown = registration.fingerprint(kiosk.signing.verify_key, gateway.keys.gateway.verify_key)
    with gateway.ledger.begin() as db:
        devices.confirm(db, kiosk.id, shown, actor="test", now=NINE)
    return kiosk


def share(gateway: Gateway, *kiosks: Kiosk, **wanted: bool) -> None:
    """Switch sharing on, or something else."""
    with gateway.ledger.begin() as db:
        for kiosk in kiosks:
            devices.set_up(
                db, kiosk.id, actor="test", now=NINE, **(wanted or {"faces": True, "share_faces": True})  # type: ignore[arg-type]
            )  # fmt: skip


def _consent(id: str, person: str, *, purpose: str = "face", withdrawn_at: datetime | None = None) -> ConsentRow:
    return ConsentRow(
        id=id, person_id=person, purpose=purpose, version="1", given_at=NINE, withdrawn_at=withdrawn_at
    )  # fmt: skip


def a_box(made_by: Kiosk, made_for: Kiosk, *, key: SigningKey | None = None, **changes: Any) -> bytes:
    """Make a box; what is inside is no matter to a gateway."""
    given: dict[str, Any] = {
        "sender": made_by.id,
        "recipient": made_for.id,
        "learner": "ann",
        "consent": "yes-ann",
        "made_at": made_by.gateway.clock.now,
        "good_until": made_by.gateway.clock.now + LIFE,
        "sealed": "bm90aGluZw==",
    }
    return boxes.post(FaceBox(**(given | changes)), key or made_by.signing)


def ask(kiosk: Kiosk, method: str, path: str, body: bytes = b"") -> TestResponse:
    """Ask as a kiosk does, and check the answer's signature as it does."""
    now = kiosk.gateway.clock.now
    headers = requests.sign_request(method, path, body, device=kiosk.id, at=now, key=kiosk.signing)
    answer = kiosk.gateway.browser().open(path, method=method, data=body, headers=headers)
    key = kiosk.gateway.keys.gateway.verify_key
    requests.check_answer(answer.data, answer.headers[requests.SIGNATURE], headers, key)
    return answer


def send(kiosk: Kiosk, box: bytes) -> str | None:
    """Send a box; returns why it was not kept."""
    answer = ask(kiosk, "POST", PATH, box)
    assert answer.status_code == 200, answer.data
    return Outcome.read(answer.data).refused


def given(kiosk: Kiosk, sender: Kiosk, after: str = "") -> list[bytes]:
    """Return what waits for a kiosk."""
    answer = ask(kiosk, "GET", f"{PATH}?sender={sender.id}&after={after}")
    return [box.encode() for box in FaceBoxes.read(answer.data).boxes]


def kept(ledger: Ledger) -> list[tuple[str, bytes]]:
    """Return the boxes of the ledger and whom they are about."""
    with ledger.read() as db:
        return [(row.person_id, row.box) for row in db.scalars(sa.select(FaceBoxRow).order_by(FaceBoxRow.name))]


def kind(answer: TestResponse) -> tuple[int, str]:
    """Return the type of a problem document."""
    return answer.status_code, str(answer.get_json()["type"]).removeprefix(TYPE)


# The way of a box


def test_a_box_is_kept_until_its_recipient_has_taken_it(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    box = a_box(front, back)

    refused = send(front, box)
    waits = [given(back, front) for _ in range(2)]
    taken = ask(back, "POST", f"{PATH}/taken", Taken(boxes=(boxes.name_of(box),)).line())

    assert (refused, waits) == (None, [[box], [box]])
    assert (taken.status_code, taken.data) == (204, b"")
    assert (given(back, front), kept(front.gateway.ledger)) == ([], [])


def test_nobody_else_is_given_a_box_or_deletes_it(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    gateway = front.gateway
    side = other(gateway, 2)
    share(gateway, side)
    box = a_box(front, back)
    send(front, box)

    for kiosk in (front, side):
        ask(kiosk, "POST", f"{PATH}/taken", Taken(boxes=(boxes.name_of(box),)).line())

    assert [given(kiosk, front) for kiosk in (front, side, back)] == [[], [], [box]]


def test_a_kiosk_hears_of_those_that_share_in_its_region(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    gateway = front.gateway
    unconfirmed = Kiosk(gateway, stream=UUID(int=STREAM.int + 2))
    unconfirmed.register(code(gateway))
    without_faces, without_sharing, revoked = (other(gateway, number) for number in (3, 4, 5))
    west = other(gateway, 6, room="room-9")
    share(gateway, unconfirmed, without_faces, without_sharing, revoked, west)
    share(gateway, without_faces, faces=False)
    share(gateway, without_sharing, share_faces=False)
    with gateway.ledger.begin() as db:
        devices.revoke(db, revoked.id, actor="test", now=NINE)

    def named(kiosk: Kiosk) -> list[str]:
        said = Neighbours.read(ask(kiosk, "GET", "/device/v1/face-kiosks").data)
        return [one.device for one in said.kiosks]

    assert [named(kiosk) for kiosk in (front, back)] == [[back.id], [front.id]]
    assert [named(kiosk) for kiosk in (without_faces, without_sharing, west)] == [[], [], []]
    assert kind(ask(unconfirmed, "GET", "/device/v1/face-kiosks")) == (403, "device-unconfirmed")
    assert kind(ask(revoked, "GET", "/device/v1/face-kiosks")) == (403, "device-revoked")


def test_the_roster_says_whether_to_share(two: tuple[Kiosk, Kiosk]) -> None:
    front, _ = two

    def said() -> bool:
        return Roster.read(front.get("/device/v1/roster").data).share_faces

    before = said()
    share(front.gateway, front, faces=False)

    assert (before, said()) == (True, False)


def test_the_roster_names_what_was_withdrawn_within_two_days(two: tuple[Kiosk, Kiosk]) -> None:
    front, _ = two
    gateway = front.gateway

    def said() -> tuple[str, ...]:
        return Roster.read(front.get("/device/v1/roster").data).withdrawn

    at_once = said()
    gateway.clock.now = NINE + timedelta(hours=48)
    at_the_end = said()
    gateway.clock.now += SECOND
    later = said()
    gateway.clock.now = NINE
    share(gateway, front, faces=False)

    assert (at_once, at_the_end, later, said()) == (("withdrawn",), ("withdrawn",), (), ())


def test_switching_it_on_is_an_act_with_somebodys_name_to_it(two: tuple[Kiosk, Kiosk]) -> None:
    front, _ = two

    share(front.gateway, front, share_faces=False)
    share(front.gateway, front, share_faces=False)

    with front.gateway.ledger.read() as db:
        noted = [(row.actor, row.details) for row in db.query(AuditRow) if row.thing == front.id]
    assert noted[-2:] == [
        ("test", {"direction": "auto", "faces": True, "share_faces": True}),
        ("test", {"direction": "auto", "faces": True, "share_faces": False}),
    ]


def test_a_kiosk_is_born_with_sharing_off(two: tuple[Kiosk, Kiosk]) -> None:
    born = other(two[0].gateway, 2)

    with born.gateway.ledger.read() as db:
        row = db.get_one(DeviceRow, born.id)
        assert (row.share_faces, face_boxes.shares(row)) == (False, False)


# What is not kept


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        pytest.param({"sender": "device0000000009"}, "not_yours", id="under another's name"),
        pytest.param({"recipient": "device0000000009"}, "not_sharing", id="for nobody"),
        pytest.param({"made_at": NINE - FRESH - SECOND, "good_until": NINE + FRESH}, "not_now", id="made long ago"),
        pytest.param({"made_at": NINE + FRESH + SECOND, "good_until": NINE + LIFE}, "not_now", id="not made yet"),
        pytest.param({"made_at": NINE - SECOND, "good_until": NINE}, "not_now", id="over"),
        pytest.param({"consent": "no-such-consent"}, "no_consent", id="without consent"),
        pytest.param({"consent": "withdrawn"}, "no_consent", id="after the withdrawal"),
        pytest.param({"consent": "newsletter"}, "no_consent", id="a consent to something else"),
        pytest.param({"consent": "yes-bo"}, "no_consent", id="somebody else's consent"),
        pytest.param({"learner": "stranger", "consent": "yes-stranger"}, "not_on_roster", id="on no roster"),
        pytest.param({"learner": "dora", "consent": "yes-dora"}, "not_on_roster", id="on a roster of another region"),
        pytest.param({"learner": "nobody"}, "no_consent", id="a learner who is none"),
    ],
)
def test_what_may_not_be_passed_on_is_not_kept(two: tuple[Kiosk, Kiosk], changes: dict[str, Any], refused: str) -> None:
    front, back = two

    assert send(front, a_box(front, back, **changes)) == refused

    assert kept(front.gateway.ledger) == []


def test_who_comes_in_more_than_a_day_is_on_no_roster_yet(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    front.gateway.clock.now = NINE - timedelta(hours=24, seconds=1)
    early = send(front, a_box(front, back))

    front.gateway.clock.now += SECOND

    assert (early, send(front, a_box(front, back))) == ("not_on_roster", None)


def test_who_was_there_today_is_on_no_roster_any_more(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    front.gateway.clock.now = TWELVE + NEAR
    in_time = send(front, a_box(front, back))

    front.gateway.clock.now += SECOND

    assert (in_time, send(front, a_box(front, back))) == (None, "not_on_roster")


@pytest.mark.parametrize("switch", ["faces", "share_faces"])
@pytest.mark.parametrize("which", [0, 1], ids=["sender", "recipient"])
def test_who_is_switched_off_neither_sends_nor_gets(two: tuple[Kiosk, Kiosk], which: int, switch: str) -> None:
    front, back = two
    send(front, a_box(front, back))

    share(front.gateway, two[which], **{switch: False})

    assert send(front, a_box(front, back, learner="bo", consent="yes-bo")) == "not_sharing"
    assert given(back, front) == []


def test_a_kiosk_of_another_region_gets_nothing(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    send(front, a_box(front, back))

    with front.gateway.ledger.begin() as db:
        db.get_one(RoomRow, "room-2").region_id = "west"

    assert send(front, a_box(front, back)) == "not_sharing"
    assert given(back, front) == []


def test_a_box_that_somebody_else_signed_is_refused(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two

    answers = [
        ask(front, "POST", PATH, a_box(front, back, key=SigningKey(b"\7" * 32))),
        ask(front, "POST", PATH, a_box(back, front)),
        ask(front, "POST", PATH, a_box(front, back).replace(b"yes-ann", b"yes-bob")),
    ]

    assert [kind(answer) for answer in answers] == [(401, "signature-wrong")] * 3
    assert kept(front.gateway.ledger) == []


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"x" * (boxes.MAX_BYTES + 1), b"x" * 60_000], ids=["none", "empty", "too large", "much"]
)
def test_what_is_no_box_is_refused(two: tuple[Kiosk, Kiosk], body: bytes) -> None:
    front, _ = two

    answer = ask(front, "POST", PATH, body)

    assert answer.status_code in (400, 401)
    assert kept(front.gateway.ledger) == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"boxes": ["x"]}', b'{"boxes": [1]}', b'{"boxes": ["' + b"a" * 64])
def test_what_names_no_boxes_is_refused(two: tuple[Kiosk, Kiosk], body: bytes) -> None:
    assert kind(ask(two[0], "POST", f"{PATH}/taken", body)) == (400, "message-unreadable")


@pytest.mark.parametrize("query", ["", "?sender=nobody", "?sender=%ff&after=%ff", "?after=zzz", "?sender=" + "x" * 500])
def test_who_asks_for_nothing_that_is_there_gets_nothing(two: tuple[Kiosk, Kiosk], query: str) -> None:
    answer = ask(two[1], "GET", f"{PATH}{query}")

    assert (answer.status_code, FaceBoxes.read(answer.data)) == (200, FaceBoxes())


def test_no_character_that_a_database_lacks_reaches_it(two: tuple[Kiosk, Kiosk]) -> None:
    assert kind(ask(two[1], "GET", f"{PATH}?sender=%00")) == (422, "parameter-wrong")


def test_boxes_between_two_kiosks_are_bounded(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    ledger = front.gateway.ledger
    rows = [row(front, back, f"learner-{number}") for number in range(MOST_WAITING)]
    with ledger.begin() as db:
        db.execute(sa.insert(FaceBoxRow), rows)

    refused = {send(front, a_box(front, back, learner=who, consent=f"yes-{who}")) for who in ("ann", "bo")}

    assert refused == {"too_many"}
    assert len(kept(ledger)) == MOST_WAITING


def test_where_the_last_place_is_taken_a_newer_box_still_takes_its_own(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    send(front, a_box(front, back))
    rows = [row(front, back, f"learner-{number}") for number in range(MOST_WAITING - 1)]
    with front.gateway.ledger.begin() as db:
        db.execute(sa.insert(FaceBoxRow), rows)

    assert send(front, a_box(front, back, sealed="bmV3ZXI=")) is None


def row(sender: Kiosk, recipient: Kiosk, person: str, **changes: Any) -> dict[str, Any]:
    """Make a row as it stands in the table."""
    return {
        "sender_id": sender.id,
        "recipient_id": recipient.id,
        "person_id": person,
        "consent_id": "yes-ann",
        "name": boxes.name_of(person.encode()),
        "made_at": NINE,
        "good_until": NINE + LIFE,
        "box": person.encode(),
    } | changes


def test_boxes_come_page_by_page(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    rows = [row(front, back, f"learner-{number}") for number in range(PER_ANSWER + 5)]
    with front.gateway.ledger.begin() as db:
        db.execute(sa.insert(FaceBoxRow), rows)

    first = given(back, front)
    second = given(back, front, after=max(boxes.name_of(box) for box in first))

    assert (len(first), len(second)) == (PER_ANSWER, 5)
    assert sorted(first + second) == sorted(bytes(one["box"]) for one in rows)


# Withdrawal and other ends


def test_a_withdrawal_deletes_the_box_in_its_own_transaction(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    bos = a_box(front, back, learner="bo", consent="yes-bo")
    send(front, a_box(front, back))
    send(front, bos)

    with front.gateway.ledger.begin() as db:
        directory.withdraw_consent(db, db.get_one(ConsentRow, "yes-ann"), actor="test", now=NINE)

    assert kept(front.gateway.ledger) == [("bo", bos)]
    assert send(front, a_box(front, back)) == "no_consent"


def test_a_box_whose_consent_has_ended_is_not_given_however_it_ended(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    send(front, a_box(front, back))

    with front.gateway.ledger.begin() as db:
        db.get_one(ConsentRow, "yes-ann").withdrawn_at = NINE

    assert given(back, front) == []


def test_a_box_that_is_over_is_not_given(two: tuple[Kiosk, Kiosk]) -> None:
    front, back = two
    send(front, a_box(front, back))

    front.gateway.clock.now += LIFE

    assert given(back, front) == []


@pytest.mark.parametrize("end", ["over", "withdrawn", "erased", "sender", "recipient"])
def test_the_watch_deletes_what_nobody_may_have_any_more(two: tuple[Kiosk, Kiosk], end: str) -> None:
    front, back = two
    gateway = front.gateway
    send(front, a_box(front, back))
    tick(gateway.ledger, now=NINE + LIFE - SECOND)
    before = len(kept(gateway.ledger))

    with gateway.ledger.begin() as db:
        if end == "withdrawn":
            db.get_one(ConsentRow, "yes-ann").withdrawn_at = NINE
        elif end == "erased":
            db.delete(db.get_one(ConsentRow, "yes-ann"))
        elif end in ("sender", "recipient"):
            devices.revoke(db, (front if end == "sender" else back).id, actor="test", now=NINE)
    tick(gateway.ledger, now=NINE + LIFE if end == "over" else NINE)

    assert (before, kept(gateway.ledger)) == (1, [])


# On both databases


def test_the_newest_box_stays_whatever_the_order(database: str) -> None:
    ledger = opened(database, company)
    try:
        with ledger.begin() as db:
            for id in ("front", "back"):
                db.add(_device(id))
            db.add(_consent("yes-ann", "ann"))
        for made_at in (NINE, NINE + SECOND, NINE - SECOND):
            with ledger.begin() as db:
                face_boxes.put(db, _row(made_at))

        assert kept(ledger) == [("ann", str(NINE + SECOND).encode())]
        with ledger.begin() as db:
            now = {"after": "", "limit": 5, "now": NINE + SECOND}
            assert [one.person_id for one in face_boxes.waiting(db, "back", "front", **now)] == ["ann"]  # type: ignore[arg-type]
            assert face_boxes.count(db, "front", "back", but="bo") == 1
            assert [face_boxes.forget(db, now=NINE), face_boxes.forget(db, now=NINE + LIFE + SECOND)] == [0, 1]
            face_boxes.put(db, _row(NINE))
            face_boxes.remove(db, "back", ["no such box", "name"])
        assert kept(ledger) == []
    finally:
        ledger.close()


def _device(id: str) -> DeviceRow:
    keys = {"signing_key": "", "sealing_key": "", "fingerprint": ""}
    return DeviceRow(id=id, site="here", room_id="room-1", name=id, registered_at=NINE, **keys)


def _row(made_at: datetime) -> FaceBoxRow:
    return FaceBoxRow(
        sender_id="front",
        recipient_id="back",
        person_id="ann",
        consent_id="yes-ann",
        name="name",
        made_at=made_at,
        good_until=made_at + LIFE,
        box=str(made_at).encode(),
    )
