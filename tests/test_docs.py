"""What the documentation names is there, and what it shows is what happens."""

import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
import sqlalchemy as sa
import typer
from flask import Flask, request

import gateway.settings
import kiosk.settings
import sync.settings
from attendance.lag import LAG_KINDS
from gateway import admin
from gateway.hour_records import Course, HourRecord
from ledger import chain, deliveries
from ledger.database import Ledger
from ledger.pair_tables import ClosedMonthRow, JointTaskRow
from ledger.pairs import EVIDENCE
from ledger.tables import RosterRow
from sync.archive import Accepted, Declined, Delivery
from sync.rest import RestArchive
from sync.telling import tell
from tandem.cli import app
from tandem.serving import Served
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, company, evening, seen
from tests.sync.cast import company as deliverable
from tests.sync.cast import hour

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
DOCS = sorted([ENGLISH, CHINESE, *(ROOT / "docs").glob("*.md")])
MOST_BYTES = 250_000
PHONES_AND_PAIRS, ARCHIVES = ROOT / "docs/phones-and-pairs.md", ROOT / "docs/archives.md"
SETTINGS = {"gateway.toml": gateway.settings.read, "kiosk.toml": kiosk.settings.read, "sync.toml": sync.settings.read}

each_document = pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)


def blocks(document: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, also those that stand in a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", document.read_text(), re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(document: Path) -> list[str]:
    """Return what a reader would type, without the remarks behind it."""
    lines = [line for block in blocks(document, "console") for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r" +# .*", "", line[2:]) for line in lines]


def inline(document: Path, program: str) -> list[str]:
    """Return what stands between backticks and begins with a program's name."""
    return re.findall(rf"`({program} [^`]+)`", document.read_text())


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """Walk down the groups of `tandem`; returns the command, or group, and what is left to parse."""
    found: Any = typer.main.get_command(app)
    while words and hasattr(found, "commands"):
        assert words[0] in found.commands, f"there is no command {words[0]!r}"
        found, words = found.commands[words[0]], words[1:]
    return found, words


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def all_commands(group: Any, prefix: str = "tandem") -> Iterator[str]:
    """Name every command that can be run."""
    for name, found in group.commands.items():
        words = f"{prefix} {name}"
        yield from all_commands(found, words) if hasattr(found, "commands") else [words]


def slugs(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_every_tandem_command_to_type_is_understood(document: Path) -> None:
    for line in commands(document):
        program, *words = shlex.split(line)
        if program == "tandem":
            command, rest = command_of(words)
            with command.make_context(program, rest):
                pass


@each_document
def test_every_tandem_command_in_the_text_exists(document: Path) -> None:
    for line in inline(document, "tandem"):
        command, rest = command_of(shlex.split(line)[1:])
        assert {word for word in rest if word.startswith("--")} <= options(command), line


@each_document
def test_every_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    typed = [shlex.split(line) for line in [*commands(document), *inline(document, "make")]]

    named = {word for program, *words in typed if program == "make" for word in words if "=" not in word}

    assert named <= targets


@each_document
def test_every_link_and_picture_is_there(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = document.parent / path if path else document
        assert target.is_file(), link
        assert not anchor or anchor in slugs(target), link


@each_document
def test_every_picture_has_words_for_who_cannot_see_it(document: Path) -> None:
    assert "" not in re.findall(r"!\[([^]]*)\]", document.read_text())


def test_the_pictures_are_small_and_all_of_them_are_used() -> None:
    text = "".join(path.read_text() for path in DOCS)

    for picture in [*(ROOT / "docs/pictures").glob("*.png"), *(ROOT / "docs").glob("*.svg")]:
        assert picture.stat().st_size < MOST_BYTES, picture.name
        assert picture.name in text


def test_both_readmes_name_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(CHINESE)
    assert inline(ENGLISH, "tandem") == inline(CHINESE, "tandem")
    assert sorted(inline(ENGLISH, "make")) == sorted(inline(CHINESE, "make"))


def test_both_readmes_have_the_same_parts() -> None:
    def parts(document: Path) -> list[str]:
        return re.findall(r"^(?:#+ |!\[|\| |- |```)", document.read_text(), re.MULTILINE)

    assert parts(ENGLISH) == parts(CHINESE)


def test_the_readme_lists_every_command() -> None:
    rows = re.findall(r"^\| `(tandem(?: [a-z][a-z-]*)+)(?: -[^`]*)?` \| (.+) \|$", ENGLISH.read_text(), re.MULTILINE)
    listed = set[str]()
    for words, told in rows:
        group = hasattr(command_of(words.split()[1:])[0], "commands")
        listed |= {f"{words} {name}" for name in re.findall(r"`([a-z-]+)`", told)} if group else {words}

    assert listed == set(all_commands(typer.main.get_command(app)))


def test_the_readme_names_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    for document in (ENGLISH, CHINESE):
        rows = re.findall(r"^\| [^`|]+ \| ((?:`[a-z]+`[^|]*)) \|$", document.read_text(), re.MULTILINE)
        assert {name for row in rows for name in re.findall(r"`([a-z]+)`", row)} == set(extras)


def holds(read: Any, told: Any) -> bool:
    """Say whether what was told was understood; defaults come on top of it."""
    if isinstance(told, dict):
        return all(name in read and holds(read[name], value) for name, value in told.items())
    if isinstance(told, list):
        return len(read) == len(told) and all(map(holds, read, told))
    return bool(read == told)


@each_document
def test_every_settings_file_is_read(document: Path, tmp_path: Path) -> None:
    for block in blocks(document, "toml"):
        name = block.split()[1]
        (tmp_path / name).write_text(block)

        read = SETTINGS[name](data=tmp_path)

        told = tomllib.loads(block)
        assert holds(read.model_dump(mode="json"), told)


# What an operator does with scripts


def run(code: str, folder: Path, **environment: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": str(ROOT), **environment}, check=True)


def test_the_scripts_for_operators_work(tmp_path: Path) -> None:
    [enter] = blocks(ROOT / "docs/operating.md", "python")
    (tmp_path / "data").mkdir()

    run(enter, tmp_path)

    ledger = Ledger(f"sqlite:///{tmp_path / 'data' / 'ledger.sqlite'}")
    with ledger.begin() as db:
        assert admin.device_code(db, "room-1", actor="test", now=NINE)["room"] == "room-1"
        assert db.scalars(sa.select(RosterRow.person_id).order_by(RosterRow.person_id)).all() == ["p1001", "p1002"]
    ledger.close()


def test_the_scripts_for_pairs_and_months_work(tmp_path: Path) -> None:
    [enter] = blocks(ROOT / "docs/operating.md", "python")
    (tmp_path / "data").mkdir()

    for script in [enter, *blocks(PHONES_AND_PAIRS, "python")]:
        run(script, tmp_path)

    ledger = Ledger(f"sqlite:///{tmp_path / 'data' / 'ledger.sqlite'}")
    with ledger.read() as db:
        assert db.scalars(sa.select(JointTaskRow.pair_id)).all() == ["ann-bo"]
        assert db.scalars(sa.select(ClosedMonthRow.month)).all() == ["2026-10"]
    ledger.close()


def first_cells(document: Path, heading: str) -> set[str]:
    """Return the words in backticks of the first column of the first table below a heading."""
    rows = document.read_text().partition(f"# {heading}\n")[2].partition("\n#")[0]
    return {
        name for cell in re.findall(r"^\| (`[^|]+) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }


def test_every_lag_and_every_kind_of_evidence_is_explained() -> None:
    assert first_cells(PHONES_AND_PAIRS, "Who is told what") == set(LAG_KINDS)
    [evidence] = re.findall(r"^Evidence is (.+?)\. ", PHONES_AND_PAIRS.read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", evidence)) == set(EVIDENCE)


# What an archive is told


@pytest.mark.enable_socket
def test_an_archive_is_asked_and_answers_as_shown() -> None:
    asked, answered = (json.loads(block) for block in blocks(ARCHIVES, "json"))
    hr, got = Flask("hr"), list[dict[str, Any]]()

    @hr.post("/records")
    def take() -> Any:
        assert {"Authorization", "Idempotency-Key"} <= set(request.headers.keys())
        got.extend(request.get_json()["records"])
        return answered

    ledger = deliverable("sqlite://")
    with ledger.read() as db:
        [one] = tell(db, [hour(1)])
    assert isinstance(one, Delivery)
    server = Served(hr, host="127.0.0.1", port=0)
    server.start()
    archive = RestArchive("hr", f"{server.url}/records", "a-key", clock=lambda: NINE)
    said = archive.push([replace(one, id=UUID(answer["id"])) for answer in answered["records"]])
    server.stop()
    ledger.close()

    assert [type(answer) for answer in said] == [Accepted, Declined]
    assert asked["records"][0].keys() <= got[0].keys()
    assert got[0].keys() - HourRecord.model_fields.keys() == {"sentence"}
    assert got[0]["course"].keys() - Course.model_fields.keys() == {"trainer_number"}


def test_every_state_of_a_delivery_is_explained() -> None:
    [states] = re.findall(r"## States\n\n((?:\|.*\n)+)", ARCHIVES.read_text())

    assert re.findall(r"^\| (\w+) \|", states, re.MULTILINE)[1:] == list(get_args(deliveries.State))


# What HR does


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Gateway, str]]:
    """Serve a gateway with Ann's hours, and Bo under review."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        company(db)
        attend(db, "ann")
        seen(db, "bo", "in", NINE)
    with ledger.begin() as db:
        evening(db, TWELVE + timedelta(hours=2))
    gateway = Gateway(ledger)
    server = Served(gateway.app, host="127.0.0.1", port=0)
    server.start()
    yield gateway, server.url
    server.stop()
    ledger.close()


def key(gateway: Gateway) -> str:
    header = gateway.key(scopes=["hours:read", "reviews:read"])
    return header["Authorization"].removeprefix("Bearer ")


def shape(value: Any) -> Any:
    """Reduce an answer to the names in it."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value[:1]] if isinstance(value, list) else None


def asked_and_answered(document: Path) -> Iterator[tuple[str, str]]:
    """Return each curl command with what the document shows below it."""
    for block in blocks(document, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, answer = part.partition("\n")
            if command.startswith("curl "):
                yield command, answer.strip()


@pytest.mark.enable_socket
def test_the_curl_examples_answer_as_shown(
    served: tuple[Gateway, str], program: Callable[[str], str], tmp_path: Path
) -> None:
    program("curl")
    gateway, url = served
    bearer = key(gateway)
    with gateway.ledger.begin() as db:
        chain.chain(db)
    page = gateway.get("/api/v1/hour-records", {"Authorization": f"Bearer {bearer}"}).get_json()
    shown = {
        "PATH": str(Path(program("curl")).parent),
        "TANDEM": url,
        "KEY": bearer,
        "CURSOR": page["next_cursor"],
        "ID": page["records"][0]["id"],
    }
    examples = list(asked_and_answered(ROOT / "docs/hr-api.md"))

    for command, answer in examples:
        typed = ["/bin/bash", "-c", command]
        got = subprocess.run(typed, env=shown, cwd=tmp_path, check=True, capture_output=True).stdout

        if "-sOJ" in command:
            assert not got
        elif answer:
            assert shape(json.loads(got)) == shape(json.loads(answer)), command
            assert json.loads(got).get("type") == json.loads(answer).get("type")
        else:
            [told] = blocks(ROOT / "docs/hr-api.md", "json")
            assert json.loads(told).keys() <= json.loads(got).keys()
            assert json.loads(told)["sentence"] == json.loads(got)["sentence"]
    assert len(examples) == 10
    assert sorted(path.name for path in tmp_path.glob("hour-records-*")) == [
        "hour-records-2026-10-21-to-2026-11-20.csv",
        "hour-records-2026-11.xlsx",
    ]


@pytest.mark.enable_socket
def test_the_line_that_is_shown_has_the_sum_that_is_shown(served: tuple[Gateway, str]) -> None:
    document = ROOT / "docs/hr-api.md"
    [shown] = [json.loads(answer) for command, answer in asked_and_answered(document) if "/sums" in command]
    [line] = blocks(document, "text")

    written = line.strip().replace("<TAB>", "\t").replace("<LF>", "\n")
    real = served[0].get("/api/v1/sums?day=2026-11-20", served[0].key()).get_json()

    assert shown["sums"] == real["sums"]
    assert shown["sums"][0]["sha256"] == hashlib.sha256(written.encode()).hexdigest()


def test_every_field_of_a_record_is_explained() -> None:
    document = ROOT / "docs/hr-api.md"
    [record] = json.loads(next(asked_and_answered(document))[1])["records"]

    table = document.read_text().partition("## Fields")[2].partition("## Corrections")[0]

    named = {name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == record.keys()


@pytest.mark.enable_socket
def test_the_reader_reads_everything_once_and_goes_on_later(served: tuple[Gateway, str], tmp_path: Path) -> None:
    gateway, url = served
    [reader, _] = blocks(ROOT / "docs/hr-api.md", "python")
    assert "1000" in reader
    turning_pages = reader.replace("1000", "1")
    told = {"TANDEM": url, "KEY": key(gateway)}
    run(turning_pages, tmp_path, **told)
    first = (tmp_path / "hour-records.jsonl").read_text().splitlines()
    run(turning_pages, tmp_path, **told)
    assert (tmp_path / "hour-records.jsonl").read_text().splitlines() == first

    with gateway.ledger.begin() as db:
        seen(db, "bo", "out", TWELVE)
        attend(db, "dora", session="west-7")
        evening(db, TWELVE + timedelta(hours=3))
    run(turning_pages, tmp_path, **told)

    held = [json.loads(line) for line in (tmp_path / "hour-records.jsonl").read_text().splitlines()]
    assert [record["person"] for record in held[: len(first)]] == ["ann"]
    assert sorted(record["person"] for record in held[len(first) :]) == ["bo", "dora"]


@pytest.mark.enable_socket
def test_the_checker_sees_what_was_changed_behind_the_feeds_back(served: tuple[Gateway, str], tmp_path: Path) -> None:
    gateway, url = served
    reader, checker = blocks(ROOT / "docs/hr-api.md", "python")
    with gateway.ledger.begin() as db:
        seen(db, "ann", "out", NINE + timedelta(hours=1))
        seen(db, "bo", "out", TWELVE)
        attend(db, "dora", session="west-7")
        evening(db, TWELVE + timedelta(hours=3))
    told = {"TANDEM": url, "KEY": key(gateway), "PYTHONPATH": str(ROOT)}
    run(reader, tmp_path, **told)
    assert '"kind": "reversal"' in (tmp_path / "hour-records.jsonl").read_text()

    def check() -> subprocess.CompletedProcess[str]:
        typed = [sys.executable, "-c", checker, "2026-11-20"]
        return subprocess.run(typed, cwd=tmp_path, env=told, capture_output=True, text=True, check=False)

    before = check()
    with gateway.ledger.begin() as db:
        db.execute(sa.text("DROP TRIGGER hour_records_no_update"))
        db.execute(sa.text("UPDATE hour_records SET minutes = minutes + 1 WHERE person_id = 'dora'"))
    after = check()

    assert (before.returncode, before.stdout) == (0, "2026-11-20 is the same in 2 regions.\n"), before.stderr
    assert after.returncode == 1
    assert "2026-11-20 is not the same" in after.stderr
