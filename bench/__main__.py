"""The command: `python -m bench` measures everything, `--only settlement --scale 0.1` a part, and shrunk."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import (
    arriving,
    codes,
    faces,
    gallery,
    importing,
    ingesting,
    outboxes,
    reading,
    receipts,
    results,
    ruling,
    settling,
    watching,
)
from bench.machine import machine
from bench.measured import Measured
from bench.stage import DURABLE, Stage, program, staged
from tandem.console import until_stopped

Measurement = Callable[[Stage], Iterator[Measured]]
ON_EACH_ENGINE = {
    "settlement": settling.measure,
    "watch": watching.measure,
    "feed": reading.measure,
    "import": importing.measure,
    "ingest": ingesting.measure,
    "receipts": receipts.measure,
}
MEASUREMENTS: Mapping[str, Measurement] = {
    "rules": ruling.measure,
    "outbox": outboxes.measure,
    "station": arriving.measure,
    "codes": codes.measure,
    "gallery": gallery.measure,
    "faces": faces.measure,
    **{
        f"{name}-{engine}": partial(measure, engine=engine)
        for name, measure in ON_EACH_ENGINE.items()
        for engine in ("sqlite", "postgresql")
    },
}
NAMES = ", ".join(MEASUREMENTS)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    only: Annotated[list[str] | None, typer.Option(help=f"The beginning of a name: {NAMES}.")] = None,
    scale: Annotated[float, typer.Option(min=0.001, max=1, help="Below 1 the run is shrunk, and nothing judged.")] = 1,
) -> None:
    """Measure what the design promises, and write it to bench/results.json."""
    chosen = _chosen(only or [""])
    path = results.RESULTS if scale == 1 else results.SHRUNK
    here, lines = machine(program("postgres"), DURABLE), dict[str, Mapping[str, Any]]()
    finished = False
    with until_stopped(), staged(scale) as stage:
        for measured in _measure(chosen, stage):
            lines[measured.name] = results.dated(measured.to_json(judged=scale == 1), scale=scale)
            results.keep(path, here, lines)
        finished = True
    # Into a file it is written wide, so that no name is broken.
    console = Console(width=None if sys.stdout.isatty() else 170)
    results.show(console, lines)
    console.print(f"Written to {path}.", highlight=False, soft_wrap=True)
    if not finished:
        console.print("It was stopped before the end.", style="red")
        raise typer.Exit(1)


def _chosen(beginnings: list[str]) -> list[str]:
    """Choose the measurements; without PostgreSQL on the machine, those that do without it."""
    strange = [one for one in beginnings if not any(name.startswith(one) for name in MEASUREMENTS)]
    if strange:
        raise typer.BadParameter(f"there is no measurement {strange[0]!r}; there are {NAMES}", param_hint="--only")
    chosen = [name for name in MEASUREMENTS if name.startswith(tuple(beginnings))]
    if program("postgres"):
        return chosen
    typer.echo("PostgreSQL is not installed, so it is not measured: make services", err=True)
    return [name for name in chosen if not name.endswith("postgresql")]


def _measure(chosen: list[str], stage: Stage) -> Iterator[Measured]:
    for name in chosen:
        stage.progress.console.print(f"measuring {name}", highlight=False)
        yield from MEASUREMENTS[name](stage)


if __name__ == "__main__":
    app()
