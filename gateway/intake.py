"""Opens what kiosks have sent: believes the signature, enters the records, and says what the database now holds."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from nacl.signing import SigningKey
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

from gateway.ingest import Arrival, Conflict, ingest
from ledger import check_ins, dead_letters
from ledger.database import Ledger
from ledger.feed import epoch
from ledger.tables import DeviceRow, StreamRow
from protocol import envelope, messages, topics
from protocol.messages import Receipt, Rejected, State
from protocol.registration import verify_key
from protocol.signing import BadSignature, Malformed, TooLarge, Unreadable
from protocol.wire import new_id

log = logging.getLogger(__name__)

KEPT = 64 * 1024
"""Bytes of a dead letter that are kept; nothing that a kiosk seals is as long."""
REASONS: dict[type[Unreadable], str] = {
    TooLarge: "too_large",
    BadSignature: "bad_signature",
    Malformed: "malformed",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker handed over; `connection` counts, so that an old one is never acknowledged on a new one."""

    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes


class Refusal(Exception):
    """A message that is kept as a dead letter; the text is its reason."""


@dataclass(slots=True)
class Batch:
    """What one group of messages comes to: arrivals for the door, and the streams that are owed a receipt."""

    arrivals: list[Arrival] = field(default_factory=list)
    streams: dict[UUID, str] = field(default_factory=dict)
    """Stream -> the topic of its receipt."""


def take_in(
    ledger: Ledger, group: Sequence[Message], key: SigningKey, now: datetime, *, singly: bool = False
) -> list[tuple[str, bytes]]:
    """Commit a group in one transaction; return the receipts (topic, data) to send after it.

    `singly` is for a group that has failed: what fails again is kept as a dead letter, and the rest is entered.
    """
    with ledger.begin() as db:
        devices = _devices(db, group)
        batch = Batch()
        for message in group:
            try:
                with _apart(db, singly):
                    _open(db, message, devices, batch, now)
            except Refusal as refusal:
                _bury(db, message, str(refusal), now)
            except _FailedAgain:
                _bury(db, message, "failed", now)
        for arrival, reason in _not_entered(db, batch.arrivals, now, singly=singly):
            _bury_record(db, arrival, reason, now)
        db.flush()
        # In order: of two receptions with the same streams, each would wait for a row that the other has locked.
        return [_receipt(db, stream, topic, key) for stream, topic in sorted(batch.streams.items())]


def _not_entered(db: Db, arrivals: Sequence[Arrival], now: datetime, *, singly: bool) -> Iterable[tuple[Arrival, str]]:
    """Enter records; give those that the ledger does not take, with the reason."""
    for some in [[arrival] for arrival in arrivals] if singly else [arrivals]:
        try:
            with _apart(db, singly):
                outcomes = ingest(db, some, received_at=now)
        except _FailedAgain:
            yield some[0], "failed"
        else:
            yield from ((a, o.reason) for a, o in zip(some, outcomes, strict=True) if isinstance(o, Conflict))


class _FailedAgain(Exception):
    """Something that was tried on its own has failed, and its writes are undone."""


@contextmanager
def _apart(db: Db, singly: bool) -> Iterator[None]:
    """Let the block fail on its own, if it is tried singly; a database that does not answer is not its fault."""
    if not singly:
        yield
        return
    try:
        with db.begin_nested():
            yield
    except (Refusal, OperationalError):
        raise
    except Exception as error:
        log.exception("a record or message failed twice and is kept as a dead letter")
        raise _FailedAgain from error


def _open(db: Db, message: Message, devices: dict[str, DeviceRow], batch: Batch, now: datetime) -> None:
    """Check one message as its sender's and take it apart; raises Refusal."""
    site, device_id, leaf = topics.parts(message.topic) or ("", "", "")
    device = devices.get(device_id)
    if device is None or device.site != site:
        raise Refusal("unknown_device")
    if device.revoked_at is not None or device.confirmed_at is None:
        raise Refusal("revoked_device" if device.revoked_at else "unconfirmed_device")
    try:
        if leaf == "state":
            _hear(device, messages.read(State, message.payload, verify_key(device.signing_key)), now)
        else:
            _take_apart(db, message, device, batch, now)
    except Unreadable as error:
        raise Refusal(REASONS[type(error)]) from error


def _hear(device: DeviceRow, state: State, now: datetime) -> None:
    device.seen_at = now
    device.state = state.model_dump(mode="json")


def _take_apart(db: Db, message: Message, device: DeviceRow, batch: Batch, now: datetime) -> None:
    found = envelope.unseal(message.payload, verify_key(device.signing_key))
    stream = db.get(StreamRow, found.header.stream)
    if found.header.device != device.id or stream is None or stream.device_id != device.id:
        raise Refusal("not_its_stream")
    device.seen_at = now
    batch.streams[stream.id] = topics.topic(device.site, device.id, "receipt")
    for line in found.lines:
        try:
            batch.arrivals.append(Arrival(record=found.record(line), line=line, device_id=device.id))
        except Malformed:
            _bury_line(db, message, line, stream.id, now)


def _bury(db: Db, message: Message, reason: str, now: datetime) -> None:
    device_id = (topics.parts(message.topic) or ("", None, ""))[1]
    dead_letters.bury(
        db,
        message.payload[:KEPT],
        id=new_id(),
        topic=message.topic,
        reason=reason,
        received_at=now,
        device_id=device_id,
    )


def _bury_line(db: Db, message: Message, line: bytes, stream: UUID, now: datetime) -> None:
    device_id = (topics.parts(message.topic) or ("", None, ""))[1]
    seq = _seq_of(line)
    dead_letters.bury(
        db,
        line,
        id=new_id(),
        topic=message.topic,
        reason="malformed",
        received_at=now,
        device_id=device_id,
        place=(stream, seq) if seq else None,
    )


def _bury_record(db: Db, arrival: Arrival, reason: str, now: datetime) -> None:
    stream, seq = arrival.record.stream, arrival.record.seq
    dead_letters.bury(
        db,
        arrival.line,
        id=new_id(),
        topic="",
        reason=reason,
        received_at=now,
        device_id=arrival.device_id,
        place=(stream, seq) if stream and seq else None,
    )


def _seq_of(line: bytes) -> int | None:
    """Read nothing but the number out of a line that cannot be read as a record, so that its place is not a hole."""
    try:
        seq = json.loads(line)["seq"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return seq if type(seq) is int and 0 < seq < 2**53 else None


def _receipt(db: Db, stream: UUID, topic: str, key: SigningKey) -> tuple[str, bytes]:
    rejected = dead_letters.rejected(db, stream)
    row = check_ins.advance(db, stream, rejected.keys())
    receipt = Receipt(
        stream=stream,
        epoch=epoch(db),
        number=row.receipts,
        upto=row.upto,
        extra=tuple(check_ins.above(db, row)),
        rejected=tuple(Rejected(seq=seq, reason=reason) for seq, reason in sorted(rejected.items())[-100:]),
    )
    return topic, messages.post(receipt, key)


def _devices(db: Db, group: Iterable[Message]) -> dict[str, DeviceRow]:
    """Return the senders, locked in order: of two receptions that get the same envelopes, the second waits here."""
    ids = {found[1] for message in group if (found := topics.parts(message.topic))}
    query = sa.select(DeviceRow).where(DeviceRow.id.in_(ids)).order_by(DeviceRow.id)
    return {row.id: row for row in db.scalars(query.with_for_update(key_share=True))}
