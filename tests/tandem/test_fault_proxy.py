"""Claims about the bad network itself: each fault does what it says, and the same seed does it again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.fault_proxy import (
    BLACK_HOLE,
    CALM,
    DOUBLING,
    HALF_OPEN_DOWN,
    HALF_OPEN_UP,
    SLICE,
    SLICED,
    FaultProxy,
    Packets,
    Weather,
)

pytestmark = pytest.mark.enable_socket

PING = b"\xc0\x00"
PATIENCE = 0.3
"""Seconds of silence, which can only be waited for."""


def publish(number: int, text: bytes = b"x") -> bytes:
    body = b"\x00\x01t" + number.to_bytes(2) + text
    return bytes([0x32, len(body)]) + body


class Far:
    """The broker's side: it says back every packet that it hears."""

    def __init__(self) -> None:
        self.heard = list[bytes]()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(OSError):
                    while data := connection.recv(4096):
                        self.heard.append(data)
                        connection.sendall(data)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.close()


@pytest.fixture
def proxy(far: Far) -> Iterator[FaultProxy]:
    proxy = FaultProxy(far.port, seed=1)
    proxy.start()
    yield proxy
    proxy.stop()


def connected(proxy: FaultProxy) -> "closing[socket.socket]":
    return closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=5))


def echoed(line: socket.socket, size: int) -> bytes:
    """Read so many bytes, or as many as come before it is silent or over."""
    got = b""
    with suppress(TimeoutError, ConnectionError):
        while len(got) < size and (data := line.recv(size - len(got))):
            got += data
    return got


def test_in_calm_everything_passes_both_ways(far: Far, proxy: FaultProxy) -> None:
    sent = PING + publish(1) + publish(2, b"y" * 100)

    with connected(proxy) as line:
        line.sendall(sent)
        got = echoed(line, len(sent))

    assert got == sent


def test_a_cut_breaks_what_is_there_and_lets_nobody_in_until_it_is_mended(proxy: FaultProxy) -> None:
    with connected(proxy) as line:
        line.sendall(PING)
        before = echoed(line, 2)
        proxy.cut()
        during = echoed(line, 2)
    with connected(proxy) as line:
        refused = echoed(line, 1)
    proxy.mend()
    with connected(proxy) as line:
        line.sendall(PING)
        after = echoed(line, 2)

    assert (before, during, refused, after) == (PING, b"", b"", PING)


@pytest.mark.parametrize(
    ("weather", "heard"),
    [(BLACK_HOLE, False), (HALF_OPEN_UP, False), (HALF_OPEN_DOWN, True)],
    ids=["black hole", "half-open, up", "half-open, down"],
)
def test_a_dead_way_swallows_without_a_word_and_for_good(
    weather: Weather, heard: bool, far: Far, proxy: FaultProxy
) -> None:
    proxy.weather = weather

    with connected(proxy) as line:
        line.settimeout(PATIENCE)
        line.sendall(PING)
        silent = echoed(line, 1)
        proxy.weather = CALM
        with suppress(TimeoutError):
            line.sendall(PING)
        still_silent = echoed(line, 1)
        listening = bool(far.heard)

    assert (silent, still_silent, listening) == (b"", b"", heard)


def test_a_delayed_packet_arrives_and_later(proxy: FaultProxy) -> None:
    proxy.weather = Weather(delay=0.01)

    with connected(proxy) as line:
        line.sendall(publish(1) + publish(2))
        got = echoed(line, 2 * len(publish(1)))

    assert got == publish(1) + publish(2)
    assert proxy.done["delayed"] == 4


def test_a_sliced_packet_goes_in_pieces_and_arrives_whole(far: Far, proxy: FaultProxy) -> None:
    proxy.weather, long = SLICED, publish(1, b"y" * 120)

    with connected(proxy) as line:
        line.sendall(long)
        got = echoed(line, len(long))

    assert got == b"".join(far.heard) == long
    assert proxy.done["sliced"] >= 2 * len(long) / SLICE


def test_a_doubled_packet_comes_again_marked_as_a_repeat(far: Far, proxy: FaultProxy) -> None:
    proxy.weather = Weather(doubled=1)

    with connected(proxy) as line:
        line.sendall(PING + publish(1))
        echoed(line, 2 + 4 * len(publish(1)))

    again = bytes([0x3A]) + publish(1)[1:]
    assert list(Packets().feed(b"".join(far.heard))) == [PING, publish(1), again]


def test_a_reordered_packet_is_overtaken_by_the_next(far: Far, proxy: FaultProxy) -> None:
    proxy.weather = Weather(reordered=1)

    with connected(proxy) as line:
        line.sendall(publish(1) + publish(2) + publish(3))
        echoed(line, 3 * len(publish(1)))

    # The third has nobody to be overtaken by, and goes on after a moment.
    assert list(Packets().feed(b"".join(far.heard))) == [publish(2), publish(1), publish(3)]


def test_a_stolen_packet_is_acknowledged_and_goes_nowhere(far: Far, proxy: FaultProxy) -> None:
    proxy.weather = Weather(stolen=1)

    with connected(proxy) as line:
        line.sendall(publish(7))
        acknowledged = echoed(line, 4)
        line.sendall(PING)
        echoed(line, 2)

    assert acknowledged == b"\x40\x02\x00\x07"
    assert far.heard == [PING]


def test_the_same_seed_has_the_same_chances(far: Far) -> None:
    outcomes = []
    for _ in range(2):
        far.heard.clear()
        proxy = FaultProxy(far.port, seed=7)
        proxy.weather = DOUBLING
        proxy.start()
        with connected(proxy) as line:
            line.sendall(b"".join(publish(number) for number in range(20)) + PING)
            while not line.recv(4096).endswith(PING):
                pass
        outcomes.append(b"".join(far.heard))
        proxy.stop()

    assert len(outcomes[0]) > 20 * len(publish(1))
    assert outcomes[0] == outcomes[1]
