"""The files that a mosquitto reads: who may come in, what each may do, and what it has to keep to.

* NoPassword       the gateway's own accounts have none
* NoSuchBroker     nothing is told to read the files anew
"""

import fcntl
import os
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway import settings
from gateway.devices import check_password, password_hash
from tandem.embedded import GATEWAY, GATEWAYS

PRIVATE, OF_A_GROUP = 0o600, 0o640
UNREAD = "unread"
"""Stands in the folder while mosquitto has not been told of what was written: the next run then tells it."""

ACL = (
    "".join(f"user {name}\ntopic readwrite tandem/v1/#\n\n" for name in GATEWAYS)
    + """\
pattern write tandem/v1/+/%u/up
pattern write tandem/v1/+/%u/state
pattern read tandem/v1/+/%u/receipt
pattern read tandem/v1/+/%u/config
pattern read tandem/v1/+/%u/command
"""
)

SETTINGS = """\
allow_anonymous false
persistence true
autosave_interval 60
set_tcp_nodelay true
max_inflight_messages 1000
max_queued_messages 0
max_queued_bytes 67108864
max_packet_size 65536
"""


class NoPassword(Exception):
    """The gateway's accounts need a password: set TANDEM_GATEWAY_BROKER_PASSWORD or broker_password in gateway.toml."""


class NoSuchBroker(Exception):
    """There is no mosquitto under this PID file; it reads the files by itself when it starts."""


def write(folder: Path, accounts: Mapping[str, str], *, mode: int = PRIVATE) -> bool:
    """Write what differs, each file at once; returns whether anything did."""
    passwords = "".join(f"{name}:{hash}\n" for name, hash in sorted(accounts.items()))
    written = [_replace(folder / name, text, mode) for name, text in (("passwords", passwords), ("acl", ACL))]
    return any(written)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one run after the other write: of two at once, the one with the older list could come last."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def bring_up_to_date(folder: Path, accounts: Callable[[], Mapping[str, str]], pid_file: Path | None) -> bool:
    """Write the files for a broker that somebody else runs, and have it read them; returns whether they changed.

    Raises NoSuchBroker.
    """
    with alone(folder):
        unread = folder / UNREAD
        is_owed = unread.exists()
        unread.touch()
        changed = write(folder, accounts(), mode=OF_A_GROUP)
        if pid_file and (changed or is_owed):
            _tell(pid_file)
        if pid_file or not (changed or is_owed):
            unread.unlink()
    return changed


def own_accounts(data: Path, folder: Path) -> dict[str, str]:
    """Return the gateway's own accounts; with the hash that the files have already, if it is of this password."""
    password = settings.read(data=data).broker_password
    if password is None:
        raise NoPassword(NoPassword.__doc__)
    known, word = _known(folder), password.get_secret_value()
    hash = known if check_password(known, word) else password_hash(word, salt=secrets.token_bytes(12))
    return dict.fromkeys(GATEWAYS, hash)


def _known(folder: Path) -> str:
    with suppress(FileNotFoundError):
        for line in (folder / "passwords").read_text().splitlines():
            if line.startswith(f"{GATEWAY}:"):
                return line.removeprefix(f"{GATEWAY}:")
    return ""


def _replace(path: Path, text: str, mode: int) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    # Whatever the umask left of it: mosquitto runs as another user of the folder's group.
    fresh.chmod(mode)
    fresh.replace(path)
    _keep_name(path.parent)
    return True


def _keep_name(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tell(pid_file: Path) -> None:
    # A PID file outlives its program, and its number may be another's by now, whom the signal would end.
    try:
        pid = int(pid_file.read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ValueError):
        raise NoSuchBroker(f"{NoSuchBroker.__doc__} ({pid_file})") from None
    if name != "mosquitto":
        raise NoSuchBroker(f"{NoSuchBroker.__doc__} ({pid_file} names {pid}, which is {name})")
    os.kill(pid, signal.SIGHUP)
