"""The broker on one machine: embedded (amqtt) by default, Debian's mosquitto as a child when asked for.

Both let in only who has an account, and let a device write and read its own topics only.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from amqtt.contexts import BrokerConfig, ListenerConfig

from tandem import embedded
from tandem.broker_files import SETTINGS, write
from tandem.embedded import OUTWARD, Accounts, StrictBroker

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 1000
"""On one listener; one more waits until another has left."""


class BrokerError(Exception):
    """The broker did not come up; its own words follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outward:
    """Where kiosks on other machines come in: over TLS only."""

    host: str
    port: int
    cert: Path
    key: Path


class EmbeddedBroker:
    """amqtt on a thread of its own; MQTT 3.1.1. It promises nothing: the outboxes and receipts do."""

    def __init__(
        self, accounts: Accounts, *, host: str = "127.0.0.1", port: int = 0, outward: Outward | None = None
    ) -> None:
        self.host, self.port = host, port or free_port(host)
        self._accounts, self._outward = accounts, outward
        self._ready, self._stop = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._running: tuple[StrictBroker, asyncio.AbstractEventLoop] | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="broker")

    def start(self) -> None:
        """Listen; raises BrokerError."""
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            where = [f"{self.host}:{self.port}"]
            where += [f"{self._outward.host}:{self._outward.port}"] if self._outward else []
            raise BrokerError(f"the embedded broker cannot listen on {' and '.join(where)}: {self._failure}")

    def refresh(self) -> None:
        """Put out who may not come in any more; whoever comes is asked for an account as it is then."""
        if self._running:
            broker, loop = self._running
            asyncio.run_coroutine_threadsafe(broker.put_out(self._accounts()), loop).result(10)

    def stop(self) -> None:
        """Close every connection."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join(10)

    async def _serve(self) -> None:
        config = BrokerConfig(
            listeners=self._listeners(),
            plugins={
                f"{embedded.__name__}.AccountDoor": {"accounts": self._accounts},
                f"{embedded.__name__}.OwnTopics": {},
            },
        )
        broker = StrictBroker(config)
        try:
            await broker.start()
            self._running = broker, asyncio.get_running_loop()
        except BaseException as failure:  # amqtt wraps what the socket said in several ways
            self._failure = failure
            return
        finally:
            self._ready.set()
        while not self._stop.is_set():
            await asyncio.sleep(0.1)
        self._running = None
        await broker.shutdown()

    def _listeners(self) -> dict[str, ListenerConfig]:
        inward = ListenerConfig(bind=f"{self.host}:{self.port}", max_connections=MOST_CONNECTIONS)
        if (door := self._outward) is None:
            return {"default": inward}
        outward = ListenerConfig(
            bind=f"{door.host}:{door.port}",
            max_connections=MOST_CONNECTIONS,
            ssl=True,
            certfile=door.cert,
            keyfile=door.key,
        )
        return {"default": inward, OUTWARD: outward}


class Mosquitto:
    """Debian's mosquitto as a child process, with its files in `folder`."""

    def __init__(
        self,
        accounts: Accounts,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        outward: Outward | None = None,
    ) -> None:
        self.host, self.port = host, port or free_port(host)
        self._accounts, self._folder, self._outward = accounts, folder, outward
        self._child: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []

    def start(self) -> None:
        """Write the files, start the child and wait for its port; raises BrokerError."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise BrokerError("mosquitto is not installed; install Debian's package or use --broker embedded")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._command = [program, "-c", str(self._folder / "mosquitto.conf")]
        self._end_orphan()
        write(self._folder, self._accounts())
        (self._folder / "mosquitto.conf").write_text(self._configuration())
        self._run()
        self._wait_for_port()

    def stop(self) -> None:
        """End the child."""
        if self._child:
            self._child.terminate()
            self._child.wait(10)

    def refresh(self) -> None:
        """Have mosquitto read the accounts when they changed, and run when it has ended.

        It then disconnects by itself whose account has gone or has another password.
        """
        if write(self._folder, self._accounts()) and self._child:
            self._child.send_signal(signal.SIGHUP)
        if self._child and self._child.poll() is not None:
            log.error("mosquitto has ended with %s; starting it again", self._child.returncode)
            self._run()

    def _run(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as output:
            self._child = subprocess.Popen(self._command, stdout=output, stderr=output)
        (self._folder / "mosquitto.pid").write_text(str(self._child.pid))

    def _end_orphan(self) -> None:
        """End the mosquitto of a run that was killed; it would go on writing our files."""
        with suppress(OSError, ValueError):
            pid = int((self._folder / "mosquitto.pid").read_text())
            if self._is_ours(pid):
                os.kill(pid, signal.SIGTERM)
                _wait_until(lambda: not self._is_ours(pid), 5)

    def _is_ours(self, pid: int) -> bool:
        """Say whether this process runs our command; one that has ended and that nobody has waited for runs nothing."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            return False
        return command == [word.encode() for word in self._command]

    def _configuration(self) -> str:
        # Anything of a listener before the first `listener` line would open one more, for everybody, on port 1883.
        doors = [LISTENER.format(port=self.port, host=self.host)]
        if door := self._outward:
            doors.append(LISTENER.format(port=door.port, host=door.host) + TLS.format(cert=door.cert, key=door.key))
        # As root, mosquitto would drop to a user who cannot read this folder, and say so only in its log.
        user = "user root\n" if os.geteuid() == 0 else ""
        return "".join(doors) + user + FILES.format(folder=self._folder.absolute()) + SETTINGS

    def _wait_for_port(self) -> None:
        def is_settled() -> bool:
            return self._answers() or (self._child is not None and self._child.poll() is not None)

        _wait_until(is_settled, 10)
        if not self._answers():
            self.stop()
            raise BrokerError(f"mosquitto did not start: see {self._folder / 'mosquitto.log'}")

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=0.2):
            return True
        return False


LISTENER = """\
listener {port} {host}
use_username_as_clientid true
"""
TLS = """\
certfile {cert}
keyfile {key}
tls_version tlsv1.2
"""
FILES = """\
password_file {folder}/passwords
acl_file {folder}/acl
persistence_location {folder}/
"""


def free_port(host: str) -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _wait_until(reached: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)
