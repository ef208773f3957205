"""`tandem kiosk doctor`: looks a station over."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tandem.console import errors, plainly, screen

if TYPE_CHECKING:
    from kiosk.doctor import Finding

FAILED = 1
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    data: Annotated[Path | None, typer.Option(help="The kiosk's data folder (kiosk-data)")] = None,
    badge: Annotated[bool, typer.Option("--badge", help="Ask for a badge to be held up to the camera")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array")] = False,
) -> None:
    """Check camera, light, focus, codes, faces, clock, disk, outbox, gateway and broker; ends with 1 on a failure."""
    with plainly():
        from kiosk import settings
        from kiosk.clock import system_clock
        from kiosk.doctor import examine

        read = settings.read(data=data)
        if badge:
            errors.print("Hold a badge up to the camera within half a minute.", highlight=False)
        findings: list[Finding] = []
        for finding in examine(read, system_clock(), badge=badge):
            findings.append(finding)
            if not as_json:
                _say(finding)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    raise typer.Exit(FAILED if any(finding.verdict == "fail" for finding in findings) else 0)


def _say(finding: "Finding") -> None:
    colour = COLOURS[finding.verdict]
    screen.print(f"[{colour}]{finding.verdict:<4}[/]  {finding.check:<10}", end="  ", highlight=False)
    todo = f" -> {finding.todo}" if finding.todo else ""
    screen.print(f"{finding.said}{todo}", markup=False, highlight=False, soft_wrap=True)
