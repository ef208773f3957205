"""kill -9 of sync in the middle of a batch, over and over: the archive has just what the ledger says."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.database import Ledger
from sync.local import LocalArchive
from sync.reconcile import effective, reconcile
from sync.rest import RestArchive
from tandem.demo.hr_system import HrSystem, Stage
from tests.sync import runner
from tests.sync.cast import EVENING, company, corrected, states

pytestmark = [pytest.mark.enable_socket, pytest.mark.long, pytest.mark.timeout(240)]

TANDEM = Path(sys.executable).with_name("tandem")
KEY = "a-bearer-key"
KILLS = 20
BATCH = 5
# Each is a process of its own, forked from one that has done no more than import what sync needs.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([runner.__name__])
SOON = 0.004
"""Seconds after the archive has kept a batch: the answer is on its way, or is being noted."""


@dataclass
class Plug:
    """Pulls itself at a stage of the n-th push."""

    hr: HrSystem
    stage: Stage
    count: int
    after: float
    pid: int = 0

    def __call__(self, stage: Stage) -> bool:
        if stage != self.stage:
            return True
        self.count -= 1
        if self.count:
            return True
        if self.after:
            threading.Timer(self.after, self.pull).start()
        else:
            self.pull()
        return False

    def pull(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    ledger = company(url(tmp_path), "local", "hr")
    corrected(ledger, 120)
    ledger.close()
    return tmp_path


def url(data: Path) -> str:
    return f"sqlite:///{data / 'ledger.sqlite'}"


@contextmanager
def hr_system(*, recognises: bool = True) -> Iterator[HrSystem]:
    hr = HrSystem(key=KEY, recognises=recognises)
    hr.start()
    yield hr
    hr.stop()


def environment(hr: HrSystem) -> dict[str, str]:
    archives = [{"name": "hr", "url": hr.url, "batch": BATCH}]
    return {"TANDEM_SYNC_ARCHIVES": json.dumps(archives), "TANDEM_SYNC_KEY_HR": KEY}


def run_until_killed(data: Path, hr: HrSystem, plug: Plug, *, finish_first: bool = False) -> dict[str, int]:
    """Run sync until the plug is pulled; return how the deliveries stand then."""
    given = {"data": data, "environment": environment(hr), "finish_first": finish_first}
    process = PROCESSES.Process(target=runner.main, kwargs=given)
    # The hook is in place before the process can push anything, and knows its victim before the first push ends.
    ready = threading.Event()

    def on_push(stage: Stage) -> bool:
        ready.wait(10)
        return plug(stage)

    hr.on_push = on_push
    process.start()
    plug.pid = process.pid or 0
    ready.set()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, (data / runner.LOG).read_text()
    process.close()
    hr.on_push = lambda stage: True
    return standing(data)


def standing(data: Path) -> dict[str, int]:
    ledger = Ledger(url(data))
    try:
        return states(ledger)
    finally:
        ledger.close()


def run_to_the_end(data: Path, hr: HrSystem) -> None:
    """Run the real command until nothing new arrives, then end it politely."""
    command = [str(TANDEM), "sync", "run", "--data", str(data)]
    variables = os.environ | environment(hr)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        process.stdout.readline()
        quiet, last = 0, -1
        while quiet < 10:
            time.sleep(0.1)
            quiet, last = (quiet + 1, last) if len(hr.pushes) == last else (0, len(hr.pushes))
        process.terminate()
        assert process.wait(30) == 0


def test_twenty_kills_in_the_middle_of_a_batch_lose_nothing_and_double_nothing(data: Path) -> None:
    with hr_system() as hr:
        held = 0
        for number in range(KILLS):
            stage: Stage = "arrived" if number % 3 == 0 else "kept"
            plug = Plug(hr, stage, count=1 + number % 2, after=SOON * (number % 3 == 2))
            held += run_until_killed(data, hr, plug).get("leased", 0) > 0
        run_to_the_end(data, hr)

        ledger = Ledger(url(data))
        there = RestArchive("hr", hr.url, KEY, clock=lambda: EVENING)
        local = LocalArchive(ledger, lambda: EVENING)
        found = [reconcile(ledger, there), reconcile(ledger, local)]
        left = states(ledger), states(ledger, "local")
        same = effective(there.content()).keys() == effective(local.content()).keys()
        ledger.close()

    # A pulled plug that follows the answer may come when the batch has just been noted; all others held one.
    assert held >= KILLS * 2 // 3
    assert all(one.is_good and one.compared == 100 for one in found), found
    assert left == ({"accepted": 180}, {"accepted": 180})
    assert (same, hr.doubled) == (True, [])


def test_noting_the_answer_before_the_push_loses_a_batch_at_every_kill(data: Path) -> None:
    """The sabotaged twin of the order of push and note."""
    with hr_system() as hr:
        for _ in range(2):
            run_until_killed(data, hr, Plug(hr, "arrived", count=1, after=0), finish_first=True)
        run_to_the_end(data, hr)

        ledger = Ledger(url(data))
        found, left = reconcile(ledger, RestArchive("hr", hr.url, KEY, clock=lambda: EVENING)), states(ledger)
        ledger.close()

    assert left.keys() <= {"accepted", "refused"}
    assert found.missing


def test_an_archive_that_does_not_recognise_a_record_doubles_it_at_every_kill(data: Path) -> None:
    """The sabotaged twin of the archive's side of the bargain."""
    with hr_system(recognises=False) as hr:
        run_until_killed(data, hr, Plug(hr, "kept", count=2, after=0))
        run_to_the_end(data, hr)

    assert len(hr.doubled) == BATCH
