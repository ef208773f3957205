"""A kiosk's door as a process of its own: numbered badges are shown to a real desk, and each green goes on record.

A badge's id is its number, and whoever was interrupted does not come back; so a number that is kept twice was doubled.
What the screen showed is in the history: a line is written after the desk has answered green, and synced.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from uuid import UUID

from kiosk.desk import Desk
from kiosk.outbox import FILE, Outbox, OutboxError
from kiosk.roster import RosterBook
from protocol.messages import Receipt
from protocol.records import KioskRecord
from protocol.roster import RosterLearner
from tests.kiosk.cast import IDENTITY, NINE, STREAM, GatewayStandIn, Hands, a_roster, shows

HISTORY = "history"
RECEIPT_EVERY = 10
"""Scans: receipts are written into the same file."""


class CommitsNowAndThen(Outbox):
    """The sabotaged twin for kills: it answers first, and commits when so many have come."""

    many, _waiting = 20, 0

    def _begin(self) -> None:
        self._waiting += 1
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        if self._waiting % self.many == 0:
            self._db.execute("COMMIT")

    def _roll_back(self) -> None:
        pass


class NeverSyncs(Outbox):
    """The sabotaged twin for power cuts: it leaves it to the system when something reaches the disk."""

    def __init__(self, path: Path, *, stream: UUID) -> None:
        super().__init__(path, stream=stream)
        self._db.execute("PRAGMA synchronous=OFF")


class TakesItForWritten(Outbox):
    """The sabotaged twin for failing disks: it does not want to keep anybody waiting for an error."""

    def put(self, make: Callable[[int], KioskRecord]) -> KioskRecord:
        try:
            return super().put(make)
        except OutboxError:
            return make(self.standing().last_assigned + 1)

    def delivered(self, receipt: Receipt, *, at: datetime) -> bool:
        with suppress(OutboxError):
            return super().delivered(receipt, at=at)
        return False


ALL: tuple[type[Outbox], ...] = (Outbox, CommitsNowAndThen, NeverSyncs, TakesItForWritten)
KINDS = {kind.__name__: kind for kind in ALL}


def main(kind: str, folder: Path, first: int, last: int) -> None:
    """Let everybody in, from the first to the last, and close when the standard input does; says each green."""
    history = os.open(folder / HISTORY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with closing(KINDS[kind](folder / FILE, stream=STREAM)) as outbox:
        desk = Desk(_book(folder, last), outbox, Hands().kiosk_clock())
        print("open", flush=True)
        for number in range(first, last + 1):
            for record in _greens(desk, number):
                os.write(history, f"{number} {record.seq}\n".encode())
                os.fsync(history)
                print(number, flush=True)
                if number % RECEIPT_EVERY == 0:
                    outbox.delivered(_receipt(record.seq), at=NINE)
        sys.stdin.read()


def _greens(desk: Desk, number: int) -> Iterator[KioskRecord]:
    try:
        answer = desk.decide(shows(UUID(int=number)))
    except OutboxError as error:
        print(f"no green: {type(error).__name__}", flush=True)
        return
    assert answer is not None
    assert answer.kind == "green"
    yield from answer.records


def _receipt(upto: int) -> Receipt:
    return Receipt(stream=STREAM, epoch=STREAM, number=upto, upto=upto)


def _book(folder: Path, badges: int) -> RosterBook:
    """Pull a roster on which all the badges are Ann's, for a kiosk that only takes arrivals."""
    ann = RosterLearner(id="ann", name="Ann Li", role="clerk", badges=tuple(UUID(int=n) for n in range(1, badges + 1)))
    gateway = GatewayStandIn(roster=a_roster(direction="in", learners=(ann,)))
    book = RosterBook(folder, now=Hands())
    with gateway.client() as client:
        assert book.pull(client, IDENTITY)
    return book


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
