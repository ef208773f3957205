"""`tandem up` and the commands beside it, as an operator types them."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from ledger.database import Ledger
from tandem.broker import free_port
from tests.cast import settle_in

pytestmark = pytest.mark.enable_socket

TANDEM = str(Path(sys.executable).with_name("tandem"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TANDEM, *words], capture_output=True, text=True, timeout=60)


def lines(process: subprocess.Popen[str], until: str) -> str:
    """Read what a program prints until it has said something."""
    assert process.stdout
    said = ""
    while until not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


@dataclass(frozen=True)
class Up:
    """A running `tandem up`, its data folder, and what it said until it was up."""

    process: subprocess.Popen[str]
    data: Path
    said: str
    metrics_port: int


@contextmanager
def brought_up(data: Path) -> Iterator[Up]:
    port = free_port("127.0.0.1")
    metrics = free_port("127.0.0.1")
    command = [TANDEM, "up", "--data", str(data), "--port", str(port), "--metrics-port", str(metrics)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield Up(process, data, lines(process, "/set-up/"), metrics)
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdout
        process.stdout.close()


def with_a_cast(folder: Path) -> Path:
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    with ledger.begin() as db:
        settle_in(db)
    ledger.close()
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return with_a_cast(tmp_path)


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    with brought_up(data) as up:
        yield up


@pytest.fixture(scope="module")
def left_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Bring it up once, for all tests that leave it running."""
    with brought_up(with_a_cast(tmp_path_factory.mktemp("up"))) as up:
        yield up


def test_the_first_start_prints_a_link_that_makes_the_admin(left_up: Up) -> None:
    [link] = re.findall(r"(http://127\.0\.0\.1:\d+/set-up/\S+)", left_up.said)

    page = httpx2.get(link)

    assert page.status_code == 200
    assert 'name="password"' in page.text


def test_monitoring_reads_figures_and_health_beside_it(left_up: Up) -> None:
    place = f"http://127.0.0.1:{left_up.metrics_port}"

    figures, health = httpx2.get(f"{place}/metrics").text, httpx2.get(f"{place}/health")
    while "not begun" in health.text:
        health = httpx2.get(f"{place}/health")

    assert "tandem_ingest_connected 1.0" in figures
    assert "tandem_device_silent_seconds" in figures
    assert health.json()["checks"] == {"database": "ok", "ingest": "ok", "watch": "ok"}
    assert health.status_code == 200


def test_commands_reach_the_ledger_that_the_running_gateway_holds(left_up: Up) -> None:
    made = run("gateway", "badge", "issue", "1001", "--data", str(left_up.data), "--json")
    listed = run("gateway", "badge", "list", "--person", "1001", "--data", str(left_up.data), "--json")

    badge = json.loads(made.stdout)
    assert badge["text"].startswith("T1:")
    assert badge["badge"] in [entry["badge"] for entry in json.loads(listed.stdout)]


def test_an_error_in_the_running_gateway_is_the_same_sentence_as_without_one(data: Path, up: Up) -> None:
    with_it = run("gateway", "device", "code", "no-such-room", "--data", str(data))
    up.process.terminate()
    up.process.wait(20)
    without_it = run("gateway", "device", "code", "no-such-room", "--data", str(data))

    assert with_it.returncode == without_it.returncode == 2
    assert with_it.stderr == without_it.stderr == "tandem: there is no room 'no-such-room'\n"


def test_a_second_start_on_the_same_data_is_refused(left_up: Up) -> None:
    second = run("up", "--data", str(left_up.data), "--port", str(free_port("127.0.0.1")))

    assert second.returncode == 2
    assert "is open in another process" in second.stderr


def test_it_ends_when_it_is_told_to_and_leaves_no_socket(data: Path, up: Up) -> None:
    assert (data / "control.sock").stat().st_mode & 0o777 == 0o600

    began = time.monotonic()
    up.process.terminate()

    assert up.process.wait(20) == 0
    assert time.monotonic() - began < 15
    assert not (data / "control.sock").exists()


def test_a_port_that_is_taken_is_said_and_leaves_nothing_running(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        began = time.monotonic()
        done = run("up", "--data", str(data), "--port", str(taken.getsockname()[1]))

    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "Address already in use" in done.stderr
    assert time.monotonic() - began < 20
    assert not (data / "control.sock").exists()


def test_a_data_folder_may_lie_deep(data: Path) -> None:
    deep = data / ("d" * 60) / ("e" * 60)

    with brought_up(deep):
        listed = run("gateway", "device", "list", "--data", str(deep), "--json")

    assert (listed.stdout, listed.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["up", "--data", "DATA", "--host", "0.0.0.0"], "give cert and key, or behind_proxy"),
        (["up", "--data", "DATA", "--broker", "carrier-pigeon"], "--broker is embedded, mosquitto or mqtts://"),
        (["up", "--data", "DATA", "--broker", "mqtt://ann:secret@127.0.0.1:99999"], "Port out of range"),
        (["gateway", "device", "list", "--data", "DATA/nowhere"], "There is no ledger in this data folder"),
        (["kiosk", "register", "ftp://gateway", "CODE", "--data", "DATA/k"], "begins with http:// or https://"),
        (["kiosk", "register", "http://127.0.0.1:9", "CODE", "--data", "DATA/k"], "does not answer"),
    ],
    ids=["open to the world", "broker", "broker's port", "no ledger", "address", "no gateway"],
)
def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = run(*(word.replace("DATA", str(tmp_path)) for word in words))

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_reading_pictures_gives_a_line_of_json_each(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")

    done = run("kiosk", "read", str(tmp_path / "broken.png"), str(tmp_path / "missing.png"))

    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(line) for line in said] == [{"image", "error"}, {"image", "error"}]
