"""Each package imports with its own extra alone, so that nobody installs what they do not run."""

import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_import_map import MAY_IMPORT

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

# Imports every module of a package while only the allowed top-level names can be found.
WALK = """
import importlib, pkgutil, sys

root, package, *allowed = sys.argv[1:]
allowed = {*allowed, *sys.stdlib_module_names}

class Gate:
    def find_spec(self, name, path=None, target=None):
        # The standard library keeps its build settings in a module named after the machine.
        if name.partition(".")[0] not in allowed and not name.startswith("_sysconfigdata_"):
            raise ModuleNotFoundError(f"{name} is not in the extra", name=name)

def stop(name):
    raise

sys.meta_path.insert(0, Gate())
sys.path.insert(0, root)
found = importlib.import_module(package)
for module in pkgutil.walk_packages(getattr(found, "__path__", ()), package + ".", stop):
    # Alembic runs its environment itself, inside a migration; it cannot be imported.
    if not module.name.endswith((".__main__", ".migrations.env")):
        importlib.import_module(module.name)
"""


def wanted(lines: list[str], extras: frozenset[str]) -> Iterator[Requirement]:
    for line in lines:
        requirement = Requirement(line)
        if not requirement.marker or any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def own(*extras: str) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for, with the extras that an extra names in turn."""
    parts = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    for line in chain.from_iterable(parts):
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            yield from own(*requirement.extras)
        else:
            yield requirement


def closure(*extras: str) -> dict[str, Distribution]:
    """Collect every distribution that the project installs with these extras."""
    found: dict[str, Distribution] = {}
    seen = set[tuple[str, frozenset[str]]]()
    waiting = list(own(*extras))
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = distribution(key[0])
        except PackageNotFoundError:
            continue  # What is not installed cannot be imported either.
        waiting += wanted(found[key[0]].requires or [], key[1])
    return found


def modules_of(found: Distribution) -> set[str]:
    """Name the top-level modules of a distribution; setuptools also puts copies of others on the path."""
    files = [file.parts for file in found.files or []]
    names = {parts[0] if parts[1:] else inspect.getmodulename(parts[0]) or "" for parts in files}
    if found.name == "setuptools":
        names |= {parts[2] for parts in files if parts[:2] == ("setuptools", "_vendor")}
    return {name for name in names if name.isidentifier()}


def import_with(package: str, ours: set[str], *extras: str) -> subprocess.CompletedProcess[str]:
    modules = {name for found in closure(*extras).values() for name in modules_of(found)}
    return subprocess.run(
        [sys.executable, "-c", WALK, str(ROOT), package, *sorted(modules | ours)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        pytest.param("protocol", [], id="protocol"),
        pytest.param("ledger", ["gateway"], id="ledger at the gateway"),
        pytest.param("ledger", ["sync"], id="ledger at sync"),
        pytest.param("kiosk", ["kiosk"], id="kiosk for badges"),
        pytest.param("kiosk", ["kiosk", "face"], id="kiosk for faces"),
        pytest.param("gateway", ["gateway"], id="gateway"),
        pytest.param("sync", ["sync"], id="sync"),
        pytest.param("tandem", ["demo"], id="everything"),
    ],
)
def test_a_package_imports_with_its_own_extra_alone(package: str, extras: list[str]) -> None:
    done = import_with(package, MAY_IMPORT[package] | {package}, *extras)

    assert done.returncode == 0, done.stderr


def test_the_rules_import_with_nothing_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", WALK, str(ROOT), "attendance", "attendance"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("extras", "absent"),
    [
        pytest.param(["kiosk", "face"], "sqlalchemy", id="a kiosk has no SQLAlchemy"),
        pytest.param(["kiosk"], "dlib-bin", id="a kiosk for badges has no dlib"),
        pytest.param(["gateway", "postgres"], "opencv-python-headless", id="a gateway has no OpenCV"),
        pytest.param(["gateway", "postgres"], "dlib-bin", id="a gateway has no dlib"),
        pytest.param(["sync"], "amqtt", id="sync has no broker"),
    ],
)
def test_an_extra_brings_nothing_foreign(extras: list[str], absent: str) -> None:
    assert absent in closure("demo"), "the name is wrong: even the whole does not have it"
    assert absent not in closure(*extras)


def test_a_module_outside_the_extra_is_not_found() -> None:
    done = import_with("sqlalchemy", set(), "kiosk", "face")

    assert "sqlalchemy is not in the extra" in done.stderr
