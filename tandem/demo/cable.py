"""A network cable that can be pulled: a TCP port that passes everything on, until it is cut."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import TypeAlias

End: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
BREAKING = 2.0
"""Seconds that broken connections get to end, at most."""


class Cable:
    """Listens on a free port of this machine and forwards to another."""

    def __init__(self, to_port: int) -> None:
        self._to, self.port = to_port, 0
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), name="cable")

    def start(self) -> None:
        """Plug it in."""
        self._thread.start()
        self._ready.wait(5)

    def cut(self) -> None:
        """Break every connection and let no new one through."""
        self._whole = False
        self._loop.call_soon_threadsafe(self._break)

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True

    def stop(self) -> None:
        """Take it away."""
        self.cut()
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        end = time.monotonic() + BREAKING
        while self._ends and time.monotonic() < end:
            self._break()
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)  # what was broken gets a turn to end

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = await self._far_end() if self._whole else None
        if far is None:
            writer.close()
            return
        self._ends |= {writer, far[1]}
        # It may have been cut while the far end was being reached.
        if not self._whole:
            self._break()
        try:
            await self._join((reader, writer), far)
        finally:
            self._ends -= {writer, far[1]}

    async def _far_end(self) -> End | None:
        with suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", self._to)
        return None

    async def _join(self, near: End, far: End) -> None:
        """Pass on what either end says, until both have closed."""
        await asyncio.gather(_pass_on(near[0], far[1]), _pass_on(far[0], near[1]))

    def _break(self) -> None:
        for writer in self._ends:
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
