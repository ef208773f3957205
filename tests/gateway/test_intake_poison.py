"""Whoever owns the broker can send whatever they like, and changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from nacl.signing import SigningKey

from gateway.intake import AGAIN, EXTRA, REJECTED, Message, take_in
from kiosk.broker import Message as Heard
from kiosk.identity import Identity, new_seeds
from kiosk.outbox import Outbox
from kiosk.uplink import Uplink
from ledger.database import Ledger
from protocol import envelope, messages, signing, topics
from protocol.messages import MAX_BYTES, Receipt, Rejected
from protocol.registration import public
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, SITE, STREAM, company, seen
from tests.gateway.poison import give_up, poisoned
from tests.gateway.wired import record

OWN = topics.topic(SITE, DEVICE, "receipt")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = company(database)
    yield ledger
    ledger.close()


def take(ledger: Ledger, *lines: bytes) -> list[Receipt]:
    sealed = [
        envelope.seal(lines[start : start + 50], device=DEVICE, stream=STREAM, key=DEVICE_KEY)
        for start in range(0, len(lines), 50)
    ]
    group = [Message(1, 1, 1, topics.topic(SITE, DEVICE, "up"), data) for data in sealed]
    return [
        messages.read(Receipt, data, GATEWAY_KEY.verify_key) for _, data in take_in(ledger, group, GATEWAY_KEY, EVENING)
    ]


def test_poison_among_good_messages_takes_none_of_them_with_it(ledger: Ledger) -> None:
    outcome = poisoned(ledger, messages_=400, poison=80)

    assert (outcome.entered, outcome.changed) == (outcome.good, 0)
    assert outcome.told.upto == outcome.good + len(outcome.unreadable)
    assert outcome.unreadable <= outcome.told.rejected.keys()


def test_a_twin_that_gives_a_group_up_for_one_bad_message_loses_good_ones(ledger: Ledger) -> None:
    outcome = poisoned(ledger, messages_=100, poison=20, take=give_up, group=5)

    assert 0 < outcome.entered < outcome.good


def test_no_byte_of_an_envelope_can_change_unnoticed() -> None:
    data = envelope.seal([seen("ann").line], device=DEVICE, stream=STREAM, key=DEVICE_KEY)

    believed = [
        (place, bit) for place in range(len(data)) for bit in range(8) if is_believed(flipped(data, place, bit))
    ]

    assert believed == []
    assert is_believed(data)


def flipped(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def is_believed(data: bytes) -> bool:
    try:
        envelope.unseal(data, DEVICE_KEY.verify_key)
    except signing.Unreadable:
        return False
    return True


def test_of_every_number_that_came_a_receipt_says_what_became_of_it(ledger: Ledger) -> None:
    # The first is missing for good: a kiosk could send no more if it heard of the lowest numbers only.
    poison = [b'{"seq":%d}' % seq for seq in range(2, 2 + REJECTED + 50)]
    good = [seen("ann", seq=seq).line for seq in range(1000, 1000 + EXTRA + 100)]
    take(ledger, *good)

    receipts = take(ledger, *poison, *good)

    told = {seq for receipt in receipts for seq in receipt.extra}
    rejected = {entry.seq for receipt in receipts for entry in receipt.rejected}
    assert set(range(1000, 1000 + EXTRA + 100)) <= told
    assert rejected >= set(range(2, 2 + REJECTED + 50))
    assert [receipt.number for receipt in receipts] == sorted({receipt.number for receipt in receipts})
    assert {receipt.upto for receipt in receipts} == {0}


def test_a_receipt_with_nothing_new_tells_the_lowest_numbers_above_the_hole(ledger: Ledger) -> None:
    take(ledger, *(seen("ann", seq=seq).line for seq in range(2, 2 + AGAIN + 100)))

    [receipt] = take(ledger, seen("ann", seq=1000).line)

    assert set(receipt.extra) == {*range(2, 2 + AGAIN), 1000}


def test_the_longest_receipt_is_one_that_a_kiosk_reads() -> None:
    most = 2**53 - 1
    receipt = Receipt(
        stream=STREAM, epoch=uuid4(), number=most, upto=most, extra=tuple(range(most - EXTRA, most)),
        rejected=tuple(Rejected(seq=most - place, reason="other_bytes") for place in range(REJECTED)),
    )  # fmt: skip

    assert len(messages.post(receipt, GATEWAY_KEY)) <= MAX_BYTES


@pytest.mark.parametrize(
    "data",
    [
        messages.post(Receipt(stream=STREAM, epoch=uuid4(), number=9, upto=9), DEVICE_KEY),
        messages.post(Receipt(stream=STREAM, epoch=uuid4(), number=9, upto=9), SigningKey.generate()),
        messages.post(Receipt(stream=uuid4(), epoch=uuid4(), number=9, upto=9), GATEWAY_KEY),
        signing.seal("command", Receipt(stream=STREAM, epoch=uuid4(), number=9, upto=9).line(), GATEWAY_KEY),
        b"rubbish",
    ],
    ids=["by the kiosk", "by a stranger", "of another stream", "for another purpose", "rubbish"],
)
def test_a_forged_receipt_marks_nothing(data: bytes, tmp_path: Path) -> None:
    signing_seed, sealing_seed = new_seeds()
    identity = Identity(
        device=DEVICE, site=SITE, stream=STREAM, gateway="", gateway_key=public(GATEWAY_KEY),
        signing_seed=signing_seed, sealing_seed=sealing_seed,
    )  # fmt: skip
    outbox = Outbox(tmp_path / "outbox.sqlite", stream=STREAM)
    outbox.put(lambda seq: record(STREAM, seq))
    uplink = Uplink(identity, outbox, account=lambda: None, now=lambda: EVENING)

    uplink.hear(Heard(OWN, data))
    before = outbox.standing().count
    uplink.hear(Heard(OWN, messages.post(Receipt(stream=STREAM, epoch=uuid4(), number=1, upto=1), GATEWAY_KEY)))

    assert (before, outbox.standing().count) == (1, 0)
    outbox.close()
