"""Lets `tandem gateway …` reach a ledger that `tandem up` holds: SQLite allows one process, so it does the work.

One JSON line in, one out, over a socket in the data folder that only its owner can open.
"""

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Act = Callable[..., Any]
SOCKET = "control.sock"


class ActRefused(Exception):
    """The running gateway did not do it; its reason follows."""


class Control:
    """Does the acts of a table for whoever can open the socket."""

    def __init__(self, folder: Path, acts: Mapping[str, Act]) -> None:
        self._path = folder / SOCKET
        self._path.unlink(missing_ok=True)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(json.dumps(_do(acts, self.rfile.readline())).encode() + b"\n")

        with _reachable(folder) as path:
            self._server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self._path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="control")

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Take the socket away."""
        if self._thread.ident:
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def ask(folder: Path, act: str, arguments: Mapping[str, Any]) -> Any:
    """Have the running gateway do an act; raises ActRefused, or OSError when none is running."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        with _reachable(folder) as path:
            connection.connect(path)
        connection.sendall(json.dumps({"act": act, "arguments": arguments}).encode() + b"\n")
        answer = json.loads(connection.makefile("rb").readline())
    if "error" in answer:
        raise ActRefused(answer["error"])
    return answer["result"]


@contextmanager
def _reachable(folder: Path) -> Iterator[str]:
    """Name the socket in few letters: a socket's address holds 107 bytes, and a data folder may lie deep."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


def _do(acts: Mapping[str, Act], line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        return {"result": acts[request["act"]](**request["arguments"])}
    except Exception as error:  # whatever it was, the person at the other end has to read it
        return {"error": str(error) or type(error).__name__}
