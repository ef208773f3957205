"""`tandem kiosk identify`, `enrol` and `calibrate`: faces of folders, at the kiosk that will look for them."""

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tandem.console import errors, plainly, screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.faces.calibration import Measured, Rate
    from kiosk.faces.engine import Encoding, FaceEngine
    from kiosk.faces.enrolment import Entry, Rules
    from kiosk.faces.gallery import Gallery, LookAlikes
    from kiosk.faces.portraits import Portrait
    from kiosk.identity import Identity
    from kiosk.settings import KioskSettings
    from protocol.roster import Roster

Data = Annotated[Path | None, typer.Option(help="The kiosk's data folder (kiosk-data)")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
PEOPLE = "A folder with a folder of pictures for each person"
FOUND = 1
"""The exit code when somebody was not enrolled."""
SOME = 5
"""Every so many thresholds there is a line on the screen; the page and the JSON have all."""

Item = TypeVar("Item")


class NotKept(Exception):
    """The kiosk's gallery cannot be written."""


def identify(
    images: Annotated[list[Path], typer.Argument(help="JPEG, PNG or BMP")],
    gallery: Annotated[Path, typer.Option(help=PEOPLE)],
    data: Data = None,
) -> None:
    """Say whose faces pictures show, among the people of a folder: one line of JSON for each picture."""
    with plainly():
        from kiosk import settings
        from kiosk.faces.identify import identify

        read = settings.read(data=data)
        engine = _engine(read)
        known = _known(gallery, engine)
        lines = identify(images, known, engine, threshold=read.threshold, margin=read.margin)
        # On a screen the lines themselves show how far it is.
        for line in lines if sys.stdout.isatty() else _moving("looking", lines, len(images)):
            typer.echo(_json(line))


def enrol(
    folder: Annotated[Path, typer.Argument(help="A folder or a picture for each person, named by personnel number")],
    data: Data = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Enrol also whose face is enrolled for somebody else already")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Enrol the people of a folder who are on a roster of the next 24 hours and have consented."""
    with plainly():
        from kiosk import settings
        from kiosk.faces.enrolment import Rules
        from kiosk.faces.portraits import people_in

        read = settings.read(data=data)
        people = people_in(folder)
        identity = _identity(read)
        roster = _roster(identity)
        engine = _engine(read)
        rules = Rules(faces=roster.faces, threshold=read.threshold, margin=read.margin, anyway=anyway)
        with closing(_gallery(read, engine, identity)) as gallery:
            enrolled = _enrol(people, roster, gallery, engine, rules, as_json=as_json)
    if not as_json:
        typer.echo(f"{enrolled} of {len(people)} enrolled")
    if enrolled < len(people):
        raise typer.Exit(FOUND)


def _enrol(
    people: "Mapping[str, list[Path]]",
    roster: "Roster",
    gallery: "Gallery",
    engine: "FaceEngine",
    rules: "Rules",
    *,
    as_json: bool,
) -> int:
    from kiosk.faces.enrolment import enrol_all

    numbers = {learner.id: learner.number or learner.id for learner in roster.learners}
    entries = enrol_all(people, roster.learners, gallery, engine, rules=rules)
    try:
        return sum(_tell(entry, numbers, as_json=as_json) for entry in _moving("enrolling", entries, len(people)))
    except sqlite3.Error as error:
        raise NotKept(f"gallery.db cannot be written: {error}; who was told of before is enrolled") from error


def calibrate(
    folder: Annotated[Path | None, typer.Argument(help=f"{PEOPLE}; without it, the people enrolled here")] = None,
    data: Data = None,
    page: Annotated[Path | None, typer.Option(help="Write a page with the curve (HTML)")] = None,
    wanted: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Of a stranger's looks, the part that may be taken for somebody")
    ] = 0.01,
    size: Annotated[int | None, typer.Option(min=1, help="People in a gallery, if not as many as here")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well faces tell these people apart, by threshold, and propose threshold and margin."""
    with plainly():
        from kiosk import settings
        from kiosk.faces.calibration import Wish, measure, propose
        from kiosk.faces.calibration_page import as_values, drawn, notes, said
        from kiosk.faces.line_up import lined_up

        read = settings.read(data=data)
        templates = _known(folder, _engine(read)) if folder else _enrolled(read)
        with _progress() as progress:
            bar = progress.add_task("comparing", total=sum(map(len, templates.values())))
            measured = measure(templates, lambda done: progress.advance(bar, done))
        proposal = propose(measured, Wish(false_matches=wanted, size=size))
        told = notes(measured, of_gallery=folder is None)
        if page:
            page.write_text(drawn(measured, proposal, told, made_at=datetime.now(UTC)), encoding="utf-8")
        alike = lined_up(templates).look_alikes(read.threshold + read.margin)
    if as_json or not sys.stdout.isatty():
        pairs = [asdict(pair) for pair in alike]
        typer.echo(_json({**as_values(measured, proposal, told), "look_alikes": pairs}))
        return
    screen.print(_table(measured))
    for pair in alike:
        screen.print(f"look-alikes: {' and '.join(pair.learner_ids)} ({pair.distance:.2f})", markup=False)
    for text in (said(proposal), *told):
        screen.print(text.en, markup=False, highlight=False)


def _table(measured: "Measured") -> Table:
    first = measured.points[0]
    title = f"{measured.people} people, {first.fmr.n:,} pairs of different people, {first.fnmr.n:,} pairs of one person"
    table = Table("threshold", "FMR", "95 %", "FNMR", "95 %", title=title, title_justify="left")
    for point in measured.points[::SOME]:
        table.add_row(f"{point.threshold:.2f}", *_cells(point.fmr), *_cells(point.fnmr))
    return table


def _cells(rate: "Rate") -> tuple[str, str]:
    return f"{rate.errors:,}", f"{rate.low:.3%} to {rate.high:.3%}" if rate.n else ""


def _tell(entry: "Entry", numbers: "Mapping[str, str]", *, as_json: bool) -> bool:
    """Print what came of a person's pictures; say whether they are enrolled."""
    told = _told(entry, numbers)
    # Not by `typer.echo`, which would write into the bar.
    print(_json(told) if as_json else _printable("\n".join(_lines(told))))
    return bool(told["enrolled"])


def _told(entry: "Entry", numbers: "Mapping[str, str]") -> dict[str, Any]:
    from kiosk.faces.enrolment import REASONS, Enrolled

    outcome = entry.outcome
    enrolled = isinstance(outcome, Enrolled)
    return {
        "person": entry.person,
        "enrolled": enrolled,
        "templates": outcome.templates if isinstance(outcome, Enrolled) else 0,
        "reason": None if isinstance(outcome, Enrolled) else outcome.reason,
        "said": None if isinstance(outcome, Enrolled) else REASONS[outcome.reason].en,
        "alike": [_other(pair, numbers) for pair in outcome.alike],
        "pictures": [
            {"image": str(picture.path), "flaw": picture.flaw, "said": picture.said or None}
            for picture in entry.pictures
        ],
    }


def _other(pair: "LookAlikes", numbers: "Mapping[str, str]") -> dict[str, Any]:
    other = pair.learner_ids[1]
    return {"person": numbers.get(other, other), "distance": round(pair.distance, 3)}


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['person']}: " + (
        f"enrolled, good pictures: {told['templates']}" if told["enrolled"] else f"not enrolled: {told['said']}"
    )
    for other in told["alike"]:
        then = "both are asked for a badge" if told["enrolled"] else "compare them, then perhaps --anyway"
        yield f"  looks like {other['person']} (distance {other['distance']}): {then}"
    for picture in told["pictures"]:
        if picture["flaw"]:
            yield f"  {picture['image']}: {picture['said']}"


def _json(told: dict[str, Any]) -> str:
    return _printable(json.dumps(told, ensure_ascii=False))


def _printable(text: str) -> str:
    # The name of a file may be no text at all; what stands for its bytes then cannot be printed, its escape can.
    return text.encode("utf-8", "backslashreplace").decode()


# What the kiosk has


def _identity(read: "KioskSettings") -> "Identity":
    from kiosk.identity import Identity, stay_here, this_machine

    identity = Identity.load(read.data)
    stay_here(read.data, this_machine())
    return identity.model_copy(update={"gateway": read.gateway}) if read.gateway else identity


def _roster(identity: "Identity") -> "Roster":
    """Ask the gateway who has consented; what the running station knows is in its memory only."""
    from kiosk.asking import ask, gateway_client
    from kiosk.roster import PATH
    from protocol.roster import Roster

    with gateway_client(identity.gateway) as client:
        return Roster.read(ask(client, identity, PATH, at=datetime.now(UTC)) or b"")


def _engine(read: "KioskSettings") -> "FaceEngine":
    from kiosk.faces.engines import open_engine

    return open_engine(read)


def _gallery(read: "KioskSettings", engine: "FaceEngine", identity: "Identity") -> "Gallery":
    from kiosk.faces.gallery import FILE, Gallery

    return Gallery(read.data / FILE, identity.gallery_key, now=lambda: datetime.now(UTC), engine=engine.name)


def _enrolled(read: "KioskSettings") -> "dict[str, Encoding]":
    with closing(_gallery(read, _engine(read), _identity(read))) as gallery:
        return dict(gallery.templates())


def _known(folder: Path, engine: "FaceEngine") -> "dict[str, Encoding]":
    """Encode everybody of a folder; what is left out is told."""
    from kiosk.faces.portraits import folders_in, portraits, together

    people = folders_in(folder)
    if not people:
        errors.print(f"{folder} has no folders in it: nobody is known", markup=False, highlight=False, soft_wrap=True)
    seen = portraits(people, engine)
    return together(_moving("learning", seen, sum(map(len, people.values()))), _left_out)


def _left_out(portrait: "Portrait") -> None:
    line = f"{portrait.path} is left out: {portrait.said}"
    errors.print(line, markup=False, highlight=False, soft_wrap=True)


def _moving(what: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """Show how far it is, while somebody watches."""
    with _progress() as progress:
        bar = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(bar)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # On standard error, so that the answers can be piped; on one screen they are printed above the bar.
    watched = sys.stdout.isatty()
    return Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True, redirect_stdout=watched)
