"""Sends what the outbox holds until the gateway's receipt says that it is there."""

import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Lock, Thread
from uuid import UUID

from kiosk.broker import Connect, Connection, Disconnected, Message, PahoConnection
from kiosk.clock import Clock
from kiosk.identity import Identity
from kiosk.outbox import Outbox, OutboxError, Row
from protocol import envelope, messages, topics
from protocol.messages import Command, Config, Receipt, State
from protocol.registration import BrokerAccount
from protocol.signing import Unreadable
from protocol.topics import READ_BY_DEVICE

log = logging.getLogger(__name__)

IN_FLIGHT = 5
"""Envelopes without a receipt, at most."""
AGAIN = timedelta(seconds=30)
"""A broker may have dropped what it acknowledged; without this the window would never open again."""
HEARTBEAT = timedelta(seconds=30)
TURN = timedelta(seconds=1)
HEALTHY = timedelta(seconds=30)
"""A broker that lets go sooner is no better than one that is not there: the pauses go on getting longer."""
NO_ACCOUNT_YET = timedelta(milliseconds=200)
JOIN = timedelta(seconds=12)
NOT_IN_A_CODE = re.compile(r"[^a-z0-9_+]")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before connecting anew.

    A kiosk does not know whether the others were cut off too. What waits is on its disk, so it can afford a pause in
    which five hundred come back without more than fifty in any second, and all of them within a minute.
    """

    first: timedelta = timedelta(seconds=20)
    longest: timedelta = timedelta(seconds=50)

    def wait(self, attempts: int, *, luck: float) -> timedelta:
        """Say how long; luck in [0, 1) keeps a hundred kiosks from coming back in the same second."""
        return luck * min(self.longest, self.first * (1 << min(attempts, 30)))


@dataclass(frozen=True, slots=True)
class _Flight:
    """An envelope on its way."""

    seqs: frozenset[int]
    sent_at: float


class Uplink:
    """One thread between the outbox and the broker; `start` and `stop` may be called again and again.

    `account` is asked before every connection, so that a broker may move; None means that there is none yet.
    """

    def __init__(
        self,
        identity: Identity,
        outbox: Outbox,
        *,
        account: Callable[[], BrokerAccount | None],
        now: Clock,
        on_config: Callable[[str], None] = lambda _: None,
        trouble: Callable[[], str | None] = lambda: None,
        connect: Connect = PahoConnection,
        monotonic: Callable[[], float] = time.monotonic,
        luck: Callable[[], float] = random.random,
        backoff: Backoff = Backoff(),
    ) -> None:
        self._identity, self._outbox, self._account, self._now = identity, outbox, account, now
        self._on_config, self._trouble = on_config, trouble
        self._connect, self._monotonic, self._luck, self._backoff = connect, monotonic, luck, backoff
        self._key, self._pinned = identity.key, identity.pinned
        self._lock = Lock()
        self._line: Connection | None = None
        self._flights: list[_Flight] = []
        self._highest = 0
        self._said_at: float | None = None
        self._reported: set[int] = set()
        self._configured = (UUID(int=0), -1)  # epoch and number of the last one
        self._stopping = Event()
        self._thread: Thread | None = None
        self.ignored = 0
        """Messages that were not the gateway's, or said nothing that we know."""

    @property
    def connected(self) -> bool:
        return self._line is not None

    def start(self) -> None:
        """Begin to send; returns at once, whether or not there is a network."""
        # Each thread has an event of its own: one that was slow to stop must not hear that it may go on.
        self._stopping = Event()
        self._thread = Thread(target=self._work, args=(self._stopping,), name="uplink", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the broker; what waits stays in the outbox."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(JOIN.total_seconds())
            self._thread = None

    def wake(self) -> None:
        """Say that there is something new to send, or to notice; may be called from any thread."""
        with self._lock:
            if self._line is not None:
                self._line.wake()

    def _work(self, stopping: Event) -> None:
        attempts = 0
        while not stopping.is_set():
            account = self._account()
            if account is None:
                stopping.wait(NO_ACCOUNT_YET.total_seconds())
                continue
            begun = self._monotonic()
            try:
                self._serve_once(account, stopping)
            except Disconnected as reason:
                log.info("no uplink: %s", reason)
            except Exception:
                # Whatever it was, the check-ins are safe; an uplink that ends would keep them here for ever.
                log.exception("the uplink failed and begins anew")
            if self._monotonic() - begun >= HEALTHY.total_seconds():
                attempts = 0
            stopping.wait(self._backoff.wait(attempts, luck=self._luck()).total_seconds())
            attempts += 1

    def _serve_once(self, account: BrokerAccount, stopping: Event) -> None:
        """Serve one connection to its end; raises Disconnected if there was none to be had."""
        line = self._connect(account, self._own_topics())
        with self._lock:
            self._line = line
        try:
            self._serve(line, stopping)
        except Disconnected as reason:
            log.info("the uplink is gone: %s", reason)
        finally:
            with self._lock:
                self._line = None
            line.close()

    def _serve(self, line: Connection, stopping: Event) -> None:
        # What was on its way on another connection may be lost: all of it is due now.
        self._flights, self._highest, self._said_at = [], 0, None
        while not stopping.is_set():
            self.step(line)
            for message in line.wait(TURN.total_seconds()):
                self.hear(message)

    def step(self, line: Connection) -> None:
        """Say the heartbeat if it is time, and fill the window."""
        now = self._monotonic()
        if self._said_at is None or now - self._said_at >= HEARTBEAT.total_seconds():
            line.publish(self._topic("state"), messages.post(self._state(), self._key))
            self._said_at = now
        self._flights = [flight for flight in self._flights if now - flight.sent_at < AGAIN.total_seconds()]
        while len(self._flights) < IN_FLIGHT and self._send_next(line, now):
            pass

    def _send_next(self, line: Connection, now: float) -> bool:
        rows = self._next()
        rows = rows[: envelope.fitting([row.line for row in rows])]
        if not rows:
            return False
        sealed = envelope.seal(
            [row.line for row in rows], device=self._identity.device, stream=self._outbox.stream, key=self._key
        )
        line.publish(self._topic("up"), sealed)
        self._flights.append(_Flight(frozenset(row.seq for row in rows), now))
        self._highest = max(self._highest, rows[-1].seq)
        return True

    def _next(self) -> list[Row]:
        """Choose what is sent next: the oldest; but the last place in the window is for what was never sent.

        A receipt has no room for every number above a gap. Rows that it cannot name are sent again for as long as the
        gap is open, and must not keep the newer ones here.
        """
        flying = frozenset().union(*(flight.seqs for flight in self._flights))
        rows = self._outbox.due(envelope.MAX_RECORDS, but_not=flying)
        if rows and rows[0].seq <= self._highest and len(self._flights) == IN_FLIGHT - 1:
            return self._outbox.due(envelope.MAX_RECORDS, above=self._highest) or rows
        return rows

    def hear(self, message: Message) -> None:
        """Take in one message; what is not the gateway's is ignored and counted."""
        try:
            if message.topic == self._topic("receipt"):
                self._receive(messages.read(Receipt, message.payload, self._pinned))
            elif message.topic == self._topic("config"):
                self._configure(messages.read(Config, message.payload, self._pinned))
            elif message.topic == self._topic("command"):
                self._obey(messages.read(Command, message.payload, self._pinned))
            else:
                self.ignored += 1
        except Unreadable as error:
            self.ignored += 1
            log.warning("a message on %s is ignored: %s", message.topic, error)
        except OutboxError as error:
            # What is sent again is answered again, until there is room to note it.
            log.warning("a message on %s cannot be noted: %s", message.topic, error)

    def _receive(self, receipt: Receipt) -> None:
        if not self._outbox.delivered(receipt, at=self._now()):
            return
        held = {*receipt.extra, *(rejected.seq for rejected in receipt.rejected)}
        self._flights = [
            flight for flight in self._flights if any(seq > receipt.upto and seq not in held for seq in flight.seqs)
        ]
        self._report({rejected.seq: rejected.reason for rejected in receipt.rejected})

    def _report(self, rejected: dict[int, str]) -> None:
        # Each receipt repeats what was rejected; it is news once.
        for seq in rejected.keys() - self._reported:
            log.error("the gateway cannot enter check-in %d (%s); it is in quarantine", seq, rejected[seq])
        self._reported |= rejected.keys()

    def _configure(self, config: Config) -> None:
        """Take what is new; what somebody has recorded and sends again is not."""
        number = (config.epoch, config.number)
        if config.stream == self._outbox.stream and number > self._configured:
            self._configured = number
            self._on_config(config.roster)

    def _obey(self, command: Command) -> None:
        waiting = self._outbox.send_again(command)
        if waiting is not None:
            log.warning("the gateway lacks %d to %d; %d are sent again", command.first, command.last, waiting)

    def _state(self) -> State:
        standing = self._outbox.standing()
        return State(
            stream=self._outbox.stream,
            at=self._now(),
            first_unreceipted=standing.first_unreceipted,
            last_assigned=standing.last_assigned,
            count=standing.count,
            boots=self._outbox.boots(),
            trouble=_code(self._trouble()),
        )

    def _own_topics(self) -> list[str]:
        return [self._topic(leaf) for leaf in READ_BY_DEVICE]

    def _topic(self, leaf: topics.Leaf) -> str:
        return topics.topic(self._identity.site, self._identity.device, leaf)


def _code(trouble: str | None) -> str | None:
    # A newer gateway may have named it in another way; no heartbeat may fail for that, nor what is sent beside it.
    return NOT_IN_A_CODE.sub("_", trouble.lower())[:32] if trouble else None
