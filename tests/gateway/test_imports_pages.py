"""The pages on which an admin brings files in, and the command that does the same."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from openpyxl import load_workbook
from typer.testing import CliRunner
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from gateway import settings
from gateway.import_desk import Desk
from gateway.import_forms import KINDS
from gateway.import_limits import MOST_BYTES
from gateway.web import DESK
from ledger import imports
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.tables import PersonRow
from tandem.acts import table
from tandem.cli import app
from tandem.control import Control
from tests.gateway.cast import KEYS, NINE, Gateway, company
from tests.gateway.imports_cast import as_csv, lines, staged
from tests.gateway.pair_cast import as_staff, token

GOOD = lines("number,name,role,region", "5,Five,clerk,east", "1001,Ann Wang,clerk,east")
BAD = lines("number,name,role,region", "5,Five,clerk,east", "6,<b>Six</b>,boss,east")


@pytest.fixture
def admin(gateway: Gateway) -> FlaskClient:
    """Open a browser in which an admin has signed in."""
    return as_staff(gateway, "admin", "ada")


def upload(gateway: Gateway, admin: FlaskClient, data: bytes = GOOD, kind: str = "people", **form: str) -> TestResponse:
    """Choose a file and wait until it has been read."""
    fields: dict[str, Any] = {"form": token(admin.get("/imports").text), "kind": kind, **form}
    fields["file"] = FileStorage(io.BytesIO(data), filename="people.csv")
    # The test client itself would keep a large body in a temporary file and leave that open.
    boundary, body = encode_multipart(MultiDict(fields))
    answer = admin.post("/imports", data=body, content_type=f"multipart/form-data; boundary={boundary}")
    desk: Desk = gateway.app.extensions[DESK]
    desk.finish()
    return answer


def act(admin: FlaskClient, place: str, what: str) -> TestResponse:
    return admin.post(f"{place}/{what}", data={"form": token(admin.get(place).text)})


def names(gateway: Gateway) -> set[str]:
    with gateway.ledger.read() as db:
        return set(db.scalars(sa.select(PersonRow.name)))


def test_a_file_is_checked_and_then_brought_in(gateway: Gateway, admin: FlaskClient) -> None:
    place = upload(gateway, admin).location
    checked = admin.get(place).text
    assert "Five" not in names(gateway)

    landed = act(admin, place, "land")

    assert re.findall(r"<dd>(\d+)</dd>", checked) == ["1", "1", "0"]
    assert "Bring 2 in" in checked
    assert (landed.status_code, landed.location) == (303, place)
    assert {"Five", "Ann Wang"} <= names(gateway)
    assert "Brought in" in admin.get(place).text
    with gateway.ledger.read() as db:
        acts = db.execute(sa.select(AuditRow.actor, AuditRow.details).where(AuditRow.act == "people imported")).all()
    assert [(actor[:8], details) for actor, details in acts] == [("account:", {"added": 1, "changed": 1})]


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("1 to correct", "Write one of these: Clerk, Reserve manager, Trainer.", "Choose the corrected file")),
        ("zh", ("需要修改 1 处", "只能填写以下之一：文员、储备经理、培训师。", "选择修改后的文件")),
    ],
)
def test_errors_are_listed_with_line_and_column(
    gateway: Gateway, admin: FlaskClient, language: str, words: tuple[str, ...]
) -> None:
    place = upload(gateway, admin, BAD).location

    page = admin.get(f"{place}?lang={language}").text

    assert all(word in page for word in words)
    assert re.findall(r'<td class="i-line">(\d+)</td><td>(\w+)</td>', page) == [("3", "role")]
    assert "/land" not in page
    assert "Six" not in page
    assert (names(gateway) & {"Five"}, staged(gateway.ledger)) == (set(), 0)


def test_an_import_is_dropped(gateway: Gateway, admin: FlaskClient) -> None:
    place = upload(gateway, admin).location

    dropped = act(admin, place, "drop")

    assert dropped.status_code == 303
    assert "Nothing of it has been brought in" in admin.get(place).text
    assert staged(gateway.ledger) == 0


def test_what_cannot_land_any_more_says_why(gateway: Gateway, admin: FlaskClient) -> None:
    place = upload(gateway, admin).location
    form = token(admin.get(place).text)
    act(admin, place, "drop")

    late = admin.post(f"{place}/land", data={"form": form})

    assert late.status_code == 409
    assert "Only a file that was read without errors" in late.text


@pytest.mark.parametrize(
    "form, status, said",
    [
        ({"kind": ""}, 422, "Please say what is in it."),
        ({"kind": "secrets"}, 422, "Please say what is in it."),
        ({"data": b"x" * (MOST_BYTES + 70_000)}, 413, "32 MiB"),
        ({"form": "0" * 64}, 400, "open for too long"),
    ],
    ids=["no kind", "another kind", "too large", "another form"],
)
def test_a_form_that_is_wrong_says_what_to_do(
    gateway: Gateway, admin: FlaskClient, form: dict[str, Any], status: int, said: str
) -> None:
    answer = upload(gateway, admin, **form)

    assert answer.status_code == status
    assert said in answer.text
    with gateway.ledger.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(ImportRow)) == 0


def test_no_file_at_all_is_told(admin: FlaskClient) -> None:
    answer = admin.post("/imports", data={"form": token(admin.get("/imports").text), "kind": "people"})

    assert answer.status_code == 422
    assert "Please choose a file." in answer.text
    assert 'value="people" required aria-describedby="about-people" checked' in answer.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_samples_have_the_headings_of_the_readers_language(admin: FlaskClient, language: str) -> None:
    for kind in KINDS.values():
        headings = [column.zh if language == "zh" else column.en for column in kind.columns]

        with admin.get(f"/imports/samples/{kind.name}.csv?lang={language}") as table:
            assert table.data.startswith(b"\xef\xbb\xbf")
            assert table.data.decode("utf-8-sig").splitlines()[0].split(",") == headings
            assert table.headers["Content-Disposition"] == f"attachment; filename={kind.name}.csv"
        with admin.get(f"/imports/samples/{kind.name}.xlsx?lang={language}") as book:
            rows = list(load_workbook(io.BytesIO(book.data)).active.values)
        assert [list(rows[0]), len(rows)] == [headings, 3]
    assert admin.get("/imports/samples/secrets.csv").status_code == 404


def test_how_far_it_is_can_be_asked(gateway: Gateway, admin: FlaskClient) -> None:
    place = upload(gateway, admin).location

    assert admin.get(f"{place}/progress").json == {"state": "ready", "rows": 2, "done": len(GOOD), "size": len(GOOD)}


def test_a_page_of_one_that_is_being_read_and_of_one_that_was_broken_off(gateway: Gateway, admin: FlaskClient) -> None:
    with gateway.ledger.begin() as db:
        id = imports.begin(db, "people", size=10, made_by="account:x", now=NINE).id
    lost = admin.get(f"/imports/{id}").text
    desk: Desk = gateway.app.extensions[DESK]
    desk.is_lost = lambda row: False  # type: ignore[method-assign]  # as if another process were reading it

    reading = admin.get(f"/imports/{id}").text

    assert "Reading was broken off" in lost
    assert f'data-progress="/imports/{id}/progress"' in reading
    assert "/drop" in lost
    assert "/drop" in reading


def test_the_list_says_how_each_of_them_ended(gateway: Gateway, admin: FlaskClient) -> None:
    for data in (GOOD, BAD):
        upload(gateway, admin, data)
    act(admin, upload(gateway, admin).location, "land")

    page = admin.get("/imports").text

    assert re.findall(r'<span class="tag (\w*)">', page) == ["go", "stop", "wait"]
    assert "1 to correct" in page


# The command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder with the small company in it, and two files."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        company(db)
    ledger.close()
    (tmp_path / "good.csv").write_bytes(GOOD)
    (tmp_path / "bad.csv").write_bytes(BAD)
    return tmp_path


def command(data: Path, file: str, *more: str, kind: str = "people") -> Any:
    return CliRunner().invoke(app, ["gateway", "import", kind, str(data / file), "--data", str(data), *more])


def in_ledger(data: Path) -> tuple[set[str], int]:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as db:
        found = set(db.scalars(sa.select(PersonRow.name)))
    waiting = staged(ledger)
    ledger.close()
    return found, waiting


def test_the_command_checks_and_brings_nothing_in(data: Path) -> None:
    checked = command(data, "good.csv")

    assert (checked.exit_code, checked.output) == (
        0,
        "No errors. It would be: 1 added, 1 changed, 0 as before. Again with --land to bring it in.\n",
    )
    found, waiting = in_ledger(data)
    assert ("Five" in found, waiting) == (False, 0)


def test_the_command_brings_a_good_file_in(data: Path) -> None:
    landed, again = command(data, "good.csv", "--land"), command(data, "good.csv", "--land", "--json")

    assert (landed.exit_code, landed.output) == (0, "Brought in: 1 added, 1 changed, 0 as before.\n")
    told = json.loads(again.output)
    assert (told["state"], told["added"], told["changed"]) == ("landed", 0, 0)
    found, waiting = in_ledger(data)
    assert ("Five" in found, waiting) == (True, 0)


def test_the_command_prints_each_error_and_says_no(data: Path) -> None:
    said = command(data, "bad.csv", "--land")

    assert said.exit_code == 1
    assert said.output.splitlines() == [
        "bad.csv: line 3, role: Write one of these: Clerk, Reserve manager, Trainer.",
        "1 to correct; nothing has been brought in.",
    ]
    assert "Five" not in in_ledger(data)[0]


@pytest.mark.parametrize("file, kind", [("none.csv", "people"), ("good.csv", "secrets")])
def test_the_command_names_what_is_not_there(data: Path, file: str, kind: str) -> None:
    said = command(data, file, kind=kind)

    assert said.exit_code == 2
    assert "none.csv" in said.output or "there are people, sessions" in said.output.replace("\n", " ")


def test_the_command_reaches_a_running_gateway(data: Path) -> None:
    many = ([f"7{n}", f"P {n}", "clerk", "east"] for n in range(3000))
    (data / "many.csv").write_bytes(as_csv(["number", "name", "role", "region"], *many))
    read = settings.read(data=data)
    ledger = Ledger(read.database_url)
    desk = Desk(ledger, lambda: NINE)
    control = Control(data, table(ledger, KEYS, read, lambda: NINE, desk))
    control.start()

    landed, missing = command(data, "many.csv", "--land"), command(data, "none.csv")
    control.stop()
    desk.stop()
    ledger.close()

    assert (landed.exit_code, landed.output) == (0, "Brought in: 3000 added, 0 changed, 0 as before.\n")
    assert missing.exit_code == 2
    assert "P 2999" in in_ledger(data)[0]
