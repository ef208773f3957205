"""Who may do what: every route the application has, every way to come to it, held against one table.

A route that the table does not know fails, and so does a row whose route is gone. Routes of the API need no row: the
scope that their module publishes says whom they open to. Devices sign, which is nothing to a page and the other way
round; that signatures count is told elsewhere.
"""

import re
import sys
from collections.abc import Iterator, Mapping

import pytest
from flask_openapi3.blueprint import APIBlueprint
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

import gateway.rights
from gateway.api_keys import SCOPES as ALL_SCOPES
from gateway.api_keys import Scope
from gateway.web import create_app
from ledger.accounts import accounts
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.tables import RegionRow
from protocol import requests
from tests.gateway.cast import KEYS, NINE, Gateway
from tests.gateway.two_regions import EAST, WEST, WHO, World, elsewhere, gives_away, two_regions

# The address is always an eastern thing's; `there` looks from the west. A number is a status; `staff` and `phone` are
# led to where staff and learners sign in. Whoever is let in sends what changes nothing, and is told so (409, 422).
RIGHTS: dict[str, str] = {
    # endpoint                nobody closed learner another viewer there trainer there admin
    "static":                "200    200    200     200     200    200   200     200   200",
    "health":                "200    200    200     200     200    200   200     200   200",
    "openapi":               "200    200    200     200     200    200   200     200   200",
    "try_it":                "200    200    200     200     200    200   200     200   200",
    "swagger_file":          "404    404    404     404     404    404   404     404   404",
    "pages.home":            "302    302    302     302     302    302   302     302   302",
    "pages.sign_in":         "200    200    200     200     302    302   302     302   302",
    "pages.signing_in":      "400    400    400     400     400    400   400     400   400",
    "pages.sign_out":        "400    302    400     400     302    302   302     302   302",
    "pages.set_up":          "410    410    410     410     410    410   410     410   410",
    "pages.setting_up":      "422    422    422     422     422    422   422     422   422",
    "pages.by_link":         "200    200    200     200     200    200   200     200   200",
    "pages.coming_by_link":  "302    302    302     302     302    302   302     302   302",
    "pages.choose":          "200    200    200     200     200    200   200     200   200",
    "pages.choosing":        "422    422    422     422     422    422   422     422   422",
    "pages.day":             "staff  staff  403     403     200    404   200     404   200",
    "pages.board":           "401    401    403     403     200    404   200     404   200",
    "corrections.review":    "staff  staff  403     403     200    404   200     404   200",
    "corrections.learner":   "staff  staff  403     403     200    404   200     404   200",
    "corrections.decide":    "401    401    403     403     403    403   422     404   422",
    "tasks.all_tasks":       "staff  staff  403     403     200    404   200     404   200",
    "tasks.accept":          "401    401    403     403     403    403   409     404   409",
    "tasks.reject":          "401    401    403     403     403    403   422     404   422",
    "tasks.move_due":        "401    401    403     403     403    403   422     404   422",
    "tasks.file":            "phone  phone  200     404     200    404   200     404   200",
    "tasks.mine":            "phone  phone  200     200     phone  phone phone   phone phone",
    "tasks.hand_in":         "401    401    422     404     401    401   401     401   401",
    "inbox.read":            "phone  phone  200     200     phone  phone phone   phone phone",
    "inbox.marked":          "401    401    303     303     401    401   401     401   401",
    "presence.asked":        "401    401    204     204     401    401   401     401   401",
    "presence.answer":       "401    401    409     404     401    401   401     401   401",
    "archive.mine":          "phone  phone  200     200     phone  phone phone   phone phone",
    "archive.people":        "staff  staff  403     403     200    200   200     200   200",
    "archive.person":        "staff  staff  403     403     200    404   200     404   200",
    "reports.page":          "staff  staff  403     403     200    404   200     404   200",
    "reports.file":          "staff  staff  403     403     200    404   200     404   200",
    "session_page.code":     "staff  staff  403     403     403    403   200     404   200",
    "session_page.code_now": "401    401    403     403     403    403   200     404   200",
    "accounts.everybody":    "staff  staff  403     403     403    403   403     403   200",
    "accounts.create":       "401    401    403     403     403    403   403     403   422",
    "accounts.change":       "401    401    403     403     403    403   403     403   422",
    "accounts.close":        "401    401    403     403     403    403   403     403   409",
    "accounts.link":         "401    401    403     403     403    403   403     403   200",
    "badges.choose":         "staff  staff  403     403     403    403   403     403   200",
    "badges.sheet":          "401    401    403     403     403    403   403     403   422",
    "devices.everything":    "staff  staff  403     403     403    403   403     403   200",
    "devices.make_code":     "401    401    403     403     403    403   403     403   422",
    "devices.confirm":       "401    401    403     403     403    403   403     403   422",
    "devices.set_up":        "401    401    403     403     403    403   403     403   422",
    "devices.roll":          "401    401    403     403     403    403   403     403   409",
    "devices.revoke":        "401    401    403     403     403    403   403     403   303",
    "devices.write_off":     "401    401    403     403     403    403   403     403   422",
    "imports.everything":    "staff  staff  403     403     403    403   403     403   200",
    "imports.upload":        "401    401    403     403     403    403   403     403   422",
    "imports.sample":        "staff  staff  403     403     403    403   403     403   200",
    "imports.one":           "staff  staff  403     403     403    403   403     403   200",
    "imports.progress":      "401    401    403     403     403    403   403     403   200",
    "imports.land":          "401    401    403     403     403    403   403     403   409",
    "imports.drop":          "401    401    403     403     403    403   403     403   303",
    "phone.scanned":         "303    303    303     303     303    303   303     303   303",
    "phone.type_code":       "200    200    200     200     200    200   200     200   200",
    "phone.typed":           "403    403    403     403     403    403   403     403   403",
    "phone.check_in":        "403    403    200     403     403    403   403     403   403",
    "phone.back_to_it":      "302    302    302     302     302    302   302     302   302",
    "phone.sign_in_to":      "403    403    403     403     403    403   403     403   403",
    "phone.confirm":         "403    403    303     403     403    403   403     403   403",
    "phone.my":              "phone  phone  200     200     phone  phone phone   phone phone",
    "phone.badge":           "phone  phone  200     200     phone  phone phone   phone phone",
    "phone.sign_in":         "200    200    302     302     200    200   200     200   200",
    "phone.signing_in":      "400    400    400     400     400    400   400     400   400",
    "phone.sign_out":        "303    303    303     303     303    303   303     303   303",
}  # fmt: skip

THINGS: dict[str, dict[str, str]] = {
    "static": {"filename": "tandem.css"},
    "swagger_file": {"name": "nothing"},
    "pages.set_up": {"token": "nothing"},
    "pages.setting_up": {"token": "nothing"},
    "pages.by_link": {"token": "in"},
    "pages.coming_by_link": {"token": "in"},
    "pages.choose": {"token": "choose"},
    "pages.choosing": {"token": "choose"},
    "corrections.learner": {"id": "session", "person": "person"},
    "corrections.decide": {"id": "session", "person": "person"},
    "tasks.accept": {"id": "submission"},
    "tasks.reject": {"id": "submission"},
    "tasks.move_due": {"id": "part"},
    "tasks.file": {"id": "file"},
    "tasks.hand_in": {"part_id": "part"},
    "presence.answer": {"id": "check"},
    "archive.person": {"person": "archived person"},
    "reports.file": {"name": "partners", "form": "csv"},
    "session_page.code": {"id": "session"},
    "session_page.code_now": {"id": "session"},
    "accounts.change": {"id": "account"},
    "accounts.close": {"id": "account"},
    "accounts.link": {"id": "spare account"},
    "devices.confirm": {"id": "device"},
    "devices.set_up": {"id": "device"},
    "devices.roll": {"id": "revoked device"},
    "devices.revoke": {"id": "revoked device"},
    "devices.write_off": {"stream": "stream"},
    "imports.sample": {"kind": "people", "ending": "csv"},
    "imports.one": {"id": "import"},
    "imports.progress": {"id": "import"},
    "imports.land": {"id": "import"},
    "imports.drop": {"id": "import"},
    "phone.scanned": {"token": "code"},
    "phone.check_in": {"id": "ticket"},
    "phone.back_to_it": {"id": "ticket"},
    "phone.sign_in_to": {"id": "ticket"},
    "phone.confirm": {"id": "ticket"},
}
"""What stands in the address of a route."""

OF_A_REGION = ("pages.day", "pages.board", "corrections.review", "tasks.all_tasks", "reports.page", "reports.file")
QUERIES = dict.fromkeys(OF_A_REGION, "?region=east")
"""Lists that can be of one region."""
FIELDS = {"inbox.marked": {"upto": "2020-01-01T00:00:00+00:00"}, "phone.confirm": {"direction": "in"}}
LOOKS_AT_THE_FORM_FIRST = ("pages.signing_in", "phone.typed", "phone.signing_in")
SENDS_NO_FORM = ("pages.signing_in", "phone.signing_in")
"""To be told that a password or PIN is wrong takes long, on purpose; to be told that the form is shows as much."""
ENDS = ("pages.sign_out", "phone.sign_out")

OF_THE_KEY = {"import_state_api.look", "import_state_api.land", "import_state_api.drop"}
"""A key sees its own imports and no other; the scope is that of their kind, which test_imports_api tells."""
API_THINGS = {
    "hour-records": "record",
    "sessions": "order-101",
    "people": "1001",
    "rooms": "room-1",
    "regions": "east",
    "programs": "sales",
    "pairs": "ann-bo",
    "tasks": "spring-orders",
    "submissions": "submission",
    "parts": "part",
    "closed-months": "east",
    "devices": "device",
}
"""An eastern thing of each kind; the API names them as it likes, so what is not here is only tried with no thing."""
UNKNOWN = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_regions(tmp_path_factory.mktemp("rights")) as made:
        yield made


def rules(world: World) -> list[Rule]:
    return list(world.gateway.app.url_map.iter_rules())


def is_api(world: World, endpoint: str) -> bool:
    return isinstance(world.gateway.app.blueprints.get(endpoint.rpartition(".")[0]), APIBlueprint)


def is_device(endpoint: str) -> bool:
    return endpoint.startswith("device.")


def path(world: World, rule: Rule) -> str:
    given = {argument: world.thing(name) for argument, name in THINGS.get(rule.endpoint, {}).items()}
    built = re.sub(r"<(?:\w+:)?(\w+)>", lambda place: given[place[1]], rule.rule)
    return built + QUERIES.get(rule.endpoint, "")


def expected(endpoint: str) -> dict[str, str]:
    columns = RIGHTS[endpoint].split()
    assert len(columns) == len(WHO), endpoint
    return dict(zip(WHO, columns, strict=True))


def form(world: World, who: str, endpoint: str) -> dict[str, str]:
    return world.form(who, endpoint) | FIELDS.get(endpoint, {})


def outcome(answer: TestResponse) -> str:
    """Say an answer in the table's words."""
    looked = answer.request.method in ("GET", "HEAD")
    if looked and answer.status_code == 302 and answer.location.partition("?")[0] in ("/sign-in", "/my/sign-in"):
        return "phone" if answer.location.startswith("/my/") else "staff"
    return str(answer.status_code)


def refused(outcome: str) -> bool:
    return outcome in ("staff", "phone", "401", "403", "404")


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


# Pages


def test_the_table_knows_every_route_and_no_other(world: World) -> None:
    pages = {rule.endpoint for rule in rules(world) if not is_api(world, rule.endpoint)}

    assert {endpoint for endpoint in pages if not is_device(endpoint)} == RIGHTS.keys()


@pytest.mark.parametrize("endpoint", RIGHTS)
def test_a_route_opens_to_those_of_its_row(world: World, endpoint: str) -> None:
    found = {}
    for rule in world.gateway.app.url_map.iter_rules(endpoint):
        for method in methods(rule):
            for who in WHO:
                if endpoint in ENDS:
                    world.come(who)
                fields = None if method == "GET" or endpoint in SENDS_NO_FORM else form(world, who, endpoint)
                found[who] = outcome(world.ask(who, method, path(world, rule), fields))
    if endpoint in ENDS:
        for who in WHO:
            world.come(who)

    assert found == expected(endpoint)


@pytest.mark.parametrize("endpoint", RIGHTS)
def test_looking_first_opens_no_more_than_asking(world: World, endpoint: str) -> None:
    """HEAD and OPTIONS are answered for every route, whether or not it was written with them in mind."""
    wrong = []
    for rule in world.gateway.app.url_map.iter_rules(endpoint):
        for who, right in expected(endpoint).items():
            head = outcome(world.ask(who, "HEAD", path(world, rule)))
            options = outcome(world.ask(who, "OPTIONS", path(world, rule)))
            if "GET" in methods(rule) and refused(right) and head != right:
                wrong.append((who, "HEAD", head))
            if options not in ("200", "401", "403") or (options == "200" and right in ("staff", "401")):
                wrong.append((who, "OPTIONS", options))

    assert wrong == []


@pytest.mark.parametrize("endpoint", [name for name, row in RIGHTS.items() if "404" in row and name != "swagger_file"])
def test_a_thing_of_another_region_answers_like_one_that_is_not_there(world: World, endpoint: str) -> None:
    nothing, differ = elsewhere(world), []
    for rule in world.gateway.app.url_map.iter_rules(endpoint):
        for who in (who for who, right in expected(endpoint).items() if right == "404"):
            method, there, nowhere = methods(rule)[0], path(world, rule), path(nothing, rule).replace("=east", "=moon")
            fields = None if method == "GET" else world.form(who, endpoint)
            foreign, unknown = (world.ask(who, method, place, fields) for place in (there, nowhere))
            if said(foreign, there) != said(unknown, nowhere):
                differ.append(who)

    assert differ == []


def said(answer: TestResponse, place: str) -> tuple[int, str]:
    """Return what an answer tells, but for the address that was asked for."""
    return answer.status_code, answer.text.replace(place.partition("?")[0], "")


def test_nothing_is_changed_by_a_form_that_is_not_ours(world: World) -> None:
    wrong = []
    for rule in rules(world):
        endpoint = rule.endpoint
        if endpoint not in RIGHTS or methods(rule) == ["GET"]:
            continue
        for who, right in expected(endpoint).items():
            if refused(right) and endpoint not in LOOKS_AT_THE_FORM_FIRST:
                continue
            for form in ({}, {"form": "0" * 64}):
                answer = world.ask(who, "POST", path(world, rule), form | FIELDS.get(endpoint, {}))
                if answer.status_code != 400:
                    wrong.append((endpoint, who, answer.status_code))

    assert wrong == []


def test_a_key_and_a_signature_are_nothing_to_a_page(world: World) -> None:
    shown = {**world.gateway.key(scopes=ALL_SCOPES), requests.DEVICE: "east", requests.SIGNATURE: "A" * 88}

    found = {
        rule.endpoint: outcome(world.ask("nobody", method, path(world, rule), headers=shown))
        for rule in rules(world)
        for method in methods(rule)
        if rule.endpoint in RIGHTS and refused(expected(rule.endpoint)["nobody"])
    }

    # Forms of the phone are looked at after the ticket, and everything that is sent without a form is refused anyhow.
    assert {endpoint: got for endpoint, got in found.items() if got != "400"} == {
        endpoint: expected(endpoint)["nobody"] for endpoint, got in found.items() if got != "400"
    }


# Lists and counts


@pytest.mark.parametrize("path", ["/day", "/day/board", "/tasks", "/review", "/archive"])
@pytest.mark.parametrize("role", ["viewer", "trainer"])
def test_lists_leave_out_what_lies_in_another_region(world: World, role: str, path: str) -> None:
    east, west = (world.ask(who, "GET", path).text for who in (role, f"{role} elsewhere"))

    assert [word for word in WEST if gives_away(word, east)] + [word for word in EAST if gives_away(word, west)] == []
    assert any(gives_away(word, east) for word in EAST)
    assert any(gives_away(word, west) for word in WEST)


@pytest.mark.parametrize("who", ["viewer elsewhere", "trainer elsewhere", "another"])
def test_no_page_gives_another_region_away(world: World, who: str) -> None:
    pages = [rule for rule in rules(world) if rule.endpoint in RIGHTS and not rule.arguments]
    told = {rule.rule: world.ask(who, "GET", rule.rule).text for rule in pages if "GET" in methods(rule)}

    assert [(path, word) for path, page in told.items() for word in EAST if gives_away(word, page)] == []


@pytest.mark.parametrize("path", ["/day", "/tasks", "/review", "/archive"])
def test_an_admin_finds_both_regions(world: World, path: str) -> None:
    page = world.ask("admin", "GET", path).text

    assert any(gives_away(word, page) for word in EAST)
    assert any(gives_away(word, page) for word in WEST)


def test_the_archive_has_a_regions_people_and_of_them_the_hours_they_have_there(world: World) -> None:
    """The nomad is from the west and was in the east; the pilgrim is from the east and was in both, and in a pair."""
    listed = [
        [name for name in ("Nina Nomad", "Pia Pilgrim") if name in world.ask(who, "GET", "/archive").text]
        for who in ("viewer", "viewer elsewhere", "admin")
    ]
    nomad = [world.ask(who, "GET", "/archive/nomad").status_code for who in ("viewer", "viewer elsewhere")]
    some, all_of_it = (world.ask(who, "GET", "/archive/pilgrim").text for who in ("viewer", "admin"))

    assert listed == [["Pia Pilgrim"], [], ["Nina Nomad", "Pia Pilgrim"]]
    assert nomad == [404, 200]
    assert "<small>h</small>" not in world.ask("viewer", "GET", "/archive").text
    assert ["学时" in some, "<small>h</small>" in some, "<small>h</small>" in all_of_it] == [True, False, True]
    assert ["Joint hours" in some, "Joint hours" in all_of_it] == [False, True]
    assert "Joint hours" in world.ask("viewer", "GET", "/archive/ann").text


@pytest.mark.parametrize(
    "who, counts", [("admin", ["2", "2"]), ("viewer", ["1", "1"]), ("trainer elsewhere", ["1", "1"])]
)
def test_counts_leave_out_what_lies_in_another_region(world: World, who: str, counts: list[str]) -> None:
    page = world.ask(who, "GET", "/tasks").text

    assert re.findall(r'class="t-count"[^>]*>(\d+)', page) == counts
    assert re.findall(r'class="count wait">(\d+)', page) == counts[:1]


def test_an_account_that_is_for_some_regions_is_no_admin(world: World) -> None:
    """Nobody can make such an account; if one were there, it would look after no others."""
    with world.gateway.ledger.begin() as db:
        admin = next(row for row in accounts(db) if row.role == "admin")
        admin.regions = ["east"]

    answers = [world.ask("admin", "GET", path).status_code for path in ("/accounts", "/day?region=west", "/day")]
    with world.gateway.ledger.begin() as db:
        next(row for row in accounts(db) if row.role == "admin").regions = None

    assert answers == [403, 404, 200]


# Default deny


def test_a_route_that_does_not_say_who_may_use_it_opens_to_nobody(world: World) -> None:
    made = world.gateway
    app = create_app(made.ledger, KEYS, made.settings, made.clock)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    cookie = {"Cookie": f"tandem={world.cookies['admin']['tandem']}"}

    answer = app.test_client(use_cookies=False).get("/forgotten", headers=cookie)

    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_a_part_of_the_api_that_asks_for_no_key_opens_to_nobody(world: World) -> None:
    made = world.gateway
    app = create_app(made.ledger, KEYS, made.settings, made.clock)
    api = APIBlueprint("forgotten", __name__, url_prefix="/api/v1")
    api.get("/forgotten")(lambda: "secret")
    app.register_api(api)

    answer = app.test_client().get("/api/v1/forgotten", headers=made.key(scopes=ALL_SCOPES))

    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_every_row_of_the_gateways_own_table_has_its_route(world: World) -> None:
    named = {rule.endpoint for rule in rules(world)} | world.gateway.app.blueprints.keys()

    assert gateway.rights.RIGHTS.keys() <= named


# Programs


def scopes() -> dict[str, Scope]:
    """Return the scope of each route, as the modules of the API publish them."""
    published = [getattr(module, "SCOPES", None) for name, module in sys.modules.items() if name.startswith("gateway.")]
    return {endpoint: scope for table in published if isinstance(table, Mapping) for endpoint, scope in table.items()}


def api_rules(world: World) -> list[Rule]:
    return [rule for rule in rules(world) if is_api(world, rule.endpoint)]


def test_every_route_of_the_api_says_its_scope_and_no_scope_is_left_over(world: World) -> None:
    assert {rule.endpoint for rule in api_rules(world)} - OF_THE_KEY == scopes().keys()


def call(world: World, rule: Rule, method: str, key: Mapping[str, str], thing: str = UNKNOWN) -> TestResponse:
    built = re.sub(r"<(?:\w+:)?(\w+)>", thing, rule.rule, count=1)
    built = re.sub(r"<(?:\w+:)?(\w+)>", UNKNOWN, built)
    client = world.gateway.app.test_client(use_cookies=False)
    return client.open(built, method=method, json=None if method == "GET" else {}, headers=key, buffered=True)


def test_the_api_opens_to_a_key_with_the_routes_scope_and_to_nothing_else(world: World) -> None:
    known, wrong = scopes(), []
    right = {scope: world.gateway.key(scopes=[scope]) for scope in ALL_SCOPES}
    lacking = {scope: world.gateway.key(scopes=sorted(set(ALL_SCOPES) - {scope})) for scope in ALL_SCOPES}
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in world.cookies["admin"].items())}
    for rule in (rule for rule in api_rules(world) if rule.endpoint in known):
        for method in methods(rule):
            scope = known[rule.endpoint]
            given = [cookies, lacking[scope], right[scope]]
            statuses = [call(world, rule, method, key).status_code for key in given]
            if statuses[:2] != [401, 403] or statuses[2] in (401, 403) or statuses[2] >= 500:
                wrong.append((rule.endpoint, method, statuses))

    assert wrong == []


def test_an_import_is_there_for_the_key_that_handed_it_in_and_for_no_other(world: World) -> None:
    key, other = world.gateway.key(scopes=ALL_SCOPES), world.gateway.key(scopes=ALL_SCOPES)
    with world.gateway.ledger.begin() as db:
        made_by = f"key:{key['Authorization'].split('_')[1]}"
        db.add(ImportRow(id="theirs", kind="people", state="dropped", made_by=made_by, made_at=NINE, ended_at=NINE))

    found = {
        rule.endpoint: [call(world, rule, methods(rule)[0], shown, "theirs").status_code for shown in ({}, other, key)]
        for rule in api_rules(world)
        if rule.endpoint in OF_THE_KEY
    }

    assert found == {
        "import_state_api.look": [401, 404, 200],
        "import_state_api.land": [401, 404, 409],
        "import_state_api.drop": [401, 404, 200],
    }


def test_the_api_shows_a_key_nothing_of_another_region(world: World) -> None:
    east, west = (world.gateway.key(scopes=ALL_SCOPES, regions=[region]) for region in ("east", "west"))
    wrong, seen = [], set()
    for rule in api_rules(world):
        kind = rule.rule.removeprefix("/api/v1/").partition("/")[0]
        thing = API_THINGS.get(kind)
        if not rule.arguments or thing is None:
            continue
        for method in methods(rule):
            foreign = call(world, rule, method, west, world.thing(thing))
            if foreign.status_code < 400:
                wrong.append((rule.endpoint, method, foreign.status_code))
            own = call(world, rule, method, east, world.thing(thing)) if method == "GET" else None
            if own is not None and own.status_code == 200 and foreign.status_code != 404:
                wrong.append((rule.endpoint, method, foreign.status_code))
            if own is not None and own.status_code == 200:
                seen.add(kind)

    assert wrong == []
    assert {"hour-records", "sessions", "people", "pairs", "tasks", "devices"} <= seen


def test_the_lists_of_the_api_leave_out_what_lies_in_another_region(world: World) -> None:
    west = world.gateway.key(scopes=ALL_SCOPES, regions=["west"])

    lists = [rule for rule in api_rules(world) if not rule.arguments and "GET" in methods(rule)]
    told = {rule.endpoint: call(world, rule, "GET", west).text for rule in lists}

    words = (*EAST, '"ann"', '"bo"', '"east"', "ann-bo", "spring-orders")
    assert [(endpoint, word) for endpoint, text in told.items() for word in words if gives_away(word, text)] == []


def test_a_device_route_opens_to_nobody_who_does_not_sign(world: World) -> None:
    key = world.gateway.key(scopes=ALL_SCOPES)
    answers = {
        (rule.endpoint, who): world.ask(who, method, re.sub(r"<[^>]+>", UNKNOWN, rule.rule), headers=key).status_code
        for rule in rules(world)
        if is_device(rule.endpoint)
        for method in methods(rule)
        for who in WHO
    }

    assert {route: status for route, status in answers.items() if status not in (400, 401)} == {}


# A company of one's own


def test_an_account_without_a_region_that_is_left_sees_nothing(world: World) -> None:
    ledger = Ledger("sqlite://")
    alone = Gateway(ledger)
    with ledger.begin() as db:
        db.add(RegionRow(id="moon", name="Moon", zone="UTC", rule="cn-45"))
        db.flush()
        made = gateway.accounts.create(db, "mo", None, role="trainer", regions=["moon"], actor="test", now=NINE)
        token = gateway.accounts.sign_in(db, made, now=NINE)
    with ledger.begin() as db:
        db.delete(db.get_one(RegionRow, "moon"))

    page = alone.app.test_client(use_cookies=False).get("/day", headers={"Cookie": f"tandem={token}"})
    ledger.close()

    assert page.status_code == 200
    assert "No region has been set up yet" in page.text
