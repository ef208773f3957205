"""Badges on A4 paper, ten a page with cut marks: name, role, organisation and the QR code.

Nothing has to be installed for Chinese names: the file names one of the fonts that every PDF viewer and printer brings
or stands in for. What none of its fonts can show is printed as a box, and told.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from gateway.badges import QUIET, modules

WIDTH, HEIGHT = 85.6 * mm, 54 * mm
"""Of a bank card, so that the usual sleeves fit."""
COLUMNS, ROWS = 2, 5
PER_PAGE = COLUMNS * ROWS
LEFT, BOTTOM = (A4[0] - COLUMNS * WIDTH) / 2, (A4[1] - ROWS * HEIGHT) / 2
CODE = 46 * mm
"""Side of the QR code with its quiet zone: a module is almost a millimetre, which a camera reads at arm's length."""
PADDING = 4 * mm
MARK = 4 * mm
LATIN, STRONG_LATIN, CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
SMALLEST = 6.0
"""Points; a longer line loses its end."""
MOST = 10_000
"""Badges in one file: it is put together in memory, at 10 KB each."""
BOX = "□"
LONGEST = 120
"""Letters of a line that are looked at; no badge has room for so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What one badge shows."""

    name: str
    role: str
    organisation: str
    number: str
    note: str = ""
    """Printed in strong letters under the rest: that it is a staff badge, or until when it is good."""
    code: str


def draw(cards: Iterable[Card], out: BinaryIO, *, drawn: Callable[[Card], None] = lambda card: None) -> list[str]:
    """Write a PDF, calling `drawn` after each badge; return the numbers of those whose text has boxes in it."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1)
    canvas.setTitle("Badges")
    boxed, place = [], 0
    for count, card in enumerate(cards):
        place = count % PER_PAGE
        if count and place == 0:
            canvas.showPage()
        if place == 0:
            _cut_marks(canvas)
        _draw_card(canvas, card, place)
        if any(BOX in printable(text) for text in (card.name, card.role, card.organisation)):
            boxed.append(card.number)
        drawn(card)
    canvas.save()
    return boxed


def printable(text: str) -> str:
    """Return what can be printed of a text: no control or direction characters, and a box for what no font has."""
    composed = unicodedata.normalize("NFC", text[:LONGEST])
    visible = "".join(letter for letter in composed if letter.isspace() or unicodedata.category(letter)[0] != "C")
    return "".join(letter if _font(letter) else BOX for letter in " ".join(visible.split()))


def _font(letter: str) -> str | None:
    """Say which font has a letter."""
    for font, encoding in ((LATIN, "cp1252"), (CHINESE, "gbk")):
        try:
            letter.encode(encoding)
        except UnicodeEncodeError:
            continue
        return font
    return None


def _draw_card(canvas: Canvas, card: Card, place: int) -> None:
    left = LEFT + place % COLUMNS * WIDTH
    bottom = BOTTOM + (ROWS - 1 - place // COLUMNS) * HEIGHT
    _draw_code(canvas, card.code, left + WIDTH - CODE - 1 * mm, bottom + (HEIGHT - CODE) / 2)
    room = WIDTH - CODE - PADDING
    top = bottom + HEIGHT
    _draw_text(canvas, card.organisation, left + PADDING, top - 9 * mm, size=8, room=room)
    _draw_text(canvas, card.name, left + PADDING, top - 22 * mm, size=15, room=room, strong=True)
    _draw_text(canvas, card.role, left + PADDING, top - 29 * mm, size=10, room=room)
    _draw_text(canvas, card.number, left + PADDING, top - 36 * mm, size=9, room=room)
    _draw_text(canvas, card.note, left + PADDING, top - 46 * mm, size=9, room=room, strong=True)


def _draw_text(
    canvas: Canvas, text: str, x: float, y: float, *, size: float, room: float, strong: bool = False
) -> None:
    """Write one line, smaller if it has to be and cut at its end if that is not enough."""
    text = printable(text)
    full = _width(_runs(text, strong), size)
    # A little less than what fits, or rounding would cut the last letter.
    size = max(SMALLEST, size * min(1.0, 0.999 * room / (full or 1)))
    runs = _runs(_fitted(text, size, room, strong), strong)
    for font, run in runs:
        canvas.setFont(font, size)
        canvas.drawString(x, y, run)
        x += _width([(font, run)], size)


def _fitted(text: str, size: float, room: float, strong: bool) -> str:
    if _width(_runs(text, strong), size) <= room:
        return text
    while text and _width(_runs(text + "…", strong), size) > room:
        text = text[:-1]
    return text + "…"


def _runs(text: str, strong: bool) -> list[tuple[str, str]]:
    """Take a text apart by the fonts that have its letters; the Chinese one has no bold face."""
    latin = STRONG_LATIN if strong else LATIN
    return [(latin if font == LATIN else CHINESE, "".join(run)) for font, run in groupby(text, key=_font)]


def _width(runs: list[tuple[str, str]], size: float) -> float:
    return float(sum(pdfmetrics.stringWidth(run, font, size) for font, run in runs))


def _draw_code(canvas: Canvas, text: str, x: float, y: float) -> None:
    """Fill each row's dark stretches in one path: lines between neighbouring squares would show on some printers."""
    rows = modules(text)
    canvas.saveState()
    canvas.translate(x, y)
    # In modules, so that every number is a small whole one: that is most of what ten thousand badges weigh.
    canvas.scale(CODE / (len(rows) + 2 * QUIET), CODE / (len(rows) + 2 * QUIET))
    path = canvas.beginPath()
    for number, row in enumerate(rows, 1):
        column = QUIET
        for dark, stretch in groupby(row):
            length = len(list(stretch))
            if dark:
                path.rect(column, QUIET + len(rows) - number, length, 1)
            column += length
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()


def _cut_marks(canvas: Canvas) -> None:
    """Mark where to cut, outside of the badges."""
    canvas.setLineWidth(0.25)
    for column in range(COLUMNS + 1):
        x = LEFT + column * WIDTH
        canvas.line(x, BOTTOM - MARK, x, BOTTOM - 1 * mm)
        canvas.line(x, A4[1] - BOTTOM + 1 * mm, x, A4[1] - BOTTOM + MARK)
    for row in range(ROWS + 1):
        y = BOTTOM + row * HEIGHT
        canvas.line(LEFT - MARK, y, LEFT - 1 * mm, y)
        canvas.line(A4[0] - LEFT + 1 * mm, y, A4[0] - LEFT + MARK, y)
