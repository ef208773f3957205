"""A bad network of our own, between kiosks and broker: it cuts, goes silent, delays, slices, doubles and reorders."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tandem.demo.cable import Cable, End

Way = Literal["up", "down"]
"""Up is from who connected."""
PUBLISH, DUP = 3, 0x08
HOLD = 0.1
"""Seconds after which a packet that was to be overtaken goes on all the same."""
SLICE = 16
"""Bytes of a segment, at most."""
PATIENCE = 10.0
"""Seconds that a weather gets to do something, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What happens on the way; shares are of the PUBLISH packets."""

    dead: frozenset[Way] = frozenset()
    """Ways on which everything is swallowed; a connection that has lost something stays dead on that way."""
    delay: float = 0.0
    """Seconds that a packet waits, at most."""
    sliced: bool = False
    doubled: float = 0.0
    reordered: float = 0.0
    stolen: float = 0.0
    """Sent up, acknowledged by the proxy itself, and swallowed: a broker that promises and forgets."""


CALM = Weather()
BLACK_HOLE = Weather(dead=frozenset({"up", "down"}))
HALF_OPEN_UP = Weather(dead=frozenset({"up"}))
HALF_OPEN_DOWN = Weather(dead=frozenset({"down"}))
SLOW = Weather(delay=0.3)
SLICED = Weather(sliced=True)
DOUBLING = Weather(doubled=0.5)
REORDERING = Weather(reordered=0.5)
THIEVING = Weather(stolen=0.3)
CUT = None
"""Is no weather of a connection: there is none."""
STORMY: Sequence[Weather | None] = (
    CUT,
    BLACK_HOLE,
    HALF_OPEN_UP,
    HALF_OPEN_DOWN,
    SLOW,
    SLICED,
    DOUBLING,
    REORDERING,
    THIEVING,
    Weather(delay=0.05, sliced=True, doubled=0.3, reordered=0.3, stolen=0.1),
)


class FaultProxy(Cable):
    """A cable with a weather, which may change at any moment; the same seed gives the same chances."""

    def __init__(self, to_port: int, *, seed: int) -> None:
        super().__init__(to_port)
        self.weather, self.seed = CALM, seed
        self.done: Counter[str] = Counter()
        """How often each fault happened to a packet or a connection."""
        self.came: list[float] = []
        """When each connection was made, by the monotonic clock."""

    def cut(self) -> None:
        """Break every connection and let no new one through."""
        self.done["cut"] += 1
        super().cut()

    async def _join(self, near: End, far: End) -> None:
        number = len(self.came)
        self.came.append(time.monotonic())
        up = _Flow(self, "up", near[0], far[1], near[1], random.Random(f"{self.seed} {number} up"))
        down = _Flow(self, "down", far[0], near[1], far[1], random.Random(f"{self.seed} {number} down"))
        await asyncio.gather(up.run(), down.run())
        near[1].close()
        far[1].close()


class _Flow:
    """One way of one connection."""

    def __init__(
        self,
        proxy: FaultProxy,
        way: Way,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        chance: random.Random,
    ) -> None:
        self._proxy, self._way, self._reader, self._writer, self._back = proxy, way, reader, writer, back
        self._chance = chance
        self._held: list[bytes] = []
        self._dead = False

    async def run(self) -> None:
        packets = Packets()
        with suppress(OSError):
            while (data := await self._read()) != b"":
                if data is None:
                    await self._release()
                elif not self._swallows():
                    for packet in packets.feed(data):
                        await self._handle(packet)
        # Whoever is behind a dead way does not hear that the other end has gone.
        if not self._swallows():
            self._writer.close()

    async def _read(self) -> bytes | None:
        """Read what has come; None when a held packet has waited long enough."""
        if not self._held:
            return await self._reader.read(65536)
        try:
            return await asyncio.wait_for(self._reader.read(65536), HOLD)
        except TimeoutError:
            return None

    def _swallows(self) -> bool:
        if not self._dead and self._way in self._proxy.weather.dead:
            self._dead = True
            self._proxy.done["dead"] += 1
        return self._dead

    async def _handle(self, packet: bytes) -> None:
        if packet[0] >> 4 != PUBLISH:
            await self._write(packet)
        elif self._way == "up" and self._happens("stolen"):
            self._back.write(bytes([0x40, 2]) + _packet_id(packet))
        elif not self._held and self._happens("reordered"):
            self._held = [packet]
        else:
            await self._write(packet)
            if self._happens("doubled"):
                await self._write(bytes([packet[0] | DUP]) + packet[1:])
            await self._release()

    async def _release(self) -> None:
        held, self._held = self._held, []
        for packet in held:
            await self._write(packet)

    def _happens(self, fault: Literal["stolen", "reordered", "doubled"]) -> bool:
        happens: bool = self._chance.random() < getattr(self._proxy.weather, fault)
        self._proxy.done[fault] += happens
        return happens

    async def _write(self, packet: bytes) -> None:
        weather = self._proxy.weather
        if weather.delay:
            self._proxy.done["delayed"] += 1
            await asyncio.sleep(self._chance.random() * weather.delay)
        for piece in self._pieces(packet) if weather.sliced else [packet]:
            self._writer.write(piece)
            await self._writer.drain()

    def _pieces(self, packet: bytes) -> Iterator[bytes]:
        while packet:
            self._proxy.done["sliced"] += 1
            size = self._chance.randint(1, SLICE)
            yield packet[:size]
            packet = packet[size:]


class Packets:
    """Cuts a stream of MQTT into its packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the packets that are whole by now."""
        self._rest += data
        while size := _size(self._rest):
            packet, self._rest = self._rest[:size], self._rest[size:]
            yield packet


def _size(data: bytes) -> int:
    """Say how long the first packet is; 0 while it is not whole."""
    length = 0
    for place, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            whole = 2 + place + length
            return whole if len(data) >= whole else 0
    return 0


def _packet_id(publish: bytes) -> bytes:
    body = 1 + next(place for place, byte in enumerate(publish[1:5], 1) if byte < 0x80)
    topic = int.from_bytes(publish[body : body + 2])
    return publish[body + 2 + topic : body + 4 + topic]


def forecast(seed: int, rounds: int) -> list[Weather | None]:
    """Let every weather come so often, in an order that the seed says."""
    chance = random.Random(seed)
    return [weather for _ in range(rounds) for weather in chance.sample(STORMY, len(STORMY))]


def storm(proxy: FaultProxy, weathers: Sequence[Weather | None], *, least: float) -> None:
    """Let weathers follow one another, each until it has done something and for some seconds, and end in calm."""
    for weather in weathers:
        before, begun = proxy.done.total(), time.monotonic()
        _set(proxy, weather)
        while (passed := time.monotonic() - begun) < least or (proxy.done.total() == before and passed < PATIENCE):
            time.sleep(0.05)
    _set(proxy, CALM)


def _set(proxy: FaultProxy, weather: Weather | None) -> None:
    if weather is None:
        proxy.cut()
        return
    proxy.mend()
    proxy.weather = weather
