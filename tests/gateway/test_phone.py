"""The phone's way from a code to a receipt, and every way in which it ends before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from attendance.assurance import METHODS
from gateway import admin, session_code
from gateway.settings import GatewaySettings
from ledger.database import Ledger
from ledger.tables import CheckInRow, DirtyDayRow, SessionRow, TicketRow
from protocol.records import CheckInRecord
from tests.gateway.cast import NINE, TODAY, TWELVE, Gateway, evening, seen, session, staff
from tests.gateway.phones import PINS, Phone, entered, give_pins, pair_up, receipt_of, token

SOON = NINE - timedelta(minutes=2)


@pytest.fixture
def hall(gateway: Gateway) -> Gateway:
    """Open the doors two minutes before nine; the cast has PINs and is a pair."""
    gateway.clock.now = SOON
    with gateway.ledger.begin() as db:
        give_pins(db)
        pair_up(db)
    return gateway


def tickets(gateway: Gateway) -> int:
    with gateway.ledger.read() as db:
        return db.query(TicketRow).count()


def change(gateway: Gateway, **fields: object) -> None:
    with gateway.ledger.begin() as db:
        for name, value in fields.items():
            setattr(db.get_one(SessionRow, "order-101"), name, value)


# The way


def test_a_scan_a_pin_and_a_button_are_a_check_in(hall: Gateway) -> None:
    phone = Phone(hall)

    place = phone.scan()
    signed_in = phone.sign_in(place, "ann")
    page = phone.get(place).text
    confirmed = phone.confirm(place, direction="in")
    receipt = phone.get(place)

    assert (signed_in.location, confirmed.location) == (place, place)
    for words in ("Order entry", "Room 1", "09:00–12:00", "Ann Li", "Clerk", "Check me in", "08:58"):
        assert words in page
    assert "You are checked in" in receipt.text
    [row] = entered(hall)
    assert (row.person_id, row.session_id, row.direction, row.verdict) == ("ann", "order-101", "in", "admitted")
    assert (row.method, row.at, row.flags, row.stream, row.seq) == ("session_code", SOON, [], None, None)
    assert place == f"/check-in/{row.id}"
    assert receipt_of(receipt) == session_code.receipt(hall.keys.session, row.id)


def test_the_record_is_kept_as_it_was_judged_and_the_day_is_settled(hall: Gateway) -> None:
    Phone(hall).check_in("ann", direction="in")

    [row] = entered(hall)
    record = CheckInRecord.read(row.line)
    assert (record.id, record.at, record.learner, record.stream) == (row.id, SOON, "ann", None)
    assert b"seq" not in row.line
    with hall.ledger.read() as db:
        assert db.get(DirtyDayRow, ("ann", TODAY)) is not None


def test_in_and_out_by_phone_are_credited_hours(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.check_in("ann")
    hall.clock.now = TWELVE
    place = phone.scan()

    assert "Check me out" in phone.get(place).text
    phone.confirm(place)

    assert [row.direction for row in entered(hall)] == ["in", "out"]
    assert "You are checked out" in phone.get(place).text
    with hall.ledger.begin() as db:
        evening(db)
    [record] = hall.get("/api/v1/hour-records", hall.key()).get_json()["records"]
    assert (record["minutes"], record["credit"]) == (165, "3.5")


def test_the_token_leaves_the_address_at_once(hall: Gateway) -> None:
    phone, code = Phone(hall), token(hall)

    answer = phone.get(f"/c/{code}")
    page = phone.get(answer.location)

    assert code not in answer.location
    assert code not in page.text
    assert answer.headers["Cache-Control"] == page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_slow_sign_in_never_costs_the_check_in(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    hall.clock.now = SOON + timedelta(minutes=9, seconds=30)  # by now nine is over and the code has changed 57 times

    phone.sign_in(place, "ann")
    phone.confirm(place)

    [row] = entered(hall)
    assert (row.at, row.received_at, row.flags) == (SOON, hall.clock.now, [])


def test_who_comes_late_is_in_and_reads_that_it_was_late(hall: Gateway) -> None:
    hall.clock.now = NINE + timedelta(minutes=20)

    receipt = Phone(hall).check_in("ann")

    assert entered(hall)[0].flags == ["late"]
    assert "you are late" in receipt.text


@pytest.mark.parametrize(
    "did, words",
    [((), "not here yet"), (("in",), "in since 08:50"), (("in", "out"), "left at 08:51")],
    ids=["not yet", "in", "left"],
)
def test_the_partners_state_is_shown(hall: Gateway, did: tuple[str, ...], words: str) -> None:
    with hall.ledger.begin() as db:
        for minute, direction in enumerate(did):
            seen(db, "bo", direction, NINE - timedelta(minutes=10 - minute))
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")

    page = phone.get(place).text

    assert "Bo Wang" in page
    assert words in page


def test_who_has_no_partner_sees_none(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "stranger")

    assert "Your partner" not in phone.get(place).text


def test_in_the_middle_the_page_asks_and_records_the_answer(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.check_in("ann")
    hall.clock.now = NINE + timedelta(hours=1)
    place = phone.scan()

    page = phone.get(place).text
    unsaid = phone.confirm(place)
    said = phone.confirm(place, direction="out")

    assert "I am arriving" in page
    assert "I am leaving" in page
    assert "You have been in since 08:58." in page
    assert (unsaid.status_code, said.status_code) == (400, 303)
    assert [row.direction for row in entered(hall)] == ["in", "out"]


def test_the_typed_code_leads_to_the_same_place(hall: Gateway) -> None:
    phone = Phone(hall)
    code = session_code.typed(hall.keys.session, "order-101", hall.clock.now)

    answer = phone.send("/c", code=f"{code[:4]}-{code[4:].lower()}")
    phone.sign_in(answer.location, "ann")
    phone.confirm(answer.location)

    assert [row.person_id for row in entered(hall)] == ["ann"]


def test_the_pages_speak_chinese(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()

    asked = phone.get(f"{place}?lang=zh").text
    kept = phone.get(place).text
    preferred = Phone(hall).get("/c/nonsense", **{"Accept-Language": "zh-CN"}).text

    assert "订单录入" in asked
    assert "登录后签到" in kept
    assert "无法识别此签到码" in preferred


def test_the_receipt_leads_to_the_learners_other_pages(hall: Gateway) -> None:
    phone = Phone(hall)
    page = phone.check_in("ann").text

    for place in ("/my/tasks", "/my/inbox"):
        assert f'href="{place}"' in page
        assert phone.get(place).status_code == 200


# Twice is once


def test_the_same_ticket_twice_is_one_row_and_one_receipt(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")
    page = phone.get(place).text
    form = page.split('name="form" value="')[1].split('"')[0]

    first, again = (phone.post(place, form=form, direction="in") for _ in range(2))
    other_way = phone.post(place, form=form, direction="out")

    assert [answer.status_code for answer in (first, again, other_way)] == [303, 303, 303]
    assert receipt_of(phone.get(place)) == receipt_of(phone.get(place))
    assert [row.direction for row in entered(hall)] == ["in"]


def test_the_same_code_twice_in_one_browser_is_one_ticket(hall: Gateway) -> None:
    phone = Phone(hall)

    first = phone.scan()
    hall.clock.now += timedelta(seconds=4)
    second = phone.scan()

    assert first == second
    assert tickets(hall) == 1


def test_a_whole_class_uses_the_same_code(hall: Gateway) -> None:
    assert Phone(hall).scan() != Phone(hall).scan()


def test_a_receipt_can_be_looked_at_after_the_ticket_is_over(hall: Gateway) -> None:
    phone = Phone(hall)
    before = receipt_of(phone.check_in("ann"))
    hall.clock.now += timedelta(hours=2)

    [row] = entered(hall)

    assert receipt_of(phone.get(f"/check-in/{row.id}")) == before


# Codes that are not good


def test_an_expired_code_is_refused_with_what_to_do(hall: Gateway) -> None:
    old = token(hall)
    hall.clock.now += timedelta(seconds=20)

    answer = Phone(hall).get(f"/c/{old}")

    assert answer.status_code == 410
    assert "This code has changed since" in answer.text
    assert tickets(hall) == 0


def test_a_forwarded_code_is_worth_nothing_after_it_rotated(hall: Gateway) -> None:
    ann, code = Phone(hall), token(hall)
    assert ann.get(f"/c/{code}").status_code == 303
    hall.clock.now += timedelta(seconds=25)

    friend = Phone(hall, "203.0.113.9").get(f"/c/{code}")

    assert friend.status_code == 410


@pytest.mark.parametrize(
    "change_it",
    [
        pytest.param(lambda code: code[:-1] + ("A" if code[-1] != "A" else "Q"), id="altered"),
        pytest.param(lambda code: code.replace("order-101", "west-7"), id="other session's"),
        pytest.param(lambda code: code[:15], id="cut off"),
        pytest.param(lambda code: "订单", id="nonsense"),
    ],
)
def test_an_altered_code_is_refused(hall: Gateway, change_it: Callable[[str], str]) -> None:
    answer = Phone(hall).get(f"/c/{change_it(token(hall))}")

    assert answer.status_code == 400
    assert "This is not one of our codes" in answer.text
    assert tickets(hall) == 0


def test_the_code_of_a_cancelled_session_is_refused(hall: Gateway) -> None:
    change(hall, cancelled=True)

    answer = Phone(hall).get(f"/c/{token(hall)}")

    assert answer.status_code == 409
    assert "This session has been cancelled" in answer.text


@pytest.mark.parametrize(
    "at, status, words",
    [
        (NINE - timedelta(minutes=31), 409, "Check-in is not open yet"),
        (TWELVE + timedelta(minutes=31), 410, "This session is over"),
    ],
    ids=["too early", "over"],
)
def test_a_code_outside_of_the_window_is_refused(hall: Gateway, at: datetime, status: int, words: str) -> None:
    hall.clock.now = at

    answer = Phone(hall).get(f"/c/{token(hall)}")

    assert answer.status_code == status
    assert words in answer.text


def test_the_code_of_a_session_that_is_gone_is_refused(hall: Gateway) -> None:
    assert Phone(hall).get(f"/c/{token(hall, 'order-102')}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Purpose": "preview"}, {"X-Moz": "prefetch"}],
    ids=["chrome", "old chrome", "safari", "firefox"],
)
def test_a_program_that_looks_ahead_burns_nothing(hall: Gateway, headers: dict[str, str]) -> None:
    phone, code = Phone(hall), token(hall)

    looked = phone.get(f"/c/{code}", **headers)
    head = phone.client.head(f"/c/{code}")

    assert (looked.status_code, head.status_code) == (204, 204)
    assert tickets(hall) == 0
    assert phone.get(f"/c/{code}").status_code == 303


def test_a_program_that_looks_at_the_tickets_page_burns_nothing(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")

    phone.client.head(place)
    phone.get(place)

    assert entered(hall) == []


def test_a_typed_code_can_be_tried_five_times(hall: Gateway) -> None:
    phone = Phone(hall)
    good = session_code.typed(hall.keys.session, "order-101", hall.clock.now)
    wrong = [phone.send("/c", code="ABCD-2345") for _ in range(5)]

    sixth = phone.send("/c", code=good)
    neighbour = Phone(hall).send("/c", code=good)
    hall.clock.now += timedelta(minutes=15)
    later = phone.send("/c", code=session_code.typed(hall.keys.session, "order-101", hall.clock.now))

    assert [answer.status_code for answer in wrong] == [403] * 5
    assert "This code is not good now." in wrong[0].text
    assert (sixth.status_code, sixth.headers["Retry-After"]) == (429, "900")
    assert "Please try again in 15 min." in sixth.text
    assert (neighbour.status_code, later.status_code) == (303, 303)


def test_the_codes_of_sessions_far_away_are_not_looked_through(hall: Gateway) -> None:
    with hall.ledger.begin() as db:
        session(db, "tomorrow", people=("ann",), starts_at=NINE + timedelta(days=1))

    code = session_code.typed(hall.keys.session, "tomorrow", hall.clock.now)

    assert Phone(hall).send("/c", code=code).status_code == 403


# Tickets that are not good


def test_a_ticket_in_another_browser_is_refused(hall: Gateway) -> None:
    place = Phone(hall).scan()
    friend = Phone(hall, "203.0.113.9")
    friend.send("/my/sign-in", number="1002", pin=PINS["bo"])

    looked, sent = friend.get(place), friend.post(place, form="f00", direction="in")

    assert (looked.status_code, sent.status_code) == (403, 403)
    assert "This check-in belongs to another browser" in looked.text
    assert entered(hall) == []


def test_a_used_ticket_in_another_browser_shows_no_receipt(hall: Gateway) -> None:
    Phone(hall).check_in("ann")
    [row] = entered(hall)
    friend = Phone(hall)
    friend.send("/my/sign-in", number="1001", pin=PINS["ann"])

    assert friend.get(f"/check-in/{row.id}").status_code == 403


def test_a_ticket_is_over_after_ten_minutes(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")
    form = phone.get(place).text.split('name="form" value="')[1].split('"')[0]
    hall.clock.now = SOON + timedelta(minutes=10)
    assert phone.get(place).status_code == 200
    hall.clock.now += timedelta(seconds=1)

    looked, sent = phone.get(place), phone.post(place, form=form, direction="in")

    assert (looked.status_code, sent.status_code) == (410, 410)
    assert "Nothing was entered." in looked.text
    assert entered(hall) == []


def test_a_ticket_checks_in_one_person(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.check_in("ann")
    [row] = entered(hall)
    place = f"/check-in/{row.id}"
    phone.send("/my/sign-out", "/my")

    signed_out = phone.get(place)
    phone.send("/my/sign-in", number="1002", pin=PINS["bo"])
    other = phone.get(place)

    assert "Ann Li" not in signed_out.text
    assert (other.status_code, phone.post(place, form="f00").status_code) == (403, 403)
    assert len(entered(hall)) == 1


@pytest.mark.parametrize("id", [UUID(int=7), "nonsense", "ABCDEF00-0000-0000-0000-000000000000", "%00"])
def test_a_ticket_that_never_was_is_not_found(hall: Gateway, id: object) -> None:
    assert Phone(hall).get(f"/check-in/{id}").status_code == 404


def test_a_button_that_another_page_presses_does_nothing(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")

    answer = phone.post(place, direction="in")

    assert answer.status_code == 400
    assert entered(hall) == []


def test_without_signing_in_nothing_is_entered(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()

    answer = phone.post(place, direction="in")

    assert "Sign in to check in" in answer.text
    assert entered(hall) == []


def test_six_wrong_pins_end_at_the_door_and_the_ticket_stays(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    for _ in range(5):
        phone.sign_in(place, "ann", pin="111112")

    sixth = phone.sign_in(place, "ann")

    assert sixth.status_code == 429
    assert "Please try again in 15 min." in sixth.text
    assert "your trainer can enter you" in sixth.text
    assert entered(hall) == []


# What is entered and does not count


@pytest.mark.parametrize(
    "fields, who, reason, words",
    [
        pytest.param({}, "stranger", "not_on_roster", "You are not on the roster", id="not on the roster"),
        pytest.param(
            {"methods": [m for m in METHODS if m != "session_code"]}, "ann", "method_not_allowed",
            "does not take this way", id="method not allowed",
        ),
        pytest.param(
            {"least_assurance": "face"}, "ann", "assurance_too_low", "a surer proof", id="assurance too low"
        ),
        pytest.param({"ends_at": NINE - timedelta(minutes=5), "starts_at": NINE - timedelta(hours=1)}, "ann",
                     "session_over", "This session is over", id="came after the end"),
    ],
)  # fmt: skip
def test_who_is_refused_reads_why_and_may_have_it_entered(
    hall: Gateway, fields: dict[str, object], who: str, reason: str, words: str
) -> None:
    change(hall, **fields, breaks=[])
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, who)

    page = phone.get(place).text
    phone.confirm(place)
    receipt = phone.get(place).text

    assert "This will not count" in page
    assert words in page
    assert "Entered, but it does not count" in receipt
    assert words in receipt
    assert [row.verdict for row in entered(hall)] == [reason]


def test_a_session_cancelled_while_somebody_signs_in_is_refused_in_words(hall: Gateway) -> None:
    phone = Phone(hall)
    place = phone.scan()
    phone.sign_in(place, "ann")
    change(hall, cancelled=True)

    phone.confirm(place, direction="in")

    assert entered(hall)[0].verdict == "session_cancelled"
    assert "This session has been cancelled." in phone.get(place).text


# One phone for several people


def test_a_phone_that_checks_in_two_is_flagged_and_not_blocked(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.check_in("ann")
    phone.send("/my/sign-out", "/my")
    hall.clock.now += timedelta(seconds=30)
    phone.address = "10.1.0.8"

    receipt = phone.check_in("bo")

    assert [(row.person_id, row.verdict, row.flags) for row in entered(hall)] == [
        ("ann", "admitted", []), ("bo", "admitted", ["shared_phone"]),
    ]  # fmt: skip
    assert "Somebody else has checked in from this phone or network" in receipt.text


@pytest.mark.parametrize(
    "first, second, flags",
    [
        ("10.1.0.7", "10.1.0.7", ["shared_phone"]),
        ("10.1.0.7", "10.1.0.8", []),
        ("127.0.0.1", "127.0.0.1", []),
        ("2001:db8::1", "2001:db8::2", ["shared_phone"]),
        ("192.0.2.1", "192.0.2.1", []),
    ],
    ids=["one address", "two addresses", "this machine", "one IPv6 network", "an office behind one address"],
)
def test_two_browsers_at_one_address_are_flagged_unless_it_is_known_to_be_shared(
    ledger: Ledger, first: str, second: str, flags: list[str]
) -> None:
    with ledger.begin() as db:
        give_pins(db)
    settings = GatewaySettings.model_validate({"shared_addresses": ["127.0.0.0/8", "192.0.2.0/24"]})
    gateway = Gateway(ledger, settings)

    Phone(gateway, first).check_in("ann")
    gateway.clock.now += timedelta(seconds=1)
    Phone(gateway, second).check_in("bo")

    assert [row.flags for row in entered(gateway)] == [[], flags]


def test_checking_in_and_out_with_ones_own_phone_is_nothing_special(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.check_in("ann")
    hall.clock.now = TWELVE

    phone.check_in("ann")

    assert [row.flags for row in entered(hall)] == [[], []]


def test_addresses_and_browsers_are_kept_as_hashes(hall: Gateway) -> None:
    phone = Phone(hall)
    phone.scan()

    cookie = phone.client.get_cookie("tandem_browser")
    with hall.ledger.read() as db:
        [row] = db.query(TicketRow)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.value not in row.browser_hash
    assert len(row.address_hash) == len(row.browser_hash) == 64


def test_old_tickets_are_forgotten_and_check_ins_stay(hall: Gateway) -> None:
    Phone(hall).check_in("ann")
    hall.clock.now += timedelta(days=3)
    with hall.ledger.begin() as db:
        session(db, "order-102", people=("ann",), starts_at=hall.clock.now)

    Phone(hall).scan("order-102")

    assert tickets(hall) == 1
    with hall.ledger.read() as db:
        assert db.query(CheckInRow).count() == 1


# The wall


def trainer(gateway: Gateway, role: str = "trainer") -> Phone:
    """Sign a member of staff in."""
    with gateway.ledger.begin() as db:
        staff(db, role, role)
        link = str(admin.sign_in_link(db, role, gateway.settings, actor="test", now=gateway.clock.now)["url"])
    wall = Phone(gateway)
    wall.send(link.removeprefix(gateway.settings.url))
    return wall


def test_the_wall_shows_the_code_of_the_moment_and_no_other(hall: Gateway) -> None:
    wall = trainer(hall)

    now = wall.get("/session/order-101/code/now")
    page = wall.get("/session/order-101/code")

    typed = session_code.typed(hall.keys.session, "order-101", hall.clock.now)
    assert f"<span>{typed[:4]}</span><span>{typed[4:]}</span>" in now.text
    assert now.text.count("data:image/svg+xml;base64,") == 1
    assert "Room 1" in page.text
    assert now.headers["Cache-Control"] == page.headers["Cache-Control"] == "no-store"


def test_the_day_leads_to_the_code(hall: Gateway) -> None:
    assert 'href="/session/order-101/code"' in trainer(hall).get("/day").text
    assert 'href="/session/order-101/code"' not in trainer(hall, "viewer").get("/day").text


def test_only_trainers_and_admins_may_show_a_code(hall: Gateway) -> None:
    learner = Phone(hall)
    learner.send("/my/sign-in", number="1001", pin=PINS["ann"])

    assert Phone(hall).get("/session/order-101/code").location == "/sign-in"
    assert Phone(hall).get("/session/order-101/code/now").status_code == 401
    assert learner.get("/session/order-101/code").status_code == 403
    assert trainer(hall, "viewer").get("/session/order-101/code").status_code == 403
    assert trainer(hall, "admin").get("/session/order-101/code").status_code == 200


@pytest.mark.parametrize("id", ["order-102", "%00", "Order"])
def test_a_session_that_is_not_there_has_no_code(hall: Gateway, id: str) -> None:
    assert trainer(hall).get(f"/session/{id}/code").status_code == 404


@pytest.mark.parametrize(
    "fields, at, words",
    [
        ({}, NINE - timedelta(minutes=31), "Check-in opens at 08:30"),
        ({}, TWELVE + timedelta(minutes=31), "Check-in closed at 12:30"),
        ({"cancelled": True}, NINE, "This session has been cancelled"),
        ({"methods": ["face"]}, NINE, "This session does not take codes"),
        ({"least_assurance": "face"}, NINE, "This session does not take codes"),
    ],
    ids=["before", "after", "cancelled", "no codes", "surer proof"],
)
def test_there_is_no_code_when_it_would_not_be_taken(
    hall: Gateway, fields: dict[str, object], at: datetime, words: str
) -> None:
    change(hall, **fields)
    wall = trainer(hall)
    hall.clock.now = at
    if at > NINE:
        wall = Phone(hall)
        with hall.ledger.begin() as db:
            link = str(admin.sign_in_link(db, "trainer", hall.settings, actor="test", now=at)["url"])
        wall.send(link.removeprefix(hall.settings.url))

    page = wall.get("/session/order-101/code/now").text

    assert words in page
    assert "data:image" not in page


def test_the_wall_counts_who_is_in_late_and_missing(hall: Gateway) -> None:
    hall.clock.now = NINE + timedelta(minutes=20)
    wall = trainer(hall)
    Phone(hall).check_in("ann")

    page = wall.get("/session/order-101/code/now").text

    counts = [part.split("<")[0].strip() for part in page.split("<dd>")[1:]]
    assert counts == ["1", "1", "1", "0"]
