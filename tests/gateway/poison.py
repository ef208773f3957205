"""A gateway that is sent rubbish, forgeries and replays among good envelopes, and what its receipts say in the end."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from nacl.signing import SigningKey

from gateway.intake import Message, take_in
from gateway.opening import open_with
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeadLetterRow
from protocol import envelope, messages, topics
from protocol.messages import Receipt
from protocol.registration import public
from protocol.signing import Unreadable
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, SITE, STREAM, seen

UP = topics.topic(SITE, DEVICE, "up")
ELSEWHERE = topics.topic(SITE, "stranger00000001", "up")
GROUP = 500
TakeIn = Callable[[Ledger, Sequence[Message], SigningKey, datetime], list[tuple[str, bytes]]]
KINDS = ("rubbish", "forged", "flipped", "elsewhere", "replayed", "unreadable", "taken")


@dataclass(slots=True)
class Told:
    """What a kiosk knows of its records after some receipts."""

    upto: int = 0
    extra: set[int] = field(default_factory=set)
    rejected: dict[int, str] = field(default_factory=dict)

    def hear(self, receipt: Receipt) -> None:
        """Take a receipt in."""
        self.upto = max(self.upto, receipt.upto)
        self.extra |= set(receipt.extra)
        self.rejected |= {entry.seq: entry.reason for entry in receipt.rejected}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    good: int
    entered: int
    changed: int
    """Rows whose bytes are not those of the good record."""
    told: Told
    unreadable: set[int]
    reasons: dict[str, int]


def give_up(ledger: Ledger, group: Sequence[Message], key: SigningKey, now: datetime) -> list[tuple[str, bytes]]:
    """Be the sabotaged twin: a consumer that acknowledges a group in any case, and enters it if all of it is good."""
    try:
        for message in group:
            open_with(public(DEVICE_KEY), message.payload)
    except Unreadable:
        return []
    return take_in(ledger, group, key, now)


def poisoned(
    ledger: Ledger, *, messages_: int, poison: int, seed: int = 1, take: TakeIn = take_in, group: int = GROUP
) -> Outcome:
    """Send so many messages, of which so many are bad in some way, in groups, to a ledger with the cast."""
    chance = random.Random(seed)
    bad = set(chance.sample(range(messages_), poison))
    good: dict[int, bytes] = {}
    unreadable: set[int] = set()
    sent = [
        message
        for place in range(messages_)
        for message in (_poison(chance, good, unreadable) if place in bad else _good(good, unreadable))
    ]
    told = Told()
    for start in range(0, len(sent), group):
        for _, data in take(ledger, sent[start : start + group], GATEWAY_KEY, EVENING):
            told.hear(messages.read(Receipt, data, GATEWAY_KEY.verify_key))
    return _outcome(ledger, good, unreadable, told)


def _outcome(ledger: Ledger, good: dict[int, bytes], unreadable: set[int], told: Told) -> Outcome:
    with ledger.read() as db:
        held = {seq: line for seq, line in db.execute(sa.select(CheckInRow.seq, CheckInRow.line)) if seq is not None}
        count = sa.select(DeadLetterRow.reason, sa.func.count()).group_by(DeadLetterRow.reason)
        reasons = {row[0]: row[1] for row in db.execute(count)}
    changed = sum(good.get(seq) != line for seq, line in held.items())
    return Outcome(len(good), len(held), changed, told, unreadable, reasons)


def _next(good: dict[int, bytes], unreadable: set[int]) -> int:
    return len(good) + len(unreadable) + 1


def _good(good: dict[int, bytes], unreadable: set[int]) -> Iterator[Message]:
    seq = _next(good, unreadable)
    good[seq] = seen("ann", seq=seq).line
    yield _message(_sealed(good[seq]))


def _poison(chance: random.Random, good: dict[int, bytes], unreadable: set[int]) -> Iterator[Message]:
    seq = _next(good, unreadable)
    line = seen("bo", seq=seq).line
    before = chance.choice(sorted(good)) if good else 0
    match chance.choice(KINDS if good else KINDS[:4]):
        case "rubbish":
            yield _message(chance.randbytes(chance.randrange(1, 400)))
        case "forged":
            yield _message(_sealed(line, key=GATEWAY_KEY))
        case "flipped":
            data = bytearray(_sealed(line))
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield _message(bytes(data))
        case "elsewhere":
            yield _message(_sealed(line), topic=ELSEWHERE)
        case "replayed":
            yield _message(_sealed(good[before]))
        case "unreadable":
            unreadable.add(seq)
            yield _message(_sealed(b'{"v":1,"seq":%d,"at":"yesterday"}' % seq))
        case _:
            yield _message(_sealed(seen("bo", seq=before).line))


def _sealed(line: bytes, key: SigningKey = DEVICE_KEY) -> bytes:
    return envelope.seal([line], device=DEVICE, stream=STREAM, key=key)


def _message(payload: bytes, topic: str = UP) -> Message:
    return Message(1, 1, 1, topic, payload)
