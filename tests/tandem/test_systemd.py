"""Claims about what the service manager is told."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tandem.systemd import notify, watched
from tests.kiosk.cast import eventually


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Listen as systemd does."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield listening


def heard(manager: socket.socket) -> list[str]:
    """Take what has been said so far."""
    manager.setblocking(False)
    said = list[str]()
    while True:
        try:
            said.append(manager.recv(100).decode())
        except BlockingIOError:
            manager.settimeout(5)
            return said


@pytest.mark.enable_socket
def test_a_program_that_gets_on_says_so_until_it_ends(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "40000")

    with watched(lambda: True):
        said = [manager.recv(100).decode() for _ in range(4)]
    said += heard(manager)

    assert said[0] == "READY=1"
    assert set(said[1:-1]) == {"WATCHDOG=1"}
    assert said[-1] == "STOPPING=1"


@pytest.mark.enable_socket
def test_a_program_that_is_stuck_says_nothing(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "4000")
    asked = list[int]()

    def stuck() -> bool:
        asked.append(len(asked))
        return False

    with watched(stuck):
        assert eventually(lambda: len(asked) >= 5)

    assert heard(manager) == ["READY=1", "STOPPING=1"]


@pytest.mark.enable_socket
@pytest.mark.parametrize("limit", ["", "0", "soon"], ids=["none", "off", "nonsense"])
def test_nobody_is_told_who_does_not_watch(manager: socket.socket, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", limit)

    with watched(lambda: True):
        pass

    assert heard(manager) == ["READY=1", "STOPPING=1"]


@pytest.mark.enable_socket
def test_a_manager_without_a_file_is_reached_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"tandem-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")

        notify("READY=1")

        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", [None, "/not/there"], ids=["started by hand", "gone"])
def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    if address:
        monkeypatch.setenv("NOTIFY_SOCKET", address)

    with watched(lambda: True):
        pass
