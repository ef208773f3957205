"""Serves a Flask app on a thread: the gateway's pages and API, and the kiosk's screen."""

import threading
from pathlib import Path

from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from flask import Flask

THREADS = 24
"""Each open event stream holds one."""
WAKE = 0.05
"""Seconds between two looks whether it is time to stop; cheroot's own half a second is what everybody would wait."""


class CannotListen(OSError):
    """The port is taken, or may not be used."""


class Served:
    """A listening server; `port` 0 takes a free one."""

    def __init__(self, app: Flask, *, host: str, port: int, cert: Path | None = None, key: Path | None = None) -> None:
        self._server = Server((host, port), app, numthreads=THREADS, server_name="tandem")
        self._server.shutdown_timeout = 2
        self._server.expiration_interval = WAKE
        self._secure = cert is not None
        if cert and key:
            self._server.ssl_adapter = BuiltinSSLAdapter(str(cert), str(key))
        self._thread = threading.Thread(target=self._server.serve, name=app.import_name)

    def start(self) -> None:
        """Listen; raises CannotListen."""
        try:
            self._server.prepare()
        except OSError as error:
            # cheroot puts the reason into the text alone.
            raise CannotListen(f"cannot listen there: {error}") from None
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in hand."""
        self._server.stop()
        if self._thread.ident:
            self._thread.join(10)

    @property
    def port(self) -> int:
        """The port, known after `start`."""
        return int(self._server.bind_addr[1])

    @property
    def url(self) -> str:
        """The address as a person on this machine would type it."""
        return f"{'https' if self._secure else 'http'}://{self._server.bind_addr[0]}:{self.port}"
