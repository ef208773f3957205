"""Claims about what is handed out for a station: settings, units, rules, and the browser's policy."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest

from kiosk import settings
from kiosk.settings import KioskSettings

HERE = Path(__file__).parent.parent / "firmware-config"
UNITS = [HERE / "systemd" / "tandem-kiosk.service", HERE / "systemd" / "tandem-screen.service"]
PROFILES = [HERE / "kiosk" / "raspberry-pi-5.toml", HERE / "kiosk" / "x86-mini-pc.toml"]
NOT_HERE = ("/opt/tandem/bin/tandem", "/usr/bin/cage")

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)


def service(unit: Path) -> dict[str, str]:
    """Read a unit's service; of a directive that is there twice the last counts."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's documentation does it
    parser.read_string(unit.read_text())
    return dict(parser["Service"])


def verified(unit: Path, folder: Path, program: Callable[[str], str]) -> subprocess.CompletedProcess[str]:
    """Let systemd judge a unit; the programs that it starts need not be on this machine."""
    text = unit.read_text()
    for path in NOT_HERE:
        text = text.replace(path, sys.executable)
    (folder / unit.name).write_text(text)
    return subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", str(folder / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )


@each_unit
def test_systemd_accepts_a_unit(unit: Path, tmp_path: Path, program: Callable[[str], str]) -> None:
    done = verified(unit, tmp_path, program)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "right, wrong",
    [("WatchdogSec=60", "WatchdogSec=a minute"), ("Restart=always", "Restart=forever"), ("UMask=", "Umask=")],
)
def test_systemd_would_have_said_so(tmp_path: Path, program: Callable[[str], str], right: str, wrong: str) -> None:
    unit = tmp_path / "wrong" / "tandem-kiosk.service"
    unit.parent.mkdir()
    unit.write_text(UNITS[0].read_text().replace(right, wrong))

    done = verified(unit, tmp_path, program)

    assert "tandem-kiosk.service" in done.stderr


@each_unit
def test_a_unit_gives_nothing_away_and_always_comes_back(unit: Path) -> None:
    told = service(unit)

    for hardening in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID"):
        assert told[hardening] == "yes", hardening
    assert told["ProtectSystem"] == "strict"
    assert told["Restart"] == "always"
    assert told["LimitCORE"] == "0"
    assert "StartLimitIntervalSec=0" in unit.read_text()


def test_station_and_browser_are_two_users() -> None:
    users = [service(unit)["User"] for unit in UNITS]
    made = re.findall(r"^u (\S+)", (HERE / "systemd" / "tandem-kiosk.sysusers.conf").read_text(), re.MULTILINE)

    assert users == made
    assert len({*users, "root"}) == 3


def test_the_station_may_still_ask_the_kernel_for_its_clock() -> None:
    told = service(UNITS[0])

    assert "ProtectClock" not in told
    assert {"adjtimex", "clock_adjtime"} <= set(told["SystemCallFilter"].split())


def test_the_browser_opens_the_stations_page_and_may_open_no_other() -> None:
    page = f"http://127.0.0.1:{KioskSettings.model_fields['screen_port'].default}"
    policy = json.loads((HERE / "chromium" / "tandem-screen.json").read_text())

    assert service(UNITS[1])["ExecStart"].endswith(f" {page}")
    assert (policy["URLBlocklist"], policy["URLAllowlist"]) == (["*"], [page])


def test_the_rule_for_scanners_is_one_rule_for_the_stations_user() -> None:
    text = (HERE / "systemd" / "70-tandem-scanner.rules").read_text()
    [rule] = [line for line in text.splitlines() if line and not line.startswith("#")]

    parts = re.findall(r'([A-Z]+(?:\{\w+\})?)(==|\+=|=)"([^"]+)"', rule)

    assert ", ".join(f'{name}{how}"{value}"' for name, how, value in parts) == rule
    assert ("GROUP", "=", service(UNITS[0])["User"]) in parts
    assert ("SYMLINK", "+=", "input/tandem-scanner") in parts


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_read_and_says_that_it_was_not_measured(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text(profile.read_text())

    read = settings.read(data=tmp_path)

    told = tomllib.loads(profile.read_text())
    assert {name: getattr(read, name) for name in told} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
    assert "NOT" in profile.read_text()


def test_every_setting_of_the_reference_is_explained_right_above() -> None:
    lines = (HERE / "kiosk" / "kiosk.toml").read_text().splitlines()

    blocks = "\n".join(lines).split("\n\n")

    keys = [re.findall(r"^(\w+) = ", block, re.MULTILINE) for block in blocks]
    assert all(block.startswith("#") for block in blocks)
    assert {key for found in keys for key in found} == KioskSettings.model_fields.keys() - {"data"}
