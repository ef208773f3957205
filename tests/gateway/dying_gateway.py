"""A gateway that ends itself with kill -9 at a chosen point: `python -m tests.gateway.dying_gateway URL HOST PORT`.

For each line that it reads, a point and how often that is passed, the program forks one, and says how it ended.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import paho.mqtt.client as mqtt
from sqlalchemy import event
from sqlalchemy.orm import Session as Db

from gateway.intake import Message, take_in
from gateway.reception import BrokerAddress, Reception
from ledger.database import Ledger
from tandem.embedded import GATEWAY
from tests.cast import GATEWAY_KEY
from tests.gateway.wired import SECRET, asking_nothing, now

POINTS = ("received", "before commit", "committed", "acknowledged")
TOO_EARLY = "receipt before commit"
"""The sabotaged twin: it says that it has what it is only about to commit, and ends."""


class Dying(Reception):
    """Ends the process when it passes a point for the n-th time."""

    def __init__(self, ledger: Ledger, address: BrokerAddress, point: str, passages: int) -> None:
        super().__init__(ledger, GATEWAY_KEY, address, now)
        self._point, self._left = point, passages
        event.listen(ledger.engine, "commit", lambda _: self._pass("before commit"))

    def _pass(self, point: str) -> None:
        self._left -= point == self._point
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        super()._on_message(client, data, message)
        self._pass("received")

    def _until_committed(self, group: Sequence[Message], *, singly: bool = False) -> None:
        # A group of heartbeats alone would bring nothing that could be lost.
        if self._point == TOO_EARLY and any(message.topic.endswith("/up") for message in group):
            self._say_too_early(group)
        super()._until_committed(group, singly=singly)

    def _say_too_early(self, group: Sequence[Message]) -> None:
        assert self._client
        for topic, data in take_in(NotKept(self._ledger), group, GATEWAY_KEY, now()):
            self._client.publish(topic, data, qos=1, retain=True).wait_for_publish(5)
        self._pass(TOO_EARLY)

    def _acknowledge(self, group: Iterable[Message]) -> None:
        self._pass("committed")
        super()._acknowledge(group)

    def _publish(self, receipts: Iterable[tuple[str, bytes]]) -> None:
        while self._client and self._client.want_write():
            time.sleep(0.001)
        self._pass("acknowledged")
        super()._publish(receipts)


class NotKept(Ledger):
    """Undoes every unit of work at its end."""

    def __init__(self, ledger: Ledger) -> None:
        self._inner = ledger

    @contextmanager
    def begin(self) -> Iterator[Db]:
        """Open a unit of work that comes to nothing."""
        with suppress(_Undone), self._inner.begin() as db:
            yield db
            raise _Undone


class _Undone(Exception):
    """Rolls a unit of work back."""


def main(url: str, host: str, port: int) -> None:
    """Fork a gateway for each line."""
    address = BrokerAddress(host=host, port=port, username=GATEWAY, password=SECRET)
    for line in sys.stdin:
        point, _, passages = line.strip().rpartition(" ")
        if (child := os.fork()) == 0:
            with asking_nothing() if point == TOO_EARLY else nullcontext():
                Dying(Ledger(url), address, point, int(passages)).start()
                signal.pause()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
