"""The locks pin every package by hash, name no address, and a package that is not the pinned one is refused."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGING = ROOT / "packaging"
LOCKS = ["lock.txt", "build-lock.txt"]


def pins(lock: str) -> dict[str, str]:
    """Read each pinned requirement, markers included, with the text that follows it."""
    blocks = re.split(r"^(?=[a-z0-9])", (PACKAGING / lock).read_text(), flags=re.MULTILINE)[1:]
    return dict(block.split(" \\\n", 1) for block in blocks)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_carries_a_hash(lock: str) -> None:
    assert all("==" in pin and "--hash=sha256:" in rest for pin, rest in pins(lock).items())


@pytest.mark.parametrize("name", [*LOCKS, "build.in", "overrides.txt"])
def test_no_lock_names_an_address(name: str) -> None:
    text = (PACKAGING / name).read_text()

    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ", text)


def test_both_locks_pin_the_same_build_tools() -> None:
    assert pins("build-lock.txt").keys() <= pins("lock.txt").keys()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Make a project with the real Makefile and two tiny wheels: a build tool and a package."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "packaging").mkdir()
    shutil.copy(PACKAGING / "install-locked", tmp_path / "packaging")
    for name in ("chisel", "pebble"):
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    (tmp_path / "packaging/build-lock.txt").write_text(pinned(tmp_path, "chisel"))
    (tmp_path / "packaging/lock.txt").write_text(pinned(tmp_path, "pebble"))
    return tmp_path


def pinned(site: Path, name: str) -> str:
    digest = hashlib.sha256((site / f"{name}-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    return f"{name}==1.0 \\\n    --hash=sha256:{digest}\n"


def flip_a_hash(lock: Path) -> None:
    before, colon, digest = lock.read_text().partition("sha256:")
    lock.write_text(f"{before}{colon}{int(digest[0], 16) ^ 1:x}{digest[1:]}")


def install(site: Path, make: str) -> subprocess.CompletedProcess[str]:
    """Install the locks of the site, as `make install` does before it installs the project itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "MFLAGS"))}
    alone = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(site), "PIP_NO_CACHE_DIR": "1"}
    return subprocess.run(
        [make, "-C", str(site), f"PYTHON={sys.executable}", ".venv/.locked"],
        capture_output=True,
        text=True,
        check=False,
        env=inherited | alone,
    )


def test_a_package_that_is_not_the_pinned_one_stops_the_installation(site: Path, program: Callable[[str], str]) -> None:
    flip_a_hash(site / "packaging/lock.txt")

    done = install(site, program("make"))

    assert done.returncode != 0
    assert "Stopped: a package is not the one that packaging/lock.txt pins" in done.stderr
    assert list((site / ".venv").rglob("chisel.py"))
    assert not list((site / ".venv").rglob("pebble*"))
    assert not (site / ".venv/.locked").exists()


def test_a_lock_is_installed_once_and_again_when_it_has_changed(site: Path, program: Callable[[str], str]) -> None:
    first = install(site, program("make"))
    second = install(site, program("make"))
    # Said and not left to the clock: one that is set back in between makes a changed lock look old.
    installed = (site / ".venv/.locked").stat().st_mtime
    os.utime(site / "packaging/lock.txt", (installed + 1, installed + 1))

    changed = install(site, program("make"))

    assert first.returncode == changed.returncode == 0, first.stderr + changed.stderr
    assert list((site / ".venv").rglob("pebble.py"))
    assert "Installing" in first.stdout
    assert "Installing" not in second.stdout
    assert "Installing" in changed.stdout
