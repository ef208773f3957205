"""What a service manager wants to know: that the program is ready, and again and again that it gets on."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

JOIN = 5  # seconds


def notify(state: str) -> None:
    """Tell the service manager; without one, nobody."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # It may have gone away, which is no reason to stop checking people in.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        line.send(state.encode())


@contextmanager
def watched(gets_on: Callable[[], bool]) -> Iterator[None]:
    """Say that the program is ready, and then, while the block runs, that it lives as long as it gets on."""
    over = Event()
    thread = Thread(target=_tell, args=(gets_on, over), name="watchdog", daemon=True)
    notify("READY=1")
    thread.start()
    try:
        yield
    finally:
        notify("STOPPING=1")
        over.set()
        thread.join(JOIN)


def _tell(gets_on: Callable[[], bool], over: Event) -> None:
    limit = os.environ.get("WATCHDOG_USEC", "")
    if not limit.isdecimal() or int(limit) == 0:
        return
    while not over.wait(int(limit) / 1_000_000 / 4):
        if gets_on():
            notify("WATCHDOG=1")
