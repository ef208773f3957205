"""The pages: who may see them, how they are signed in to, and what the day says."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway import accounts, admin
from gateway.pages import PER_ACCOUNT
from gateway.problem import NotDone
from gateway.settings import GatewaySettings
from ledger.account_tables import AccountRow, WebSessionRow
from ledger.database import Ledger
from ledger.tables import DeviceRow
from tests.gateway.cast import NINE, PASSWORD, TWELVE, Gateway, Hands, Kiosk, attend, evening, seen, staff
from tests.sqlite import in_memory


@pytest.fixture
def ines(gateway: Gateway) -> Gateway:
    """Make an admin's account."""
    with gateway.ledger.begin() as db:
        staff(db, "ines", "admin")
    return gateway


def link(gateway: Gateway, kind: str = "in") -> str:
    """Make a one-time link to sign in, or to choose a password, and return its path."""
    make = admin.sign_in_link if kind == "in" else admin.account_link
    with gateway.ledger.begin() as db:
        made = make(db, "ines", gateway.settings, actor="test", now=gateway.clock.now)
    return str(made["url"]).removeprefix(gateway.settings.url)


def set_up_link(gateway: Gateway) -> str:
    """Make a set-up link and return its path."""
    with gateway.ledger.begin() as db:
        made = admin.set_up_link(db, gateway.settings, now=gateway.clock.now)
    assert made is not None
    return str(made["url"]).removeprefix(gateway.settings.url)


def signed_in(gateway: Gateway) -> FlaskClient:
    """Open a browser that has signed in."""
    browser = gateway.browser()
    assert send(browser, link(gateway)).status_code == 302
    return browser


def send(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page's form and send it."""
    page = browser.get(path).text
    found = re.search(r'name="form" value="(\w+)"', page)
    assert found, page
    return browser.post(path, data={"form": found[1], **fields})


# Set-up and sign-in


def test_the_set_up_link_makes_the_first_admin_and_is_used_up(gateway: Gateway) -> None:
    path, browser = set_up_link(gateway), gateway.browser()

    made = send(browser, path, login="Ines", password=PASSWORD, again=PASSWORD)

    assert (made.status_code, made.location) == (302, "/day")
    assert browser.get("/day").status_code == 200
    assert gateway.browser().get(path).status_code == 410
    with gateway.ledger.begin() as db:
        assert admin.set_up_link(db, gateway.settings, now=NINE) is None
        assert [(row.login, row.role) for row in db.query(AccountRow)] == [("ines", "admin")]


def test_a_second_set_up_link_does_nothing_once_there_is_an_admin(gateway: Gateway) -> None:
    first, second = set_up_link(gateway), set_up_link(gateway)
    browser = gateway.browser()
    form = browser.get(second).text
    send(gateway.browser(), first, login="ines", password=PASSWORD, again=PASSWORD)

    token = re.search(r'name="form" value="(\w+)"', form)
    late = browser.post(
        second, data={"form": token and token[1], "login": "eve", "password": PASSWORD, "again": PASSWORD}
    )

    assert late.status_code == 410


def test_a_set_up_link_is_over_after_a_day(gateway: Gateway) -> None:
    path = set_up_link(gateway)
    gateway.clock.now += timedelta(days=1, seconds=1)

    assert gateway.browser().get(path).status_code == 410


@pytest.mark.parametrize(
    "fields, said",
    [
        pytest.param({"password": "short", "again": "short"}, "12 characters or more", id="short"),
        pytest.param({"password": PASSWORD, "again": PASSWORD + "!"}, "not the same", id="differ"),
        pytest.param({"login": " ", "password": PASSWORD, "again": PASSWORD}, "1 to 64 characters", id="no login"),
    ],
)
def test_a_wrong_choice_is_explained_and_does_not_use_the_link(
    gateway: Gateway, fields: dict[str, str], said: str
) -> None:
    path = set_up_link(gateway)

    answer = send(gateway.browser(), path, **{"login": "ines", **fields})

    assert answer.status_code == 422
    assert said in answer.text
    assert gateway.browser().get(path).status_code == 200


def test_a_login_that_is_taken_does_not_use_the_link(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        staff(db, "ines", "trainer")
    path = set_up_link(gateway)

    taken = send(gateway.browser(), path, login="ines", password=PASSWORD, again=PASSWORD)
    other = send(gateway.browser(), path, login="ada", password=PASSWORD, again=PASSWORD)

    assert (taken.status_code, other.status_code) == (409, 302)


def test_login_and_password_open_the_day(gateway: Gateway) -> None:
    browser = gateway.browser()
    with gateway.ledger.begin() as db:
        admin.account_create(db, "ines", PASSWORD, role="admin", actor="test", now=NINE)

    answer = send(browser, "/sign-in", login=" Ines", password=PASSWORD)

    assert (answer.status_code, answer.location) == (302, "/day")
    assert "Order entry" in browser.get("/day").text


@pytest.mark.parametrize("login, password", [("ines", "wrong wrong wrong"), ("nobody", PASSWORD)])
def test_a_wrong_login_and_a_wrong_password_look_the_same(ines: Gateway, login: str, password: str) -> None:
    answer = send(ines.browser(), "/sign-in", login=login, password=password)

    assert answer.status_code == 403
    assert "Login or password is wrong." in answer.text


def test_who_guesses_passwords_has_to_wait(ines: Gateway) -> None:
    browser = ines.browser()
    for _ in range(PER_ACCOUNT):
        send(browser, "/sign-in", login="ines", password="wrong wrong wrong")

    stopped = send(browser, "/sign-in", login="ines", password=PASSWORD)
    ines.clock.now += timedelta(minutes=16)
    later = send(browser, "/sign-in", login="ines", password=PASSWORD)

    assert (stopped.status_code, later.status_code) == (429, 302)


@pytest.mark.parametrize("kind", ["in", "choose"])
def test_a_one_time_link_works_once(ines: Gateway, kind: str) -> None:
    path, browser = link(ines, kind), ines.browser()

    first = send(browser, path, password=PASSWORD, again=PASSWORD)
    second = ines.browser().get(path)

    assert (first.status_code, first.location, second.status_code) == (302, "/day", 410)
    assert browser.get("/day").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("kind", ["in", "choose", "set-up"])
def test_who_only_looks_behind_a_link_does_not_use_it_up(gateway: Gateway, kind: str, method: str) -> None:
    if kind != "set-up":
        with gateway.ledger.begin() as db:
            admin.account_create(db, "ines", PASSWORD, role="admin", actor="test", now=NINE)
    path = set_up_link(gateway) if kind == "set-up" else link(gateway, kind)
    fields = {"login": "ines", "password": PASSWORD, "again": PASSWORD}

    looked = [gateway.browser().open(path, method=method) for _ in range(3)]

    assert {answer.status_code for answer in looked} == {200}
    assert not any("tandem=" in text for answer in looked for text in answer.headers.getlist("Set-Cookie"))
    assert send(gateway.browser(), path, **fields).status_code == 302


def test_a_link_opens_nothing_but_what_it_was_made_for(ines: Gateway) -> None:
    tokens = {kind: link(ines, kind).rpartition("/")[2] for kind in ("in", "choose")}

    assert ines.browser().get(f"/choose/{tokens['in']}").status_code == 410
    assert ines.browser().get(f"/set-up/{tokens['choose']}").status_code == 410


def test_a_new_link_takes_the_place_of_the_earlier_one(ines: Gateway) -> None:
    first, second = link(ines, "choose"), link(ines, "choose")

    assert ines.browser().get(first).status_code == 410
    assert ines.browser().get(second).status_code == 200


def test_a_chosen_password_is_the_one_that_counts_and_signs_out_everywhere_else(ines: Gateway) -> None:
    elsewhere, chosen = signed_in(ines), "a sentence works well"

    send(ines.browser(), link(ines, "choose"), password=chosen, again=chosen)

    assert elsewhere.get("/day").location == "/sign-in"
    assert send(ines.browser(), "/sign-in", login="ines", password=PASSWORD).status_code == 403
    assert send(ines.browser(), "/sign-in", login="ines", password=chosen).status_code == 302


def test_a_wrong_password_does_not_use_the_link(ines: Gateway) -> None:
    path = link(ines, "choose")

    wrong = send(ines.browser(), path, password="short", again="short")

    assert wrong.status_code == 422
    assert "12 characters or more" in wrong.text
    assert ines.browser().get(path).status_code == 200


def test_nobody_signs_in_to_an_account_without_a_password(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        admin.account_create(db, "tina", role="viewer", actor="test", now=NINE)

    answers = [send(gateway.browser(), "/sign-in", login="tina", password=guess) for guess in ("", "x" * 12)]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_a_set_up_link_signs_nobody_in(gateway: Gateway) -> None:
    token = set_up_link(gateway).rpartition("/")[2]

    assert gateway.browser().get(f"/in/{token}").status_code == 410


def test_a_sign_in_link_for_nobody_is_not_made(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db, pytest.raises(NotDone, match="no account 'eve'"):
        admin.sign_in_link(db, "eve", gateway.settings, actor="test", now=NINE)


def test_signing_out_ends_the_web_session_for_good(ines: Gateway) -> None:
    browser = signed_in(ines)
    cookie = browser.get_cookie("tandem")
    page = browser.get("/day").text
    form = re.search(r'name="form" value="(\w+)"', page)

    browser.post("/sign-out", data={"form": form and form[1]})
    thief = ines.browser()
    thief.set_cookie("tandem", cookie.value if cookie else "")

    assert browser.get("/day").location == "/sign-in"
    assert thief.get("/day").location == "/sign-in"


def test_a_web_session_ends_by_itself(ines: Gateway) -> None:
    browser = signed_in(ines)
    ines.clock.now += accounts.SIGNED_IN

    assert browser.get("/day").location == "/sign-in"
    assert browser.get("/day/board").status_code == 401


def test_tokens_are_stored_hashed(ines: Gateway) -> None:
    browser = signed_in(ines)
    cookie = browser.get_cookie("tandem")

    with ines.ledger.read() as db:
        stored = [row.token_hash for row in db.query(WebSessionRow)]
    assert cookie is not None
    assert stored == [accounts.token_hash(cookie.value)]
    assert cookie.value not in stored


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_a_form_from_elsewhere_is_refused(ines: Gateway, path: str) -> None:
    browser = signed_in(ines)
    browser.get("/sign-in")

    without = browser.post(path, data={"login": "ines", "password": PASSWORD})
    wrong = browser.post(path, data={"form": "0" * 64, "login": "ines", "password": PASSWORD})

    assert (without.status_code, wrong.status_code) == (400, 400)


def test_cookies_are_for_us_alone(ledger: Ledger) -> None:
    settings = GatewaySettings(public_url="https://tandem.example")
    over_tls = Gateway(ledger, settings=settings, clock=Hands())
    with ledger.begin() as db:
        staff(db, "ines", "admin")

    answer = send(over_tls.browser(), link(over_tls))

    cookie = next(text for text in answer.headers.getlist("Set-Cookie") if text.startswith("__Host-tandem="))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/day", "/", "/sign-in", "/nowhere", "/api/", "/api/v1/hour-records"])
def test_every_answer_says_what_a_browser_may_do(ines: Gateway, path: str) -> None:
    answer = ines.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert ("unsafe-inline" in policy) is (path == "/api/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_needs_inline_script_or_style(ines: Gateway) -> None:
    browser = signed_in(ines)

    pages = [browser.get(path).text for path in ("/day", "/day/board", "/nowhere")] + [ines.get("/sign-in").text]

    for page in pages:
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


# The day


def test_only_who_has_signed_in_sees_the_day(ines: Gateway) -> None:
    assert ines.get("/day").location == "/sign-in"
    assert ines.get("/day/board").status_code == 401


def row_of(page: str, name: str) -> str:
    """Return the row of one learner."""
    return next(row for row in page.split('<li class="seat') if f"<strong>{name}</strong>" in row)


def test_the_day_shows_who_is_in_late_and_missing(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        seen(db, "ann", "in", NINE + timedelta(minutes=12), flags=("late",))
    ines.clock.now = NINE + timedelta(minutes=20)

    page = signed_in(ines).get("/day").text

    assert "Friday, 20 November 2026" in page
    assert ">Late</span>" in row_of(page, "Ann Li")
    assert ">09:12</time>" in row_of(page, "Ann Li")
    assert ">Not here</span>" in row_of(page, "Bo Wang")


@pytest.mark.parametrize(
    "minutes, said",
    [(-20, "Expected"), (5, "Expected"), (6, "Not here"), (180, "Not here"), (181, "Absent")],
)
def test_who_has_not_come_is_missing_after_the_grace(ines: Gateway, minutes: int, said: str) -> None:
    ines.clock.now = NINE + timedelta(minutes=minutes)

    page = signed_in(ines).get("/day/board").text

    assert f">{said}</span>" in row_of(page, "Ann Li")


def test_the_day_shows_hours_with_their_reason(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        attend(db, "ann")
        evening(db)
    ines.clock.now = TWELVE + timedelta(hours=1)

    row = row_of(signed_in(ines).get("/day").text, "Ann Li")

    assert "3.5 <small>学时</small>" in row
    assert "Present 165 of 165 minutes" in row


def test_hours_that_were_taken_back_are_not_shown(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        seen(db, "ann", "in", NINE + timedelta(minutes=20))
        seen(db, "ann", "out", TWELVE)
        evening(db)
    with ines.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
        evening(db)

    page = signed_in(ines).get("/day").text

    assert "Present 165 of 165" in page
    assert "Present 145" not in page


def test_the_day_shows_what_somebody_has_to_decide(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        seen(db, "bo", "in", NINE)
        evening(db)
    ines.clock.now = TWELVE + timedelta(hours=1)

    page = signed_in(ines).get("/day").text

    assert ">To decide</span>" in row_of(page, "Bo Wang")
    assert "There is a check-in but no check-out" in page


def test_who_was_refused_is_shown_with_the_reason(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        seen(db, "stranger", "in", NINE, verdict="not_on_roster")
        seen(db, None, "in", NINE, session=None, verdict="unknown_badge", badge="f00")
        seen(db, "ann", "in", NINE, verdict="revoked_badge")

    page = signed_in(ines).get("/day").text

    panel = page.split('data-part="refused"')[1]
    assert "Sam Stranger" in panel
    assert "You are not on the roster of this session." in panel
    assert "Unknown person" in panel
    assert ">Revoked badge</span>" in panel


def test_names_are_text_and_never_markup(ines: Gateway) -> None:
    with ines.ledger.begin() as db:
        db.execute(sa.update(AccountRow).values(login="<b>ines"))

    browser = ines.browser()
    with ines.ledger.begin() as db:
        path = admin.sign_in_link(db, "<b>ines", ines.settings, actor="test", now=NINE)["url"]
    page = browser.get(str(path).removeprefix(ines.settings.url)).text
    send(browser, str(path).removeprefix(ines.settings.url))

    assert "&lt;b&gt;ines" in page
    assert "&lt;b&gt;ines" in browser.get("/day").text


def test_the_fleet_says_who_is_silent_and_what_waits(ines: Gateway, kiosk: Kiosk) -> None:
    with ines.ledger.begin() as db:
        device = db.get_one(DeviceRow, kiosk.id)
        device.seen_at, device.state = NINE, {"count": 7}

    ines.clock.now = NINE + timedelta(seconds=90)
    fresh = signed_in(ines).get("/day").text
    ines.clock.now = NINE + timedelta(minutes=5)
    stale = signed_in(ines).get("/day").text

    assert "In contact" in fresh
    assert "7 waiting to be sent" in fresh
    assert "Silent" in stale
    assert "seen 5 min ago" in stale


@pytest.mark.parametrize(
    ("trouble", "text"),
    [("disk_full", "Disk full"), ("trouble_of_tomorrow", "Shows a problem on its screen")],
    ids=["ours", "a newer kiosk's"],
)
def test_the_fleet_says_what_troubles_a_kiosk(ines: Gateway, kiosk: Kiosk, trouble: str, text: str) -> None:
    with ines.ledger.begin() as db:
        device = db.get_one(DeviceRow, kiosk.id)
        device.seen_at, device.state = NINE, {"count": 0, "trouble": trouble}

    assert text in signed_in(ines).get("/day").text


def test_each_region_has_its_own_day(ines: Gateway) -> None:
    ines.clock.now = NINE - timedelta(hours=2)  # seven in Shanghai, midnight in Berlin
    browser = signed_in(ines)

    east, west = browser.get("/day").text, browser.get("/day?region=west").text

    assert "Ann Li" in east
    assert "Dora West" not in east
    assert "Dora West" in west
    assert ">02:00</time>" in west


@pytest.mark.parametrize(
    "path, status",
    [
        ("/day?region=moon", 404), ("/day?date=2026-02-30", 400), ("/nowhere", 404), ("/day?date=9999-12-31", 400),
        ("/day?date=0001-01-01", 400),
    ],
)  # fmt: skip
def test_a_wrong_address_gets_a_page_that_says_so(ines: Gateway, path: str, status: int) -> None:
    answer = signed_in(ines).get(path)

    assert answer.status_code == status
    assert answer.content_type.startswith("text/html")


def test_the_pages_speak_chinese(ines: Gateway) -> None:
    browser = signed_in(ines)

    asked = browser.get("/day?lang=zh").text
    kept = browser.get("/day").text
    preferred = ines.get("/sign-in", {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}).text

    assert "2026年11月20日 星期五" in asked
    assert "订单录入" in kept
    assert "登录" in preferred


def test_an_unchanged_board_is_not_sent_again(ines: Gateway) -> None:
    browser = signed_in(ines)
    etag = browser.get("/day/board").headers["ETag"]

    same = browser.get("/day/board", headers={"If-None-Match": etag})
    with ines.ledger.begin() as db:
        seen(db, "ann", "in", NINE)
    changed = browser.get("/day/board", headers={"If-None-Match": etag})

    assert (same.status_code, changed.status_code) == (304, 200)


def test_a_company_without_a_region_has_a_page_too() -> None:
    ledger = in_memory()
    gateway = Gateway(ledger)
    with ledger.begin() as db:
        staff(db, "ines", "admin")

    page = signed_in(gateway).get("/day").text
    ledger.close()

    assert "No region has been set up yet" in page
