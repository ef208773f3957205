"""`tandem gateway badge …`: badges are issued, printed as sheets or pictures, listed and revoked."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tandem.console import errors, plainly, show

app = typer.Typer(help="Badges: issue, print, list, revoke.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The gateway's data folder")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Staff = Annotated[bool, typer.Option("--staff", help="A staff badge, with which a trainer checks others in")]
Organisation = Annotated[str | None, typer.Option(help="The line above the name; without it the region's name")]
HERE = Path("data")
AT_ONCE = 50
"""People whose badges are issued in one transaction."""

Doing = Callable[..., Any]


class TooMany(Exception):
    """That is too much for one file: print by session or by region."""


class WrongList(Exception):
    """The list of people cannot be read: it is a text with one personnel number a line."""


@app.command()
def issue(
    person: Annotated[str, typer.Argument(help="Personnel number or id")],
    svg: Annotated[Path | None, typer.Option(help="Write the QR code here, as SVG")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the QR code here, as PNG")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Good for so many days; without it until revoked")] = None,
    staff: Staff = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Issue a badge; its QR code is printed as text, or written as a picture."""
    with plainly():
        from tandem.acts import do

        given = {"person": person, "staff": staff} | ({"days": days} if days else {})
        issued = do(data, "badge issue", _now, **given)
        drawing = issued.pop("svg")
        if svg:
            _write(svg, drawing.encode())
        if png:
            from gateway import badges

            _write(png, badges.png(issued["text"]))
        show(issued, as_json=as_json)


@app.command()
def png(
    person: Annotated[str, typer.Argument(help="Personnel number or id")],
    file: Annotated[Path, typer.Argument(help="Where to write the picture")],
    staff: Staff = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Draw the QR code of somebody's badge once more; who has no good badge gets one."""
    with plainly():
        from gateway import badges
        from tandem.acts import do

        people = do(data, "badge people", _now, persons=[person])
        [card] = do(data, "badge cards", _now, people=people, staff=staff)
        _write(file, badges.png(card["code"]))
        show({"number": card["number"], "file": str(file)}, as_json=as_json)


@app.command()
def sheet(
    file: Annotated[Path, typer.Argument(help="Where to write the PDF")],
    person: Annotated[list[str] | None, typer.Option(help="Personnel number or id; may be said often")] = None,
    people: Annotated[Path | None, typer.Option(help="A text file with one personnel number a line")] = None,
    session: Annotated[str | None, typer.Option(help="Everybody on this session's roster")] = None,
    region: Annotated[str | None, typer.Option(help="Everybody of this region")] = None,
    organisation: Organisation = None,
    staff: Staff = False,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """Print badges on A4 paper, ten a page; who has a good badge gets that one again, everybody else a new one."""
    with plainly():
        from tandem.acts import reached

        named = [*(person or []), *(_numbers(people) if people else [])] or None
        with reached(data, _now) as doing:
            chosen = doing("badge people", persons=named, session=session, region=region, staff=staff)
            boxed = _draw(file, doing, chosen, {"organisation": organisation, "staff": staff})
        for number in boxed:
            errors.print(f"{number}: a letter of this badge is in none of the fonts, and a box stands for it")
        show({"file": str(file), "badges": len(chosen), "with_boxes": boxed}, as_json=as_json)


@app.command("list")
def list_(
    person: Annotated[str | None, typer.Option(help="Personnel number or id")] = None,
    data: Data = HERE,
    as_json: AsJson = False,
) -> None:
    """List badges."""
    with plainly():
        from tandem.acts import do

        show(do(data, "badge list", _now, **({"person": person} if person else {})), as_json=as_json)


@app.command()
def revoke(badge: str, data: Data = HERE, as_json: AsJson = False) -> None:
    """Revoke a badge; kiosks refuse it from their next roster on."""
    with plainly():
        from tandem.acts import do

        show(do(data, "badge revoke", _now, badge=badge), as_json=as_json)


def _draw(file: Path, doing: Doing, people: Sequence[str], wishes: dict[str, Any]) -> list[str]:
    from gateway.badge_sheet import MOST, Card, draw

    if len(people) > MOST:
        raise TooMany(f"{len(people)} badges are more than the {MOST} of one file: print by session or by region")

    def cards() -> Iterator[Card]:
        for at in range(0, len(people), AT_ONCE):
            some = list(people[at : at + AT_ONCE])
            yield from (Card(**card) for card in doing("badge cards", people=some, **wishes))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # On standard error, so that the answer can be piped.
    with _whole(file) as out, Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("Badges", total=len(people))
        return draw(cards(), out, drawn=lambda _: progress.advance(bar))


def _numbers(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise WrongList(f"{path}: {WrongList.__doc__}") from None
    return [line.strip() for line in lines if line.strip()]


def _write(path: Path, content: bytes) -> None:
    with _whole(path) as out:
        out.write(content)


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Let a file be there whole or not at all, and only for its owner: who can read a badge can print it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        beside.replace(path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _now() -> datetime:
    return datetime.now(UTC)
