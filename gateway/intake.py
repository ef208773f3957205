"""Opens what kiosks have sent: believes the signature, enters the records, and says what the database now holds."""

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, zip_longest
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from nacl.signing import SigningKey
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

from gateway.boot_times import AHEAD
from gateway.ingest import Arrival, Conflict, ingest
from gateway.judging_again import heed
from gateway.opening import Opened, key_of, open_with
from ledger import check_ins, dead_letters
from ledger.database import Ledger
from ledger.feed import epoch
from ledger.insertion import among
from ledger.tables import DeviceRow, StreamRow
from protocol import messages, topics
from protocol.messages import Command, Receipt, Rejected, State
from protocol.signing import BadSignature, Malformed, TooLarge, Unreadable
from protocol.wire import new_id

log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT = 64 * 1024
"""Bytes of a dead letter that are kept; nothing that a kiosk seals is as long."""
EXTRA, REJECTED = 500, 100
"""Numbers in one receipt: even with 16 digits each it is no longer than a kiosk reads."""
AGAIN = 200
"""Numbers above `upto` that a receipt tells when fewer came."""
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
    opened: Opened | None = None
    """What came of it, if somebody has opened it already."""

    @property
    def device_id(self) -> str:
        """Name the device whose topic it came on; empty if the topic is none of ours."""
        return (topics.parts(self.topic) or ("", "", ""))[1]


class Refusal(Exception):
    """A message that is kept as a dead letter; the text is its reason."""


@dataclass(slots=True)
class Owed:
    """The receipt that a stream is owed."""

    topic: str
    came: set[int] = field(default_factory=set)
    """The numbers that came; whatever else a receipt leaves out, it tells of these."""
    believed: int = 0
    """The kiosk takes everything up to this number for delivered."""


@dataclass(slots=True)
class Batch:
    """What one group of messages comes to: arrivals for the door, and the streams that are owed a receipt."""

    arrivals: list[Arrival] = field(default_factory=list)
    streams: dict[UUID, Owed] = field(default_factory=dict)
    known: dict[UUID, StreamRow] = field(default_factory=dict)
    """The senders' streams, so that they are not asked for with every message."""

    def owe(self, device: DeviceRow, stream: StreamRow) -> Owed:
        """Note that a stream of this device is owed a receipt."""
        owed = self.streams.get(stream.id)
        if owed is None:
            owed = self.streams[stream.id] = Owed(topics.topic(device.site, device.id, "receipt"))
        return owed


def take_in(
    ledger: Ledger, group: Sequence[Message], key: SigningKey, now: datetime, *, singly: bool = False
) -> list[tuple[str, bytes]]:
    """Commit a group in one transaction; return what to send after it: receipts and commands (topic, data).

    `singly` is for a group that has failed: what fails again is kept as a dead letter, and the rest is entered.
    """
    with ledger.begin() as db:
        devices = _devices(db, group)
        batch = Batch(known=streams_of(db, devices))
        for message in group:
            try:
                with _apart(db, singly):
                    open_message(db, message, devices.get(message.device_id), batch, now)
            except Refusal as refusal:
                _bury(db, message, str(refusal), now)
            except _FailedAgain:
                _bury(db, message, "failed", now)
        enter(db, batch, now, singly=singly)
        return [(topic, messages.post(message, key)) for topic, message in _answers(db, batch, now)]


def enter(db: Db, batch: Batch, now: datetime, *, singly: bool = False) -> None:
    """Enter what was opened; what the ledger does not take is kept as a dead letter."""
    for arrival, reason in _not_entered(db, batch.arrivals, now, singly=singly):
        _bury_record(db, arrival, reason, now)
    db.flush()


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


def open_message(db: Db, message: Message, device: DeviceRow | None, batch: Batch, now: datetime) -> None:
    """Check one message as its sender's and take it apart; raises Refusal."""
    site, _, leaf = topics.parts(message.topic) or ("", "", "")
    if device is None or device.site != site:
        raise Refusal("unknown_device")
    if device.revoked_at is not None or device.confirmed_at is None:
        raise Refusal("revoked_device" if device.revoked_at else "unconfirmed_device")
    try:
        if leaf == "state":
            _hear(db, device, messages.read(State, message.payload, key_of(device.signing_key)), batch, now)
        else:
            _take_apart(db, message, device, batch, now)
    except Unreadable as error:
        raise Refusal(REASONS[type(error)]) from error


def _hear(db: Db, device: DeviceRow, state: State, batch: Batch, now: datetime) -> None:
    stream = _stream(batch, device, state.stream)
    if not _is_news(device.state, state, now):
        return
    device.seen_at = _later(device.seen_at, now)
    device.state = state.model_dump(mode="json")
    stream.assigned = max(stream.assigned, state.last_assigned)
    if state.count or stream.upto < state.last_assigned:
        # Its last receipt may be lost, or it has marked what this ledger lacks: it is told again how things stand.
        owed = batch.owe(device, stream)
        owed.believed = (state.first_unreceipted or state.last_assigned + 1) - 1
    heed(db, state, now)


def _is_news(known: dict[str, Any] | None, state: State, now: datetime) -> bool:
    """Say whether a heartbeat is later than the last one; a broker can hold one back, or send it twice.

    Numbers only rise, so a later number tells it also when the kiosk's clock was set back.
    """
    if known is None:
        return True
    last = State.model_validate(known, strict=False)  # JSON has no UUIDs
    if last.at > now + AHEAD and state.at <= now + AHEAD:
        return True
    rises = state.stream == last.stream and state.last_assigned > last.last_assigned
    falls = state.stream == last.stream and state.last_assigned < last.last_assigned
    return rises or (state.at > last.at and not falls)


def _later(known: datetime | None, now: datetime) -> datetime:
    # What is replayed arrived long ago.
    return max(known or now, now)


def _stream(batch: Batch, device: DeviceRow, id: UUID) -> StreamRow:
    stream = batch.known.get(id)
    if stream is None or stream.device_id != device.id:
        raise Refusal("not_its_stream")
    return stream


def _take_apart(db: Db, message: Message, device: DeviceRow, batch: Batch, now: datetime) -> None:
    opened = message.opened
    if opened is None or opened.key != device.signing_key:
        opened = open_with(device.signing_key, message.payload)
    if opened.header.device != device.id:
        raise Refusal("not_its_stream")
    stream = _stream(batch, device, opened.header.stream)
    device.seen_at = _later(device.seen_at, now)
    owed = batch.owe(device, stream)
    for line, record in opened.found:
        if record is None:
            owed.came |= _bury_line(db, message, line, stream.id, now)
        else:
            batch.arrivals.append(Arrival(record=record, line=line, device_id=device.id))
            owed.came.add(record.seq)


def _bury(db: Db, message: Message, reason: str, now: datetime) -> None:
    dead_letters.bury(
        db,
        message.payload[:KEPT],
        id=new_id(),
        topic=message.topic,
        reason=reason,
        received_at=now,
        device_id=message.device_id or None,
    )


def _bury_line(db: Db, message: Message, line: bytes, stream: UUID, now: datetime) -> set[int]:
    """Keep a line that cannot be read; returns its number, if that at least can be."""
    seq = _seq_of(line)
    dead_letters.bury(
        db,
        line,
        id=new_id(),
        topic="",
        reason="malformed",
        received_at=now,
        device_id=message.device_id,
        place=(stream, seq) if seq else None,
    )
    return {seq} if seq else set()


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


def _answers(db: Db, batch: Batch, now: datetime) -> Iterator[tuple[str, Receipt | Command]]:
    """Say what is held, and of each number that came what became of it, in as many receipts as that takes.

    Of what a kiosk takes for delivered and the ledger lacks, the first is asked for.
    """
    lettered, of = dead_letters.with_letters(db, batch.streams.keys()), epoch(db)
    for row in check_ins.advance_all(db, {stream: owed.came for stream, owed in batch.streams.items()}, now=now):
        stream, owed = row.id, batch.streams[row.id]
        rejected = _rejected(db, stream, owed.came) if stream in lettered else {}
        extra = _extra(db, row, owed.came - rejected.keys()) if row.missing_since else []
        parts = zip_longest(_batched(extra, EXTRA), _batched(sorted(rejected.items()), REJECTED), fillvalue=())
        for seqs, reasons in list(parts) or [((), ())]:
            row.receipts += 1
            yield (
                owed.topic,
                Receipt(
                    stream=stream,
                    epoch=of,
                    number=row.receipts,
                    upto=row.upto,
                    extra=seqs,
                    rejected=tuple(Rejected(seq=seq, reason=reason) for seq, reason in reasons),
                ),
            )
        if command := _command(db, row, owed.believed, of):
            yield owed.topic.removesuffix("receipt") + "command", command


def _command(db: Db, row: StreamRow, believed: int, of: UUID) -> Command | None:
    """Ask for the first hole in what the kiosk takes for delivered; the next heartbeat asks for the next one."""
    if row.upto >= believed:
        return None
    [next_held] = check_ins.above(db, row, 1) or [believed + 1]
    row.receipts += 1
    last = min(believed, next_held - 1)
    return Command(stream=row.id, epoch=of, number=row.receipts, act="resend", first=row.upto + 1, last=last)


def _rejected(db: Db, stream: UUID, came: set[int]) -> dict[int, str]:
    rejected = dead_letters.reasons(db, stream, came)
    if len(rejected) < REJECTED:
        # Where there is room it is said again: a receipt may have been lost.
        rejected = dead_letters.newest(db, stream, REJECTED - len(rejected)) | rejected
    return rejected


def _extra(db: Db, row: StreamRow, came: set[int]) -> list[int]:
    above = {seq for seq in came if seq > row.upto}
    if len(above) < AGAIN:
        above.update(check_ins.above(db, row, AGAIN))
    return sorted(above)


def _batched(values: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    coming = iter(values)
    while batch := tuple(islice(coming, size)):
        yield batch


def streams_of(db: Db, devices: Collection[str]) -> dict[UUID, StreamRow]:
    """Return the streams of these devices."""
    return {row.id: row for row in db.scalars(sa.select(StreamRow).where(among(db, StreamRow.device_id, devices)))}


def _devices(db: Db, group: Iterable[Message]) -> dict[str, DeviceRow]:
    """Return the senders, locked in order: of two receptions that get the same envelopes, the second waits here."""
    ids = {message.device_id for message in group}
    query = sa.select(DeviceRow).where(among(db, DeviceRow.id, ids)).order_by(DeviceRow.id)
    return {row.id: row for row in db.scalars(query.with_for_update(key_share=True))}
