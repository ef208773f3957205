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
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from gateway.devices import check_password
from protocol import topics

log = logging.getLogger(__name__)

GATEWAY = "gateway"
"""The gateway's own account: it reads every device's topics and writes their receipts."""


class BrokerError(Exception):
    """The broker did not come up; its own words follow."""


Accounts = Callable[[], Mapping[str, str]]
"""Who may come in: user names with their password hashes, as mosquitto writes them."""


def may(username: str, topic: str, *, write: bool) -> bool:
    """Say what an account may do; a subscription's wildcards are nobody's but the gateway's."""
    if username == GATEWAY:
        return topic.startswith("tandem/v1/")
    return topics.may(username, topic, write=write)


class EmbeddedBroker:
    """amqtt on a thread of its own; MQTT 3.1.1. It promises nothing: the outboxes and receipts do."""

    def __init__(self, accounts: Accounts, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port or free_port(host)
        self._accounts = accounts
        self._ready, self._stop = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="broker")

    def start(self) -> None:
        """Listen; raises BrokerError."""
        self._thread.start()
        self._ready.wait(10)
        if self._failure:
            raise BrokerError(f"the embedded broker cannot listen on {self.host}:{self.port}: {self._failure}")

    def refresh(self) -> None:
        """Do nothing: every connection asks for the accounts as they are."""

    def stop(self) -> None:
        """Close every connection."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join(10)

    async def _serve(self) -> None:
        config = BrokerConfig(
            listeners={"default": ListenerConfig(bind=f"{self.host}:{self.port}", max_connections=1000)},
            plugins={
                f"{__name__}.AccountDoor": {"accounts": self._accounts},
                f"{__name__}.OwnTopics": {},
            },
        )
        broker = _OwnRetained(config)
        try:
            await broker.start()
        except BaseException as failure:  # amqtt wraps what the socket said in several ways
            self._failure = failure
            return
        finally:
            self._ready.set()
        while not self._stop.is_set():
            await asyncio.sleep(0.1)
        await broker.shutdown()


class _OwnRetained(Broker):  # type: ignore[misc]  # amqtt is untyped
    """amqtt 0.12 hands whoever connects the retained messages of everybody; here each gets their own."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        if may(session.username or "", subscription[0], write=False):
            await super()._publish_retained_messages_for_subscription(subscription, session)


class AccountDoor(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Lets in who has an account."""

    @dataclass
    class Config:
        """What the plugin is given."""

        accounts: Any

    async def authenticate(self, *, session: Session) -> bool:
        """Check one connection's user name and password, and that it claims nothing beyond them."""
        # Another's client id would put that client out; and amqtt asks nobody whether a will may be sent to its topic.
        if session.will_flag or session.username not in (session.client_id, GATEWAY):
            return False
        stored = self.config.accounts().get(session.username or "")
        return stored is not None and check_password(stored, session.password or "")


class OwnTopics(BaseTopicPlugin):  # type: ignore[misc]
    """Keeps every device to its own topics."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Say whether this account may do this."""
        if session is None or topic is None or not session.username:
            return False
        return may(session.username, topic, write=action == Action.PUBLISH)


class Mosquitto:
    """Debian's mosquitto as a child process, with its files in `folder`."""

    def __init__(self, accounts: Accounts, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host, self.port = host, port or free_port(host)
        self._accounts, self._folder = accounts, folder
        self._child: subprocess.Popen[bytes] | None = None
        self._command: list[str] = []
        self._written: Mapping[str, str] = {}

    def start(self) -> None:
        """Write the files, start the child and wait for its port; raises BrokerError."""
        program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise BrokerError("mosquitto is not installed; install Debian's package or use --broker embedded")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._command = [program, "-c", str(self._folder / "mosquitto.conf")]
        self._end_orphan()
        self._write_accounts()
        (self._folder / "mosquitto.conf").write_text(self._configuration())
        self._run()
        self._wait_for_port()

    def stop(self) -> None:
        """End the child."""
        if self._child:
            self._child.terminate()
            self._child.wait(10)

    def refresh(self) -> None:
        """Have mosquitto read the accounts when they changed, and run when it has ended."""
        if self._write_accounts() and self._child:
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

    def _write_accounts(self) -> bool:
        accounts = dict(self._accounts())
        if accounts == self._written:
            return False
        _write(self._folder / "passwords", "".join(f"{name}:{hash}\n" for name, hash in sorted(accounts.items())))
        _write(self._folder / "acl", ACL)
        self._written = accounts
        return True

    def _configuration(self) -> str:
        # As root, mosquitto would drop to a user who cannot read this folder, and say so only in its log.
        user = "user root\n" if os.geteuid() == 0 else ""
        return CONFIGURATION.format(host=self.host, port=self.port, folder=self._folder, user=user)

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


ACL = """\
user gateway
topic readwrite tandem/v1/#

pattern write tandem/v1/+/%u/up
pattern write tandem/v1/+/%u/state
pattern read tandem/v1/+/%u/receipt
pattern read tandem/v1/+/%u/config
pattern read tandem/v1/+/%u/command
"""

CONFIGURATION = """\
listener {port} {host}
{user}allow_anonymous false
use_username_as_clientid true
password_file {folder}/passwords
acl_file {folder}/acl
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_inflight_messages 1000
max_queued_messages 0
max_queued_bytes 67108864
max_packet_size 65536
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


def _write(path: Path, text: str) -> None:
    """Replace a file at once and keep it to ourselves."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
