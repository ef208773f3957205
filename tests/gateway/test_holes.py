"""What is missing in a stream is seen, told when it stays missing, and written off by somebody with a name."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.intake import Message, take_in
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.holes import ALERT, holes, write_off
from ledger.refusals import Incomplete, TooLate, Unknown
from ledger.tables import CheckInRow, DeviceRow, StreamRow, WriteOffRow
from protocol import envelope, messages, topics
from protocol.messages import Command, Receipt, State
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, NINE, SITE, STREAM, company, seen

RECEIPT, COMMAND = topics.topic(SITE, DEVICE, "receipt"), topics.topic(SITE, DEVICE, "command")
NO_STREAM = UUID(int=7)
LATER = EVENING + ALERT + timedelta(seconds=1)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = company(database)
    yield ledger
    ledger.close()


def came(ledger: Ledger, *seqs: int, at: datetime = EVENING) -> list[Receipt]:
    """Let records come, each in an envelope of its own and all in one group."""
    lines = [seen("ann", seq=seq).line for seq in seqs]
    sealed = [envelope.seal([line], device=DEVICE, stream=STREAM, key=DEVICE_KEY) for line in lines]
    return take(ledger, "up", *sealed, at=at)


def beat(
    ledger: Ledger, last: int, *, first: int | None = None, count: int = 0, at: datetime = EVENING
) -> list[Receipt]:
    """Let a heartbeat come that was made at this moment."""
    state = State(stream=STREAM, at=at, first_unreceipted=first, last_assigned=last, count=count)
    return take(ledger, "state", messages.post(state, DEVICE_KEY), at=at)


def take(ledger: Ledger, leaf: topics.Leaf, *payloads: bytes, at: datetime) -> list[Receipt]:
    group = [Message(1, 1, 1, topics.topic(SITE, DEVICE, leaf), payload) for payload in payloads]
    answers = take_in(ledger, group, GATEWAY_KEY, at)
    return [messages.read(Receipt, data, GATEWAY_KEY.verify_key) for topic, data in answers if topic == RECEIPT]


def asked_for(ledger: Ledger, last: int, *, first: int | None = None) -> list[tuple[int, int]]:
    """Let a heartbeat come and return which numbers the gateway asks for."""
    state = State(stream=STREAM, at=EVENING, first_unreceipted=first, last_assigned=last, count=0)
    group = [Message(1, 1, 1, topics.topic(SITE, DEVICE, "state"), messages.post(state, DEVICE_KEY))]
    answers = take_in(ledger, group, GATEWAY_KEY, EVENING)
    commands = [messages.read(Command, data, GATEWAY_KEY.verify_key) for topic, data in answers if topic == COMMAND]
    return [(command.first, command.last) for command in commands]


def found(ledger: Ledger, before: datetime | None = None) -> list[tuple[int, int, datetime]]:
    with ledger.read() as db:
        return [(hole.first, hole.last, hole.since) for hole in holes(db, before=before)]


def give_up(ledger: Ledger, upto: int, reason: str = "the card broke") -> None:
    with ledger.begin() as db:
        write_off(db, STREAM, upto, actor="it", reason=reason, now=LATER)


def revoke(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.execute(sa.update(DeviceRow).values(revoked_at=EVENING))


def test_holes_between_and_behind_what_is_held_are_seen(ledger: Ledger) -> None:
    came(ledger, 1, 3, 6)
    beat(ledger, 8)

    assert found(ledger) == [(2, 2, EVENING), (4, 5, EVENING), (7, 8, EVENING)]


def test_a_stream_without_a_hole_has_none(ledger: Ledger) -> None:
    came(ledger, 1, 2)
    beat(ledger, 2)

    assert found(ledger) == []


def test_a_hole_that_is_filled_is_gone(ledger: Ledger) -> None:
    came(ledger, 1, 3)

    came(ledger, 2)

    assert found(ledger) == []


def test_a_hole_needs_somebody_when_it_is_older_than_a_quarter_of_an_hour(ledger: Ledger) -> None:
    came(ledger, 1, 3)
    came(ledger, 4, at=EVENING + timedelta(minutes=10))

    assert found(ledger, before=EVENING) == []
    assert found(ledger, before=LATER - ALERT) == [(2, 2, EVENING)]


def test_a_stream_that_moves_on_is_not_stuck(ledger: Ledger) -> None:
    came(ledger, 1, 3, 5)
    came(ledger, 2, at=LATER)

    assert found(ledger)[0] == (4, 4, LATER)


def test_a_heartbeat_that_tells_of_more_than_is_held_is_answered_with_a_receipt(ledger: Ledger) -> None:
    came(ledger, 1)

    [receipt] = beat(ledger, 5, first=2, count=4)

    assert (receipt.upto, receipt.number) == (1, 2)


def test_a_kiosk_that_believes_too_much_delivered_is_told_how_things_stand(ledger: Ledger) -> None:
    [receipt] = beat(ledger, 5)

    assert receipt.upto == 0


def test_a_heartbeat_with_nothing_to_tell_is_not_answered(ledger: Ledger) -> None:
    came(ledger, 1)

    assert beat(ledger, 1) == []


@pytest.mark.parametrize(
    ("last", "at", "counts"),
    [
        (9, NINE, True),
        (8, NINE - timedelta(seconds=1), False),
        (8, NINE, False),
        (8, NINE + timedelta(seconds=1), True),
        (9, NINE - timedelta(days=1), True),
        (7, NINE + timedelta(hours=1), False),
    ],
    ids=["more", "held back", "twice", "later", "more, and the clock was set back", "fewer"],
)
def test_an_older_heartbeat_does_not_take_the_place_of_a_newer_one(
    ledger: Ledger, last: int, at: datetime, counts: bool
) -> None:
    beat(ledger, 8, at=NINE)

    state = State(stream=STREAM, at=at, last_assigned=last, count=77)
    answered = take(ledger, "state", messages.post(state, DEVICE_KEY), at=EVENING)

    with ledger.read() as db:
        device = db.get_one(DeviceRow, DEVICE)
    assert ((device.state or {})["count"] == 77, device.seen_at == EVENING, len(answered) == 1) == (counts,) * 3


def test_a_heartbeat_from_a_clock_of_the_future_does_not_stay_for_ever(ledger: Ledger) -> None:
    state = State(stream=STREAM, at=EVENING + timedelta(days=3000), last_assigned=3, count=1)
    take(ledger, "state", messages.post(state, DEVICE_KEY), at=EVENING)

    beat(ledger, 3, count=2)

    with ledger.read() as db:
        assert (db.get_one(DeviceRow, DEVICE).state or {})["count"] == 2


def test_the_hole_of_a_lost_device_is_written_off_by_name_and_stays_told(ledger: Ledger) -> None:
    came(ledger, 1, 4)
    revoke(ledger)

    give_up(ledger, 3)

    with ledger.read() as db:
        [row] = db.scalars(sa.select(WriteOffRow)).all()
        [audit] = db.scalars(sa.select(AuditRow).where(AuditRow.act == "stream.write_off")).all()
        upto = db.get_one(StreamRow, STREAM).upto
    assert (row.first, row.last, row.reason, row.written_off_by, row.written_off_at) == (
        2, 3, "the card broke", "it", LATER,
    )  # fmt: skip
    assert (audit.actor, audit.thing, audit.details) == ("it", str(STREAM), {"first": 2, "last": 3})
    assert (upto, found(ledger)) == (4, [])


def test_what_was_written_off_and_arrives_all_the_same_is_entered(ledger: Ledger) -> None:
    came(ledger, 1, 3)
    beat(ledger, 3)
    give_up(ledger, 2)

    [receipt] = came(ledger, 2)

    with ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.seq).order_by(CheckInRow.seq)).all() == [1, 2, 3]
    assert receipt.upto == 3


@pytest.mark.parametrize("heard", [None, 2, 3], ids=["nothing", "it holds the first", "it holds the last"])
def test_what_a_kiosk_may_still_send_is_not_written_off(ledger: Ledger, heard: int | None) -> None:
    came(ledger, 1, 4)
    if heard:
        beat(ledger, 4, first=heard, count=1)

    with pytest.raises(TooLate, match="revoke"):
        give_up(ledger, 3)

    assert found(ledger)[0][:2] == (2, 3)


@pytest.mark.parametrize("upto", [1, 5], ids=["nothing is missing there", "never given out"])
def test_only_what_is_missing_is_written_off(ledger: Ledger, upto: int) -> None:
    came(ledger, 1, 4)
    revoke(ledger)

    with pytest.raises(TooLate, match="missing"):
        give_up(ledger, upto)


def test_a_write_off_has_a_reason_and_a_stream(ledger: Ledger) -> None:
    came(ledger, 1, 4)
    revoke(ledger)

    with pytest.raises(Incomplete):
        give_up(ledger, 3, reason=" ")
    with pytest.raises(Unknown), ledger.begin() as db:
        write_off(db, NO_STREAM, 3, actor="it", reason="x", now=LATER)


# What a kiosk takes for delivered


def test_what_the_kiosk_takes_for_delivered_and_is_not_there_is_asked_for(ledger: Ledger) -> None:
    came(ledger, 1, 2, 5, 6, 9)

    assert asked_for(ledger, 9) == [(3, 4)]


def test_one_hole_is_asked_for_after_the_other(ledger: Ledger) -> None:
    came(ledger, 1, 2, 5, 6, 9)
    came(ledger, 3, 4)

    assert asked_for(ledger, 9) == [(7, 8)]


@pytest.mark.parametrize(
    "first, asked",
    [
        pytest.param(3, [], id="waits-for-its-receipt"),
        pytest.param(4, [(3, 3)], id="one-is-taken-for-delivered"),
        pytest.param(None, [(3, 9)], id="nothing-waits"),
    ],
)
def test_what_the_kiosk_will_send_anyway_is_not_asked_for(
    ledger: Ledger, first: int | None, asked: list[tuple[int, int]]
) -> None:
    came(ledger, 1, 2)

    assert asked_for(ledger, 9, first=first) == asked
