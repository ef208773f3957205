"""The packages import each other along the map, and each states its one sentence."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SENTENCE = {
    "attendance": "The rules: values in, values out.",
    "protocol": "What kiosks and the gateway say to each other.",
    "ledger": "What happened, and what is still to be delivered.",
    "kiosk": "A check-in station: it sees, decides who, keeps, sends.",
    "gateway": "Takes check-ins in, keeps the ledger, gives hour records out.",
    "sync": "Delivers what has to leave: hour records and notices.",
    "tandem": "The `tandem` command, and everything on one machine.",
}
MAY_IMPORT = {
    "attendance": set[str](),
    "protocol": set[str](),
    "ledger": {"attendance"},
    "kiosk": {"attendance", "protocol"},
    "gateway": {"attendance", "ledger", "protocol"},
    "sync": {"attendance", "ledger"},
    "tandem": SENTENCE.keys() - {"tandem"},
}


def modules_of(package: str) -> list[Path]:
    """List every Python file of a package, migrations too; a package without one would prove nothing."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} is not there"
    return found


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield the modules a file imports, at any depth and also by name at run time."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


def imports_of(package: str) -> set[str]:
    trees = (ast.parse(path.read_bytes(), filename=str(path)) for path in modules_of(package))
    return {name.partition(".")[0] for tree in trees for name in names_in(tree)}


@pytest.mark.parametrize("package", SENTENCE)
def test_a_package_imports_only_what_the_map_allows(package: str) -> None:
    ours = imports_of(package) & (SENTENCE.keys() | {"bench", "tests"})

    assert ours <= MAY_IMPORT[package] | {package}


def test_the_rules_need_nothing_but_the_standard_library() -> None:
    assert imports_of("attendance") <= sys.stdlib_module_names | {"attendance"}


@pytest.mark.parametrize("package", SENTENCE)
def test_a_package_states_its_one_sentence(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())

    assert (ast.get_docstring(tree) or "").partition("\n")[0] == SENTENCE[package]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("import gateway.ingest", id="plain"),
        pytest.param("from gateway import ingest", id="from"),
        pytest.param("def run():\n    import gateway", id="inside a function"),
        pytest.param("import importlib\nimportlib.import_module('gateway.ingest')", id="by name"),
        pytest.param("from importlib import import_module\nimport_module('gateway')", id="by bare name"),
    ],
)
def test_no_way_of_importing_stays_unseen(line: str) -> None:
    assert "gateway" in {name.partition(".")[0] for name in names_in(ast.parse(line))}
