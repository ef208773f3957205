import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import results
from bench.__main__ import app
from bench.measured import Measured, Target


@pytest.mark.parametrize(
    ("value", "side", "judged", "met"),
    [
        pytest.param(1.2, "at most", True, True, id="at the edge"),
        pytest.param(1.3, "at most", True, False, id="too slow"),
        pytest.param(0.9, "at least", True, False, id="too few"),
        pytest.param(0.9, "at most", False, None, id="a shrunk run is not judged"),
    ],
)
def test_a_value_is_judged_by_its_target(value: float, side: str, judged: bool, met: bool | None) -> None:
    target = Target(side, 1.2 if side == "at most" else 1)  # type: ignore[arg-type]

    line = Measured(name="pages", n=5, value=value, unit="x", target=target).to_json(judged=judged)

    assert line["met"] is met


def test_new_results_replace_those_of_the_same_name_and_machine(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.keep(path, {"cpu": "one"}, {"a": {"value": 1}, "b": {"value": 1}})

    results.keep(path, {"cpu": "one"}, {"b": {"value": 2}})
    same = json.loads(path.read_text())["measurements"]
    results.keep(path, {"cpu": "two"}, {"c": {"value": 3}})
    other = json.loads(path.read_text())["measurements"]

    assert same == {"a": {"value": 1}, "b": {"value": 2}}
    assert other == {"c": {"value": 3}}


def test_a_shrunk_run_leaves_the_published_results_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(results, "SHRUNK", tmp_path / "shrunk.json")

    ran = CliRunner().invoke(app, ["--only", "import-sqlite", "--scale", "0.001"])

    assert ran.exit_code == 0, ran.output
    measured = json.loads((tmp_path / "shrunk.json").read_text())["measurements"]
    assert [line["n"] for line in measured.values()] == [100] * 4
    assert {line["met"] for line in measured.values()} == {None}
    assert not (tmp_path / "results.json").exists()
