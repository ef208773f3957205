"""A network cable that can be pulled: a TCP port that passes everything on, until it is cut."""

import asyncio
import threading
from contextlib import suppress


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
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        self._break()
        await asyncio.sleep(0.05)  # what was broken gets a turn to end

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._ends.discard(writer)
        writer.close()

    def _break(self) -> None:
        for writer in self._ends:
            writer.transport.abort()
