"""Accounts: admins give them, their owners choose the password, roles and regions hold at once, closing ends all."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway import accounts, admin
from ledger.account_tables import AccountRow, AuditRow, LinkRow, WebSessionRow
from ledger.database import Ledger
from ledger.refusals import NotPossible, TooLate
from tests.gateway.cast import NINE, Gateway, company
from tests.gateway.pair_cast import as_learner, as_staff, send, token

CHOSEN = "a sentence works well"


@pytest.fixture
def ada(gateway: Gateway) -> FlaskClient:
    """Open the browser of the only admin."""
    return as_staff(gateway, "admin", "ada")


def create(browser: FlaskClient, login: str = "tina", **fields: str | list[str]) -> TestResponse:
    """Send the form of a new account."""
    given: dict[str, str | list[str]] = {"login": login, "role": "trainer", "reach": "some", "region": ["east"]}
    return send(browser, "/accounts", "/accounts", **(given | fields))


def link_on(page: TestResponse, gateway: Gateway) -> str:
    """Read the path of the link off the page."""
    found = re.search(r"<output>(\S+)</output>", page.text)
    assert found, page.text
    return found[1].removeprefix(gateway.settings.url)


def row(gateway: Gateway, login: str = "tina") -> AccountRow:
    with gateway.ledger.read() as db:
        return db.scalars(sa.select(AccountRow).where(AccountRow.login == login)).one()


def acts(gateway: Gateway, thing: str) -> list[tuple[str, str]]:
    """Return what the audit says was done with an account: who, what."""
    with gateway.ledger.read() as db:
        found = db.scalars(sa.select(AuditRow).where(AuditRow.thing == thing).order_by(AuditRow.id))
        return [(row.actor, row.act) for row in found]


# New accounts


def test_an_account_is_made_by_an_admin_and_its_password_by_its_owner(gateway: Gateway, ada: FlaskClient) -> None:
    path = link_on(create(ada, " Tina"), gateway)
    tina = gateway.browser()

    chosen = send(tina, path, path, password=CHOSEN, again=CHOSEN)

    assert (chosen.status_code, chosen.location) == (302, "/day")
    assert "Ann Li" in tina.get("/day").text
    assert tina.get("/day?region=west").status_code == 404
    later = gateway.browser()
    assert send(later, "/sign-in", "/sign-in", login="tina", password=CHOSEN).status_code == 302
    who = f"account:{row(gateway, 'ada').id}"
    assert acts(gateway, row(gateway).id)[:2] == [(who, "account created"), (who, "link made")]
    assert [act for _, act in acts(gateway, row(gateway).id)[2:]] == ["password chosen", "signed in", "signed in"]


def test_the_audit_of_accounts_names_no_login(gateway: Gateway, ada: FlaskClient) -> None:
    create(ada)

    with gateway.ledger.read() as db:
        told = " ".join(f"{act.actor} {act.act} {act.thing} {act.details}" for act in db.scalars(sa.select(AuditRow)))
    assert "account created" in told
    assert "tina" not in told
    assert "ada" not in told


@pytest.mark.parametrize(
    "fields, status, said",
    [
        pytest.param({"login": ""}, 422, "1 to 64 characters", id="no login"),
        pytest.param({"login": "a\nb"}, 422, "1 to 64 characters", id="unprintable"),
        pytest.param({"login": "x" * 65}, 422, "1 to 64 characters", id="too long"),
        pytest.param({"login": "ADA"}, 409, "Somebody has this login", id="taken"),
        pytest.param({"role": "owner"}, 422, "choose a role", id="no such role"),
        pytest.param({"role": ""}, 422, "choose a role", id="no role"),
        pytest.param({"region": []}, 422, "at least one region", id="no region"),
        pytest.param({"reach": "", "region": []}, 422, "at least one region", id="nothing chosen"),
        pytest.param({"region": ["moon"]}, 404, "nothing here", id="no such region"),
        pytest.param({"role": "admin"}, 422, "An admin has every region", id="admin of a region"),
    ],
)
def test_what_makes_no_sense_is_explained_and_makes_no_account(
    gateway: Gateway, ada: FlaskClient, fields: dict[str, str | list[str]], status: int, said: str
) -> None:
    answer = create(ada, **fields)  # type: ignore[arg-type]

    assert answer.status_code == status
    assert said in answer.text
    with gateway.ledger.read() as db:
        assert list(db.scalars(sa.select(AccountRow.login))) == ["ada"]
        assert list(db.scalars(sa.select(LinkRow))) == []


def test_a_form_that_comes_back_has_what_was_chosen_and_nothing_wider(ada: FlaskClient) -> None:
    page = create(ada, "ada", region=["west"]).text

    form = page.split('class="t-card c-new"')[1]
    assert re.findall(r'value="(\w+)"(?: required)? (?:checked|selected)', form) == ["trainer", "some", "west"]


def test_a_new_link_ends_the_earlier_one_and_lets_a_forgotten_password_go(gateway: Gateway, ada: FlaskClient) -> None:
    first = link_on(create(ada), gateway)
    id = row(gateway).id

    second = link_on(send(ada, "/accounts", f"/accounts/{id}/link"), gateway)

    assert gateway.browser().get(first).status_code == 410
    assert gateway.browser().get(second).status_code == 200


# Changes


def test_other_regions_and_another_role_hold_from_the_next_request_on(gateway: Gateway, ada: FlaskClient) -> None:
    tao = as_staff(gateway, "trainer", "tao", regions=["east"])
    id = row(gateway, "tao").id
    before = tao.get("/day").text

    done = send(ada, "/accounts", f"/accounts/{id}", role="viewer", reach="some", region=["west"])

    assert done.location == "/accounts?done=changed"
    after = tao.get("/day").text
    assert ("Ann Li" in before, "Ann Li" in after, "Dora West" in after) == (True, False, True)
    assert "Show the code" in before
    assert tao.get("/session/west-7/code").status_code == 403
    with gateway.ledger.read() as db:
        [details] = db.scalars(sa.select(AuditRow.details).where(AuditRow.act == "account changed"))
    assert details == {
        "role": "viewer", "regions": ["west"], "before": {"role": "trainer", "regions": ["east"]},
    }  # fmt: skip


@pytest.mark.parametrize("act", ["", "/close"])
def test_the_last_admin_stays(gateway: Gateway, ada: FlaskClient, act: str) -> None:
    id = row(gateway, "ada").id

    answer = send(ada, "/accounts", f"/accounts/{id}{act}", role="trainer", reach="all")

    assert answer.status_code == 409
    assert "This is the last admin" in answer.text
    assert (row(gateway, "ada").role, row(gateway, "ada").closed_at) == ("admin", None)


@pytest.mark.parametrize("act", ["", "/close"])
def test_an_admin_may_go_when_there_is_another_one(gateway: Gateway, ada: FlaskClient, act: str) -> None:
    as_staff(gateway, "admin", "ines")
    id = row(gateway, "ada").id

    send(ada, "/accounts", f"/accounts/{id}{act}", role="trainer", reach="all")

    assert ada.get("/accounts").status_code == (302 if act else 403)


def test_a_closed_admin_is_no_admin_to_rely_on(gateway: Gateway, ada: FlaskClient) -> None:
    as_staff(gateway, "admin", "ines")
    send(ada, "/accounts", f"/accounts/{row(gateway, 'ines').id}/close")

    answer = send(ada, "/accounts", f"/accounts/{row(gateway, 'ada').id}/close")

    assert answer.status_code == 409


def test_of_two_admins_who_close_each_other_at_once_one_stays(database: str) -> None:
    ledger = Ledger(database)
    with ledger.begin() as db:
        company(db)
        one, other = (
            accounts.create(db, login, None, role="admin", actor="test", now=NINE).id for login in ("ada", "ines")
        )

    def close_the_other() -> None:
        with ledger.begin() as db:
            accounts.close(db, other, actor=one, now=NINE)

    with ThreadPoolExecutor(1) as pool:
        with ledger.begin() as db:
            accounts.close(db, one, actor=other, now=NINE)
            waits = pool.submit(close_the_other)
        refusal = waits.exception(30)

    with ledger.read() as db:
        left = list(db.scalars(sa.select(AccountRow.login).where(AccountRow.closed_at.is_(None))))
    ledger.close()
    assert isinstance(refusal, TooLate)
    assert left == ["ines"]


# The end of an account


def test_a_closed_account_is_signed_out_at_once_and_opens_nothing_any_more(gateway: Gateway, ada: FlaskClient) -> None:
    with gateway.ledger.begin() as db:
        id = admin.account_create(db, "tao", CHOSEN, role="trainer", actor="test", now=NINE)["account"]
    tao = as_staff(gateway, "trainer", "tao")
    path = link_on(send(ada, "/accounts", f"/accounts/{id}/link"), gateway)

    send(ada, "/accounts", f"/accounts/{id}/close")

    assert tao.get("/day").location == "/sign-in"
    assert gateway.browser().get(path).status_code == 410
    wrong = send(gateway.browser(), "/sign-in", "/sign-in", login="tao", password=CHOSEN)
    assert (wrong.status_code, "Login or password is wrong" in wrong.text) == (403, True)
    with gateway.ledger.read() as db:
        assert db.query(WebSessionRow).filter_by(account_id=id).count() == 0
        assert db.query(LinkRow).filter_by(account_id=id).count() == 0


@pytest.mark.parametrize("act", ["", "/close", "/link"])
def test_nothing_more_is_done_with_a_closed_account(gateway: Gateway, ada: FlaskClient, act: str) -> None:
    as_staff(gateway, "trainer", "tao")
    id = row(gateway, "tao").id
    send(ada, "/accounts", f"/accounts/{id}/close")

    answer = send(ada, "/accounts", f"/accounts/{id}{act}", role="admin", reach="all")

    assert answer.status_code == 409
    assert row(gateway, "tao").role == "trainer"
    assert create(ada, "tao").status_code == 409


@pytest.mark.parametrize("act", ["", "/close", "/link"])
def test_an_account_that_is_not_there_is_not_found(ada: FlaskClient, act: str) -> None:
    assert send(ada, "/accounts", f"/accounts/nobody{act}", role="viewer", reach="all").status_code == 404


# The page


def test_the_page_lists_everybody_and_says_who_has_no_password_yet(gateway: Gateway, ada: FlaskClient) -> None:
    create(ada)
    as_staff(gateway, "viewer", "vera")
    send(ada, "/accounts", f"/accounts/{row(gateway, 'vera').id}/close")
    with gateway.ledger.begin() as db:
        db.execute(sa.update(AccountRow).where(AccountRow.login == "ada").values(password_hash="chosen"))

    cards = {
        found[1]: card
        for card in ada.get("/accounts").text.split('<li class="t-card')[1:]
        if (found := re.search(r"<h2>(\w+)", card))
    }

    assert list(cards) == ["ada", "tina", "vera"]
    assert "no password yet" in cards["tina"]
    assert ">East</span>" in cards["tina"]
    assert "no password yet" not in cards["ada"]
    assert ">closed</span>" in cards["vera"]
    assert "c-change" not in cards["vera"]


def test_the_page_speaks_chinese(ada: FlaskClient) -> None:
    page = ada.get("/accounts?lang=zh").text

    assert "新建账号" in page
    assert "管理员" in page


def test_a_login_is_text_and_never_markup(ada: FlaskClient) -> None:
    page = create(ada, "<b>tina").text

    assert "&lt;b&gt;tina" in page
    assert "<b>" not in page


@pytest.mark.parametrize("role", ["viewer", "trainer", "admin"])
def test_only_admins_are_led_to_the_page(gateway: Gateway, role: str) -> None:
    browser = as_staff(gateway, role, "vera")

    led = ['href="/accounts"' in browser.get(path).text for path in ("/day", "/tasks", "/archive")]

    assert led == [role == "admin"] * 3


def test_a_learner_who_goes_astray_is_led_back_to_their_own_pages(gateway: Gateway) -> None:
    learner = as_learner(gateway)

    astray = learner.get("/accounts")

    assert astray.status_code == 403
    assert 'href="/my/tasks"' in astray.text
    assert learner.get("/").location == "/my"


def test_a_link_is_shown_once_and_kept_nowhere(gateway: Gateway, ada: FlaskClient) -> None:
    page = create(ada)
    secret = link_on(page, gateway).rpartition("/")[2]

    with gateway.ledger.read() as db:
        stored = [found.token_hash for found in db.scalars(sa.select(LinkRow))]
    assert page.headers["Cache-Control"] == "no-store"
    assert secret not in ada.get("/accounts").text
    assert secret not in stored


# From the command line


def test_what_is_not_named_stays(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        admin.account_create(db, "tina", role="trainer", regions=["east"], actor="console", now=NINE)

    with gateway.ledger.begin() as db:
        wider = admin.account_set(db, "tina", regions=["west", "east", "west"], actor="console", now=NINE)
        viewer = admin.account_set(db, "Tina ", role="viewer", actor="console", now=NINE)
        everywhere = admin.account_set(db, "tina", everywhere=True, actor="console", now=NINE)
        promoted = admin.account_set(db, "tina", role="admin", actor="console", now=NINE)

    assert [(one["role"], one["regions"]) for one in (wider, viewer, everywhere, promoted)] == [
        ("trainer", ["east", "west"]), ("viewer", ["east", "west"]), ("viewer", None), ("admin", None),
    ]  # fmt: skip


def test_a_region_that_is_not_there_is_named(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db, pytest.raises(NotPossible, match="no region moon; there are east, west"):
        admin.account_create(db, "tina", role="viewer", regions=["moon"], actor="console", now=NINE)


def test_forms_of_other_pages_do_not_change_accounts(gateway: Gateway, ada: FlaskClient) -> None:
    vera = as_staff(gateway, "viewer", "vera")
    stolen = token(vera.get("/tasks").text)

    answer = ada.post("/accounts", data={"form": stolen, "login": "eve", "role": "admin", "reach": "all"})

    assert answer.status_code == 400
