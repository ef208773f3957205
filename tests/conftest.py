"""What every test stands on: a clean environment, and a way to ask for a program of the machine."""

import gc
import glob
import os
import shutil
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings

from tests import quick_rules
from tests.chromium import chromium, started
from tests.postgres import database, postgres, postgres_server

__all__ = ["chromium", "database", "postgres", "postgres_server", "started"]

# Two busy cores are slow now and then; that is no finding.
settings.register_profile("tandem", deadline=None)
settings.load_profile("tandem")

quick_rules.use()

# Debian keeps these out of a user's PATH.
PLACES = ["/usr/sbin", "/usr/local/sbin", *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)]

LEAKING = ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHONPATH", "TZ")
LEAKING_ENDS = ("_PROXY", "_proxy")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, whatever the order of the others: at the end, one worker would wait for the other."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Let the garbage collector look less often, and not at what is imported by now: that was a sixth of all work."""
    gc.freeze()
    gc.set_threshold(5000, 10, 10)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's settings, proxies, time zone and terminal out of the tests."""
    for name in os.environ:
        if name.startswith("TANDEM_") or name in LEAKING or name.endswith(LEAKING_ENDS):
            monkeypatch.delenv(name)


# Read before the environment is cleaned.
SERVICES_ARE_PROMISED = os.environ.get("TANDEM_REQUIRE_SERVICES") == "1"


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program; without it the test is skipped, or fails where `make services` has promised it."""

    def find(name: str) -> str:
        path = shutil.which(name, path=":".join([os.environ["PATH"], *PLACES]))
        if path is None and SERVICES_ARE_PROMISED:
            pytest.fail(f"{name} is missing although TANDEM_REQUIRE_SERVICES promises it: make services")
        if path is None:
            pytest.skip(f"{name} is not installed: make services")
        return path

    return find


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines how many tests were left out, and what for."""
    skipped = (report.longrepr for report in terminalreporter.getreports("skipped"))
    reasons = Counter(reason[-1].removeprefix("Skipped: ") for reason in skipped if isinstance(reason, tuple))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} {'test was' if count == 1 else 'tests were'} left out: {reason}")
