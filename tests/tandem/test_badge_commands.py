"""`tandem gateway badge …`: badges on paper and as pictures, for one person, a list, a session or a region."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import pypdfium2
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from gateway import badge_sheet, keys
from kiosk.qr.codes import codes
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import BadgeRow, PersonRow
from protocol import badge
from protocol.badge import Badge
from tandem import badge_commands
from tandem.cli import app
from tests.cast import settle_in


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a data folder once, with the cast in it, and Tina the trainer."""
    folder = tmp_path_factory.mktemp("filled")
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    with ledger.begin() as db:
        settle_in(db)
        db.add(PersonRow(id="tina", region_id="north", number="2001", name="徐天", role="trainer", language="zh"))
    ledger.close()
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


def run(data: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["gateway", "badge", *map(str, arguments), "--data", str(data), "--json"])


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def rows(data: Path, query: sa.Select[Any]) -> list[Any]:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as db:
        found = list(db.scalars(query))
    ledger.close()
    return found


def acts(data: Path) -> list[str]:
    return [act for act in rows(data, sa.select(AuditRow.act).order_by(AuditRow.id)) if "badge" in act]


def lines(file: Path) -> list[str]:
    return [line for page in pypdfium2.PdfDocument(file) for line in page.get_textpage().get_text_range().splitlines()]


@pytest.mark.parametrize(
    ("wishes", "people"),
    [
        pytest.param(["--person", "1001"], ["Ann"], id="one person"),
        pytest.param(["--person", "1002", "--person", "ann", "--person", "1001"], ["Bo", "Ann"], id="a list"),
        pytest.param(["--session", "order-101"], ["Ann", "Bo"], id="a session"),
        pytest.param(["--region", "north"], ["Ann", "Bo", "Zoe"], id="a region"),
        pytest.param(["--region", "north", "--staff"], ["徐天"], id="the trainers of a region"),
    ],
)
def test_a_sheet_has_a_badge_for_everybody_who_was_meant(
    data: Path, tmp_path: Path, wishes: list[str], people: list[str]
) -> None:
    file = tmp_path / "badges.pdf"

    answer = told(run(data, "sheet", file, *wishes))

    assert answer == {"file": str(file), "badges": len(people), "with_boxes": []}
    assert [line for line in lines(file) if line in {"Ann", "Bo", "Zoe", "徐天"}] == people
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["badges.pdf"]


def test_a_list_of_people_may_come_from_a_file(data: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("\ufeff1001\r\n\r\n 1002 \r\n")

    told(run(data, "sheet", tmp_path / "badges.pdf", "--people", people, "--organisation", "永辉 Training"))

    ann, bo = ["永辉 Training", "Ann", "Clerk", "1001"], ["永辉 Training", "Bo", "Reserve manager", "1002"]
    assert lines(tmp_path / "badges.pdf") == ann + bo


def test_a_reprint_is_the_same_badge_and_stands_in_the_audit(data: Path, tmp_path: Path) -> None:
    told(run(data, "sheet", tmp_path / "first.pdf", "--session", "order-101"))
    told(run(data, "sheet", tmp_path / "again.pdf", "--session", "order-101"))

    assert acts(data) == ["badge handed out again", "badge issued", *["badge handed out again"] * 2]
    assert len(rows(data, sa.select(BadgeRow))) == 2


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"revoked_at": datetime.now(UTC) - timedelta(days=1)}, id="revoked"),
        pytest.param({"expires_at": datetime.now(UTC) - timedelta(days=1)}, id="over"),
        pytest.param({"staff": True}, id="of another kind"),
        pytest.param({"key_id": 9}, id="of a key that is gone"),
    ],
)
def test_a_badge_that_is_not_good_is_not_printed_again(data: Path, tmp_path: Path, spoilt: dict[str, Any]) -> None:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.begin() as db:
        db.execute(sa.update(BadgeRow).values(**spoilt))
    ledger.close()

    told(run(data, "png", "1001", tmp_path / "ann.png"))

    assert acts(data) == ["badge issued"]


def test_a_picture_is_what_the_kiosk_reads(data: Path, tmp_path: Path) -> None:
    issued = told(run(data, "issue", "1002", "--png", tmp_path / "bo.png", "--days", "9"))
    told(run(data, "png", "1002", tmp_path / "again.png"))

    for name in ("bo.png", "again.png"):
        image = cv2.imread(str(tmp_path / name))
        assert image is not None
        assert [code.text for code in codes(image)] == [issued["text"]]  # type: ignore[arg-type]  # OpenCV's own types


def test_a_trainer_may_have_a_staff_badge(data: Path, tmp_path: Path) -> None:
    told(run(data, "sheet", tmp_path / "staff.pdf", "--person", "2001", "--staff"))
    issued = told(run(data, "issue", "2001", "--staff"))

    shown = badge.verify(issued["text"], keys.load(data / "keys").badge_keys)
    assert isinstance(shown, Badge)
    assert (shown.kind, issued["kind"]) == ("staff", "staff")
    assert lines(tmp_path / "staff.pdf") == ["North", "徐天", "培训师", "2001", "STAFF 工作人员"]
    assert acts(data) == ["staff badge issued"] * 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["issue", "1001", "--staff"], "1001 is no trainer", id="a staff badge for a learner"),
        pytest.param(["sheet", "x.pdf"], "say whose badges", id="nobody named"),
        pytest.param(["sheet", "x.pdf", "--person", "1001", "--region", "north"], "say whose badges", id="two ways"),
        pytest.param(["sheet", "x.pdf", "--person", "9999"], "number 9999", id="a stranger"),
        pytest.param(["sheet", "x.pdf", "--session", "none"], "there is no session 'none'", id="no such session"),
        pytest.param(["sheet", "x.pdf", "--region", "none"], "there is no region 'none'", id="no such region"),
        pytest.param(["sheet", "x.pdf", "--session", "order-101", "--staff"], "no trainer there", id="no trainer"),
        pytest.param(["sheet", "x.pdf", "--people", "binary"], "one personnel number a line", id="no list"),
        pytest.param(["sheet", "x.pdf", "--people", "gone"], "gone: No such file", id="no file"),
        pytest.param(["sheet", "gone/x.pdf", "--person", "1001"], "No such file", id="nowhere to write"),
    ],
)
def test_what_cannot_be_printed_is_said_in_a_sentence_and_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("binary").write_bytes(b"\xff\xfe\x00")

    result = run(data, *arguments)

    assert result.exit_code == 2
    assert sentence in result.stderr.replace("\n", " ")
    assert not Path("x.pdf").exists()


def test_a_file_holds_only_so_many(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(badge_sheet, "MOST", 1)

    result = run(data, "sheet", tmp_path / "x.pdf", "--session", "order-101")

    assert result.exit_code == 2
    assert "print by session or by region" in result.stderr.replace("\n", " ")
    assert acts(data) == []


def test_a_sheet_that_fails_halfway_leaves_the_one_before_as_it_was(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "badges.pdf"
    told(run(data, "sheet", file, "--person", "1001"))
    before = file.read_bytes()
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.begin() as db:
        db.execute(sa.text("CREATE TRIGGER no_more BEFORE INSERT ON badges BEGIN SELECT RAISE(ABORT, 'full'); END"))
    ledger.close()
    monkeypatch.setattr(badge_commands, "AT_ONCE", 1)

    result = run(data, "sheet", file, "--person", "1001", "--person", "1002")

    assert result.exit_code != 0
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["badges.pdf"]
