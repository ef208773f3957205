"""Claims about a kiosk that nobody has registered yet: it says so, waits, and goes on by itself."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kiosk.screen import create_screen
from kiosk.unregistered import Unregistered
from tests.kiosk.cast import IDENTITY, eventually

TANDEM = Path(sys.executable).parent / "tandem"
UNCONFIRMED = IDENTITY.model_copy(update={"account": None, "gateway": "http://127.0.0.1:9"})


def test_it_waits_until_there_is_an_identity(tmp_path: Path) -> None:
    kiosk = Unregistered(tmp_path)
    waiting = threading.Thread(target=kiosk.until_registered)
    waiting.start()
    assert waiting.is_alive()

    UNCONFIRMED.save(tmp_path)
    waiting.join(5)

    assert not waiting.is_alive()
    assert kiosk.is_over()


def test_it_can_be_stopped_before_anybody_has_registered_it(tmp_path: Path) -> None:
    kiosk = Unregistered(tmp_path)
    kiosk.stop()

    kiosk.until_registered()

    assert not kiosk.is_over()
    assert not kiosk.status().running


def test_nothing_can_be_asked_of_it(tmp_path: Path) -> None:
    client = create_screen(Unregistered(tmp_path), language="en").test_client()

    assert client.get("/picture.jpg").status_code == 204
    assert client.post("/choice", json={"number": 1, "direction": "in"}).status_code == 409
    assert client.get("/staff").status_code == 404


# The command


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def running(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command on an empty data folder."""
    (tmp_path / "pictures").mkdir()
    words = ["kiosk", "run", "--data", str(tmp_path), "--screen-port", str(port)]
    words += ["--source", f"folder:{tmp_path / 'pictures'}"]
    process = subprocess.Popen([TANDEM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield process
    process.terminate()
    process.wait(30)


def health(port: int) -> dict[str, Any]:
    try:
        return dict(httpx2.get(f"http://127.0.0.1:{port}/health", trust_env=False).json())
    except httpx2.HTTPError:
        return {}


@pytest.mark.long
@pytest.mark.enable_socket
def test_the_command_goes_on_by_itself_once_it_is_registered(
    running: subprocess.Popen[bytes], tmp_path: Path, port: int
) -> None:
    assert eventually(lambda: health(port).get("trouble") == "not_registered", seconds=30)

    UNCONFIRMED.save(tmp_path)

    assert eventually(lambda: health(port).get("trouble") in ("no_badge_keys", "camera_lost"), seconds=60)
    assert running.poll() is None


@pytest.mark.enable_socket
def test_a_port_that_is_taken_is_named_by_its_setting(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        words = ["kiosk", "run", "--data", str(tmp_path), "--screen-port", str(taken.getsockname()[1])]

        refused = subprocess.run([TANDEM, *words], capture_output=True, text=True, timeout=30, check=False)

    assert refused.returncode == 2
    assert "tandem: screen_port (TANDEM_KIOSK_SCREEN_PORT): cannot listen there: " in refused.stderr


@pytest.mark.enable_socket
def test_the_command_ends_when_it_is_told_to_while_it_waits(running: subprocess.Popen[bytes], port: int) -> None:
    assert eventually(lambda: health(port) != {}, seconds=30)

    running.terminate()

    assert running.wait(30) == 0
