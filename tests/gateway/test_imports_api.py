"""Programs bring things in: as items of one request, or as a file that is checked first."""

import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from gateway.import_desk import MOST_WAITING, Desk
from gateway.import_forms import KINDS
from gateway.import_limits import MOST_BYTES
from gateway.web import DESK
from ledger import imports
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.tables import PersonRow, SessionRow
from tandem.serving import Served
from tests.gateway.cast import NINE, Gateway, company
from tests.gateway.imports_cast import lines, people_file, staged

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs/imports.md"
ALL = ["people:write", "plan:write", "pairs:write", "facts:write"]
NEW = {"number": "5", "name": "Five", "role": "clerk", "region": "east"}
COURSE = {"course": "order-entry"}
FILE = lines("number,name,role,region", "5,Five,clerk,east", "1001,Ann Li,clerk,east")
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def key(gateway: Gateway) -> dict[str, str]:
    """Make a key that may bring everything in."""
    return gateway.key(scopes=ALL)


def desk(gateway: Gateway) -> Desk:
    found: Desk = gateway.app.extensions[DESK]
    return found


def send(gateway: Gateway, kind: str, key: dict[str, str], *items: dict[str, Any]) -> TestResponse:
    return gateway.browser().post(f"/api/v1/{kind}", json={"items": list(items)}, headers=key)


def hand_in(gateway: Gateway, key: dict[str, str], data: bytes = FILE, kind: str = "people") -> str:
    """Hand a file in, wait until it has been read, and return the import's id."""
    answer = gateway.browser().post(f"/api/v1/imports/{kind}", data=data, headers=key | CSV)
    assert answer.status_code == 202, answer.text
    desk(gateway).finish()
    return str(answer.json["id"])  # type: ignore[index]  # it has a body


def look(gateway: Gateway, key: dict[str, str], id: str) -> Any:
    answer = gateway.get(f"/api/v1/imports/{id}", key)
    assert answer.status_code == 200, answer.text
    return answer.json


def people(gateway: Gateway) -> set[str]:
    with gateway.ledger.read() as db:
        return set(db.scalars(sa.select(PersonRow.number)))


# Items


def test_items_come_in_and_the_same_once_more_changes_nothing(gateway: Gateway, key: dict[str, str]) -> None:
    ann = {"number": "1001", "name": "Ann Wang", "role": "clerk", "region": "east"}

    first, again = (send(gateway, "people", key, NEW, ann) for _ in range(2))

    assert (first.status_code, first.json) == (200, {"added": 1, "changed": 1, "unchanged": 0})
    assert again.json == {"added": 0, "changed": 0, "unchanged": 2}
    with gateway.ledger.read() as db:
        [act, _] = db.execute(
            sa.select(AuditRow.actor, AuditRow.details).where(AuditRow.act == "people imported")
        ).all()
    assert act.actor.startswith("key:")
    assert act.details == {"added": 1, "changed": 1}


@pytest.mark.parametrize(
    "items, errors",
    [
        ([NEW, NEW | {"number": "6", "region": "moon"}], {"items.1.region": "There is no region with this id."}),
        ([NEW, NEW], {"items.1.number": "items.0 says this already; keep one."}),
        ([NEW | {"number": 5}], {"items.0.number": "Input should be a valid string"}),
        ([NEW | {"nmae": "x"}], {"items.0.nmae": "Extra inputs are not permitted"}),
        ([{"number": "5", "name": "X", "role": "clerk"}], {"items.0.region": "Field required"}),
        ([], {"items": "List should have at least 1 item after validation, not 0"}),
        ([NEW] * 1001, {"items": "List should have at most 1000 items after validation, not 1001"}),
    ],
    ids=["reference", "twice", "type", "misspelt", "missing", "none", "too many"],
)  # fmt: skip
def test_what_is_wrong_is_told_for_each_item_and_nothing_comes_in(
    gateway: Gateway, key: dict[str, str], items: list[Any], errors: dict[str, str]
) -> None:
    before = people(gateway)

    answer = send(gateway, "people", key, *items)

    assert answer.status_code == 422
    assert {one["parameter"]: one["detail"] for one in answer.json["errors"]} == errors  # type: ignore[index]
    assert people(gateway) == before


def test_every_kind_of_item_comes_in(gateway: Gateway, key: dict[str, str]) -> None:
    session = {"id": "s-1", "region": "east", "starts": "2026-11-23T09:00", "ends": "12:00"} | COURSE
    told: dict[str, list[dict[str, Any]]] = {
        "sessions": [session | {"breaks": ["10:30-10:45"], "weekdays": ["mon"], "times": 3.0}],
        "rosters": [{"session": "s-1-20261123", "number": "1001"}],
        "scores": [
            {"number": "1001", "course": "order-entry", "kind": "test", "at": "2026-11-19T16:00", "points": "8"}
        ],
    }

    answers = {kind: send(gateway, kind, key, *items).json for kind, items in told.items()}

    added = {kind: answer["added"] for kind, answer in answers.items() if answer}
    assert added == {"sessions": 3, "rosters": 1, "scores": 1}


def test_a_key_of_a_region_brings_in_nothing_of_another_one(gateway: Gateway) -> None:
    western = gateway.key(scopes=ALL, regions=["west"])

    answers = [
        send(gateway, "people", western, NEW),
        send(gateway, "people", western, NEW | {"number": "1001", "region": "west"}),
        send(gateway, "rosters", western, {"session": "order-101", "number": "2001"}),
    ]

    told = [(answer.status_code, answer.json["errors"][0]["parameter"]) for answer in answers]  # type: ignore[index]
    assert told == [(422, "items.0.region"), (422, "items.0.number"), (422, "items.0.session")]
    assert send(gateway, "people", western, NEW | {"region": "west"}).status_code == 200


def test_two_megabytes_are_taken_and_no_more(gateway: Gateway, key: dict[str, str]) -> None:
    headers = key | {"Content-Type": "application/json"}

    large, deep = (
        gateway.browser().post("/api/v1/people", data=b"[" * n, headers=headers) for n in (2_100_000, 100_000)
    )

    assert (large.status_code, deep.status_code) == (413, 400)


# Files


def test_a_file_is_checked_looked_at_and_landed_once(gateway: Gateway, key: dict[str, str]) -> None:
    id = hand_in(gateway, key)
    checked = look(gateway, key, id)
    assert "5" not in people(gateway)

    landed, again = (gateway.browser().post(f"/api/v1/imports/{id}/land", headers=key) for _ in range(2))

    assert (checked["state"], checked["rows"], checked["added"], checked["changed"]) == ("ready", 2, 1, 0)
    assert checked["done"] == checked["size"] == len(FILE)
    assert (landed.status_code, landed.json["state"], again.json) == (200, "landed", landed.json)  # type: ignore[index]
    assert "5" in people(gateway)
    assert staged(gateway.ledger) == 0


@pytest.mark.parametrize(
    "body, media",
    [
        ({"data": FILE}, "text/csv; charset=utf-8"),
        ({"data": FILE}, "application/octet-stream"),
        ({"data": {"file": (io.BytesIO(FILE), "people.csv")}}, "multipart/form-data"),
    ],
    ids=["body", "bytes", "form"],
)
def test_a_file_comes_as_a_body_or_in_a_form(
    gateway: Gateway, key: dict[str, str], body: dict[str, Any], media: str
) -> None:
    answer = gateway.browser().post("/api/v1/imports/people", headers=key, content_type=media, **body)
    desk(gateway).finish()

    assert answer.status_code == 202
    assert look(gateway, key, answer.json["id"])["state"] == "ready"  # type: ignore[index]


@pytest.mark.parametrize(
    "media, body, status",
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", {"other": "x"}, 400),
        ("text/csv", b"x" * (MOST_BYTES + 1), 413),
    ],
)
def test_what_is_no_file_of_ours_is_refused(
    gateway: Gateway, key: dict[str, str], media: str, body: Any, status: int
) -> None:
    answer = gateway.browser().post("/api/v1/imports/people", data=body, headers=key, content_type=media)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    with gateway.ledger.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(ImportRow)) == 0


def test_errors_are_told_in_both_languages_and_nothing_lands(gateway: Gateway, key: dict[str, str]) -> None:
    id = hand_in(gateway, key, "工号,姓名,角色,地区\n5,五,老板,east\n".encode("gb18030"))

    told = look(gateway, key, id)
    landed = gateway.browser().post(f"/api/v1/imports/{id}/land", headers=key)

    [error] = told["errors"]
    assert (told["state"], error["line"], error["column"], error["code"]) == ("wrong", 2, "角色", "no_choice")
    assert error["text"]["zh"] == "只能填写以下之一：文员、储备经理、培训师。"
    assert landed.status_code == 409


def test_an_import_can_be_dropped_and_is_then_forgotten(gateway: Gateway, key: dict[str, str]) -> None:
    id = hand_in(gateway, key)

    dropped = gateway.browser().delete(f"/api/v1/imports/{id}", headers=key)
    landed = gateway.browser().post(f"/api/v1/imports/{id}/land", headers=key)

    assert (dropped.status_code, dropped.json["state"], landed.status_code) == (200, "dropped", 409)  # type: ignore[index]
    assert staged(gateway.ledger) == 0


def test_a_key_sees_its_own_imports_only_and_with_their_scope(gateway: Gateway, key: dict[str, str]) -> None:
    """What the table of rights cannot say: the scope is that of what the file was handed in as."""
    id = hand_in(gateway, key)
    other = gateway.key(scopes=ALL)
    # Nobody can make such an import; if there were one, it would not open.
    plan = gateway.key(scopes=["plan:write"])
    with gateway.ledger.begin() as db:
        imports.get(db, id).made_by = f"key:{plan['Authorization'].split('_')[1]}"

    def asked(headers: dict[str, str] | None) -> list[int]:
        asked = (("GET", ""), ("POST", "/land"), ("DELETE", ""))
        address = f"/api/v1/imports/{id}"
        return [gateway.browser().open(address + end, method=m, headers=headers).status_code for m, end in asked]

    assert (asked(other), asked(plan), asked(None)) == ([404] * 3, [403] * 3, [401] * 3)


# Reading goes on beside everything else


def test_so_many_files_wait_and_no_more(gateway: Gateway, key: dict[str, str]) -> None:
    reader, held = desk(gateway), Event()
    reader._read = lambda job: held.wait(20)  # type: ignore[assignment]
    statuses = [
        gateway.browser().post("/api/v1/imports/people", data=FILE, headers=key | CSV) for _ in range(MOST_WAITING + 2)
    ]

    held.set()
    reader.finish()

    refused = statuses[-1]
    assert [answer.status_code for answer in statuses] == [202] * (MOST_WAITING + 1) + [503]
    assert refused.headers["Retry-After"] == "60"


def test_what_a_restart_has_broken_off_says_so_and_can_be_dropped(gateway: Gateway, key: dict[str, str]) -> None:
    with gateway.ledger.begin() as db:
        made_by = f"key:{key['Authorization'].split('_')[1]}"
        id = imports.begin(db, "people", size=10, made_by=made_by, now=NINE).id

    told = look(gateway, key, id)
    dropped = gateway.browser().delete(f"/api/v1/imports/{id}", headers=key)

    assert told["state"] == "broken_off"
    assert dropped.json["state"] == "dropped"  # type: ignore[index]


def test_who_stops_leaves_the_import_in_hand_and_closes_the_door(gateway: Gateway, key: dict[str, str]) -> None:
    reader = desk(gateway)
    with people_file(5000) as file:
        id = reader.take("people", file, by="key:x", regions=None)

    reader.stop()

    late = gateway.browser().post("/api/v1/imports/people", data=FILE, headers=key | CSV)
    assert late.status_code == 503
    with gateway.ledger.read() as db:
        row = imports.get(db, id)
    assert row.state in ("reading", "ready")
    assert row.state == "ready" or reader.is_lost(row)


def test_a_fault_of_ours_is_not_blamed_on_the_file(gateway: Gateway, key: dict[str, str]) -> None:
    def break_down(job: object) -> None:
        raise RuntimeError("a fault")

    reader = desk(gateway)
    reader._read = break_down  # type: ignore[method-assign]

    told = look(gateway, key, hand_in(gateway, key))

    assert (told["state"], told["errors"][0]["code"]) == ("wrong", "fault")
    assert "our fault" in told["errors"][0]["text"]["en"]


# What the document shows


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Gateway, str]]:
    """Serve a gateway from a file."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        company(db)
    made = Gateway(ledger)
    server = Served(made.app, host="127.0.0.1", port=0)
    server.start()
    yield made, server.url
    server.stop()
    desk(made).stop()
    ledger.close()


@pytest.mark.enable_socket
def test_the_curl_examples_do_what_the_document_says(
    served: tuple[Gateway, str], program: Callable[[str], str], tmp_path: Path
) -> None:
    made, url = served
    curl = program("curl")
    (tmp_path / "people.csv").write_text(re.findall("```csv\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0])
    typed = re.findall(r"^\$ (curl .+)$", DOCUMENT.read_text(), re.MULTILINE)
    shown = {"PATH": str(Path(curl).parent), "TANDEM": url, "KEY": made.key(scopes=ALL)["Authorization"].split()[1]}

    answers = []
    for command in typed:
        done = subprocess.run(
            ["/bin/bash", "-c", command], env=shown, cwd=tmp_path, check=True, capture_output=True, text=True
        )
        answers.append(json.loads(done.stdout))
        shown["ID"] = answers[-1].get("id", "")
        desk(made).finish()

    items, _, checked, landed = answers
    assert items == {"added": 0, "changed": 0, "unchanged": 1}
    assert (checked["state"], landed["state"], landed["changed"]) == ("ready", "landed", 2)


def test_the_document_lists_every_field_under_its_headings() -> None:
    rows = re.findall(r"^\| (\w*) ?\| `(\w+)` \| (.+?) \| (.+?) \|", DOCUMENT.read_text(), re.MULTILINE)

    listed, kind = [], ""
    for named, field, english, chinese in rows:
        kind = named or kind
        listed.append((kind, field, english, chinese))

    assert listed == [(kind.name, one.field, one.en, one.zh) for kind in KINDS.values() for one in kind.columns]


def test_sessions_are_there_after_a_file_of_them(gateway: Gateway, key: dict[str, str]) -> None:
    file = lines("session,course,region,starts,ends", "s-1,order-entry,east,2026-11-23 09:00,12:00")
    id = hand_in(gateway, key, file, "sessions")

    gateway.browser().post(f"/api/v1/imports/{id}/land", headers=key)

    with gateway.ledger.read() as db:
        assert db.get_one(SessionRow, "s-1").methods == ["session_code"]
