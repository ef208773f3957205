import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import sqlalchemy as sa
from nacl.signing import SigningKey

from gateway.ingest import Arrival
from gateway.intake import Message, take_in
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeadLetterRow, DeviceRow, StreamRow
from protocol import envelope, messages, signing, topics
from protocol.messages import Receipt, State
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, NINE, SITE, STREAM, another_stream, company, seen

UP = topics.topic(SITE, DEVICE, "up")
STATE_OF_YEAR_ONE = (
    b'{"stream":"%s","at":"0001-01-01T00:00:00+14:00","last_assigned":1,"count":1}' % str(STREAM).encode()
)


def message(payload: bytes, topic: str = UP) -> Message:
    return Message(1, 1, 1, topic, payload)


def sealed(*arrivals: Arrival, key: SigningKey = DEVICE_KEY, device: str = DEVICE) -> bytes:
    return envelope.seal([arrival.line for arrival in arrivals], device=device, stream=STREAM, key=key)


def take(ledger: Ledger, *payloads: bytes, topic: str = UP) -> list[Receipt]:
    answers = take_in(ledger, [message(payload, topic) for payload in payloads], GATEWAY_KEY, EVENING)
    return [
        messages.read(Receipt, data, GATEWAY_KEY.verify_key) for topic, data in answers if topic.endswith("/receipt")
    ]


def buried(ledger: Ledger) -> Sequence[tuple[str, bytes]]:
    with ledger.read() as db:
        query = sa.select(DeadLetterRow.reason, DeadLetterRow.data).order_by(DeadLetterRow.id)
        return [(reason, data) for reason, data in db.execute(query)]


def entered(ledger: Ledger) -> list[int | None]:
    with ledger.read() as db:
        return list(db.scalars(sa.select(CheckInRow.seq).order_by(CheckInRow.seq)))


def test_what_was_committed_is_confirmed_by_a_signed_receipt() -> None:
    ledger = company()

    [receipt] = take(ledger, sealed(seen("ann", seq=1), seen("bo", seq=2)))

    assert (receipt.stream, receipt.upto, receipt.extra, receipt.number) == (STREAM, 2, (), 1)
    assert entered(ledger) == [1, 2]


def test_several_envelopes_of_a_kiosk_in_one_group_are_owed_one_receipt() -> None:
    receipts = take(company(), sealed(seen("ann", seq=1)), sealed(seen("bo", seq=2)))

    assert [receipt.upto for receipt in receipts] == [2]


def test_a_receipt_tells_a_hole_and_what_is_above_it() -> None:
    ledger = company()

    [receipt] = take(ledger, sealed(seen("ann", seq=1), seen("ann", seq=3), seen("ann", seq=4)))
    [filled] = take(ledger, sealed(seen("bo", seq=2)))

    assert (receipt.upto, receipt.extra) == (1, (3, 4))
    assert (filled.upto, filled.extra, filled.number) == (4, (), 2)


def test_the_same_envelope_again_changes_nothing_and_is_confirmed_again() -> None:
    ledger = company()
    data = sealed(seen("ann", seq=1))
    take(ledger, data)

    [receipt] = take(ledger, data)

    assert (receipt.upto, receipt.number, entered(ledger)) == (1, 2, [1])


def test_an_envelope_with_a_flipped_byte_is_kept_as_it_came_and_enters_nothing() -> None:
    ledger = company()
    data = bytearray(sealed(seen("ann", seq=1)))
    data[-20] ^= 1

    receipts = take(ledger, bytes(data))

    assert (receipts, entered(ledger), buried(ledger)) == ([], [], [("bad_signature", bytes(data))])


def test_an_unknown_device_is_kept_as_a_dead_letter() -> None:
    ledger = company()
    data = sealed(seen("ann"), device="stranger00000001")

    take(ledger, data, topic=topics.topic(SITE, "stranger00000001", "up"))

    assert buried(ledger) == [("unknown_device", data)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"revoked_at": NINE}, "revoked_device"), ({"confirmed_at": None}, "unconfirmed_device")],
    ids=["revoked", "not confirmed"],
)
def test_a_device_that_may_not_send_is_not_believed(change: dict[str, object], reason: str) -> None:
    ledger = company()
    with ledger.begin() as db:
        db.execute(sa.update(DeviceRow).values(**change))

    take(ledger, sealed(seen("ann")))

    assert ([why for why, _ in buried(ledger)], entered(ledger)) == ([reason], [])


def test_the_signature_counts_and_not_the_topic() -> None:
    ledger = company()
    with ledger.begin() as db:
        other = DeviceRow(
            id="device0000000002", site=SITE, room_id="room-1", name="Door 2", sealing_key="", fingerprint="",
            signing_key=db.get_one(DeviceRow, DEVICE).signing_key, registered_at=NINE, confirmed_at=NINE,
        )  # fmt: skip
        db.add(other)

    # Both devices hold the same key, as after a copied card; still no device speaks for another.
    take(ledger, sealed(seen("ann")), topic=topics.topic(SITE, "device0000000002", "up"))

    assert ([why for why, _ in buried(ledger)], entered(ledger)) == (["not_its_stream"], [])


def test_a_stream_that_was_never_registered_is_not_believed() -> None:
    ledger = company()
    stream = uuid4()
    data = envelope.seal([seen("ann", stream=stream).line], device=DEVICE, stream=stream, key=DEVICE_KEY)

    take(ledger, data)

    assert buried(ledger) == [("not_its_stream", data)]


def test_a_kiosk_may_have_a_second_stream_after_re_imaging() -> None:
    ledger = company()
    with ledger.begin() as db:
        fresh = another_stream(db)
    ann = seen("ann", stream=fresh)

    [receipt] = take(ledger, envelope.seal([ann.line], device=DEVICE, stream=fresh, key=DEVICE_KEY))

    assert (receipt.stream, receipt.upto) == (fresh, 1)


def test_a_line_that_cannot_be_read_is_rejected_and_leaves_no_hole() -> None:
    ledger = company()
    broken = json.loads(seen("ann", seq=2).line) | {"at": "yesterday"}
    line = json.dumps(broken).encode()
    data = envelope.seal(
        [seen("ann", seq=1).line, line, seen("bo", seq=3).line], device=DEVICE, stream=STREAM, key=DEVICE_KEY
    )

    [receipt] = take(ledger, data)

    assert (receipt.upto, [(entry.seq, entry.reason) for entry in receipt.rejected]) == (3, [(2, "malformed")])
    assert (entered(ledger), buried(ledger)) == ([1, 3], [("malformed", line)])


@pytest.mark.parametrize(
    "line", [b"[" * 5000, b"null", b'{"seq": "7"}', b'{"seq": true}', b'{"seq": 1e400}', b"\xff\xfe"]
)
def test_hostile_lines_are_kept_and_upset_nothing(line: bytes) -> None:
    ledger = company()

    [receipt] = take(ledger, envelope.seal([line], device=DEVICE, stream=STREAM, key=DEVICE_KEY))

    assert (receipt.upto, buried(ledger)) == (0, [("malformed", line)])


def test_another_record_under_a_taken_number_is_kept_beside_the_first() -> None:
    ledger = company()
    clone = seen("bo", seq=1)
    take(ledger, sealed(seen("ann", seq=1)))

    [receipt] = take(ledger, sealed(clone))

    assert (entered(ledger), buried(ledger)) == ([1], [("other_bytes", clone.line)])
    assert [(entry.seq, entry.reason) for entry in receipt.rejected] == [(1, "other_bytes")]


def test_one_bad_message_does_not_keep_the_others_of_its_group_out() -> None:
    ledger = company()

    [receipt] = take(ledger, b"rubbish", sealed(seen("ann", seq=1)), sealed(seen("bo", seq=2), key=GATEWAY_KEY))

    assert (receipt.upto, entered(ledger)) == (1, [1])
    assert sorted(reason for reason, _ in buried(ledger)) == ["bad_signature", "bad_signature"]


def test_a_heartbeat_shows_when_the_kiosk_was_heard_and_what_waits_there() -> None:
    ledger = company()
    state = State(stream=STREAM, at=NINE, first_unreceipted=3, last_assigned=9, count=7)

    take(ledger, messages.post(state, DEVICE_KEY), topic=topics.topic(SITE, DEVICE, "state"))

    with ledger.read() as db:
        device = db.get_one(DeviceRow, DEVICE)
    assert (device.seen_at, (device.state or {})["count"]) == (EVENING, 7)


def test_a_heartbeat_signed_as_check_ins_is_refused() -> None:
    ledger = company()

    take(ledger, sealed(seen("ann")), topic=topics.topic(SITE, DEVICE, "state"))

    assert [reason for reason, _ in buried(ledger)] == ["bad_signature"]


def test_a_flood_of_rubbish_is_capped_for_its_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.dead_letters.PER_DEVICE", 10)
    ledger = company()

    take(ledger, *[b"rubbish"] * 50)
    [receipt] = take(ledger, sealed(seen("ann", seq=1)))

    assert (len(buried(ledger)), receipt.upto) == (10, 1)


def test_receipts_of_a_later_transaction_have_higher_numbers() -> None:
    ledger = company()

    numbers = [take(ledger, sealed(seen("ann", seq=seq)))[0].number for seq in range(1, 5)]

    assert numbers == [1, 2, 3, 4]


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"])
def test_a_record_that_fails_twice_takes_no_other_with_it(when: str) -> None:
    ledger = company()
    broken = json.loads(seen(None, seq=2, session=None, direction=None).line) | {"at": when}
    line = json.dumps(broken).encode()
    data = envelope.seal(
        [seen("ann", seq=1).line, line, seen("bo", seq=3).line], device=DEVICE, stream=STREAM, key=DEVICE_KEY
    )
    beside = message(sealed(seen("bo", seq=4)))

    with pytest.raises(OverflowError):
        take_in(ledger, [message(data), beside], GATEWAY_KEY, EVENING)
    [(_, receipt)] = take_in(ledger, [message(data), beside], GATEWAY_KEY, EVENING, singly=True)

    read = messages.read(Receipt, receipt, GATEWAY_KEY.verify_key)
    assert (read.upto, [(entry.seq, entry.reason) for entry in read.rejected]) == (4, [(2, "failed")])
    assert (entered(ledger), buried(ledger)) == ([1, 3, 4], [("failed", line)])


def test_a_message_that_fails_twice_is_kept_as_it_came() -> None:
    ledger = company()
    state = signing.seal("state", STATE_OF_YEAR_ONE, DEVICE_KEY)
    messages_ = [message(state, topics.topic(SITE, DEVICE, "state")), message(sealed(seen("ann")))]

    take_in(ledger, messages_, GATEWAY_KEY, EVENING, singly=True)

    assert (entered(ledger), buried(ledger)) == ([1], [("failed", state)])


def test_of_a_huge_message_only_the_beginning_is_kept() -> None:
    ledger = company()

    take(ledger, b"x" * 200_000)

    [(reason, data)] = buried(ledger)
    assert (reason, len(data)) == ("too_large", 64 * 1024)


def test_two_receptions_that_get_the_same_envelopes_in_other_orders_enter_each_record_once(
    postgres: Callable[[], str],
) -> None:
    url = postgres()
    company(url).close()
    ledgers = [Ledger(url), Ledger(url)]
    with ledgers[0].begin() as db:
        streams = [another_stream(db) for _ in range(6)]
    sent = [
        message(envelope.seal([seen("ann", seq=seq, stream=stream).line], device=DEVICE, stream=stream, key=DEVICE_KEY))
        for seq in range(1, 21)
        for stream in streams
    ]

    def receive(ledger: Ledger, order: list[Message]) -> None:
        for start in range(0, len(order), 10):
            take_in(ledger, order[start : start + 10], GATEWAY_KEY, EVENING)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(receive, ledgers, [sent, sent[::-1]]))

    with ledgers[0].read() as db:
        held = {row.id: row.upto for row in db.scalars(sa.select(StreamRow))}
    assert [held[stream] for stream in streams] == [20] * 6
    assert (len(entered(ledgers[0])), buried(ledgers[0])) == (120, [])
    for ledger in ledgers:
        ledger.close()
