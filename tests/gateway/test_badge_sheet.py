"""Claims about printed badges: the paper says what it should, and the kiosk reads it."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import cv2
import numpy as np
import pypdfium2
import pytest

from gateway import badges
from gateway.badge_sheet import BOX, PER_PAGE, Card, draw, printable
from kiosk.picture import Image
from kiosk.qr.codes import codes
from protocol import badge
from protocol.badge import Badge, DynamicBadge
from tests.gateway.cast import KEYS

POINTS_PER_INCH = 72


def code(number: int) -> str:
    said = Badge(id=UUID(int=number), key_id=1, issued_at=datetime(2026, 11, 20, tzinfo=UTC))
    return badge.issue(said, KEYS.badges[1])


def card(number: int, **fields: str) -> Card:
    given = {"name": "Ann Li", "role": "Clerk", "organisation": "East", "number": f"{1001 + number}"}
    return Card(code=code(number), **(given | fields))


def printed(*cards: Card) -> bytes:
    out = io.BytesIO()
    draw(cards, out)
    return out.getvalue()


def text_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_range() for page in document]


def rendered(pdf: bytes, *, dots_per_inch: int = 150) -> Image:
    page = pypdfium2.PdfDocument(pdf)[0]
    return np.asarray(page.render(scale=dots_per_inch / POINTS_PER_INCH).to_numpy(), np.uint8)


def test_a_badge_says_who_what_and_of_whom_in_both_scripts() -> None:
    said = {"name": "欧阳娜娜", "role": "储备经理", "organisation": "永辉 Training", "note": "STAFF 工作人员"}

    [text] = text_of(printed(card(0, **said)))

    assert text.splitlines() == ["永辉 Training", "欧阳娜娜", "储备经理", "1001", "STAFF 工作人员"]


def test_no_font_is_needed_but_those_that_every_viewer_has() -> None:
    pdf = printed(card(0, name="王小明"))

    assert b"/STSong-Light" in pdf
    assert b"/FontFile" not in pdf


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("José Núñez", "José Núñez", id="accents"),
        pytest.param("Jose\u0301", "José", id="accents written apart"),
        pytest.param("王小明 Wang", "王小明 Wang", id="two scripts"),
        pytest.param(") Tj (x) Tj ET \\", ") Tj (x) Tj ET \\", id="the language of PDF"),
        pytest.param("=HYPERLINK(1)", "=HYPERLINK(1)", id="the language of spreadsheets"),
        pytest.param("Ann\r\nLi\tx", "Ann Li x", id="breaks"),
        pytest.param("Ann\u202eiL", "AnniL", id="a change of direction"),
        pytest.param("A\u200bn\ufeffn\x00\x1b[31m", "Ann[31m", id="what nobody sees"),
        pytest.param("דנה", BOX * 3, id="a script that no font of ours has"),
        pytest.param("𠮷田", f"{BOX}田", id="a rare character"),
        pytest.param("Ann 🙂", f"Ann {BOX}", id="a picture"),
        pytest.param("\ud800", "", id="half a character"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_name_is_printed_as_it_is_or_with_boxes_that_are_told(name: str, text: str) -> None:
    out = io.BytesIO()

    boxed = draw([card(0, name=name)], out)

    assert printable(name) == text
    assert [line for line in text_of(out.getvalue())[0].splitlines() if line not in ("East", "Clerk", "1001")] == (
        [text] if text else []
    )
    assert boxed == (["1001"] if BOX in text else [])


@pytest.mark.parametrize(
    "name",
    ["Zoë Müller-Lüdenscheidt von und zu Hohenlohe", "张三李四王五赵六孙七周八吴九郑十" * 2, "W" * 10_000],
    ids=["of nobility", "in Chinese", "without end"],
)
def test_a_long_name_gets_smaller_and_stays_off_the_code(name: str) -> None:
    pdf = printed(card(0, name=name))

    shown = text_of(pdf)[0].splitlines()[1]
    assert shown.endswith("…")
    assert name.startswith(shown[:-1])
    assert [found.text for found in codes(rendered(pdf))] == [code(0)]


def test_ten_badges_fill_a_page_and_the_next_begins_another() -> None:
    pages = text_of(printed(*(card(number) for number in range(PER_PAGE + 1))))

    assert [page.count("Ann Li") for page in pages] == [PER_PAGE, 1]


def test_the_kiosk_reads_every_badge_of_a_printed_page() -> None:
    pdf = printed(*(card(number, name="王小明") for number in range(PER_PAGE)))

    assert {found.text for found in codes(rendered(pdf))} == {code(number) for number in range(PER_PAGE)}


def test_the_camera_reads_a_badge_at_two_and_a_half_pixels_a_module() -> None:
    # Of 46 mm at 50 cm before a camera of 1280 pixels and 60 degrees, a code of 49 modules has about 100 pixels;
    # at 40 cm it has 127, which is this.
    page = rendered(printed(card(0)), dots_per_inch=70)

    assert [found.text for found in codes(page)] == [code(0)]


def test_a_badge_lies_within_its_cut_marks() -> None:
    page = rendered(printed(*(card(number) for number in range(PER_PAGE))), dots_per_inch=72)
    dark = np.argwhere(page.min(axis=2) < 128)

    # In points: the paper is 595 by 842, and marks reach four millimetres beyond the badges.
    assert (dark.min(axis=0) >= (20, 40)).all()
    assert (dark.max(axis=0) <= (822, 555)).all()


def test_a_sheet_is_drawn_badge_by_badge_as_people_come() -> None:
    told: list[str] = []

    def coming() -> Iterator[Card]:
        for number in range(3):
            assert len(told) == number
            yield card(number)

    draw(coming(), io.BytesIO(), drawn=lambda one: told.append(one.number))

    assert told == ["1001", "1002", "1003"]


@pytest.mark.parametrize("kind", ["static", "of a phone"])
def test_the_kiosk_reads_a_badge_that_is_a_picture(kind: str) -> None:
    longest = DynamicBadge(person="f" * 32, key_id=1, issued_at=datetime(2026, 11, 20, tzinfo=UTC))
    text = code(0) if kind == "static" else badge.issue_dynamic(longest, KEYS.badges[1])

    image = np.asarray(cv2.imdecode(np.frombuffer(badges.png(text), np.uint8), cv2.IMREAD_COLOR), np.uint8)

    assert [found.text for found in codes(image)] == [text]
    assert (image[:40] == 255).all()  # four modules of ten pixels
    assert image.shape[0] == (49 if kind == "static" else 53) * 10
